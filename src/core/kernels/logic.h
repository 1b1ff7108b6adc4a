// Comparisons, classification, logic on truth values and on bits, and the choice between two operands.
#pragma once
#include "core/kernels/scalar.h"

namespace pb {
namespace {

// Integers are finite, and none is NaN.
template <class T> PB_INLINE auto is_infinite(T x) {
    if constexpr (is_float_v<T>) return absolute(x) == infinity<T>();
    else return false;
}

template <class T> PB_INLINE auto is_finite(T x) {
    if constexpr (is_float_v<T>) return absolute(x) < infinity<T>();
    else return true;
}

template <class T> PB_INLINE auto is_negative(T x) {
    if constexpr (is_float_v<T>) return to_bits(x) < 0;
    else if constexpr (is_bool_v<T>) return false;
    else return x < 0;
}

template <class T> PB_INLINE T complement(T x) {
    if constexpr (is_bool_v<T>) return !x;
    else return static_cast<T>(~wrap(x));
}

// Shifts by more bits than there are, or by a negative number: every bit has left, and the sign fills from above.
template <class T> inline constexpr int kBits = 8 * sizeof(T);

template <class T> PB_INLINE T shifted_left(T a, T b) {
    const bool fits = (b >= 0) & (b < kBits<T>);
    return fits ? static_cast<T>(wrap(a) << (fits ? b : T{0})) : T{0};
}

template <class T> PB_INLINE T shifted_right(T a, T b) {
    const bool fits = (b >= 0) & (b < kBits<T>);
    if constexpr (static_cast<T>(-1) < 0) return static_cast<T>(a >> (fits ? b : T(kBits<T> - 1)));
    else return fits ? static_cast<T>(a >> (fits ? b : T{0})) : T{0};
}

PB_BINARY(eq, a == b)
PB_BINARY(ne, a != b)
PB_BINARY(lt, a < b)
PB_BINARY(le, a <= b)
PB_BINARY(gt, a > b)
PB_BINARY(ge, a >= b)
PB_BINARY(logical_and, (a != T{0}) & (b != T{0}))
PB_BINARY(logical_or, (a != T{0}) | (b != T{0}))
PB_BINARY(logical_xor, (a != T{0}) ^ (b != T{0}))
PB_UNARY(logical_not, a == T{0})
PB_UNARY(isnan, a != a)
PB_UNARY(isinf, is_infinite(a))
PB_UNARY(isposinf, is_infinite(a) & (a > T{0}))
PB_UNARY(isneginf, is_infinite(a) & !(a > T{0}))
PB_UNARY(isfinite, is_finite(a))
PB_UNARY(signbit, is_negative(a))
PB_BINARY(bitwise_and, wrap(a) & wrap(b))
PB_BINARY(bitwise_or, wrap(a) | wrap(b))
PB_BINARY(bitwise_xor, wrap(a) ^ wrap(b))
PB_UNARY(bitwise_not, complement(a))
PB_BINARY(left_shift, shifted_left(a, b))
PB_BINARY(right_shift, shifted_right(a, b))

struct where_functor {
    template <class T> static PB_INLINE T apply(bool condition, T a, T b) { return condition ? a : b; }
};

}  // namespace
}  // namespace pb
