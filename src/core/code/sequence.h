// Sequence: what machine code does to one vector of elements, before it is encoded.
//
// A straight line of operations, each about one instruction, on values that are numbered: vectors of floats of one type,
// or masks, which are truth values of as many lanes. Equal operations on equal values are one value, so that what two
// functions share is computed once. What several operations say is said in fewer where those give the same bits
// (sequence.cpp); nothing is rewritten otherwise, and every operation rounds as its instruction does.
#pragma once
#include <cstdint>
#include <utility>
#include <vector>

#include "array/dtype.h"
#include "array/hash.h"
#include "code/tables.h"
#include "kernels/vector_functions.h"

namespace pb::code {

enum class Op : uint8_t {
    // What is read: elements one after the other, or one for all; and numbers that functions bring along.
    load,
    load_half,
    load_packed,  // halves, as they are
    load_bfloat16,
    load_float,  // as double
    load_uint8,  // integers as those that are as wide as a lane
    load_int8,
    load_int16,
    load_uint16,  // the bits of a narrow float
    load_int32,
    load_mask,
    real,  // parts of complex numbers, from two vectors of them
    imaginary,
    single,  // `imm`: of a complex number, its imaginary part
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
    round,      // `imm`: which way
    half,       // stored as float16, and read again
    bfloat,     // the same for bfloat16; `imm`: NaN becomes the usual one
    half_bits,  // those that float16 is stored in, as an integer
    look_up,    // by an integer in the table at `bits`, `imm`: of which results
    // With AVX-512 for halves: these stay as they are stored, half as wide.
    unpack,  // to floats, exactly
    packed,  // `imm`, an operation, rounded
    packed_masked,  // the product of the first two operands where the first is not 0, else the first; all bits but the sign
    packed_bits,  // as `half_bits`
    // With AVX-512 alone.
    scale,     // the first operand, by 2 to the power of the second, which is an integer
    exponent,  // of the power of 2 that is in a number's size, and what is left of that, in [1, 2)
    significand,
    special,  // the first operand; but what the third says for kinds of numbers where the second is one of these
    masked,  // `imm`, an operation, of the second and the third operand where the first is set, else the second
    choose_bits,  // those of the second operand where the third has them, else of the first
    // Between floats and integers of a lane's width, and to what is half as wide, which is kept as its value.
    to_float,
    to_word,       // towards zero; what does not fit is the least integer
    rounded,       // to float32
    word_rounded,  // an integer, to float32
    to_int32,      // of float64, as `to_word`
    word_cut,      // to 32 bits
    // Bits.
    bit_and,
    bit_and_not,  // of the second operand those that the first has not
    bit_or,
    bit_xor,
    word_add,
    word_sub,
    word_mul,
    word_max,
    word_min,
    shift_left,  // by `imm`
    shift_right,
    // Masks.
    compare,       // `imm`: the predicate
    word_compare,  // of integers; with AVX2 equal or greater alone
    negative,      // the sign bit
    mask_and,
    mask_or,
    mask_xor,
    mask_not,
    select,  // the second operand where the first is set, else the third
    call,    // `imm`: a vector function
    // What is written.
    store_pair,  // complex numbers, of their parts; `imm`: past the caches
    store,
    stream,  // past the caches, where a vector is a line of them
    store_half,
    store_packed,
    store_bfloat16,
    store_float,
    store_int32,
    store_mask,
};
constexpr bool is_store(Op op) { return op >= Op::store_pair; }
constexpr bool is_read(Op op) { return op < Op::constant; }
constexpr bool gives_mask(Op op) {
    return (op >= Op::compare && op <= Op::mask_not) || op == Op::load_mask || op == Op::single_mask;
}
// A table's results as they are, or rounded to the narrow type that it is of.
enum Results : uint8_t { kAsTheyAre, kHalves, kBfloats };
// Which are the processor's numbers.
enum Predicate : uint8_t { kEqual = 0, kLess = 0x11, kLessEqual = 0x12, kNotEqual = 4 };
enum WordPredicate : uint8_t { kSame = 0, kBelow = 1, kNotAbove = 2, kOther = 4, kAbove = 6 };
enum Rounding : uint8_t { kNearest = 8, kDown = 9, kUp = 10, kToZero = 11 };

struct Operation {
    Op op;
    uint8_t imm = 0;
    int16_t in[3] = {-1, -1, -1};
    int16_t step = 0;   // of the program, which it is a part of
    int16_t copy = 0;   // of vectors side by side, which one
    uint64_t bits = 0;  // of a constant; which array is read or written; a table
};

// Whether the processor computes with halves, too.
bool has_half_arithmetic();

class Sequence {
  public:
    // Of a complex type, whose parts are the lanes; or of floats.
    Sequence(DType type, bool wide) : lane(part_of(type)), wide(wide), paired(is_complex(type)) {}

