// The tail of the normal distribution, and the C library's logarithm of the gamma function.
#pragma once
#include "core/kernels/exponential.h"

extern "C" double lgamma_r(double, int*) noexcept;

namespace pb {
namespace {

// The normal distribution's tail Phi(-a) = exp(-a^2 / 2) W(a), for a >= 0. `reduced_tail` gives -a^2 / 2 as k ln 2 + r, and a^2
// is exact: one of its parts has half the bits.
//
// For float32 W is P / (sqrt(2 pi) a P + N), where N / P is what 1 / W has besides its asymptote (fitted by weighted least
// squares until the largest error of W is least, 2^-25.8). All but one coefficient, which is next to nothing, are positive, so
// that nothing cancels; and what rounding does to P does nothing to the quotient where a is large. For float64 (1 + a) W(a) is
// smooth in (a - k) / (a + k), as erfcx in W. J. Cody's and M. Shepherd's rational forms, here a polynomial (interpolation in
// Chebyshev's points) with relative error 2^-58.5 up to where the tail underflows.
template <class T> PB_INLINE T tail_over_density_of_float(T a) {
    const T p = polynomial(a, 0x1.68fe2ap+0f, 0x1.4ab202p+0f, 0x1.1e0e04p-1f, 0x1.080222p-3f, 0x1.c37c44p-7f,
                           -0x1.58be92p-20f);
    const T n = polynomial(a, 0x1.68fe2ap+1f, 0x1.4c93ecp+0f, 0x1.4ddeaap-2f, 0x1.19b50cp-5f);
    return p / fma(a * T(0x1.40d932p+1f), p, n);
}
template <class T> PB_INLINE T tail_over_density_of_double(T a) {
    return polynomial((a - 5) / (a + 5), 0x1.d8979b0f2b39dp-2, -0x1.76ff86859eb14p-4, 0x1.fc66cc64a145bp-6,
                      0x1.47c1d0305488fp-7, -0x1.b08e0007b6a3bp-6, 0x1.92037bab4757ap-6,
                      -0x1.f11aab02b2bbap-7, 0x1.ab6d038d45473p-8, -0x1.b75f4fa1ef08fp-10,
                      0x1.0571a2341cd75p-17, 0x1.7e61e85ba9c1ap-13, -0x1.c1b1c6b5be1dep-15,
                      -0x1.4c0fd9cf42480p-17, 0x1.3003953b2830dp-17, -0x1.2c3638e42e5aap-24,
                      -0x1.5f33ba28439c1p-20, 0x1.1078e62c322b9p-23, 0x1.a76820332c336p-23,
                      -0x1.ace4216aea953p-26, -0x1.0d0b365177dc7p-25, 0x1.6e285754293d7p-29,
                      0x1.27e6b14b8a694p-28, 0x1.1ea95ad704182p-36, -0x1.3094bd31dc530p-32) /
           (1 + a);
}
template <class T> PB_INLINE T tail_over_density(T a) {
    if constexpr (sizeof(T) == 4) return tail_over_density_of_float(a);
    else return tail_over_density_of_double(a);
}
template <class T> inline constexpr int end_of_tail = sizeof(T) == 4 ? 15 : 39;  // the tail is 0 from here on
template <class T> PB_INLINE T reduced_tail(T a, T& r) {
    using F = FloatFormat<T>;
    constexpr auto upper = ~((typename F::Word{1} << (F::fraction_bits / 2 + 1)) - 1);
    const T high = from_word(word_of(a) & upper), low = T(0.5) * ((a - high) * (a + high));
    const T k = reduce_by_ln2(T(-0.5) * (high * high), r);
    r -= low;
    return k;
}

// The C library's, without its global sign variable.
[[maybe_unused]] PB_NOINLINE double log_gamma(double x) {
    int sign;
    return lgamma_r(x, &sign);
}

}  // namespace
}  // namespace pb
