// The ranges that whole numbers are drawn from, checked against what a dtype holds.
#include <cstdlib>

#include "array/limits.h"
#include "compute/draw.h"

namespace pb::compute {

namespace {

// Of a float beside which there are no neighbours one apart, a bound moves inwards to the next one that is no other's
// rounding, as PyTorch moves it.
template <class T> int64_t next_in(int64_t bound, int64_t towards) {
    if (towards > 0 && bound == INT64_MAX) return bound;
    const int64_t beside = bound + towards;
    const double rounded = static_cast<double>(Scalar(beside).to<T>());
    const int64_t near = rounded < 0x1p63 ? static_cast<int64_t>(rounded) : INT64_MIN;  // as x86 converts
    if (towards > 0 ? near >= bound : near < bound) return bound;
    int power = 0;
    for (uint64_t size = std::abs(beside); size >>= 1;) ++power;
    const int64_t step = int64_t{1} << (power - digits_of<T>() + 1);
    return towards > 0 ? near + step : near - step;
}

void check_bounds(int64_t low, int64_t last, DType d) {
    if (is_float(d)) return;  // any whole number is near some float
    auto [least, most] = integer_range(d);
    if (low < least || low > most) fail("from is out of bounds for {}", dtype_c_name(d));
    if (last < least || last > most) fail("to - 1 is out of bounds for {}", dtype_c_name(d));
}

}  // namespace

Distribution integers_between(int64_t low, int64_t high, DType d) {
    if (low >= high) fail("random_ expects 'from' to be less than 'to', but got from={} >= to={}", low, high);
    if (is_float(d))
        visit<Family::Stored>(d, "random_update_from_to", [&](auto zero) {
            low = next_in<decltype(zero)>(low, 1);
            high = next_in<decltype(zero)>(high, -1);
            if (low >= high)
                fail(
                    "random_ expects 'from' casted to dtype to be less than 'to' casted to dtype, but got "
                    "from={} >= "
                    "to={}",
                    low, high);
        });
    check_bounds(low, high - 1, d);
    return Distribution::integers(low, static_cast<uint64_t>(high) - static_cast<uint64_t>(low));
}

Distribution integers_from(int64_t low, DType d) {
    if (low == INT64_MIN) {
        if (!is_float(d) && d != DType::Int64)
            fail("random_full_64_bits_range_kernel_cpu handles only int64, double, float and bfloat16");
        return Distribution::integers(0, 0);
    }
    int64_t last;
    if (is_float(d)) {
        last = visit<Family::Stored>(d, "random_from_to_range_calc", [&](auto zero) {
            low = next_in<decltype(zero)>(low, 1);
            return int64_t{1} << digits_of<decltype(zero)>();
        });
        if (low >= last)
            fail(
                "random_ expects 'from' casted to dtype to be less than or equal to 'to_inc' casted to "
                "dtype, but got "
                "from={} > to_inc={}",
                low, last);
    } else {
        last = integer_range(d).most;
    }
    check_bounds(low, last, d);
    return Distribution::integers(low, static_cast<uint64_t>(last) - static_cast<uint64_t>(low) + 1);
}

void check_permutation(int64_t n, DType d) {
    visit<Family::Stored>(d, "randperm", [&](auto zero) {
        if constexpr (std::is_same_v<decltype(zero), c10::Half>)
            if (n > whole_numbers(d) + 1)
                fail("n cannot be greater than {} for {} type.", whole_numbers(d) + 1, dtype_legacy_name(d));
    });
}

Distribution integers_of(DType d) {
    if (d == DType::Bool) return Distribution::integers(0, 2);
    const uint64_t range = visit<Family::Stored>(d, "random_kernel_cpu", [](auto zero) -> uint64_t {
        using T = decltype(zero);
        using Limits = std::numeric_limits<T>;
        if constexpr (Limits::is_integer) return static_cast<uint64_t>(Limits::max()) + 1;
        else return (uint64_t{1} << digits_of<T>()) + 1;
    });
    return Distribution::integers(0, range, item_size(d) < 8);  // one word, although the range may be wide
}

}  // namespace pb::compute
