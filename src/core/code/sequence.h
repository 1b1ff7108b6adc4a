// Sequence: what machine code does to one vector of elements, before it is encoded.
//
// A straight line of operations, each about one instruction, on values that are numbered: vectors of floats of one type,
// or masks, which are truth values of as many lanes. Equal operations on equal values are one value, so that what two
// functions share is computed once, and a sign that is turned twice is left alone: nothing is rewritten otherwise, and every
// operation rounds as its instruction does.
#pragma once
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "array/dtype.h"
#include "array/hash.h"
#include "kernels/vector_functions.h"

namespace pb::code {

enum class Op : uint8_t {
    // What is read: elements one after the other, or one for all; and numbers that functions bring along.
    load,
    load_half,
    load_bfloat16,
    load_mask,
    single,
    single_mask,
    constant,
    // Floats.
    add,
    sub,
    mul,
    div,
    max,  // the first operand if it is greater, else the second
    min,
    sqrt,
    fma,
    round,  // `imm`: which way
    half,   // stored as float16, and read again
    // Bits.
    bit_and,
    bit_and_not,  // of the second operand those that the first has not
    bit_or,
    bit_xor,
    word_add,
    word_sub,
    shift_left,  // by `imm`
    shift_right,
    // Masks.
    compare,   // `imm`: the predicate
    negative,  // the sign bit
    mask_and,
    mask_or,
    mask_xor,
    mask_not,
    select,  // the second operand where the first is set, else the third
    call,    // `imm`: a vector function
    // What is written.
    store,
    store_half,
    store_bfloat16,
    store_mask,
};
constexpr bool is_store(Op op) { return op >= Op::store; }
constexpr bool is_read(Op op) { return op < Op::constant; }
constexpr bool gives_mask(Op op) {
    return (op >= Op::compare && op <= Op::mask_not) || op == Op::load_mask || op == Op::single_mask;
}
// Which are the processor's numbers.
enum Predicate : uint8_t { kEqual = 0, kLess = 0x11, kLessEqual = 0x12, kNotEqual = 4 };
enum Rounding : uint8_t { kNearest = 8, kDown = 9, kUp = 10, kToZero = 11 };

struct Operation {
    Op op;
    uint8_t imm = 0;
    int16_t in[3] = {-1, -1, -1};
    int16_t step = 0;   // of the program, which it is a part of
    int16_t copy = 0;   // of vectors side by side, which one
    uint64_t bits = 0;  // of a constant; which array is read or written
};

class Sequence {
  public:
    explicit Sequence(DType lane) : lane(lane) {}

    const DType lane;  // float32 or float64
    std::vector<Operation> operations;
    bool calls = false;

    bool is_double() const { return lane == DType::Float64; }
    int16_t step = 0;  // that is being added

    int16_t add(Op op, int16_t a = -1, int16_t b = -1, int16_t c = -1, uint8_t imm = 0, uint64_t bits = 0) {
        const Operation made{op, imm, {a, b, c}, step, 0, bits};
        const auto at = static_cast<int16_t>(operations.size());
        // The same bits turned twice are what they were.
        if (op == Op::bit_xor && a >= 0 && operations[static_cast<size_t>(a)].op == Op::bit_xor &&
            operations[static_cast<size_t>(a)].in[1] == b)
            return operations[static_cast<size_t>(a)].in[0];
        if (!is_store(op)) {
            auto [first, last] = known_.equal_range(hash(made));
            for (; first != last; ++first)
                if (same(operations[static_cast<size_t>(first->second)], made)) return first->second;
            known_.emplace(hash(made), at);
        }
        calls = calls || op == Op::call;
        operations.push_back(made);
        return at;
    }
    int16_t constant(double x) {
        uint64_t bits = 0;
        const auto narrow = static_cast<float>(x);
        if (is_double()) __builtin_memcpy(&bits, &x, sizeof x);
        else __builtin_memcpy(&bits, &narrow, sizeof narrow);
        return word(bits);
    }
    // Several vectors side by side, operation by operation: where each waits for the one before, others go on.
    Sequence interleaved(int copies) const {
        Sequence all(lane);
        all.calls = calls;
        std::vector<int16_t> at(operations.size() * static_cast<size_t>(copies));
        for (size_t i = 0; i < operations.size(); ++i)
            for (int copy = 0; copy < copies; ++copy) {
                const size_t mine = i * static_cast<size_t>(copies) + static_cast<size_t>(copy);
                Operation x = operations[i];
                const bool shared = x.op == Op::constant || x.op == Op::single || x.op == Op::single_mask;
                if (shared && copy) {
                    at[mine] = at[mine - 1];
                    continue;
                }
                for (int16_t& v : x.in)
                    if (v >= 0) v = at[static_cast<size_t>(v * copies + copy)];
                x.copy = static_cast<int16_t>(copy);
                at[mine] = static_cast<int16_t>(all.operations.size());
                all.operations.push_back(x);
            }
        return all;
    }
    int16_t word(uint64_t bits) {
        return add(Op::constant, -1, -1, -1, 0, is_double() ? bits : uint32_t(bits));
    }

  private:
    static bool same(const Operation& a, const Operation& b) {
        return a.op == b.op && a.imm == b.imm && a.bits == b.bits && a.in[0] == b.in[0] &&
               a.in[1] == b.in[1] && a.in[2] == b.in[2];
    }
    static uint64_t hash(const Operation& x) {
        uint64_t h = static_cast<uint64_t>(x.op) * 256 + x.imm;
        for (int16_t v : x.in) h = mix(h, static_cast<uint16_t>(v));
        return mix(h, x.bits);
    }
    std::unordered_multimap<uint64_t, int16_t> known_;
};

}  // namespace pb::code
