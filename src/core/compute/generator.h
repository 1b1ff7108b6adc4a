// The generator behind all random numbers: the Mersenne twister of Matsumoto and Nishimura (mt19937), seeded by the
// low 32 bits of a seed, as `init_genrand` does it.
//
// Its 32-bit words become numbers in PyTorch's way, so that a seed gives the draws that PyTorch gives on a CPU. Words come
// in blocks of 624: `words_` is the recurrence's state, `ready_` what is handed out of it, and one call of two kernels makes
// the next block of both. Whoever draws many numbers takes words by the run (`fill_unit`, `fill_words`), which gives the
// same numbers as taking one after the other.
#pragma once
#include <cstdint>

#include "kernels/draw.h"

namespace pb {

class Generator {
  public:
    static constexpr int kWords = kTwisterWords;
    static constexpr uint64_t kDefaultSeed = 67280421310721;  // what PyTorch's new generators start from

    explicit Generator(uint64_t seed = kDefaultSeed) { reseed(seed); }
    void reseed(uint64_t seed);
    uint64_t seed() const { return seed_; }

    uint32_t next32() {
        if (at_ == kWords) refill();
        return ready_[at_++];
    }
    uint64_t next64() {
        uint64_t high = next32();
        return high << 32 | next32();
    }
    double unit_double() {  // [0, 1), 53 bits
        return static_cast<double>(next64() & ((1ull << 53) - 1)) * 0x1p-53;
    }
    double normal();  // one at a time, by Box and Muller's polar pair; the second is kept for the next call

    // The next n words, or numbers in [0, 1), or in [low, low + width).
    void fill_words(uint32_t* out, int64_t n);
    template <class T> void fill_uniform(T* out, int64_t n, T low, T width);
    template <class T> void fill_unit(T* out, int64_t n) { fill_uniform<T>(out, n, 0, 1); }

    // Everything, as bytes, laid out as PyTorch's CPU generator lays it out: states can be exchanged.
    struct State {
        uint64_t seed;
        int32_t left, seeded;  // words left in the block, plus one; always 1
        uint64_t next;
        uint64_t words[kWords];
        double unused_x, spare, unused_rho;
        int32_t has_spare, unused;
        float single_spare;  // PyTorch has a place for one of float, too, and never makes one
        bool has_single_spare;
    };
    static_assert(sizeof(State) == 5056 || sizeof(void*) != 8);
    State state() const;
    bool set_state(const State& s);  // false for an impossible one

  private:
    void refill();
    // The words that lie ready, at most `most` of them, which the caller takes.
    const uint32_t* take(int64_t most, int64_t* count);

    uint64_t seed_;
    int at_;      // of the next word; kWords: the block is used up
    bool fresh_;  // the first block is still to be made
    bool has_spare_ = false;
    double spare_ = 0;
    uint32_t words_[kWords], ready_[kWords];
};

Generator& default_generator();  // seeded by the system's entropy until somebody seeds it
uint64_t entropy();

}  // namespace pb
