// The scalar versions behind `vector_math.h`, compiled once. The compiler refers to them for the last elements of
// a loop, but the loops that call vector functions have none.
#include "core/kernels/vector_math.inc"

extern "C" {
#define PB_HIDDEN __attribute__((visibility("hidden")))
#define PB_DEFINE(name)                                                               \
    PB_HIDDEN float pb_##name##f(float x) noexcept { return __builtin_##name##f(x); } \
    PB_HIDDEN double pb_##name(double x) noexcept { return __builtin_##name(x); }
PB_VECTOR_MATH_1(PB_DEFINE)
#undef PB_DEFINE
#define PB_DEFINE(name)                                                                           \
    PB_HIDDEN float pb_##name##f(float x, float y) noexcept { return __builtin_##name##f(x, y); } \
    PB_HIDDEN double pb_##name(double x, double y) noexcept { return __builtin_##name(x, y); }
PB_VECTOR_MATH_2(PB_DEFINE)
#undef PB_DEFINE
}
