// Draw kernels: the words of the Mersenne twister, and what is made of very many of them.
//
// All are exact to the bit on every instruction set. Where PyTorch's numbers come of a product and a sum that its compiler
// joined to one rounding, the kernels say so with `fma`, and join nothing else.
#pragma once
#include <cstdint>

namespace pb {

constexpr int kTwisterWords = 624;

struct DrawKernels {
    // The recurrence: a block of state becomes the next one. And the words that are handed out of a block.
    void (*twist)(uint32_t* state);
    void (*temper)(const uint32_t* state, uint32_t* words);
    // Numbers in [low, low + width), of 24 bits of a word, or 53 of two.
    void (*floats)(const uint32_t* words, float* out, int64_t n, float low, float width);
    void (*doubles)(const uint32_t* words, double* out, int64_t n, double low, double width);
    // Each block of sixteen numbers in [0, 1) becomes one of normal numbers: the first eight give the radii, the others
    // the angles (Box and Muller, 1958).
    void (*normal_blocks)(float* x, int64_t blocks, float mean, float deviation);
};

const DrawKernels& draw_kernels();

}  // namespace pb
