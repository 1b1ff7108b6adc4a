// The floats of two bytes: float16 (IEEE 754's binary16) and bfloat16 (the upper half of a float).
//
// They are stored, and nothing computes in them: what reads one converts it to float, which is exact, and what writes
// one rounds, to the nearest and to even in the middle. Subnormal numbers, infinities and NaN are what they are.
//
// This header is included by files compiled per instruction set: every function is inlined, and has no copy of its own.
#pragma once
#include <cstdint>

#include "core/array/complex.h"

namespace pb {

#define PB_PLAIN [[gnu::always_inline]] static inline

// Of one number, or of vectors: V floats, W as many words of 32 bits, of which narrow floats are the lower half. Written
// without branches, so that loops over them become vector code, too.
template <class V, class W> PB_PLAIN V floats_of_halves(W bits) {
    const W sign = (bits & 0x8000u) << 16, rest = bits & 0x7fffu;
    // As the bits of a float its exponent is too small by 112, which a product with 2^112 corrects, also of subnormal ones.
    const V scaled = __builtin_bit_cast(V, rest << 13) * 0x1p112f;
    const W special = rest >= 0x7c00u ? (rest & 0u) | 0x7f800000u : rest & 0u;
    return __builtin_bit_cast(V, __builtin_bit_cast(W, scaled) | special | sign);
}
template <class W, class V> PB_PLAIN W halves_of_floats(V x) {
    const W word = __builtin_bit_cast(W, x), sign = word >> 16 & 0x8000u, rest = word & 0x7fffffffu;
    // 13 bits of the fraction go; below 2^-14 the sum with 1/2, whose last place is worth 2^-24, rounds.
    const W normal = (rest + 0xfffu + (rest >> 13 & 1u) - 0x38000000u) >> 13;
    const W tiny = __builtin_bit_cast(W, __builtin_bit_cast(V, rest) + 0.5f) - 0x3f000000u;
    const W finite = rest < 0x38800000u ? tiny : normal;
    const W infinite = rest > 0x7f800000u ? 0x7e00u | (rest >> 13 & 0x3ffu) : (rest & 0u) | 0x7c00u;
    return (rest < 0x477ff000u ? finite : infinite) | sign;
}
template <class V, class W> PB_PLAIN V floats_of_bfloats(W bits) { return __builtin_bit_cast(V, bits << 16); }
template <class W, class V> PB_PLAIN W bfloats_of_floats(V x) {
    const W word = __builtin_bit_cast(W, x), rounded = (word + 0x7fffu + (word >> 16 & 1u)) >> 16;
    return (word & 0x7fffffffu) > 0x7f800000u ? (word & 0u) | 0x7fc0u : rounded;
}

// Elements, under the names that PyTorch's messages have for them.
namespace c10 {
struct Half {
    uint16_t bits;
    Half() = default;
    [[gnu::always_inline]] Half(float x) : bits(static_cast<uint16_t>(halves_of_floats<uint32_t>(x))) {}
    [[gnu::always_inline]] operator float() const { return floats_of_halves<float>(uint32_t{bits}); }
};
struct BFloat16 {
    uint16_t bits;
    BFloat16() = default;
    [[gnu::always_inline]] BFloat16(float x) : bits(static_cast<uint16_t>(bfloats_of_floats<uint32_t>(x))) {}
    [[gnu::always_inline]] operator float() const { return floats_of_bfloats<float>(uint32_t{bits}); }
};
}  // namespace c10

#undef PB_PLAIN

// Whether T is stored only. Numbers become such an element by way of float; of a complex one the parts do.
template <class T> inline constexpr bool is_narrow = false;
template <> inline constexpr bool is_narrow<c10::Half> = true;
template <> inline constexpr bool is_narrow<c10::BFloat16> = true;
template <class T> inline constexpr bool is_narrow<Complex<T>> = is_narrow<T>;

}  // namespace pb
