// Sums and products of elements in which integers wrap around, as they do in the kernels. Floats are as they are.
#pragma once
#include <cstdint>
#include <type_traits>

namespace pb {

// What T is computed in: at least 64 bits unsigned for integers, so that nothing is promoted to a signed type.
template <class T> using Wrapping = std::conditional_t<std::is_integral_v<T>, uint64_t, T>;

template <class T> T wrapping_sum(T a, T b) {
    return static_cast<T>(static_cast<Wrapping<T>>(a) + static_cast<Wrapping<T>>(b));
}
template <class T> T wrapping_product(T a, T b) {
    return static_cast<T>(static_cast<Wrapping<T>>(a) * static_cast<Wrapping<T>>(b));
}

}  // namespace pb
