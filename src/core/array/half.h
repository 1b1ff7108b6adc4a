// The floats of two bytes: float16 (IEEE 754's binary16) and bfloat16 (the upper half of a float).
//
// They are stored, and nothing computes in them: what reads one converts it to float, which is exact, and what writes
// one rounds, to the nearest and to even in the middle. Subnormal numbers, infinities and NaN are what they are.
//
// This header is included by files compiled per instruction set: every function is inlined, and has no copy of its own.
#pragma once
#include <cstdint>

namespace pb {

#define PB_PLAIN [[gnu::always_inline]] static inline

PB_PLAIN uint32_t word_of(float x) { return __builtin_bit_cast(uint32_t, x); }
PB_PLAIN float float_of(uint32_t word) { return __builtin_bit_cast(float, word); }

// Written without branches, so that loops over them become vector code.
PB_PLAIN float half_to_float(uint16_t bits) {
    const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16, rest = bits & 0x7fffu;
    // As the bits of a float its exponent is too small by 112, which a product with 2^112 corrects, also of subnormal ones.
    const float scaled = float_of(rest << 13) * 0x1p112f;
    const uint32_t special = rest >= 0x7c00u ? 0x7f800000u : 0u;
    return float_of(word_of(scaled) | special | sign);
}
PB_PLAIN uint16_t float_to_half(float x) {
    const uint32_t word = word_of(x), sign = word >> 16 & 0x8000u, rest = word & 0x7fffffffu;
    // 13 bits of the fraction go; below 2^-14 the sum with 1/2, whose last place is worth 2^-24, rounds.
    const uint32_t normal = (rest + 0xfffu + (rest >> 13 & 1u) - 0x38000000u) >> 13;
    const uint32_t tiny = word_of(float_of(rest) + 0.5f) - 0x3f000000u;
    const uint32_t finite = rest < 0x38800000u ? tiny : normal;
    const uint32_t infinite = rest > 0x7f800000u ? 0x7e00u | (rest >> 13 & 0x3ffu) : 0x7c00u;
    return static_cast<uint16_t>((rest < 0x477ff000u ? finite : infinite) | sign);
}
PB_PLAIN float bfloat_to_float(uint16_t bits) { return float_of(static_cast<uint32_t>(bits) << 16); }
PB_PLAIN uint16_t float_to_bfloat(float x) {
    const uint32_t word = word_of(x), rounded = (word + 0x7fffu + (word >> 16 & 1u)) >> 16;
    return static_cast<uint16_t>((word & 0x7fffffffu) > 0x7f800000u ? 0x7fc0u : rounded);
}

// Elements, under the names that PyTorch's messages have for them.
namespace c10 {
struct Half {
    uint16_t bits;
    Half() = default;
    [[gnu::always_inline]] Half(float x) : bits(float_to_half(x)) {}
    [[gnu::always_inline]] operator float() const { return half_to_float(bits); }
};
struct BFloat16 {
    uint16_t bits;
    BFloat16() = default;
    [[gnu::always_inline]] BFloat16(float x) : bits(float_to_bfloat(x)) {}
    [[gnu::always_inline]] operator float() const { return bfloat_to_float(bits); }
};
}  // namespace c10

#undef PB_PLAIN

// Whether T is stored only. Numbers become such an element by way of float.
template <class T> inline constexpr bool is_narrow = false;
template <> inline constexpr bool is_narrow<c10::Half> = true;
template <> inline constexpr bool is_narrow<c10::BFloat16> = true;

}  // namespace pb
