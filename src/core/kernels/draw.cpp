// The Mersenne twister by the block, uniform numbers, and normal ones of float. `draw.h` says what each does.
#include "core/kernels/draw.h"

#include "core/kernels/isa.h"
#include "core/kernels/scalar.h"

#define PB_RESTRICT __restrict

namespace pb {
namespace {

PB_INLINE uint32_t twisted(uint32_t high, uint32_t low, uint32_t far) {
    const uint32_t y = (high & 0x80000000u) | (low & 0x7fffffffu);
    return far ^ y >> 1 ^ (0u - (low & 1u) & 0x9908b0dfu);
}

// What a step reads of the new block lies 227 words back, further than any vector is long.
PB_NOINLINE void twist(uint32_t* s) {
    constexpr int kShift = 397, kBack = kTwisterWords - kShift;
#pragma omp simd safelen(64)
    for (int i = 0; i < kBack; ++i) s[i] = twisted(s[i], s[i + 1], s[i + kShift]);
#pragma omp simd safelen(64)
    for (int i = kBack; i < kTwisterWords - 1; ++i) s[i] = twisted(s[i], s[i + 1], s[i - kBack]);
    s[kTwisterWords - 1] = twisted(s[kTwisterWords - 1], s[0], s[kShift - 1]);
}

PB_NOINLINE void temper(const uint32_t* PB_RESTRICT state, uint32_t* PB_RESTRICT words) {
#pragma omp simd
    for (int i = 0; i < kTwisterWords; ++i) {
        uint32_t y = state[i];
        y ^= y >> 11;
        y ^= y << 7 & 0x9d2c5680u;
        y ^= y << 15 & 0xefc60000u;
        words[i] = y ^ y >> 18;
    }
}

PB_INLINE float joined(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
PB_INLINE double joined(double a, double b, double c) { return __builtin_fma(a, b, c); }

PB_NOINLINE void floats(const uint32_t* PB_RESTRICT words, float* PB_RESTRICT out, int64_t n, float low,
                        float width) {
    if (low == 0 && width == 1) {  // what nearly everybody asks for: nothing is rounded
#pragma omp simd
        for (int64_t i = 0; i < n; ++i)
            out[i] = static_cast<float>(static_cast<int32_t>(words[i] & 0xffffffu)) * 0x1p-24f;
        return;
    }
#pragma omp simd
    for (int64_t i = 0; i < n; ++i)
        out[i] =
            joined(static_cast<float>(static_cast<int32_t>(words[i] & 0xffffffu)) * 0x1p-24f, width, low);
}

PB_NOINLINE void doubles(const uint32_t* PB_RESTRICT words, double* PB_RESTRICT out, int64_t n, double low,
                         double width) {
    // 21 bits of the first word and 32 of the second, both of which are exact.
    auto unit = [&](int64_t i) {
        const double high = static_cast<double>(static_cast<int32_t>(words[2 * i] & 0x1fffffu));
        const uint32_t rest = words[2 * i + 1];
        const double low_bits = static_cast<double>(static_cast<int32_t>(rest >> 1)) * 2 +
                                static_cast<double>(static_cast<int32_t>(rest & 1u));
        return high * 0x1p-21 + low_bits * 0x1p-53;
    };
    if (low == 0 && width == 1) {
#pragma omp simd
        for (int64_t i = 0; i < n; ++i) out[i] = unit(i);
        return;
    }
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) out[i] = joined(unit(i), width, low);
}

// ---- sixteen normal numbers ----
//
// The logarithm, sine and cosine are those of Moshier's Cephes library, in the single-precision form that Pommier gave
// them for vectors (sse_mathfun, 2007): PyTorch's, down to where products and sums are one rounding.

// Of a number in (0, 1].
PB_INLINE float logarithm(float u) {
    float e = static_cast<float>((to_bits(u) >> 23) - 126);
    float m = from_bits((to_bits(u) & 0x007fffff) | 0x3f000000);  // in [1/2, 1)
    const bool below = m < 0.707106781186547524f;                 // then twice as much, and one power less
    e -= below ? 1.0f : 0.0f;
    m = (m - 1.0f) + (below ? m : 0.0f);
    const float z = m * m;
    float y = 7.0376836292e-2f;
    y = joined(y, m, -1.1514610310e-1f);
    y = joined(y, m, 1.1676998740e-1f);
    y = joined(y, m, -1.2420140846e-1f);
    y = joined(y, m, 1.4249322787e-1f);
    y = joined(y, m, -1.6668057665e-1f);
    y = joined(y, m, 2.0000714765e-1f);
    y = joined(y, m, -2.4999993993e-1f);
    y = joined(y, m, 3.3333331174e-1f);
    y = joined(y * m, z, e * -2.12194440e-4f);
    y = joined(-z, 0.5f, y);
    return joined(e, 0.693359375f, m + y);
}

// Sine and cosine of an angle of at least 0.
PB_INLINE void circle(float angle, float& sine, float& cosine) {
    const int32_t octant = (static_cast<int32_t>(angle * 1.27323954473516f) + 1) & ~1;
    const float turns = static_cast<float>(octant);
    float x = joined(turns, -0.78515625f, angle);  // less a multiple of pi / 4, in three parts
    x = joined(turns, -2.4187564849853515625e-4f, x);
    x = joined(turns, -3.77489497744594108e-8f, x);
    const float z = x * x;
    float c = 2.443315711809948e-5f;
    c = joined(c, z, -1.388731625493765e-3f);
    c = joined(c, z, 4.166664568298827e-2f);
    c = joined(z, c * z, -(z * 0.5f)) + 1.0f;
    float s = -1.9515295891e-4f;
    s = joined(s, z, 8.3321608736e-3f);
    s = joined(s, z, -1.6666654611e-1f);
    s = joined(x, z * s, x);
    const bool swapped = (octant & 2) != 0;
    const float sine_sign = (octant & 4) != 0 ? -1.0f : 1.0f,
                cosine_sign = (octant - 2 & 4) != 0 ? 1.0f : -1.0f;
    sine = ((swapped ? c : s) + 0.0f) * sine_sign;
    cosine = ((swapped ? s : c) + 0.0f) * cosine_sign;
}

PB_NOINLINE void normal_blocks(float* x, int64_t blocks, float mean, float deviation) {
    for (int64_t block = 0; block < blocks; ++block, x += 16) {
        float first[8], second[8];
#pragma omp simd
        for (int i = 0; i < 8; ++i) {
            const float radius = __builtin_sqrtf(-2.0f * logarithm(1.0f - x[i]));
            float sine, cosine;
            circle(6.283185307179586f * x[i + 8], sine, cosine);
            first[i] = joined(radius * cosine, deviation, mean);
            second[i] = joined(radius * sine, deviation, mean);
        }
        for (int i = 0; i < 8; ++i) x[i] = first[i];
        for (int i = 0; i < 8; ++i) x[i + 8] = second[i];
    }
}

}  // namespace

void PB_ISA::install_draws(DrawKernels& k) { k = {twist, temper, floats, doubles, normal_blocks}; }

}  // namespace pb
