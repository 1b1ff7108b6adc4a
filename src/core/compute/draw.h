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

    // Everything, as bytes, laid out as PyTorch's CPU generator lays it out: states can be exchanged.
    struct State {
        uint64_t seed;
        int32_t left, seeded;  // words left in the block, plus one; always 1
        uint64_t next;
        uint64_t words[kWords];
        double unused_x, spare, unused_rho;
        int32_t has_spare;
        float unused_sample;
        bool unused_flag;
    };
    static_assert(sizeof(State) == 5056 || sizeof(void*) != 8);
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

Generator& default_generator();  // seeded by the system's entropy until somebody seeds it
uint64_t entropy();

namespace compute {

// What is drawn, as plain numbers.
struct Distribution {
    enum Kind : uint8_t { Uniform, Normal, Exponential, Bernoulli, Integers } kind;
    double a = 0, b = 1;  // the bounds; mean and deviation; the rate; the probability
    // Integers: [low, low + range), where a range of 0 is all 2^64. `narrow` takes one word a draw for a wide range too.
    int64_t low = 0;
    uint64_t range = 0;
    bool narrow = false;

    static Distribution integers(int64_t low, uint64_t range, bool narrow = false) {
        return {Integers, 0, 0, low, range, narrow};
    }
};

// Each fills an array, any strides; a draw goes to the elements in the order of memory.
void draw(Generator& g, const Distribution& d, const Array& a);
void draw_permutation(Generator& g, const Array& a);  // of 0 .. n - 1; contiguous
// One draw for each probability in `p`, float32 or float64, of the same shape, in logical order.
void draw_bernoulli(Generator& g, const Array& a, const Array& p);
// Rows of `draws` int64 indices, drawn with the weights of each row of `weights`.
Array draw_multinomial(Generator& g, const Array& weights, int64_t draws, bool replacement);

// Whether an element of floats is below 0.
bool any_negative(const Array& a);

}  // namespace compute
}  // namespace pb
