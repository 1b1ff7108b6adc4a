// A float rounded to the values of a narrow type (array/half.h), and a float again: what storing and loading makes of it.
// For one element, and for vectors of any width.
#pragma once
#include "core/kernels/isa.h"

#ifdef __F16C__
#include <immintrin.h>
#endif

namespace pb {
namespace {

// The words of one element, or of a vector, V.
template <class V> struct WordsOf { typedef uint32_t type __attribute__((vector_size(sizeof(V)))); };
template <> struct WordsOf<float> { using type = uint32_t; };

template <class V> PB_INLINE V words_rounded_to_half(V x) {
    using W = typename WordsOf<V>::type;
    const W word = __builtin_bit_cast(W, x), sign = word & 0x80000000u, rest = word ^ sign;
    const W normal = (rest + 0xfffu + (rest >> 13 & 1u)) & ~0x1fffu;
    const V tiny = (__builtin_bit_cast(V, rest) + 0.5f) - 0.5f;  // whose last place is worth 2^-24
    const W finite = rest < 0x38800000u ? __builtin_bit_cast(W, tiny) : normal;
    const W limited = rest < 0x477ff000u ? finite : (rest & 0u) | 0x7f800000u;
    return __builtin_bit_cast(V, (rest > 0x7f800000u ? rest : limited) | sign);
}
template <class V> PB_INLINE V rounded_to_half(V x) {
#ifdef __AVX512F__
    if constexpr (sizeof(V) == 64)
        return (V)_mm512_cvtph_ps(_mm512_cvtps_ph((__m512)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
#elif defined(__F16C__)
    if constexpr (sizeof(V) == 32) return (V)_mm256_cvtph_ps(_mm256_cvtps_ph((__m256)x, 0));
#endif
    return words_rounded_to_half(x);
}
template <class V> PB_INLINE V rounded_to_bfloat16(V x) {
    using W = typename WordsOf<V>::type;
    const W word = __builtin_bit_cast(W, x);
    const W rounded = (word + 0x7fffu + (word >> 16 & 1u)) & 0xffff0000u;
    return __builtin_bit_cast(V, (word & 0x7fffffffu) > 0x7f800000u ? word : rounded);
}

}  // namespace
}  // namespace pb
