// Integer-valued division. Integers never trap: x / 0 is 0 here (the caller has raised before), and the least
// integer divided by -1 wraps to itself.
#include "core/kernels/scalar.h"

namespace pb {
namespace {

// The quotient towards zero. Up to 32 bits a division in double is exact after truncation, and vectorises.
template <class T> PB_INLINE T quotient(T a, T b) {
    const T divisor = (b == 0) | (b == static_cast<T>(-1)) ? T{1} : b;
    T q;
    if constexpr (sizeof(T) < 8) q = static_cast<T>(static_cast<int32_t>(double(a) / double(divisor)));
    else q = a / divisor;
    if constexpr (static_cast<T>(-1) < 0) q = b == static_cast<T>(-1) ? static_cast<T>(0 - wrap(a)) : q;
    else q = b == static_cast<T>(-1) ? static_cast<T>(a == b) : q;
    return b == 0 ? T{0} : q;
}

template <class T> PB_INLINE T fmod_of(T a, T b) {
    if constexpr (sizeof(T) == 4 && is_float_v<T>) return __builtin_fmodf(a, b);
    else if constexpr (is_float_v<T>) return __builtin_fmod(a, b);
    else return b == 0 ? T{0} : static_cast<T>(wrap(a) - wrap(quotient(a, b)) * wrap(b));
}

// The remainder with the divisor's sign.
template <class T> PB_INLINE T remainder_of(T a, T b) {
    const T r = fmod_of(a, b);
    return r != 0 && (r < 0) != (b < 0) ? static_cast<T>(wrap(r) + wrap(b)) : r;
}

template <class T> PB_INLINE T floor_quotient(T a, T b) {
    if constexpr (is_float_v<T>) {
        // From the remainder, which is exact: floor(a / b) would be 10 for 1 / 0.1, where the true quotient is 9.99...
        const T r = fmod_of(a, b);
        T q = (a - r) / b;
        if (r != 0 && (r < 0) != (b < 0)) q -= 1;
        const T down = round_down(q);
        const T nearest = q - down > T{0.5} ? down + 1 : down;
        const T direct = a / b;
        return b == 0 ? direct : q == 0 ? with_sign(T{0}, direct) : nearest;
    } else {
        const T q = quotient(a, b);
        const T r = static_cast<T>(wrap(a) - wrap(q) * wrap(b));
        return b != 0 && r != 0 && (r < 0) != (b < 0) ? static_cast<T>(wrap(q) - 1) : q;
    }
}

template <class T> PB_INLINE T truncated_quotient(T a, T b) {
    if constexpr (is_float_v<T>) return round_to_zero(a / b);
    else return quotient(a, b);
}

// Euclid's algorithm on magnitudes; gcd(0, 0) is 0. Out of line: a loop inside a loop.
template <class T> PB_NOINLINE T greatest_common_divisor(T a, T b) {
    auto x = a < 0 ? 0 - wrap(a) : wrap(a), y = b < 0 ? 0 - wrap(b) : wrap(b);
    while (y != 0) {
        const auto r = x % y;
        x = y;
        y = r;
    }
    return static_cast<T>(x);
}

template <class T> PB_INLINE T least_common_multiple(T a, T b) {
    const T g = greatest_common_divisor(a, b);
    if (g == 0) return 0;
    const T product = static_cast<T>(wrap(quotient(a, g)) * wrap(b));
    return static_cast<T>(product < 0 ? 0 - wrap(product) : wrap(product));
}

PB_BINARY(floor_divide, floor_quotient(a, b))
PB_BINARY(trunc_divide, truncated_quotient(a, b))
PB_BINARY(remainder, remainder_of(a, b))
PB_BINARY(fmod, fmod_of(a, b))
PB_BINARY(gcd, greatest_common_divisor(a, b))
PB_BINARY(lcm, least_common_multiple(a, b))

}  // namespace

void PB_ISA::install_division(Kernels& table) { PB_DIVISION_PRIMITIVES(PB_INSTALL) }

}  // namespace pb
