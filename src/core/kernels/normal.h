// The error function, the normal distribution, and what is made of that.
#pragma once
#include "core/kernels/tails.h"
#include "core/kernels/vector_math.h"

namespace pb {
namespace {

// erf of float32 in half the time that libmvec takes; its erf of float64 is as fast as ours would be. Up to 1.375 it is
// x + x p(x^2), beyond it 1 - 1 / q(|x|)^16, where q is the smooth 16th root of 1 / erfc (after Abramowitz and Stegun,
// 7.1.28). Both are minimax polynomials (Remez; relative error 2^-26.8, absolute error 2^-28.8). From 4 on erf is 1.
template <class T> PB_INLINE T error_function_of_float(T x) {
    const T a = absolute(x), c = select(a > 4, T{4}, a);
    const T p = polynomial(c * c, 0x1.06eba8p-3f, -0x1.812732p-2f, 0x1.ce2bb2p-4f, -0x1.b7f35cp-6f,
                           0x1.5479dcp-8f, -0x1.aeb2f8p-11f, 0x1.9c8218p-14f, -0x1.ba2aa6p-18f);
    const T q = polynomial(c, 0x1.007ffep+0f, 0x1.036f1ap-4f, 0x1.b51960p-5f, 0x1.91fa1ep-14f, 0x1.24a148p-8f,
                           -0x1.aaaf54p-11f, 0x1.4c8a6cp-13f);
    const T q2 = q * q, q4 = q2 * q2, q8 = q4 * q4;
    return with_sign(select(c < 1.375f, fma(c, p, c), 1 - 1 / (q8 * q8)), x);
}
template <class T> PB_INLINE T error_function(T x) {
    if constexpr (sizeof(T) == 4) return error_function_of_float(x);
    else return vector_erf(x);
}

// x Phi(x), and its slope, Phi(x) + x phi(x). -infinity times 0 is NaN.
template <class T> PB_INLINE T times_normal(T x) {
    const T m = absolute(x), a = select(m > end_of_tail<T>, T(end_of_tail<T>), m);
    T r;
    const T k = reduced_tail(a, r), tail = tail_over_density(a), power = exp_of_reduced(r);
    const T left = select(x < -end_of_tail<T>, x * 0, scale_by_power(power * (x * tail), k));
    return select(x < 0, left, x * (1 - scale_by_power(power * tail, k)));
}
template <class T> PB_INLINE T times_normal_slope(T x) {
    const T m = absolute(x), a = select(m > end_of_tail<T>, T(end_of_tail<T>), m);
    T r;
    const T k = reduced_tail(a, r);
    const T part =
        scale_by_power(exp_of_reduced(r) * fma(a, T(-0.39894228040143267794), tail_over_density(a)), k);
    return select(x < 0, part, 1 - part);
}

// Phi(x).
template <class T> PB_INLINE T normal_cumulative(T x) {
    const T m = absolute(x), a = select(m > end_of_tail<T>, T(end_of_tail<T>), m);
    T r;
    const T k = reduced_tail(a, r), part = scale_by_power(exp_of_reduced(r) * tail_over_density(a), k);
    return select(x < 0, part, 1 - part);
}

PB_UNARY(erf, error_function(a))
PB_UNARY(erfc, vector_erfc(a))
PB_UNARY(gelu, times_normal(a))
PB_UNARY(gelu_slope, times_normal_slope(a))
PB_UNARY(ndtr, normal_cumulative(a))

}  // namespace
}  // namespace pb
