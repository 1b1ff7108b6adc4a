// Which numbers the elements of a dtype can be.
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>

#include "array/error.h"
#include "array/scalar.h"

namespace pb {

struct Range {
    int64_t least, most;
};
// Of uint64 the half that an int64 has.
inline Range integer_range(DType d) {
    if (d == DType::Bool) return {0, 1};
    return visit<Family::IntegersBare>(d, "iinfo", [](auto zero) {
        using Limits = std::numeric_limits<decltype(zero)>;
        return Range{static_cast<int64_t>(Limits::min()),
                     static_cast<int64_t>(std::min<uint64_t>(Limits::max(), INT64_MAX))};
    });
}

// The largest finite float of a type.
template <class T> double largest_of() { return static_cast<double>(std::numeric_limits<T>::max()); }
template <> inline double largest_of<c10::Half>() { return 0x1.ffcp15; }
template <> inline double largest_of<c10::BFloat16>() { return 0x1.fep127; }
// How many bits its fraction has, the leading one counted.
template <class T> constexpr int digits_of() { return std::numeric_limits<T>::digits; }
template <> constexpr int digits_of<c10::Half>() { return 11; }
template <> constexpr int digits_of<c10::BFloat16>() { return 8; }
// Up to which number a float has all whole ones.
inline int64_t whole_numbers(DType d) {
    return visit<Family::Stored>(
        d, "randperm", [](auto zero) { return int64_t{1} << std::min(digits_of<decltype(zero)>(), 62); });
}
inline double largest_float(DType d) {
    return visit<Family::Stored>(d, "finfo", [](auto zero) { return largest_of<decltype(zero)>(); });
}

// What a maximum (`greatest`) or a minimum over nothing is.
inline Scalar extreme_identity(DType d, bool greatest) {
    if (is_float(d)) return Scalar(greatest ? -HUGE_VAL : HUGE_VAL);
    const Range range = integer_range(d);
    return Scalar(greatest ? range.least : range.most);
}

// Whether a number becomes an element without overflow, in PyTorch's sense: negative whole numbers wrap around in an
// unsigned type, truth takes everything, and floats take infinities.
inline bool fits(Scalar v, DType d) {
    if (d == DType::Bool) return true;
    if (is_complex(d) && is_stored_only(d)) return true;  // as PyTorch: what is too large is infinite
    if (is_complex(d)) return fits(Scalar(v.to_double()), part_of(d)) && fits(Scalar(v.im), part_of(d));
    if (v.kind == Scalar::Complex && v.im != 0) return false;
    if (v.wide) return takes_wide(d);
    return visit<Family::StoredBare>(d, "fill_", [&](auto zero) {
        using T = decltype(zero);
        using Limits = std::numeric_limits<T>;
        if constexpr (std::is_floating_point_v<T> || is_narrow<T>) {
            const double f = v.to_double();
            return !std::isfinite(f) || std::fabs(f) <= largest_of<T>();
        } else if (v.is_floating()) {
            constexpr auto least = static_cast<double>(Limits::min()),
                           most = static_cast<double>(Limits::max());
            // As a double, the greatest int64 is 2^63, and that of uint64 2^64.
            return v.f >= least && v.f <= most && v.f < (sizeof(T) == 8 ? most : 0x1p63);
        } else if constexpr (std::is_same_v<T, uint64_t>) {
            return true;
        } else {
            constexpr int64_t most = Limits::max(), least = Limits::is_signed ? Limits::min() : -most;
            return v.i >= least && v.i <= most;
        }
    });
}

// Raises as PyTorch does.
inline void check_fits(Scalar v, DType d) {
    if (v.kind == Scalar::Complex && v.im != 0 && !is_complex(d) && d != DType::Bool) fail_imaginary(d);
    if (!fits(v, d))
        fail("value cannot be converted to type {} without overflow: {} does not fit into pullback.{}.",
             dtype_number_name(d), v.to_double(), dtype_name(d));
}

}  // namespace pb
