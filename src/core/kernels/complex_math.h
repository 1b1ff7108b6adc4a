// Functions of complex numbers, by the C library's: compiled once, called element by element.
#pragma once
#include "core/array/complex.h"

namespace pb {

#define PB_COMPLEX_MATH(X)                                                                                 \
    X(exp)                                                                                                 \
    X(exp2) X(expm1) X(log) X(log2) X(log10) X(log1p) X(sqrt) X(sin) X(cos) X(tan) X(asin) X(acos) X(atan) \
        X(sinh) X(cosh) X(tanh) X(asinh) X(acosh) X(atanh)

#define PB_DECLARE(name)                           \
    Complex<float> complex_##name(Complex<float>); \
    Complex<double> complex_##name(Complex<double>);
PB_COMPLEX_MATH(PB_DECLARE)
#undef PB_DECLARE
Complex<float> complex_pow(Complex<float>, Complex<float>);
Complex<double> complex_pow(Complex<double>, Complex<double>);

}  // namespace pb
