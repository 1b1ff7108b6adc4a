// Stores that go past the caches: for results that are too large to be found there when somebody reads them. The
// processor then need not read what is overwritten.
#pragma once
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace pb {

// Results that come to so many bytes would push each other, and what is read, out of the last cache.
constexpr int64_t kStreamed = int64_t(16) << 20;

#if defined(__SSE2__)
inline void stream(const char* from, char* to, int64_t bytes) {
    int64_t head = -reinterpret_cast<intptr_t>(to) & 63;
    if (head > bytes) head = bytes;
    std::memcpy(to, from, static_cast<size_t>(head));
    int64_t i = head;
    for (; i + 64 <= bytes; i += 64)
        for (int64_t k = i; k < i + 64; k += 16)
            _mm_stream_si128(reinterpret_cast<__m128i*>(to + k),
                             _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + k)));
    std::memcpy(to + i, from + i, static_cast<size_t>(bytes - i));
}
// What was streamed is seen by all before what is stored from now on.
inline void end_stream() { _mm_sfence(); }
#else
inline void stream(const char* from, char* to, int64_t bytes) {
    std::memcpy(to, from, static_cast<size_t>(bytes));
}
inline void end_stream() {}
#endif

}  // namespace pb
