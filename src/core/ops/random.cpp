#include "ops/random.h"

#include <cmath>
#include <cstring>
#include <utility>

#include "array/error.h"

namespace pb {

void Generator::reseed(uint64_t seed) {
    seed_ = seed;
    words_[0] = static_cast<uint32_t>(seed);
    for (uint32_t i = 1; i < kWords; ++i) words_[i] = 1812433253u * (words_[i - 1] ^ words_[i - 1] >> 30) + i;
    at_ = kWords;
    has_spare_ = false;
}

void Generator::refill() {
    constexpr int kShift = 397;
    auto twist = [](uint32_t high, uint32_t low) {
        uint32_t y = (high & 0x80000000u) | (low & 0x7fffffffu);
        return y >> 1 ^ (low & 1 ? 0x9908b0dfu : 0);
    };
    int i = 0;
    for (; i < kWords - kShift; ++i) words_[i] = words_[i + kShift] ^ twist(words_[i], words_[i + 1]);
    for (; i < kWords - 1; ++i) words_[i] = words_[i + kShift - kWords] ^ twist(words_[i], words_[i + 1]);
    words_[kWords - 1] = words_[kShift - 1] ^ twist(words_[kWords - 1], words_[0]);
    at_ = 0;
}

constexpr double kTwoPi = 6.283185307179586476925286766559;

double Generator::normal() {
    if (has_spare_) {
        has_spare_ = false;
        return spare_;
    }
    double u1 = uniform_double(), u2 = uniform_double();
    double radius = std::sqrt(-2 * std::log1p(-u2));
    spare_ = radius * std::sin(kTwoPi * u1);
    has_spare_ = true;
    return radius * std::cos(kTwoPi * u1);
}

Generator::State Generator::state() const {
    State s{};
    s.seed = seed_;
    std::memcpy(s.words, words_, sizeof words_);
    s.at = static_cast<uint32_t>(at_);
    s.has_spare = has_spare_;
    s.spare = spare_;
    return s;
}

bool Generator::set_state(const State& s) {
    if (s.at > kWords || s.has_spare > 1) return false;
    seed_ = s.seed;
    std::memcpy(words_, s.words, sizeof words_);
    at_ = static_cast<int>(s.at);
    has_spare_ = s.has_spare;
    spare_ = s.spare;
    return true;
}

Generator& default_generator() {
    static auto* g = new Generator;
    return *g;
}

namespace ops {

namespace {

[[noreturn]] void fail_dtype(const char* operation, DType d) {
    fail_as(ErrorKind::NotImplemented, "\"%s\" not implemented for '%s'", operation, dtype_legacy_name(d));
}

template <class T>
T draw_uniform(Generator& g) {
    if constexpr (sizeof(T) == 4)
        return g.uniform_float();
    else
        return g.uniform_double();
}

// Sixteen uniform numbers become sixteen normal ones: the first half gives the radii, the second the angles.
template <class T>
void normal_from_uniform(T* x, T mean, T deviation) {
    for (int i = 0; i < 8; ++i) {
        T u1 = 1 - x[i], u2 = x[i + 8];
        T radius = std::sqrt(T(-2) * std::log(u1)), angle = T(kTwoPi) * u2;
        x[i] = radius * std::cos(angle) * deviation + mean;
        x[i + 8] = radius * std::sin(angle) * deviation + mean;
    }
}

template <class T>
void normal_into(Generator& g, T* x, int64_t n, double mean, double deviation) {
    if (n < 16) {
        for (int64_t i = 0; i < n; ++i) x[i] = static_cast<T>(g.normal() * deviation + mean);
        return;
    }
    for (int64_t i = 0; i < n; ++i) x[i] = draw_uniform<T>(g);
    for (int64_t i = 0; i < n - 15; i += 16) normal_from_uniform(x + i, static_cast<T>(mean), static_cast<T>(deviation));
    if (n % 16) {  // the last sixteen are drawn anew
        x += n - 16;
        for (int i = 0; i < 16; ++i) x[i] = draw_uniform<T>(g);
        normal_from_uniform(x, static_cast<T>(mean), static_cast<T>(deviation));
    }
}

// A range that 32 bits cover evenly enough costs one word, others two.
constexpr uint64_t kWideRange = 1ull << 32;

template <class T>
void integers_into(Generator& g, T* x, int64_t n, int64_t low, uint64_t range) {
    for (int64_t i = 0; i < n; ++i) {
        uint64_t r = range == 0 ? g.next64() : range >= kWideRange ? g.next64() % range : g.next32() % range;
        x[i] = static_cast<T>(static_cast<int64_t>(r + static_cast<uint64_t>(low)));
    }
}

}  // namespace

void fill_uniform(Generator& g, const Array& a, double low, double high) {
    int64_t n = a.numel();
    if (a.dtype == DType::Float32) {
        auto from = static_cast<float>(low), width = static_cast<float>(high) - from;
        float* x = a.as<float>();
        for (int64_t i = 0; i < n; ++i) x[i] = g.uniform_float() * width + from;
    } else if (a.dtype == DType::Float64) {
        double* x = a.as<double>();
        for (int64_t i = 0; i < n; ++i) x[i] = g.uniform_double() * (high - low) + low;
    } else {
        fail_dtype("check_uniform_bounds", a.dtype);
    }
}

void fill_normal(Generator& g, const Array& a, double mean, double deviation) {
    if (a.dtype == DType::Float32)
        normal_into(g, a.as<float>(), a.numel(), mean, deviation);
    else if (a.dtype == DType::Float64)
        normal_into(g, a.as<double>(), a.numel(), mean, deviation);
    else
        fail_dtype("normal_kernel_cpu", a.dtype);
}

void fill_integers(Generator& g, const Array& a, int64_t low, uint64_t range) {
    int64_t n = a.numel();
    switch (a.dtype) {
        case DType::Float32: return integers_into(g, a.as<float>(), n, low, range);
        case DType::Float64: return integers_into(g, a.as<double>(), n, low, range);
        case DType::Int64: return integers_into(g, a.as<int64_t>(), n, low, range);
        case DType::Int32: return integers_into(g, a.as<int32_t>(), n, low, range);
        case DType::UInt8: return integers_into(g, a.as<uint8_t>(), n, low, range);
        case DType::Bool: return integers_into(g, a.as<bool>(), n, low, range);
        default: fail_dtype("random_from_to_kernel_cpu", a.dtype);
    }
}

}  // namespace ops
}  // namespace pb
