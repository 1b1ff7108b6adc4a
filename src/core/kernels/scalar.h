// Small pieces that functors are written with.
//
// Functors and what they are made of are templates over the type of an element, and choose by `select`: given a type
// that notes down what is done with it (code/trace.h) they state machine code.
#pragma once
#include "core/kernels/loops.h"

namespace pb {
namespace {

// Integers compute in an unsigned type, where overflow wraps; floats in their own.
template <bool wide> struct Unsigned { using type = uint32_t; };
template <> struct Unsigned<true> { using type = uint64_t; };
template <class T> struct WrapType : Unsigned<sizeof(T) == 8> {};
template <> struct WrapType<float> { using type = float; };
template <> struct WrapType<double> { using type = double; };
template <class T> PB_INLINE typename WrapType<T>::type wrap(T x) {
    return static_cast<typename WrapType<T>::type>(x);
}

// The least value of an integer type.
template <class T> PB_INLINE constexpr T lowest() {
    if constexpr (static_cast<T>(-1) > T{0}) return 0;
    else return static_cast<T>(uint64_t{1} << (8 * sizeof(T) - 1));
}

// The bits of a float, and back.
PB_INLINE int32_t to_bits(float x) { return __builtin_bit_cast(int32_t, x); }
PB_INLINE int64_t to_bits(double x) { return __builtin_bit_cast(int64_t, x); }
PB_INLINE float from_bits(int32_t b) { return __builtin_bit_cast(float, b); }
PB_INLINE double from_bits(int64_t b) { return __builtin_bit_cast(double, b); }

template <class T> PB_INLINE constexpr T infinity() { return static_cast<T>(__builtin_inf()); }

template <class T> PB_INLINE auto is_nan(T x) { return x != x; }

// c ? a : b, where both are computed.
template <class T> PB_INLINE T select(bool c, T a, T b) { return c ? a : b; }

// One overloaded name for each pair of C functions that has a machine instruction.
#define PB_BUILTIN(name, builtin)                                       \
    PB_INLINE float name(float x) { return __builtin_##builtin##f(x); } \
    PB_INLINE double name(double x) { return __builtin_##builtin(x); }
PB_BUILTIN(absolute, fabs)
PB_BUILTIN(square_root, sqrt)
PB_BUILTIN(round_down, floor)
PB_BUILTIN(round_up, ceil)
PB_BUILTIN(round_even, rint)
PB_BUILTIN(round_to_zero, trunc)
#undef PB_BUILTIN
PB_INLINE bool is_even(double n) { return round_to_zero(0.5 * n) == 0.5 * n; }  // of a whole number
PB_INLINE float with_sign(float x, float s) { return __builtin_copysignf(x, s); }
PB_INLINE double with_sign(double x, double s) { return __builtin_copysign(x, s); }

// Rounding that every instruction set has: adding 2^p, p the number of fraction bits, leaves no room for a fraction.
template <class T> PB_INLINE T nearest_integer(T x) {
    const T whole = T(sizeof(T) == 4 ? 0x1p23 : 0x1p52), m = absolute(x);
    return select(m < whole, with_sign((m + whole) - whole, x), x);
}

// a * b + c, rounded once where the instruction set has it: an emulation would be a hundred times slower.
#ifdef __FMA__
PB_INLINE float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
PB_INLINE double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }
#else
PB_INLINE float fma(float a, float b, float c) { return a * b + c; }
PB_INLINE double fma(double a, double b, double c) { return a * b + c; }
#endif

// The polynomial c0 + c1 x + c2 x^2 + ..., by Horner's rule.
template <class T, class C> PB_INLINE T polynomial(T, C c0) { return static_cast<T>(c0); }
template <class T, class C, class... Rest> PB_INLINE T polynomial(T x, C c0, Rest... rest) {
    return fma(polynomial(x, rest...), x, static_cast<T>(c0));
}

}  // namespace
}  // namespace pb