    const DType lane;  // float32 or float64
    const bool wide;   // for AVX-512, else for AVX2
    const bool packs = wide && has_half_arithmetic();
    const bool paired;  // arguments are complex: what is an element elsewhere is a part
    std::vector<Operation> operations;
    std::vector<std::shared_ptr<const Table>> tables;  // that it looks up in
    bool calls = false;

    bool is_double() const { return lane == DType::Float64; }
    int16_t step = 0;  // that is being added

    int16_t add(Op op, int16_t a = -1, int16_t b = -1, int16_t c = -1, uint8_t imm = 0, uint64_t bits = 0) {
        const Operation made{op, imm, {a, b, c}, step, 0, bits};
        if (const int16_t known = in_fewer(made); known >= 0) return known;
        const auto at = static_cast<int16_t>(operations.size());
        if (!is_store(op)) {
            if (const int16_t known = find(made); known >= 0) return known;
            enter(at, made);
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
        Sequence all(*this, {});
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
    // The same without operations.
    Sequence(const Sequence& s, std::vector<Operation> none)
        : lane(s.lane),
          wide(s.wide),
          paired(s.paired),
          operations(std::move(none)),
          tables(s.tables),
          calls(s.calls) {}
    // An equal operation, -1 if there is none.
    int16_t find(const Operation& x) const {
        for (size_t k = hash(x);; ++k) {
            const int16_t known = known_[k & (known_.size() - 1)];
            if (known < 0 || same(at(known), x)) return known;
        }
    }
    void enter(int16_t number, const Operation& x) {
        if (2 * operations.size() > known_.size()) grow();
        size_t k = hash(x);
        while (known_[k & (known_.size() - 1)] >= 0) ++k;
        known_[k & (known_.size() - 1)] = number;
    }
    void grow() {
        const std::vector<int16_t> before(4 * known_.size(), -1);
        for (const int16_t number : std::exchange(known_, before))
            if (number >= 0) enter(number, at(number));
    }
    const Operation& at(int16_t v) const { return operations[static_cast<size_t>(v)]; }
    bool is_constant(int16_t v, uint64_t bits) const {
        return v >= 0 && at(v).op == Op::constant && at(v).bits == bits;
    }
    uint64_t sign() const { return is_double() ? uint64_t{1} << 63 : uint64_t{1} << 31; }
    // Whether a value is another one with its sign turned.
    bool is_negated(int16_t v) const { return at(v).op == Op::bit_xor && is_constant(at(v).in[1], sign()); }
    bool is_rounded(int16_t v, Op to, int depth = 4) const;
    int16_t rounded(int16_t v, Op to);
    int16_t packed(int16_t v);
    int16_t computed_packed(int16_t v);
    int16_t in_fewer(const Operation& x);
    int16_t selected(const Operation& x);
    int16_t size_of_difference(const Operation& x);
    static bool same(const Operation& a, const Operation& b) {
        return a.op == b.op && a.imm == b.imm && a.bits == b.bits && a.in[0] == b.in[0] &&
               a.in[1] == b.in[1] && a.in[2] == b.in[2];
    }
    static uint64_t hash(const Operation& x) {
        uint64_t h = static_cast<uint64_t>(x.op) * 256 + x.imm;
        for (int16_t v : x.in) h = mix(h, static_cast<uint16_t>(v));
        h = mix(h, x.bits);
        return h ^ h >> 32;
    }
    // Numbers of operations, each at the place of its hash or the next that was free; a power of two of places, half of
    // which at least are free.
    std::vector<int16_t> known_ = std::vector<int16_t>(1024, -1);
};

}  // namespace pb::code
