// Functions of complex numbers, by the C library's: compiled once, called element by element.
#pragma once
#include "core/array/complex.h"
#include "core/kernels/complex_math.inc"

namespace pb {

#define PB_DECLARE(name)                           \
    Complex<float> complex_##name(Complex<float>); \
    Complex<double> complex_##name(Complex<double>);
PB_COMPLEX_MATH(PB_DECLARE)
#undef PB_DECLARE
Complex<float> complex_pow(Complex<float>, Complex<float>);
Complex<double> complex_pow(Complex<double>, Complex<double>);

}  // namespace pb
