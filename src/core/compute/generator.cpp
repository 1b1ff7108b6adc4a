#include "compute/generator.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

namespace pb {

void Generator::reseed(uint64_t seed) {
    seed_ = seed;
    words_[0] = static_cast<uint32_t>(seed);
    for (uint32_t i = 1; i < kWords; ++i) words_[i] = 1812433253u * (words_[i - 1] ^ words_[i - 1] >> 30) + i;
    at_ = kWords;
    fresh_ = true;
    has_spare_ = false;
}

void Generator::refill() {
    const DrawKernels& k = draw_kernels();
    k.twist(words_);
    k.temper(words_, ready_);
    at_ = 0;
    fresh_ = false;
}

double Generator::normal() {
    if (has_spare_) {
        has_spare_ = false;
        return spare_;
    }
    constexpr double kTwoPi = 6.283185307179586476925286766559;
    double u1 = unit_double(), u2 = unit_double();
    double radius = std::sqrt(-2 * std::log1p(-u2));
    spare_ = radius * std::sin(kTwoPi * u1);
    has_spare_ = true;
    return radius * std::cos(kTwoPi * u1);
}

const uint32_t* Generator::take(int64_t most, int64_t* count) {
    if (at_ == kWords) refill();
    *count = std::min<int64_t>(most, kWords - at_);
    const uint32_t* from = ready_ + at_;
    at_ += static_cast<int>(*count);
    return from;
}

void Generator::fill_words(uint32_t* out, int64_t n) {
    for (int64_t count; n > 0; out += count, n -= count) {
        const uint32_t* from = take(n, &count);
        std::memcpy(out, from, static_cast<size_t>(count) * sizeof *out);
    }
}

template <> void Generator::fill_uniform(float* out, int64_t n, float low, float width) {
    for (int64_t count; n > 0; out += count, n -= count) {
        const uint32_t* from = take(n, &count);
        draw_kernels().floats(from, out, count, low, width);
    }
}

template <> void Generator::fill_uniform(double* out, int64_t n, double low, double width) {
    while (n > 0) {
        int64_t count = 0;
        if (at_ == kWords - 1) {  // the last word of a block is one half, the first of the next the other
            const uint64_t word = next64();
            const uint32_t halves[2] = {static_cast<uint32_t>(word >> 32), static_cast<uint32_t>(word)};
            draw_kernels().doubles(halves, out, 1, low, width);
            count = 2;
        } else {
            const int64_t left = at_ == kWords ? kWords : kWords - at_;
            const uint32_t* from = take(std::min(2 * n, left & ~int64_t{1}), &count);
            draw_kernels().doubles(from, out, count / 2, low, width);
        }
        out += count / 2;
        n -= count / 2;
    }
}

Generator::State Generator::state() const {
    State s{};
    s.seed = seed_;
    s.left = kWords + 1 - at_;
    s.seeded = 1;
    s.next = fresh_ ? 0 : static_cast<uint64_t>(at_);
    for (int i = 0; i < kWords; ++i) s.words[i] = words_[i];
    s.has_spare = has_spare_;
    s.spare = has_spare_ ? spare_ : 0;
    return s;
}

bool Generator::set_state(const State& s) {
    // A fresh generator has one word left: none, and it stands at 0 or at the end.
    if (s.seeded != 1 || s.left < 1 || s.left > kWords ||
        (s.left != 1 && s.next + static_cast<uint64_t>(s.left) != kWords + 1))
        return false;
    seed_ = s.seed;
    at_ = kWords + 1 - s.left;
    fresh_ = s.left == 1 && s.next == 0;
    for (int i = 0; i < kWords; ++i) words_[i] = static_cast<uint32_t>(s.words[i]);
    draw_kernels().temper(words_, ready_);
    has_spare_ = s.has_spare;
    spare_ = s.spare;
    return true;
}

uint64_t entropy() {
    std::random_device device;
    return (static_cast<uint64_t>(device()) << 32 | device()) & ((1ull << 53) - 1);
}

Generator& default_generator() {
    static auto* g = new Generator(entropy());
    return *g;
}

}  // namespace pb
