// Arithmetic, rounding and selection by order: one machine instruction or a few for each element.
#pragma once
#include "core/kernels/narrow.h"
#include "core/kernels/scalar.h"

namespace pb {
namespace {

template <class T> PB_INLINE T magnitude(T x) {
    if constexpr (is_float_v<T>) return absolute(x);
    else return static_cast<T>(x < 0 ? 0 - wrap(x) : wrap(x));
}

template <class T> PB_INLINE auto negated(T x) {
    if constexpr (is_float_v<T>) return -x;  // 0 - x would lose the sign of -0
    else return 0 - wrap(x);
}

// The four roundings leave integers alone.
#define PB_ROUNDING(name, function)                      \
    template <class T> PB_INLINE T name(T x) {           \
        if constexpr (is_float_v<T>) return function(x); \
        else return x;                                   \
    }
PB_ROUNDING(floored, round_down)
PB_ROUNDING(ceiled, round_up)
PB_ROUNDING(rounded, round_even)
PB_ROUNDING(truncated, round_to_zero)
#undef PB_ROUNDING

// One step towards b: neighbours differ by one in their bits, away from zero upwards.
template <class T> PB_INLINE T next_after(T a, T b) {
    const auto bits = to_bits(a);
    using I = decltype(to_bits(a));
    const T stepped = from_bits(static_cast<I>((a < b) == (a > 0) ? wrap(bits) + 1 : wrap(bits) - 1));
    const T least = with_sign(from_bits(I{1}), b);
    const T moved = a == 0 ? least : stepped;
    return is_nan(a) || is_nan(b) ? a + b : a == b ? b : moved;
}

PB_BINARY(add, wrap(a) + wrap(b))
PB_BINARY(sub, wrap(a) - wrap(b))
PB_BINARY(mul, wrap(a) * wrap(b))
PB_BINARY(div, a / b)
PB_UNARY(neg, negated(a))
PB_UNARY(abs, magnitude(a))
PB_UNARY(sign, static_cast<T>((a > 0) - (a < 0)))
PB_UNARY(conj, a)
PB_UNARY(square, wrap(a) * wrap(a))
PB_UNARY(one_minus_square, (T{1} - a) * (T{1} + a))  // exact to rounding next to 1, where 1 - a * a cancels
PB_UNARY(times_complement, a*(T{1} - a))
PB_UNARY(reciprocal, T{1} / a)
PB_UNARY(sqrt, square_root(a))
PB_UNARY(rsqrt, T{1} / square_root(a))
// NaN wins in maximum and minimum and loses in fmax and fmin, as in IEEE 754-2019 maximum and 754-2008 maxNum.
PB_BINARY(maximum, select((a > b) | (a != a), a, b))
PB_BINARY(minimum, select((a < b) | (a != a), a, b))
PB_BINARY(fmax, select((a >= b) | (b != b), a, b))
PB_BINARY(fmin, select((a <= b) | (b != b), a, b))
// A product in which an exact zero on the left wins over infinity and NaN on the right: an unused gradient stays 0.
PB_BINARY(zmul, select(a == T{0}, wrap(a), wrap(a) * wrap(b)))
// The product of two gradients: 0 wins from either side.
PB_BINARY(gmul, select(a == T{0}, wrap(a), select(b == T{0}, wrap(b), wrap(a) * wrap(b))))
PB_BINARY(copysign, with_sign(a, b))
PB_BINARY(nextafter, next_after(a, b))
PB_BINARY(heaviside, select(a == T{0}, b, static_cast<T>(a > T{0})))
PB_UNARY(floor, floored(a))
PB_UNARY(ceil, ceiled(a))
PB_UNARY(round, rounded(a))
PB_UNARY(trunc, truncated(a))
PB_UNARY(frac, a - round_to_zero(a))
// What is stored in two bytes and read again.
PB_UNARY(to_half, static_cast<T>(rounded_to_half(static_cast<float>(a))))
PB_UNARY(to_bfloat16, static_cast<T>(rounded_to_bfloat16(static_cast<float>(a))))

}  // namespace
}  // namespace pb
