// Vector versions of the C library's functions of floats.
//
// GCC turns a call in a loop into a call on a whole vector if the function is declared with `simd`: a call of
// `pb_tanhf` becomes one of `_ZGVeN16v_pb_tanhf`, the x86-64 vector ABI's name for sixteen lanes of AVX-512.
// `vector_math.cpp` defines those symbols and forwards them to glibc's libmvec, looked up at load: nothing here
// asks for a newer C library than the rest. Other compilers and processors use the scalar functions.
#pragma once
#include "core/kernels/scalar.h"
#include "core/kernels/vector_math.inc"

#ifdef PB_LIBMVEC
#define PB_SIMD __attribute__((simd("notinbranch"), const))
#define PB_SYMBOL(name) pb_##name
extern "C" {
#define PB_DECLARE(name)                        \
    PB_SIMD float pb_##name##f(float) noexcept; \
    PB_SIMD double pb_##name(double) noexcept;
PB_VECTOR_MATH_1(PB_DECLARE)
#undef PB_DECLARE
#define PB_DECLARE(name)                               \
    PB_SIMD float pb_##name##f(float, float) noexcept; \
    PB_SIMD double pb_##name(double, double) noexcept;
PB_VECTOR_MATH_2(PB_DECLARE)
#undef PB_DECLARE
}
#else
#define PB_SYMBOL(name) __builtin_##name
#endif

namespace pb {
namespace {

// vector_tanh(x) for both types, and so on.
#define PB_DEFINE(name)                                                      \
    PB_INLINE float vector_##name(float x) { return PB_SYMBOL(name##f)(x); } \
    PB_INLINE double vector_##name(double x) { return PB_SYMBOL(name)(x); }
PB_VECTOR_MATH_1(PB_DEFINE)
#undef PB_DEFINE
#define PB_DEFINE(name)                                                                  \
    PB_INLINE float vector_##name(float x, float y) { return PB_SYMBOL(name##f)(x, y); } \
    PB_INLINE double vector_##name(double x, double y) { return PB_SYMBOL(name)(x, y); }
PB_VECTOR_MATH_2(PB_DEFINE)
#undef PB_DEFINE

}  // namespace
}  // namespace pb
