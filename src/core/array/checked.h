// Arithmetic with numbers that somebody else has chosen: sizes, lengths, offsets, repetitions.
//
// A sum or product that does not fit 64 bits is an error, never another number: memory is allocated by such numbers,
// and walked by others that were computed in another way. `tests/construct/test_sizes.py` keeps the bare operators off
// them.
#pragma once
#include <cstdint>

#include "array/error.h"

namespace pb {

[[noreturn]] inline void fail_size() {
    fail("Storage size calculation overflowed: a size that was computed from the given ones does not fit 64 bits");
}
inline int64_t checked_add(int64_t a, int64_t b) {
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum)) fail_size();
    return sum;
}
inline int64_t checked_sub(int64_t a, int64_t b) {
    int64_t difference;
    if (__builtin_sub_overflow(a, b, &difference)) fail_size();
    return difference;
}
inline int64_t checked_mul(int64_t a, int64_t b) {
    int64_t product;
    if (__builtin_mul_overflow(a, b, &product)) fail_size();
    return product;
}

}  // namespace pb
