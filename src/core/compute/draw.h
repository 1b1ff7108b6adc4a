// What is drawn from a generator, into arrays: the distributions, permutations, and choices with weights.
//
// All of it is PyTorch's to the bit. That settles more than a distribution: how many words a draw takes, whether a number is
// computed in float or in double, in which order elements are drawn (that of memory), and where sixteen normal numbers are
// made at once and where one by one.
#pragma once
#include "array/array.h"
#include "array/ref.h"
#include "compute/generator.h"

namespace pb::compute {

// What is drawn, as plain numbers.
struct Distribution {
    enum Kind : uint8_t {
        Uniform,
        Normal,
        LogNormal,
        Cauchy,
        Exponential,
        Geometric,
        Bernoulli,
        Integers
    } kind;
    double a = 0, b = 1;  // the bounds; mean and deviation; median and scale; the rate; the probability
    // Integers: [low, low + range), where a range of 0 is all 2^64. `narrow` takes one word a draw for a wide range too.
    int64_t low = 0;
    uint64_t range = 0;
    bool narrow = false;

    static Distribution integers(int64_t low, uint64_t range, bool narrow = false) {
        return {Integers, 0, 0, low, range, narrow};
    }
};

// Whole numbers, checked against what the dtype holds: of [low, high); from `low` on; from 0 on.
Distribution integers_between(int64_t low, int64_t high, DType d);
Distribution integers_from(int64_t low, DType d);
Distribution integers_of(DType d);

// Each fills an array, any strides; a draw goes to the elements in the order of memory.
void draw(Generator& g, const Distribution& d, const Array& a);
void check_permutation(int64_t n, DType d);           // raises where PyTorch finds the numbers too large
void draw_permutation(Generator& g, const Array& a);  // of 0 .. n - 1; contiguous
// One draw for each probability in `p`, float32 or float64, of the same shape.
void draw_bernoulli(Generator& g, const Array& a, const Array& p);

// ---- chances that elements give: in logical order, into new arrays ----

// Rows of `draws` int64 indices, drawn with the weights of each row of `weights`.
Array draw_multinomial(Generator& g, const Array& weights, int64_t draws, bool replacement);
// How many events of a rate come in a unit of time, and how many of `count` trials succeed.
Array draw_poisson(Generator& g, const Array& rate);
Array draw_binomial(Generator& g, const Array& count, const Array& probability);
// Of the standard gamma distribution of a shape; and shares of a whole, with the concentrations of each row.
Array draw_gamma(Generator& g, const Array& shapes);
Array draw_dirichlet(Generator& g, const Array& concentrations);

// Whether an element of floats is below 0.
bool any_negative(const Array& a);

}  // namespace pb::compute
