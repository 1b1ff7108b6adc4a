// Narrow floats (array/half.h) and the processor's registers: one float, or a vector of any width.
#pragma once
#include "core/kernels/isa.h"

#ifdef __F16C__
#include <immintrin.h>
#endif

namespace pb {
namespace {

// The words of one element, or of a vector V; and the narrow elements.
template <class V> struct WordsOf {
    typedef uint32_t type __attribute__((vector_size(sizeof(V))));
    typedef uint16_t narrow __attribute__((vector_size(sizeof(V) / 2)));
};
template <> struct WordsOf<float> {
    using type = uint32_t;
    using narrow = uint16_t;
};
template <class V> using Words = typename WordsOf<V>::type;
template <class V> using Narrow = typename WordsOf<V>::narrow;

template <class To, class From> PB_INLINE To lanes_as(From x) {
    if constexpr (sizeof(From) <= 4) return static_cast<To>(x);
    else return __builtin_convertvector(x, To);
}

// Elements from memory, and to it.
template <class V> PB_INLINE V load_halves(const char* from) {
#ifdef __AVX512F__
    if constexpr (sizeof(V) == 64)
        return (V)_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
#endif
#ifdef __F16C__
    if constexpr (sizeof(V) == 32)
        return (V)_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
#endif
    Narrow<V> bits;
    __builtin_memcpy(&bits, from, sizeof bits);
    return floats_of_halves<V>(lanes_as<Words<V>>(bits));
}
template <class V> PB_INLINE void store_halves(V x, char* to) {
#ifdef __AVX512F__
    if constexpr (sizeof(V) == 64)
        return _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                                   _mm512_cvtps_ph((__m512)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
#endif
#ifdef __F16C__
    if constexpr (sizeof(V) == 32)
        return _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_cvtps_ph((__m256)x, 0));
#endif
    const auto bits = lanes_as<Narrow<V>>(halves_of_floats<Words<V>>(x));
    __builtin_memcpy(to, &bits, sizeof bits);
}
template <class V> PB_INLINE V load_bfloats(const char* from) {
#ifdef __AVX512F__
    if constexpr (sizeof(V) == 64)
        return (V)_mm512_slli_epi32(
            _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))), 16);
#endif
    Narrow<V> bits;
    __builtin_memcpy(&bits, from, sizeof bits);
    return floats_of_bfloats<V>(lanes_as<Words<V>>(bits));
}
template <class V> PB_INLINE void store_bfloats(V x, char* to) {
    const auto words = bfloats_of_floats<Words<V>>(x);
#ifdef __AVX512F__
    if constexpr (sizeof(V) == 64)
        return _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtepi32_epi16((__m512i)words));
#endif
    const auto bits = lanes_as<Narrow<V>>(words);
    __builtin_memcpy(to, &bits, sizeof bits);
}

// What storing and loading makes of a float.
template <class V> PB_INLINE V rounded_to_half(V x) {
#ifdef __AVX512F__
    if constexpr (sizeof(V) == 64)
        return (V)_mm512_cvtph_ps(_mm512_cvtps_ph((__m512)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
#endif
#ifdef __F16C__
    if constexpr (sizeof(V) == 32) return (V)_mm256_cvtph_ps(_mm256_cvtps_ph((__m256)x, 0));
#endif
    return floats_of_halves<V>(halves_of_floats<Words<V>>(x));
}
template <class V> PB_INLINE V rounded_to_bfloat16(V x) {
    using W = Words<V>;
    const W word = __builtin_bit_cast(W, x);
    const W rounded = (word + 0x7fffu + (word >> 16 & 1u)) & 0xffff0000u;
    return __builtin_bit_cast(V, (word & 0x7fffffffu) > 0x7f800000u ? word : rounded);
}

}  // namespace
}  // namespace pb
