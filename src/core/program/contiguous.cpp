// The contiguous path: a lowered program over contiguous memory, with nothing to bind. Where small work spends its time, so
// that it has no tables but those on the stack, and finds forms as it goes.
#include <algorithm>

#include "program/arena.h"
#include "program/program.h"

namespace pb {

namespace {

// More values than any row of the table has; longer programs take the general way.
constexpr size_t kContiguousValues = 48;

void contiguous_blocks(const Lowered& p, const ContiguousSource* sources, void* const* outputs, int64_t n) {
    struct {
        char* base;
        int32_t step;
        bool single;
    } places[kContiguousValues];
    Slot singles[kContiguousValues];
    int64_t block = std::min(n, block_elements(p.width));
    size_t bytes = (static_cast<size_t>(block) * p.width + 63) / 64 * 64;
    char* registers = arena((static_cast<size_t>(p.register_count) + 3) * bytes);
    char* blocks = registers + static_cast<size_t>(p.register_count) * bytes;  // of single operands
    size_t v = 0, inputs = static_cast<size_t>(p.inputs);
    for (; v < inputs; ++v) {
        bool single = sources[v].single;
        places[v] = {const_cast<char*>(static_cast<const char*>(sources[v].data)),
                     single ? 0 : static_cast<int32_t>(item_size(p.values[v].type)), single && n > 1};
    }
    for (size_t past = p.values.size(); v < past; ++v) {
        const Value& value = p.values[v];
        if (value.kind == Value::Number) {
            places[v] = {const_cast<char*>(p.numbers[static_cast<size_t>(value.at)].bytes), 0, n > 1};
            continue;
        }
        const Step& s = p.steps[static_cast<size_t>(value.at)];
        bool single = n > 1;
        for (int k = 0; k < s.arity; ++k) single = single && places[s.in[k]].single;
        places[v] = {single ? singles[v].bytes : registers + static_cast<size_t>(p.registers[v]) * bytes, 0,
                     single};
    }
    for (size_t o = 0; o < p.outputs.size(); ++o) {
        int16_t v = p.outputs[o];
        places[v] = {static_cast<char*>(outputs[o]), static_cast<int32_t>(item_size(p.type(v))), false};
    }
    for (int64_t at = 0; at < n; at += block) {
        int64_t m = std::min(block, n - at);
        for (const Step& s : p.steps) {
            const void* in[3];
            unsigned single = 0;
            for (int k = 0; k < s.arity; ++k) {
                const auto& place = places[s.in[k]];
                in[k] = place.base + place.step * at;
                single |= static_cast<unsigned>(place.single) << k;
            }
            const auto& out = places[s.out];
            char* to = out.base + out.step * at;
            if (out.single) {  // once is enough
                if (at == 0) s.kernels[0](in, to, 1);
                continue;
            }
            BlockKernel form = s.form(single);
            for (int k = 0; !form && k < s.arity; ++k) {
                if (!(single >> k & 1)) continue;
                char* full = blocks + static_cast<size_t>(k) * bytes;
                kernels().fill[size_index(p.type(s.in[k]))](in[k], full, m);
                in[k] = full;
            }
            (form ? form : s.kernels[0])(in, to, m);
        }
    }
}

}  // namespace

void execute_contiguous(const Lowered& p, const ContiguousSource* sources, void* const* outputs, int64_t n) {
    if (p.steps.size() == 1 && p.numbers.empty()) {
        const Step& s = p.steps[0];
        const void* in[3];
        unsigned single = 0;
        for (int k = 0; k < s.arity; ++k) {
            in[k] = sources[s.in[k]].data;
            single |= static_cast<unsigned>(sources[s.in[k]].single) << k;
        }
        if (BlockKernel form = n == 1 ? s.kernels[0] : s.form(single)) return form(in, outputs[0], n);
    }
    contiguous_blocks(p, sources, outputs, n);
}

bool fits_contiguous(const Lowered& p) {
    if (p.values.size() > kContiguousValues) return false;
    // Every output is the result of a step of its own.
    for (size_t o = 0; o < p.outputs.size(); ++o) {
        if (p.value(p.outputs[o]).kind != Value::Result) return false;
        for (size_t q = 0; q < o; ++q)
            if (p.outputs[q] == p.outputs[o]) return false;
    }
    return true;
}

}  // namespace pb
