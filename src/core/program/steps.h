// Steps: straight-line elementwise work whose values have types.
//
// The one form that everything runs in. A program of the table is lowered to it once for each choice of its inputs'
// types (lower.cpp), and pending expressions are fused in it (fuse.h). What runs at once runs as it is (contiguous.cpp, to which
// execute.cpp brings the operands); what is fused is placed and walked (place.h, run.cpp).
//
// A step knows its kernels, which follow from the type of its operands; what its result is follows from both. Nothing
// is converted silently: a conversion is a step. So values of any types lie side by side, and registers are as wide as
// the widest of them.
#pragma once
#include <algorithm>
#include <utility>
#include <vector>

#include "array/scalar.h"
#include "array/small.h"
#include "kernels/chains.h"

namespace pb {

struct Step {
    const BlockKernel* kernels;  // [which operand is single]; null: a chain
    Primitive primitive;         // count: a conversion
    uint8_t arity;
    int16_t in[kChainOperands];
    int16_t out;
    int16_t chain = -1;  // of the program's chains: several instructions in one

    bool converts() const { return primitive == Primitive::count; }
    // The form for operands some of which, as bits, are single values; null if those have to be blocks.
    BlockKernel form(unsigned singles) const {
        if (!singles) return kernels[0];
        return arity == 2 && singles != 3 ? kernels[singles] : nullptr;
    }
};

struct Value {
    enum Kind : uint8_t { Operand, Number, Result } kind;
    bool single;  // one for all elements; of a result: all that it is computed from is
    DType type;
    int16_t at;  // which operand, number or step
};

struct Steps {
    std::vector<Value> values;  // each after those it is computed from
    std::vector<Slot> numbers;  // each an element of its value's type
    std::vector<Step> steps;

    const Value& value(int16_t v) const { return values[static_cast<size_t>(v)]; }
    DType type(int16_t v) const { return value(v).type; }

    int16_t add(Value::Kind kind, bool single, DType type, size_t at) {
        values.push_back({kind, single, type, static_cast<int16_t>(at)});
        return static_cast<int16_t>(values.size() - 1);
    }
    int16_t add(const Slot& number, DType type) {
        numbers.push_back(number);
        return add(Value::Number, true, type, numbers.size() - 1);
    }
    // Appends a step, whose result is of this type.
    int16_t add(Step s, DType type) {
        bool single = true;
        for (int k = 0; k < s.arity; ++k) single = single && value(s.in[k]).single;
        s.out = add(Value::Result, single, type, steps.size());
        steps.push_back(s);
        return s.out;
    }
    static Slot stored(Scalar number, DType type) {
        Slot slot{};
        number.store(type, &slot);
        return slot;
    }
    Scalar number(const Value& v) const { return Scalar::load(v.type, &numbers[static_cast<size_t>(v.at)]); }
    static Step conversion(int16_t value, DType from, DType to) {
        return {
            &kernels().cast[static_cast<int>(from)][static_cast<int>(to)], Primitive::count, 1, {value}, 0};
    }
    // A value rounded to those of a narrow type.
    static Step rounding(int16_t value, DType narrow) {
        const Primitive p = rounding_to(narrow);
        return {kernels().elementwise[static_cast<int>(p)][static_cast<int>(computed_as(narrow))],
                p,
                1,
                {value},
                0};
    }
    // The bytes of an element that a register has to be wide enough for.
    size_t widest() const {
        size_t most = 1;
        for (const Value& v : values) most = std::max(most, item_size(v.type));
        return most;
    }
};

// For each value the step that reads it last, -1 if none does; kAlways for what is read after all of them.
constexpr int32_t kAlways = INT32_MAX;
inline void find_last_reads(const Steps& p, std::vector<int32_t>& last) {
    last.assign(p.values.size(), -1);
    for (size_t s = 0; s < p.steps.size(); ++s)
        for (int k = 0; k < p.steps[s].arity; ++k)
            last[static_cast<size_t>(p.steps[s].in[k])] = static_cast<int32_t>(s);
}

// Registers by a linear scan: a result may take the register of an operand that dies in the same step, if both are
// equally wide. Then each element is read before it is written over.
class RegisterScan {
  public:
    void clear() { count_ = 0, free_.clear(); }
    int32_t count() const { return count_; }
    // So many new ones, side by side, that are never free.
    int32_t take(int32_t n = 1) { return std::exchange(count_, count_ + n); }
    // One that is free, or new; and one that is free again.
    int32_t claim() {
        if (free_.empty()) return take();
        const int32_t r = free_.back();
        free_.pop_back();
        return r;
    }
    void release(int32_t r) { free_.push_back(r); }
    // The register of a step's result, -1 if it `wants` none. The steps come in their order; `of` says which register a
    // value has, -1 for none.
    template <class Of>
    int32_t pass(const Steps& p, size_t s, const std::vector<int32_t>& last, bool wants, Of of) {
        const Step& step = p.steps[s];
        const size_t width = item_size(p.type(step.out));
        Small<int32_t, kChainOperands> after;
        for (int k = 0; k < step.arity; ++k) {
            const int16_t v = step.in[k];
            if (last[static_cast<size_t>(v)] != static_cast<int32_t>(s)) continue;
            const int32_t r = of(v);
            if (r < 0 || std::find(step.in, step.in + k, v) != step.in + k) continue;
            if (item_size(p.type(v)) == width) free_.push_back(r);
            else after.push_back(r);
        }
        int32_t mine = -1;
        if (wants && free_.empty()) mine = take();
        else if (wants) mine = free_.back(), free_.pop_back();
        free_.insert(free_.end(), after.begin(), after.end());
        return mine;
    }

  private:
    int32_t count_ = 0;
    std::vector<int32_t> free_;
};

}  // namespace pb
