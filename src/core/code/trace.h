// Tracing: the functors of the kernels, given a type that notes down what is done with it.
//
// A kernel is a template over the type of an element. Given `float` it is a loop that the compiler makes vectors of; given
// `Traced<float>` its body runs once, and leaves a sequence of the very same operations. So a function is stated once, and
// machine code has the bits of the kernels by construction: every operation of either is rounded in the same way.
//
// A traced value is as large as what it stands for, since some functions choose by that.
#pragma once
#include <type_traits>

#include "code/sequence.h"
#include "core/kernels/logarithm.h"
#include "core/kernels/vector_math.inc"

namespace pb::code {

// What is being traced, on the one thread that makes code.
inline Sequence* traced = nullptr;
class Tracing {
  public:
    explicit Tracing(Sequence& s) { traced = &s; }
    ~Tracing() { traced = nullptr; }
};

template <class T> struct TracedMask { int16_t id; };

template <class T> struct Traced {
    std::conditional_t<sizeof(T) == 4, int32_t, int64_t> id;

    Traced() = default;
    static Traced of(int16_t id) {
        Traced made;
        made.id = id;
        return made;
    }
    explicit Traced(int number) : id(traced->constant(number)) {}
    explicit Traced(float number) : id(traced->constant(static_cast<double>(number))) {}
    explicit Traced(double number) : id(traced->constant(number)) {}
    explicit Traced(TracedMask<T> m)
        : id(traced->add(Op::select, m.id, traced->constant(1), traced->constant(0))) {}
    int16_t at() const { return static_cast<int16_t>(id); }
};
// Bits of a traced value, as a number of the same size.
template <class T> struct TracedWord { int16_t id; };

// Of two traced values, or of one and a number, which must not be wider.
template <class S, class T>
concept Meets = std::is_same_v<S, int> || std::is_same_v<S, T>;

template <class T> Traced<T> make(Op op, Traced<T> a, Traced<T> b) {
    return Traced<T>::of(traced->add(op, a.at(), b.at()));
}
template <class T> Traced<T> make(Op op, Traced<T> a, uint8_t imm = 0) {
    return Traced<T>::of(traced->add(op, a.at(), -1, -1, imm));
}
#define PB_TRACED(symbol, op)                                                                             \
    template <class T> Traced<T> operator symbol(Traced<T> a, Traced<T> b) { return make(Op::op, a, b); } \
    template <class T, Meets<T> S> Traced<T> operator symbol(Traced<T> a, S b) {                          \
        return a symbol Traced<T>(b);                                                                     \
    }                                                                                                     \
    template <class T, Meets<T> S> Traced<T> operator symbol(S a, Traced<T> b) {                          \
        return Traced<T>(a) symbol b;                                                                     \
    }
PB_TRACED(+, add)
PB_TRACED(-, sub)
PB_TRACED(*, mul)
PB_TRACED(/, div)
#undef PB_TRACED
template <class T> Traced<T>& operator-=(Traced<T>& a, Traced<T> b) { return a = a - b; }

template <class T> TracedMask<T> compare(Predicate p, Traced<T> a, Traced<T> b) {
    return {traced->add(Op::compare, a.at(), b.at(), -1, p)};
}
#define PB_TRACED(symbol, predicate, first, second)                                  \
    template <class T> TracedMask<T> operator symbol(Traced<T> a, Traced<T> b) {     \
        return compare(predicate, first, second);                                    \
    }                                                                                \
    template <class T, Meets<T> S> TracedMask<T> operator symbol(Traced<T> a, S b) { \
        return a symbol Traced<T>(b);                                                \
    }
PB_TRACED(==, kEqual, a, b)
PB_TRACED(!=, kNotEqual, a, b)
PB_TRACED(<, kLess, a, b)
PB_TRACED(<=, kLessEqual, a, b)
PB_TRACED(>, kLess, b, a)
PB_TRACED(>=, kLessEqual, b, a)
#undef PB_TRACED

#define PB_TRACED(symbol, op)                                                            \
    template <class T> TracedMask<T> operator symbol(TracedMask<T> a, TracedMask<T> b) { \
        return {traced->add(Op::op, a.id, b.id)};                                        \
    }
PB_TRACED(&, mask_and)
PB_TRACED(|, mask_or)
PB_TRACED(^, mask_xor)
#undef PB_TRACED
template <class T> TracedMask<T> operator!(TracedMask<T> a) { return {traced->add(Op::mask_not, a.id)}; }
// Counts, of which the kernels make a sign.
template <class T> Traced<T> operator-(TracedMask<T> a, TracedMask<T> b) {
    return Traced<T>(a) - Traced<T>(b);
}
template <class T> Traced<T> select(TracedMask<T> c, Traced<T> a, Traced<T> b) {
    return Traced<T>::of(traced->add(Op::select, c.id, a.at(), b.at()));
}

#define PB_TRACED(symbol, op)                                                                 \
    template <class T> TracedWord<T> operator symbol(TracedWord<T> a, TracedWord<T> b) {      \
        return {traced->add(Op::op, a.id, b.id)};                                             \
    }                                                                                         \
    template <class T, std::integral S> TracedWord<T> operator symbol(TracedWord<T> a, S b) { \
        return a symbol TracedWord<T>{traced->word(static_cast<uint64_t>(b))};                \
    }                                                                                         \
    template <class T, std::integral S> TracedWord<T> operator symbol(S a, TracedWord<T> b) { \
        return TracedWord<T>{traced->word(static_cast<uint64_t>(a))} symbol b;                \
    }
PB_TRACED(+, word_add)
PB_TRACED(-, word_sub)
PB_TRACED(&, bit_and)
PB_TRACED(|, bit_or)
#undef PB_TRACED
template <class T> TracedWord<T> operator<<(TracedWord<T> a, int by) {
    return {traced->add(Op::shift_left, a.id, -1, -1, static_cast<uint8_t>(by))};
}
template <class T> TracedWord<T> operator>>(TracedWord<T> a, int by) {
    return {traced->add(Op::shift_right, a.id, -1, -1, static_cast<uint8_t>(by))};
}
template <class T> TracedWord<T> word_of(Traced<T> x) { return {x.at()}; }
template <class T> Traced<T> from_word(TracedWord<T> w) { return Traced<T>::of(w.id); }
// As signed numbers they are asked for one thing only.
template <class T> struct TracedBits { int16_t id; };
template <class T> TracedBits<T> to_bits(Traced<T> x) { return {x.at()}; }
template <class T> TracedMask<T> operator<(TracedBits<T> b, int) { return {traced->add(Op::negative, b.id)}; }

// The small pieces of kernels/scalar.h.
template <class T> int16_t sign_bit() { return traced->word(uint64_t{1} << (8 * sizeof(T) - 1)); }
template <class T> Traced<T> operator-(Traced<T> x) {
    return Traced<T>::of(traced->add(Op::bit_xor, x.at(), sign_bit<T>()));
}
template <class T> Traced<T> absolute(Traced<T> x) {
    return Traced<T>::of(
        traced->add(Op::bit_and, x.at(), traced->word(~uint64_t{0} >> (65 - 8 * sizeof(T)))));
}
template <class T> Traced<T> with_sign(Traced<T> x, Traced<T> s) {
    if (traced->wide) return Traced<T>::of(traced->add(Op::choose_bits, x.at(), s.at(), sign_bit<T>()));
    const int16_t bit = traced->add(Op::bit_and, s.at(), sign_bit<T>());
    return Traced<T>::of(traced->add(Op::bit_or, absolute(x).at(), bit));
}
template <class T> Traced<T> square_root(Traced<T> x) { return make(Op::sqrt, x); }
template <class T> Traced<T> round_down(Traced<T> x) { return make(Op::round, x, kDown); }
template <class T> Traced<T> round_up(Traced<T> x) { return make(Op::round, x, kUp); }
template <class T> Traced<T> round_even(Traced<T> x) { return make(Op::round, x, kNearest); }
template <class T> Traced<T> round_to_zero(Traced<T> x) { return make(Op::round, x, kToZero); }
template <class T> Traced<T> fma(Traced<T> a, Traced<T> b, Traced<T> c) {
    return Traced<T>::of(traced->add(Op::fma, a.at(), b.at(), c.at()));
}

// What AVX-512 has instructions for. Factors are whole powers of two, and only the last product may round, as a scaled
// number does.
template <class T> Traced<T> scale_by_power(Traced<T> y, Traced<T> k_and_magic) {
    if (!traced->wide) return pb::scale_by_power<Traced<T>>(y, k_and_magic);
    return make(Op::scale, y, k_and_magic - Traced<T>(FloatFormat<T>::round_magic));
}
template <class T> Traced<T> scale_decay(Traced<T> y, Traced<T> k_and_magic, Traced<T> magic) {
    if (!traced->wide) return pb::scale_decay<Traced<T>>(y, k_and_magic, magic);
    return make(Op::scale, y, k_and_magic - magic);
}
// The exponent changes at sqrt 1/2, as in the kernel. What is not positive and finite is looked up by its kind, four bits
// for each: of zero -infinity, infinity as it is, the usual NaN of what is negative and of any other.
template <class T, class OfParts> Traced<T> logarithm(Traced<T> x, OfParts of_parts) {
    if (!traced->wide) return pb::logarithm<Traced<T>>(x, of_parts);
    const Traced<T> low = make(Op::exponent, x), part = make(Op::significand, x);
    const auto upper = part >= T(2 * T(0x1.6a09e667f3bcdp-1));
    const Traced<T> k = select(upper, low + T{1}, low), m = select(upper, part * T(0.5), part);
    constexpr uint64_t kinds = 0x03530433;
    return Traced<T>::of(traced->add(Op::special, of_parts(k, m - T{1}).at(), x.at(), traced->word(kinds)));
}

#define PB_TRACED(name)                                                       \
    template <class T> Traced<T> vector_##name(Traced<T> x) {                 \
        return make(Op::call, x, static_cast<uint8_t>(VectorFunction::name)); \
    }
PB_VECTOR_MATH_1(PB_TRACED)
#undef PB_TRACED
#define PB_TRACED(name)                                                         \
    template <class T> Traced<T> vector_##name(Traced<T> x, Traced<T> y) {      \
        const auto which = static_cast<uint8_t>(VectorFunction::name);          \
        return Traced<T>::of(traced->add(Op::call, x.at(), y.at(), -1, which)); \
    }
PB_VECTOR_MATH_2(PB_TRACED)
#undef PB_TRACED

}  // namespace pb::code

namespace pb {
namespace {
template <class T> inline constexpr bool is_float_v<code::Traced<T>> = is_float_v<T>;
template <class T> struct WrapType<code::Traced<T>> { using type = code::Traced<T>; };
template <class T> struct FloatFormat<code::Traced<T>> : FloatFormat<T> {};
}  // namespace
}  // namespace pb
