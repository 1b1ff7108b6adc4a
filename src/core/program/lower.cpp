#include <algorithm>

#include "array/error.h"
#include "program/program.h"

namespace pb {

namespace {

// Instructions on integers that raise, or mean nothing, for some values.
bool is_partial(Primitive p) {
    switch (p) {
        case Primitive::floor_divide:
        case Primitive::trunc_divide:
        case Primitive::remainder:
        case Primitive::fmod:
        case Primitive::gcd:
        case Primitive::lcm:
        case Primitive::pow:
        case Primitive::left_shift:
        case Primitive::right_shift: return true;
        default: return false;
    }
}

// Vector functions take about eight times as long as an addition.
constexpr uint32_t kCheapWeight = 1, kDearWeight = 8;

struct Lowering {
    const Program& p;
    DType compute;
    Lowered out;

    void type_inputs() {
        out.inputs = p.inputs;
        out.constants = p.constants;
        out.types.assign(static_cast<size_t>(p.first_result()), compute);
        for (int v = 0; v < p.inputs; ++v)
            if (p.boolean >> v & 1) out.types[static_cast<size_t>(v)] = DType::Bool;
    }

    int16_t as_type(int16_t value, DType type) {
        DType from = out.types[static_cast<size_t>(value)];
        if (from == type) return value;
        Lowered::Step s{};
        s.primitive = Primitive::count;
        s.cast = kernels().cast[static_cast<int>(from)][static_cast<int>(type)];
        s.arity = 1;
        s.in[0] = value;
        s.out = static_cast<int16_t>(out.types.size());
        s.type = from;
        out.types.push_back(type);
        out.steps.push_back(s);
        return s.out;
    }

    void run() {
        type_inputs();
        // Numbers of the program's results in the lowered form, which has casts between them.
        std::vector<int16_t> number(static_cast<size_t>(p.values()));
        for (int v = 0; v < p.first_result(); ++v) number[static_cast<size_t>(v)] = static_cast<int16_t>(v);
        int result = p.first_result();
        for (const Instruction& i : p.instructions) {
            const PrimitiveInfo& info = primitive_info(i.primitive);
            Lowered::Step s{};
            s.primitive = i.primitive;
            s.arity = i.arity;
            // The operands' type: that of a Boolean-only instruction stays Boolean (logic on masks).
            int first = info.condition_first ? 1 : 0;
            DType type = DType::Bool;
            for (int k = first; k < i.arity; ++k) {
                DType t = out.types[static_cast<size_t>(number[static_cast<size_t>(i.in[k])])];
                if (t != DType::Bool) type = t;
            }
            for (int k = 0; k < i.arity; ++k) {
                DType want = k < first ? DType::Bool : type;
                s.in[k] = as_type(number[static_cast<size_t>(i.in[k])], want);
            }
            s.type = type;
            s.kernels = kernels().elementwise[static_cast<int>(i.primitive)][static_cast<int>(type)];
            if (!s.kernels[0]) out.missing = info.name;
            out.total = out.total && (is_float(type) || !is_partial(i.primitive));
            s.out = static_cast<int16_t>(out.types.size());
            out.types.push_back(info.result == Result::Bool ? DType::Bool : type);
            out.steps.push_back(s);
            number[static_cast<size_t>(result++)] = s.out;
        }
        for (int16_t o : p.outputs) out.outputs.push_back(number[static_cast<size_t>(o)]);
        for (int16_t o : out.outputs) out.parts.push_back(part_of(o));
        assign_registers();
        out.linear = fits_linear(out);
    }

    // From the last step to the first: a step is needed if a later one that is needed reads it.
    Lowered::Part part_of(int16_t output) const {
        Lowered::Part part;
        size_t first = out.types.size() - out.steps.size();
        part.needed.assign(out.steps.size(), 0);
        auto need = [&](int16_t v) {
            if (static_cast<size_t>(v) >= first) part.needed[static_cast<size_t>(v) - first] = 1;
        };
        need(output);
        for (size_t s = out.steps.size(); s-- > 0;) {
            if (!part.needed[s]) continue;
            const Lowered::Step& step = out.steps[s];
            for (int k = 0; k < step.arity; ++k) need(step.in[k]);
            ++part.steps;
            part.weight += step.cast || primitive_info(step.primitive).exact ? kCheapWeight : kDearWeight;
        }
        return part;
    }

    // Linear scan; a result may take the register of an operand that dies in the same step.
    void assign_registers() {
        size_t n = out.types.size();
        std::vector<int> last(n, -1);
        for (size_t s = 0; s < out.steps.size(); ++s)
            for (int k = 0; k < out.steps[s].arity; ++k)
                last[static_cast<size_t>(out.steps[s].in[k])] = static_cast<int>(s);
        for (int16_t o : out.outputs) last[static_cast<size_t>(o)] = static_cast<int>(out.steps.size());
        out.registers.assign(n, -1);
        std::vector<int16_t> free;
        for (size_t s = 0; s < out.steps.size(); ++s) {
            auto& step = out.steps[s];
            std::vector<int16_t> after;  // of another element size: not safe to write over while it is read
            for (int k = 0; k < step.arity; ++k) {
                size_t v = static_cast<size_t>(step.in[k]);
                bool repeated = false;
                for (int j = 0; j < k; ++j) repeated = repeated || step.in[j] == step.in[k];
                if (repeated || last[v] != static_cast<int>(s) || out.registers[v] < 0) continue;
                bool same = item_size(out.types[v]) == item_size(out.types[static_cast<size_t>(step.out)]);
                (same ? free : after).push_back(out.registers[v]);
            }
            if (free.empty()) {
                out.registers[static_cast<size_t>(step.out)] = static_cast<int16_t>(out.register_count++);
            } else {
                out.registers[static_cast<size_t>(step.out)] = free.back();
                free.pop_back();
            }
            free.insert(free.end(), after.begin(), after.end());
        }
    }
};

}  // namespace

const Lowered& lower(const Program& p, DType compute) {
    auto& slot = p.lowered[static_cast<int>(compute)];
    if (!slot) {
        Lowering l{p, compute, {}};
        l.run();
        slot = std::make_unique<Lowered>(std::move(l.out));
    }
    return *slot;
}

}  // namespace pb
