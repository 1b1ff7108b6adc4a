#include "code/integers.h"

#include "code/emit.h"
#include "code/functions.h"

namespace pb::code {

namespace {

// A comparison; AVX2 knows two of them.
int16_t compared(Sequence& s, WordPredicate p, int16_t a, int16_t b) {
    if (s.wide || p == kSame || p == kAbove) return s.add(Op::word_compare, a, b, -1, p);
    if (p == kBelow) return compared(s, kAbove, b, a);
    return s.add(Op::mask_not, compared(s, p == kOther ? kSame : kAbove, a, b));
}
// The greater or the less; of 64 bits AVX2 has none.
int16_t chosen(Sequence& s, Op op, int16_t a, int16_t b) {
    if (s.wide || !s.is_double()) return s.add(op, a, b);
    const bool greater = op == Op::word_max;
    return s.add(Op::select, compared(s, kAbove, greater ? a : b, greater ? b : a), a, b);
}
int16_t is_set(Sequence& s, int16_t v) { return compared(s, kOther, v, s.word(0)); }
int16_t counted(Sequence& s, int16_t mask) { return s.add(Op::select, mask, s.word(1), s.word(0)); }

}  // namespace

bool is_stated_of_integers(Primitive p, DType type, bool wide) {
    switch (p) {
        case Primitive::mul:
        case Primitive::square: return wide || type == DType::Int32;
        case Primitive::maximum:
        case Primitive::minimum:
        case Primitive::fmax:
        case Primitive::fmin:
        case Primitive::abs:
        case Primitive::add:
        case Primitive::sub:
        case Primitive::neg:
        case Primitive::eq:
        case Primitive::ne:
        case Primitive::lt:
        case Primitive::le:
        case Primitive::gt:
        case Primitive::ge:
        case Primitive::logical_and:
        case Primitive::logical_or:
        case Primitive::logical_xor:
        case Primitive::logical_not:
        case Primitive::bitwise_and:
        case Primitive::bitwise_or:
        case Primitive::bitwise_xor:
        case Primitive::bitwise_not:
        case Primitive::where: return true;
        default: return false;
    }
}

int16_t state_of_integers(Sequence& s, Primitive p, const int16_t* in) {
    const int16_t a = in[0], b = in[1];
    switch (p) {
        case Primitive::add: return s.add(Op::word_add, a, b);
        case Primitive::sub: return s.add(Op::word_sub, a, b);
        case Primitive::mul: return s.add(Op::word_mul, a, b);
        case Primitive::square: return s.add(Op::word_mul, a, a);
        case Primitive::neg: return s.add(Op::word_sub, s.word(0), a);
        case Primitive::abs: return chosen(s, Op::word_max, a, s.add(Op::word_sub, s.word(0), a));
        case Primitive::maximum:
        case Primitive::fmax: return chosen(s, Op::word_max, a, b);
        case Primitive::minimum:
        case Primitive::fmin: return chosen(s, Op::word_min, a, b);
        case Primitive::eq: return compared(s, kSame, a, b);
        case Primitive::ne: return compared(s, kOther, a, b);
        case Primitive::lt: return compared(s, kBelow, a, b);
        case Primitive::le: return compared(s, kNotAbove, a, b);
        case Primitive::gt: return compared(s, kAbove, a, b);
        case Primitive::ge: return compared(s, kNotAbove, b, a);
        case Primitive::logical_and: return s.add(Op::mask_and, is_set(s, a), is_set(s, b));
        case Primitive::logical_or: return s.add(Op::mask_or, is_set(s, a), is_set(s, b));
        case Primitive::logical_xor: return s.add(Op::mask_xor, is_set(s, a), is_set(s, b));
        case Primitive::logical_not: return compared(s, kSame, a, s.word(0));
        case Primitive::bitwise_and: return s.add(Op::bit_and, a, b);
        case Primitive::bitwise_or: return s.add(Op::bit_or, a, b);
        case Primitive::bitwise_xor: return s.add(Op::bit_xor, a, b);
        case Primitive::bitwise_not: return s.add(Op::bit_xor, a, s.word(~uint64_t{0}));
        case Primitive::where: return s.add(Op::select, a, b, in[2]);
        default: return -1;
    }
}

DType conversion_lane(DType from, DType to, bool wide) {
    const bool eight = item_size(from) == 8 || item_size(to) == 8;
    const DType lane = eight ? DType::Float64 : DType::Float32;
    if (!fits(from, lane, wide) || !fits(to, lane, wide) || is_small(to) || is_complex(from))
        return DType::Bool;
    // AVX2 converts no integers of 64 bits.
    const bool integers = is_integral(from) || is_integral(to),
               truths = from == DType::Bool || to == DType::Bool;
    return eight && integers && !truths && !wide ? DType::Bool : lane;
}

int16_t state_conversion(Sequence& s, DType from, DType to, int16_t v) {
    const bool narrow_result = s.is_double() && to == DType::Float32,
               int32_result = s.is_double() && to == DType::Int32;
    if (from == DType::Bool) return is_integral(to) ? counted(s, v) : state_number(s, v);
    if (to == DType::Bool) return is_integral(from) ? is_set(s, v) : state_truth(s, v);
    if (is_integral(from)) {
        if (is_integral(to)) return int32_result ? s.add(Op::word_cut, v) : v;
        if (narrow_result) return s.add(Op::word_rounded, v);
        v = s.add(Op::to_float, v);
    } else if (is_integral(to)) {
        return s.add(int32_result ? Op::to_int32 : Op::to_word, v);
    }
    if (narrow_result) return s.add(Op::rounded, v);
    return is_narrow_float(to) ? state_narrow(s, to, v) : v;
}

}  // namespace pb::code
