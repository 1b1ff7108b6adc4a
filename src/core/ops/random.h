// Random numbers: the generator and the distributions drawn from it.
//
// The generator is the Mersenne twister of Matsumoto and Nishimura (mt19937), and its 32-bit words become numbers
// in PyTorch's way, so that a seed gives the draws that PyTorch gives on a CPU: `uniform`, `integers` and
// `permutation` to the bit, `normal` up to the last bits of its logarithm and cosine.
#pragma once
#include <cstdint>

#include "array/array.h"
#include "array/ref.h"

namespace pb {

class Generator {
  public:
    static constexpr int kWords = 624;
    static constexpr uint64_t kDefaultSeed = 67280421310721;  // what PyTorch's new generators start from

    explicit Generator(uint64_t seed = kDefaultSeed) { reseed(seed); }
    void reseed(uint64_t seed);
    uint64_t seed() const { return seed_; }

    uint32_t next32() {
        if (at_ == kWords) refill();
        uint32_t y = words_[at_++];
        y ^= y >> 11;
        y ^= y << 7 & 0x9d2c5680u;
        y ^= y << 15 & 0xefc60000u;
        return y ^ y >> 18;
    }
    uint64_t next64() {
        uint64_t high = next32();
        return high << 32 | next32();
    }
    float uniform_float() { return static_cast<float>(next32() & 0xffffff) * 0x1p-24f; }  // [0, 1), 24 bits
    double uniform_double() { return static_cast<double>(next64() & ((1ull << 53) - 1)) * 0x1p-53; }
    double normal();  // one at a time, by Box and Muller's polar pair; the second is kept for the next call

    // Everything, as bytes: what get_state gives and set_state takes.
    struct State {
        uint64_t seed;
        uint32_t words[kWords];
        uint32_t at;
        uint32_t has_spare;
        double spare;
    };
    State state() const;
    bool set_state(const State& s);  // false for an impossible one

  private:
    void refill();
    uint64_t seed_;
    uint32_t words_[kWords];
    int at_;
    bool has_spare_ = false;
    double spare_ = 0;
};

Generator& default_generator();

namespace ops {

// Each fills a contiguous array.
void fill_uniform(Generator& g, const Array& a, double low, double high);
void fill_normal(Generator& g, const Array& a, double mean, double deviation);
void fill_integers(Generator& g, const Array& a, int64_t low, uint64_t range);  // [low, low + range); range 0: all 2^64
void fill_bernoulli(Generator& g, const Array& a, double p);
void fill_exponential(Generator& g, const Array& a, double rate);
void fill_permutation(Generator& g, const Array& a);

}  // namespace ops
}  // namespace pb
