// Hashing, of words one after the other.
#pragma once
#include <cstdint>

namespace pb {

inline uint64_t mix(uint64_t h, uint64_t x) {
    h = (h ^ x) * 0x9e3779b97f4a7c15ull;
    return h ^ (h >> 29);
}

}  // namespace pb
