// exp and exp2 of our own: within 1 ulp, and as fast for -inf, NaN and underflow as for the rest, where libmvec
// takes a path twelve times slower. Masked softmax is made of such values.
//
// x = k ln 2 + r with |r| <= ln 2 / 2, and exp x = 2^k exp r. The quadratic-and-up part of exp r is a minimax
// polynomial (Chebyshev fit, error 2e-10 for float32 and 1e-17 for float64). k is rounded, and made an integer, by
// adding 1.5 * 2^p with p the number of fraction bits; NaN passes through as itself. 2^k is applied in two factors,
// so that the largest results do not overflow on the way and the least round once, as denormals.
#pragma once
#include "core/kernels/scalar.h"

namespace pb {
namespace {

template <class T> struct FloatFormat;
template <> struct FloatFormat<float> {
    using Int = int32_t;
    static constexpr int fraction_bits = 23, bias = 127;
    static constexpr float round_magic = 0x1.8p23f, least_normal = 0x1p-126f;
    static constexpr float lowest = -104.0f, highest = 89.0f, lowest2 = -151.0f, highest2 = 129.0f;
    static constexpr float ln2_high = 0x1.62e4p-1f, ln2_low = 0x1.7f7d1cp-20f;
    static PB_INLINE float exp_polynomial(float r) {
        return polynomial(r, 1.0f, 1.0f, 0x1.000000p-1f, 0x1.555556p-3f, 0x1.5554eap-5f, 0x1.1110e0p-7f,
                          0x1.6d4324p-10f, 0x1.a124f2p-13f);
    }
};
template <> struct FloatFormat<double> {
    using Int = int64_t;
    static constexpr int fraction_bits = 52, bias = 1023;
    static constexpr double round_magic = 0x1.8p52, least_normal = 0x1p-1022;
    static constexpr double lowest = -746.0, highest = 710.0, lowest2 = -1076.0, highest2 = 1025.0;
    static constexpr double ln2_high = 0x1.62e42fefp-1, ln2_low = 0x1.473de6af278edp-34;
    static PB_INLINE double exp_polynomial(double r) {
        return polynomial(r, 1.0, 1.0, 0x1.0000000000001p-1, 0x1.5555555555556p-3, 0x1.5555555553d63p-5,
                          0x1.11111111109b3p-7, 0x1.6c16c1788bd90p-10, 0x1.a01a01a7c41d5p-13,
                          0x1.a019b90d2ae7ap-16, 0x1.71de0dae63bb3p-19, 0x1.289185613a3d6p-22,
                          0x1.af38a9b0ec855p-26);
    }
};

// 2^k * y, for k as a rounded float.
template <class T> PB_INLINE T scale_by_power(T y, T k) {
    using F = FloatFormat<T>;
    const auto to_integer = [](T x) { return to_bits(x + F::round_magic) - to_bits(F::round_magic); };
    const auto half = to_integer(k * T{0.5}), rest = to_integer(k) - half;
    return y * from_bits((half + F::bias) << F::fraction_bits) *
           from_bits((rest + F::bias) << F::fraction_bits);
}

// Comparisons with NaN are false, so NaN is not clamped.
template <class T> PB_INLINE T clamp(T x, T low, T high) {
    const T raised = x < low ? low : x;
    return raised > high ? high : raised;
}

template <class T> PB_INLINE T exponential(T x) {
    using F = FloatFormat<T>;
    const T c = clamp(x, F::lowest, F::highest);
    const T k = (c * T(0x1.71547652b82fep0) + F::round_magic) - F::round_magic;
    const T r = fma(k, -F::ln2_low, fma(k, -F::ln2_high, c));
    return scale_by_power(F::exp_polynomial(r), k);
}

template <class T> PB_INLINE T exponential2(T x) {
    using F = FloatFormat<T>;
    const T c = clamp(x, F::lowest2, F::highest2);
    const T k = (c + F::round_magic) - F::round_magic;
    return scale_by_power(F::exp_polynomial((c - k) * T(0x1.62e42fefa39efp-1)), k);
}

}  // namespace
}  // namespace pb
