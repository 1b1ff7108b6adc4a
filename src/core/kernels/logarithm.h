// log of our own: within 1 ulp, and as fast for zero, denormal, negative and infinite arguments as for the rest, where
// libmvec takes a path ten times slower.
//
// x = 2^k m with m between sqrt 1/2 and sqrt 2, and log x = k ln 2 + log(1 + f) with f = m - 1. k and m are cut out
// of the bits, shifted so that the exponent changes at sqrt 1/2; k becomes a float as the fraction of one.
#pragma once
#include "core/kernels/exponential.h"

namespace pb {
namespace {

// log(1 + f) - f. For float32 f^3 times a minimax polynomial (Remez) after -f^2 / 2; relative error of the logarithm
// 2^-27. For float64, where that would take three times as many terms, the series of log((1 + s) / (1 - s)) in
// s = f / (2 + f), as in fdlibm (Sun, 1993) but fitted anew; relative error 2^-59.
template <class T> PB_INLINE T log_rest_of_float(T f) {
    const T square = f * f;
    const T tail = polynomial(f, 0x1.555554p-2f, -0x1.000226p-2f, 0x1.99a008p-3f, -0x1.547246p-3f,
                              0x1.22da20p-3f, -0x1.0d8540p-3f, 0x1.055b5ap-3f, -0x1.38b564p-4f);
    return fma(f * square, tail, -0.5f * square);
}
template <class T> PB_INLINE T log_rest_of_double(T f) {
    const T s = f / (2 + f), z = s * s, half = 0.5 * f * f;
    const T tail =
        polynomial(z, 0x1.5555555555592p-1, 0x1.999999997fdc3p-2, 0x1.24924941f09f7p-2, 0x1.c71c5209b7038p-3,
                   0x1.74663ed8adbeap-3, 0x1.39a1bc19eb9bap-3, 0x1.2f05572689e3ep-3);
    return fma(s, fma(z, tail, half), -half);
}
template <class T> PB_INLINE T log_rest(T f) {
    if constexpr (sizeof(T) == 4) return log_rest_of_float(f);
    else return log_rest_of_double(f);
}

// k ln 2 + log(1 + f)
template <class T> PB_INLINE T logarithm_of_parts(T k, T f) {
    using F = FloatFormat<T>;
    return fma(k, T(F::ln2_high), f + fma(k, T(F::ln2_low), log_rest(f)));
}

// The logarithm of x, given what makes it of k and f where x is positive and finite.
template <class T, class OfParts> PB_INLINE T logarithm(T x, OfParts of_parts) {
    using F = FloatFormat<T>;
    constexpr auto one = typename F::Word{F::bias} << F::fraction_bits;
    const auto root = word_of(typename F::Float(0x1.6a09e667f3bcdp-1));
    const auto tiny = x < T(F::least_normal);
    const auto bits = word_of(select(tiny, x * T(0x1p54), x)) + (one - root);
    const T m = from_word((bits & ((typename F::Word{1} << F::fraction_bits) - 1)) + root);
    constexpr auto unit = static_cast<typename F::Float>(typename F::Word{1} << F::fraction_bits);
    const T biased = from_word(word_of(unit) | (bits >> F::fraction_bits)) - T(unit);
    const T k = biased - select(tiny, T(F::bias + 54), T(F::bias));
    const T finite = select(x < infinity<T>(), of_parts(k, m - 1), x);
    const T none = static_cast<T>(-__builtin_nan(""));  // as the processor says it
    return select(x > 0, finite, select(x == 0, -infinity<T>(), none));
}
template <class T> PB_INLINE T natural_log(T x) {
    return logarithm(x, [](T k, T f) { return logarithm_of_parts(k, f); });
}

// log(1 + x), which is log u + log(1 + lost) if u is what rounding leaves of 1 + x. Its sign is that of x, also of zero.
template <class T> PB_INLINE T log_one_plus_of_float(T x) {
    using F = FloatFormat<T>;
    const T u = x + 1, lost = (x - (u - 1)) / u;
    const T value = logarithm(u, [lost](T k, T f) {
        return fma(k, T(F::ln2_high), f + (fma(k, T(F::ln2_low), log_rest(f)) + lost));
    });
    return with_sign(value, x);
}

// log(1 + e) for 0 <= e <= 1, or NaN.
template <class T> PB_INLINE T log_one_plus_part(T e) {
    const auto upper = e > T(0x1.a827999fcef32p-2);
    return logarithm_of_parts(select(upper, T{1}, T{0}), select(upper, fma(e, T(0.5), T(-0.5)), e));
}

}  // namespace
}  // namespace pb
