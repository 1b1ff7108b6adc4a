// exp and exp2 of our own: within 1 ulp, and as fast for -inf, NaN and underflow as for the rest, where libmvec
// takes a path twelve times slower. Masked softmax is made of such values.
//
// x = k ln 2 + r with |r| <= ln 2 / 2, and exp x = 2^k exp r. The quadratic-and-up part of exp r is a minimax
// polynomial (Chebyshev fit, error 2e-10 for float32 and 1e-17 for float64). k is rounded, and becomes an integer in
// the last bits, by adding 1.5 * 2^p with p the number of fraction bits; NaN passes through as itself. 2^k is applied
// in two factors, so that the largest results do not overflow on the way and the least round once, as denormals.
#pragma once
#include "core/kernels/scalar.h"

namespace pb {
namespace {

template <class T> struct FloatFormat;
template <> struct FloatFormat<float> {
    using Float = float;
    using Word = uint32_t;
    static constexpr int fraction_bits = 23, bias = 127;
    static constexpr float round_magic = 0x1.8p23f, least_normal = 0x1p-126f;
    static constexpr float lowest = -104.0f, highest = 89.0f, lowest2 = -151.0f, highest2 = 129.0f;
    static constexpr float ln2_high = 0x1.62e4p-1f, ln2_low = 0x1.7f7d1cp-20f;
    // (exp r - 1 - r) / r^2
    template <class T> static PB_INLINE T exp_polynomial(T r) {
        return polynomial(r, 0x1.000000p-1f, 0x1.555556p-3f, 0x1.5554eap-5f, 0x1.1110e0p-7f, 0x1.6d4324p-10f,
                          0x1.a124f2p-13f);
    }
};
template <> struct FloatFormat<double> {
    using Float = double;
    using Word = uint64_t;
    static constexpr int fraction_bits = 52, bias = 1023;
    static constexpr double round_magic = 0x1.8p52, least_normal = 0x1p-1022;
    static constexpr double lowest = -746.0, highest = 710.0, lowest2 = -1076.0, highest2 = 1025.0;
    static constexpr double ln2_high = 0x1.62e42fefp-1, ln2_low = 0x1.473de6af278edp-34;
    template <class T> static PB_INLINE T exp_polynomial(T r) {
        return polynomial(r, 0x1.0000000000001p-1, 0x1.5555555555556p-3, 0x1.5555555553d63p-5,
                          0x1.11111111109b3p-7, 0x1.6c16c1788bd90p-10, 0x1.a01a01a7c41d5p-13,
                          0x1.a019b90d2ae7ap-16, 0x1.71de0dae63bb3p-19, 0x1.289185613a3d6p-22,
                          0x1.af38a9b0ec855p-26);
    }
};

template <class T> PB_INLINE typename FloatFormat<T>::Word word_of(T x) {
    return static_cast<typename FloatFormat<T>::Word>(to_bits(x));
}
PB_INLINE float from_word(uint32_t w) { return from_bits(static_cast<int32_t>(w)); }
PB_INLINE double from_word(uint64_t w) { return from_bits(static_cast<int64_t>(w)); }

// 2^k * y, for k as the last bits of k + round_magic. A factor's exponent is half of k + 2 * bias.
template <class T> PB_INLINE T scale_by_power(T y, T k_and_magic) {
    using F = FloatFormat<T>;
    const auto biased = word_of(k_and_magic) - (word_of(F::round_magic) - 2 * F::bias);
    const auto half = biased >> 1;
    return y * from_word(half << F::fraction_bits) * from_word((biased - half) << F::fraction_bits);
}

// Comparisons with NaN are false, so NaN is not clamped.
template <class T> PB_INLINE T clamp(T x, T low, T high) {
    const T raised = select(x < low, low, x);
    return select(raised > high, high, raised);
}

// k + magic and r of x = k ln 2 + r. To round, magic is round_magic, or that and a small number.
template <class T> PB_INLINE T reduce_by_ln2(T x, T& r, T magic = T(FloatFormat<T>::round_magic)) {
    using F = FloatFormat<T>;
    const T k_and_magic = fma(x, T(0x1.71547652b82fep0), magic), k = k_and_magic - magic;
    r = fma(k, T(-F::ln2_low), fma(k, T(-F::ln2_high), x));
    return k_and_magic;
}

template <class T> PB_INLINE T exp_of_reduced(T r) {
    return fma(fma(FloatFormat<T>::exp_polynomial(r), r, T{1}), r, T{1});
}

template <class T> PB_INLINE T exponential(T x) {
    T r;
    const T k = reduce_by_ln2(clamp(x, T(FloatFormat<T>::lowest), T(FloatFormat<T>::highest)), r);
    return scale_by_power(exp_of_reduced(r), k);
}

// exp(-a) for a >= 0 in two parts, so that factor * exp(-a) is in range where the product is, although exp(-a) may have
// underflown. Beyond -least_exponent the product with any number of a's size is 0. The power is 2^`kept` times
// too large until the end, so that it is a normal number, made of the last bits of k and magic by one shift.
template <class T> inline constexpr int least_exponent = sizeof(T) == 4 ? -115 : -755;
template <class T> inline constexpr int decay_kept = sizeof(T) == 4 ? 48 : 128;
// y * 2^k, given k + magic, whose last bits are the exponent of the power as it is kept.
template <class T> PB_INLINE T scale_decay(T y, T k_and_magic, T) {
    constexpr double back = sizeof(T) == 4 ? 0x1p-48 : 0x1p-128;
    return y * from_word(word_of(k_and_magic) << FloatFormat<T>::fraction_bits) * T(back);
}
template <class T> struct Decay {
    using F = FloatFormat<T>;
    T magic = T(F::round_magic + (F::bias + decay_kept<T>)), k, fraction;
    explicit PB_INLINE Decay(T a) {
        T r;
        const T x = -a, least = T(least_exponent<T>);
        k = reduce_by_ln2(select(x < least, least, x), r, magic);
        fraction = exp_of_reduced(r);
    }
    PB_INLINE T value() const { return scale_decay(fraction, k, magic); }
    PB_INLINE T times(T factor) const { return scale_decay(fraction * factor, k, magic); }
};
// exp x for x <= 0, with fewer instructions.
template <class T> PB_INLINE T decayed(T x) { return Decay<T>(-x).value(); }

template <class T> PB_INLINE T exponential2(T x) {
    using F = FloatFormat<T>;
    const T c = clamp(x, T(F::lowest2), T(F::highest2)), magic = T(F::round_magic);
    const T k_and_magic = c + magic;
    return scale_by_power(exp_of_reduced((c - (k_and_magic - magic)) * T(0x1.62e42fefa39efp-1)), k_and_magic);
}

// exp x - 1 for 0 <= x < bias, of full precision near 0.
template <class T> PB_INLINE T expm1_of_positive(T x) {
    using F = FloatFormat<T>;
    T r;
    const T k = reduce_by_ln2(x, r);
    const T power = from_word((word_of(k) - (word_of(F::round_magic) - F::bias)) << F::fraction_bits);
    return fma(power, fma(F::exp_polynomial(r), r * r, r), power - 1);
}

}  // namespace
}  // namespace pb
