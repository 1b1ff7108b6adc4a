#include "core/kernels/complex_math.h"

#include <cmath>
#include <complex>

namespace pb {

namespace {

template <class T> std::complex<T> given(Complex<T> z) { return {z.re, z.im}; }
template <class T> Complex<T> taken(std::complex<T> z) { return {z.real(), z.imag()}; }

template <class T> constexpr T kLn2 = T(0.693147180559945309417232121458);
template <class T> constexpr T kLn10 = T(2.302585092994045684017991454684);

template <class T> Complex<T> scaled(Complex<T> z, T by) { return {z.re * by, z.im * by}; }

#define PB_LIBRARY(name) \
    template <class T> Complex<T> name##_of(Complex<T> z) { return taken(std::name(given(z))); }
PB_LIBRARY(exp)
PB_LIBRARY(log)
PB_LIBRARY(sqrt)
PB_LIBRARY(sin)
PB_LIBRARY(cos)
PB_LIBRARY(tan)
PB_LIBRARY(asin)
PB_LIBRARY(acos)
PB_LIBRARY(atan)
PB_LIBRARY(sinh)
PB_LIBRARY(cosh)
PB_LIBRARY(tanh)
PB_LIBRARY(asinh)
PB_LIBRARY(acosh)
PB_LIBRARY(atanh)
#undef PB_LIBRARY

template <class T> Complex<T> exp2_of(Complex<T> z) { return exp_of(scaled(z, kLn2<T>)); }
template <class T> Complex<T> log2_of(Complex<T> z) { return scaled(log_of(z), 1 / kLn2<T>); }
template <class T> Complex<T> log10_of(Complex<T> z) { return scaled(log_of(z), 1 / kLn10<T>); }
// Near 0 without the 1 that would swallow z: cos y - 1 is -2 sin(y/2)^2, and |1 + z|^2 - 1 is x (x + 2) + y^2.
template <class T> Complex<T> expm1_of(Complex<T> z) {
    if (z.im == 0) return {std::expm1(z.re), z.im};
    const T half = std::sin(z.im / 2);
    return {std::expm1(z.re) * std::cos(z.im) - 2 * half * half, std::exp(z.re) * std::sin(z.im)};
}
template <class T> Complex<T> log1p_of(Complex<T> z) {
    const T size = std::hypot(z.re, z.im);
    if (!(size < T(0.5))) return log_of(Complex<T>(z.re + 1, z.im));
    return {std::log1p(z.re * (z.re + 2) + z.im * z.im) / 2, std::atan2(z.im, z.re + 1)};
}

// Small powers are products, quotients and roots, which are exact where all is whole.
template <class T> bool is_small_power(Complex<T> a, T n, Complex<T>* y) {
    const Complex<T> one(1);
    if (n == 0) *y = one;
    else if (n == 1) *y = a;
    else if (n == 2) *y = a * a;
    else if (n == 3) *y = a * a * a;
    else if (n == T(0.5)) *y = sqrt_of(a);
    else if (n == -1) *y = one / a;
    else if (n == -2) *y = one / (a * a);
    else if (n == T(-0.5)) *y = one / sqrt_of(a);
    else return false;
    return true;
}

template <class T> Complex<T> power(Complex<T> a, Complex<T> b) {
    Complex<T> y;
    if (a == Complex<T>(1)) return Complex<T>(1);
    // Where a product or what is divided by overflows, in both parts, it is nan; the power is infinite, or 0.
    if (b.im == 0 && is_small_power(a, b.re, &y) && !std::isnan(y.re) && !std::isnan(y.im)) return y;
    if (a == Complex<T>(0) && b.re > 0) return Complex<T>(0);
    return taken(std::pow(given(a), given(b)));
}

}  // namespace

#define PB_DEFINE(name)                                                             \
    Complex<float> complex_##name(Complex<float> z) { return name##_of<float>(z); } \
    Complex<double> complex_##name(Complex<double> z) { return name##_of<double>(z); }
PB_COMPLEX_MATH(PB_DEFINE)
#undef PB_DEFINE
Complex<float> complex_pow(Complex<float> a, Complex<float> b) { return power(a, b); }
Complex<double> complex_pow(Complex<double> a, Complex<double> b) { return power(a, b); }

}  // namespace pb
