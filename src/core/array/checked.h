// Arithmetic with numbers that somebody else has chosen: sizes, lengths, offsets, repetitions.
//
// A sum or product that does not fit 64 bits is an error, never another number: memory is allocated by such numbers,
// and walked by others that were computed in another way. `tests/construct/test_sizes.py` keeps the bare operators off
// them, as far as a look at the text can.
#pragma once
#include <cstdint>

#include "array/error.h"

namespace pb {

// False where the result fits; for callers with a message of their own.
inline bool add_overflows(int64_t a, int64_t b, int64_t* sum) { return __builtin_add_overflow(a, b, sum); }
inline bool mul_overflows(int64_t a, int64_t b, int64_t* product) {
    return __builtin_mul_overflow(a, b, product);
}

[[noreturn]] inline void fail_size() {
    fail(
        "Storage size calculation overflowed. A number that follows from the given sizes does not fit 64 "
        "bits.");
}
inline int64_t checked_add(int64_t a, int64_t b) {
    int64_t sum;
    if (add_overflows(a, b, &sum)) fail_size();
    return sum;
}
inline int64_t checked_mul(int64_t a, int64_t b) {
    int64_t product;
    if (mul_overflows(a, b, &product)) fail_size();
    return product;
}
// Of sizes in a range.
template <class Iterator> int64_t checked_product(Iterator first, Iterator last) {
    int64_t product = 1;
    for (; first != last; ++first) product = checked_mul(product, *first);
    return product;
}
template <class Sizes> int64_t checked_product(const Sizes& sizes) {
    return checked_product(sizes.begin(), sizes.end());
}

}  // namespace pb
