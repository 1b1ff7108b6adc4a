#include "program/script.h"

#include <cstring>
#include <map>

#include "array/visit.h"
#include "kernels/few.h"

namespace pb {

namespace {

constexpr size_t kGrain = 32;  // what is small does not straddle lines of the cache
constexpr size_t rounded(size_t bytes) { return (bytes + kGrain - 1) / kGrain * kGrain; }

template <class F> void each_place(const WorkLog& log, const Noted& w, const F& f) {
    for (const Spot& p : w.in)
        if (p.memory >= 0) f(p);
    if (w.out.memory >= 0) f(w.out);
    if (w.act == Act::Call)
        for (const auto& a : log.functions[static_cast<size_t>(w.at)].arguments) f(a.first);
}

template <class U> void gather(const int32_t* table, const void* from, void* to, int64_t n) {
    const U* in = static_cast<const U*>(from);
    U* out = static_cast<U*>(to);
    for (int64_t i = 0; i < n; ++i) out[i] = in[table[i]];
}
template <class U> void scatter(const int32_t* table, const void* from, void* to, int64_t n) {
    const U* in = static_cast<const U*>(from);
    U* out = static_cast<U*>(to);
    for (int64_t i = 0; i < n; ++i) out[table[i]] = in[i];
}
template <class F> void with_size(int size, const F& f) {
    switch (size) {
        case 0: return f(uint8_t());
        case 1: return f(uint16_t());
        case 2: return f(uint32_t());
        case 3: return f(uint64_t());
        default: return f(Slot());
    }
}

}  // namespace

// Where each memory lies in the arena, which is as large as they need. Numbers come first and stay; what is made takes a
// place when it is first written, and gives it back after the last that touches it.
std::vector<int64_t> Script::arranged(const WorkLog& log, std::span<const Spot> results) {
    const size_t count = log.memories.size();
    std::vector<int64_t> at(count, -1), last(count, -1);
    for (size_t m = 0; m < count; ++m)
        if (log.memories[m].kind == WorkLog::Memory::Number)
            at[m] = static_cast<int64_t>(std::exchange(bytes_, bytes_ + sizeof(Slot)));
    bytes_ = rounded(bytes_);
    for (size_t i = 0; i < log.work.size(); ++i)
        each_place(log, log.work[i],
                   [&](const Spot& p) { last[static_cast<size_t>(p.memory)] = static_cast<int64_t>(i); });
    for (const Spot& p : results) last[static_cast<size_t>(p.memory)] = INT64_MAX;
    std::map<size_t, std::vector<int64_t>> free;
    for (size_t i = 0; i < log.work.size(); ++i) {
        each_place(log, log.work[i], [&](const Spot& p) {
            const auto m = static_cast<size_t>(p.memory);
            if (log.memories[m].kind != WorkLog::Memory::Made || at[m] >= 0) return;
            const size_t bytes = rounded(log.memories[m].bytes);
            auto& same = free[bytes];
            if (same.empty()) {
                at[m] = static_cast<int64_t>(std::exchange(bytes_, bytes_ + bytes));
            } else {
                at[m] = same.back();
                same.pop_back();
            }
        });
        each_place(log, log.work[i], [&](const Spot& p) {
            const auto m = static_cast<size_t>(p.memory);
            if (log.memories[m].kind != WorkLog::Memory::Made || last[m] != static_cast<int64_t>(i)) return;
            last[m] = -1;  // once
            free[rounded(log.memories[m].bytes)].push_back(at[m]);
        });
    }
    return at;
}

Script::Script(const WorkLog& log, std::span<const Spot> results) : tables_(log.tables) {
    const std::vector<int64_t> at = arranged(log, results);
    arena_ = Buffer::allocate(bytes_ + kGrain);
    char* arena = arena_->data();
    arena += (kGrain - reinterpret_cast<uintptr_t>(arena) % kGrain) % kGrain;
    made_ = arena + rounded(log.numbers.size() * sizeof(Slot));
    for (const auto& m : log.memories) {
        if (m.kind == WorkLog::Memory::Input) inputs_.emplace_back();
        if (m.kind == WorkLog::Memory::Number)
            std::memcpy(arena + at[static_cast<size_t>(&m - log.memories.data())],
                        &log.numbers[static_cast<size_t>(m.number)], sizeof(Slot));
    }
    auto input_of = [&](const Spot& p) {
        const auto& m = log.memories[static_cast<size_t>(p.memory)];
        return m.kind == WorkLog::Memory::Input ? m.number : -1;
    };
    auto address = [&](const Spot& p) { return arena + at[static_cast<size_t>(p.memory)] + p.offset; };

    for (const Noted& noted : log.work) {
        Work w{noted.act, noted.size, noted.dtype, noted.at, {noted.kernel}, {}, nullptr, noted.n};
        if (w.act == Act::Kernel) w.kernel = kernel_of_few(noted.kernel, noted.n);
        if (w.act == Act::Reduce) w.reduce = noted.reduce;
        if (w.act == Act::Gather || w.act == Act::Scatter)
            w.table = tables_[static_cast<size_t>(w.at)].data();
        for (uint8_t k = 0; k < 3; ++k) {
            const Spot& p = noted.in[k];
            if (p.memory < 0) continue;
            const int32_t input = input_of(p);
            if (input < 0) w.in[k] = address(p);
            else
                inputs_[static_cast<size_t>(input)].patches.push_back(
                    {static_cast<uint32_t>(work_.size()), k, p.offset});
        }
        if (noted.out.memory >= 0) w.out = address(noted.out);
        work_.push_back(w);
    }
    for (const auto& called : log.functions) {
        Called c{called.function, {}, {}};
        for (const auto& a : called.arguments) {
            Array array;
            array.layout = a.layout;
            array.dtype = a.dtype;
            const int32_t input = input_of(a.first);
            c.inputs.push_back(input);
            const int64_t from = input < 0 ? address(a.first) - arena_->data() : a.first.offset;
            array.offset = from / static_cast<int64_t>(item_size(a.dtype));
            if (input < 0) array.buffer = arena_;
            c.arrays.push_back(std::move(array));
        }
        functions_.push_back(std::move(c));
    }
    for (const Spot& p : results) results_.push_back(address(p));
}

void Script::spoil_memory() {
    std::memset(made_, 0xff, static_cast<size_t>(arena_->data() + arena_->bytes() - made_));
}

// Inputs lend their buffers for the call.
void Script::call(Called& c, std::span<const Array> inputs) {
    for (size_t k = 0; k < c.arrays.size(); ++k) {
        if (c.inputs[k] < 0) continue;
        const Array& input = inputs[static_cast<size_t>(c.inputs[k])];
        c.arrays[k].buffer = input.buffer;
        c.arrays[k].offset += input.offset;
    }
    struct Back {
        ~Back() {
            for (size_t k = 0; k < c.arrays.size(); ++k) {
                if (c.inputs[k] < 0) continue;
                c.arrays[k].buffer = Ref<Buffer>();
                c.arrays[k].offset -= inputs[static_cast<size_t>(c.inputs[k])].offset;
            }
        }
        Called& c;
        std::span<const Array> inputs;
    } back{c, inputs};
    c.function(c.arrays.data());
}

static bool is_true(DType dtype, const void* element) {
    return visit<Family::Elements>(dtype, "bool", [&](auto zero) {
        decltype(zero) value;
        std::memcpy(&value, element, sizeof value);
        return static_cast<bool>(value != zero);
    });
}

size_t Script::run(std::span<const Array> inputs) {
    for (size_t i = 0; i < inputs_.size(); ++i) {
        Input& input = inputs_[i];
        const char* data = inputs[i].data();
        if (data == input.data) continue;
        input.data = data;
        for (const Patch& p : input.patches) work_[p.work].in[p.operand] = data + p.offset;
    }
    struct Running {
        explicit Running(bool& flag) : flag(flag) { flag = true; }
        ~Running() { flag = false; }
        bool& flag;
    } running(running_);
    auto done = [this](const Work& w) { return static_cast<size_t>(&w - work_.data()); };
    for (Work& w : work_) {
        switch (w.act) {
            case Act::Kernel: w.kernel(w.in, w.out, w.n); break;
            case Act::Fill: kernels().fill[w.size](w.in[0], w.out, w.n); break;
            case Act::Copy: std::memmove(w.out, w.in[0], static_cast<size_t>(w.n)); break;
            case Act::Gather:
                with_size(w.size, [&](auto zero) { gather<decltype(zero)>(w.table, w.in[0], w.out, w.n); });
                break;
            case Act::Scatter:
                with_size(w.size, [&](auto zero) { scatter<decltype(zero)>(w.table, w.in[0], w.out, w.n); });
                break;
            case Act::Reduce: w.reduce(w.in[0], w.n, w.out); break;
            case Act::Truth:
                if (is_true(w.dtype, w.in[0]) != static_cast<bool>(w.size)) return done(w);
                break;
            case Act::Same:
                if (std::memcmp(w.in[0], w.in[1], static_cast<size_t>(w.n)) != 0) return done(w);
                break;
            case Act::Call: call(functions_[static_cast<size_t>(w.at)], inputs); break;
        }
    }
    return work_.size();
}

}  // namespace pb
