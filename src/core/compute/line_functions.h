// What is done to the lines of an array, and its pullback from values alone, each in a pass over the lines: softmax and
// logsumexp (softmax.cpp), layer normalisation, cross entropy, and the moments of elements (moments.cpp).
//
// Dimensions are counted from the end (lines.h).
#pragma once
#include "array/array.h"

namespace pb {

// A line of so many elements is worth the call of a kernel, and a pass of its own.
constexpr int64_t kLongLine = 32;

Array softmax(const Array& x, int64_t dim, bool logarithm);
// From the cotangent and the output.
Array softmax_pull(const Array& g, const Array& y, int64_t dim, bool logarithm);

// log(sum(exp(x))) over `dims`; by line, the largest element and 1 / sum(exp(x - largest)), which is 1 for a sum of 0.
struct LogSum {
    Array value, shifts, inverses;
};
LogSum logsumexp(const Array& x, const Dims& dims, bool keepdim);
// Of lines that lie one after the other, `dims` being the last.
Array logsumexp_pull(const Array& x, const Array& shifts, const Array& inverses, const Array& g,
                     const Dims& dims);

// Lines are the last `dims` dimensions less their mean, over their deviation, which is kept as its reciprocal. Weight and
// bias have the shape of a line, or are arrays without a buffer; if they have more dimensions, entries have their own.
struct Normalized {
    Array value, means, deviations;
};
Normalized layer_norm(const Array& x, int64_t dims, const Array& weight, const Array& bias, double eps);
// The cotangents of x, and of weight and bias, where they are wanted.
struct NormalizedPull {
    Array x, weight, bias;
};
NormalizedPull layer_norm_pull(const Array& x, int64_t dims, const Array& weight, const Array& means,
                               const Array& deviations, const Array& g, bool wants_x, bool wants_parameters);

enum class LossReduction { none, mean, sum };
// The negative logarithm of the softmax of each line of x (..., lines, classes) at its target (..., lines), an index; lines
// whose target is `ignored` have no loss. By line, the largest element and what the sum of exponentials has beside 1.
struct Losses {
    Array value, shifts, rests;
};
Losses cross_entropy(const Array& x, const Array& target, LossReduction reduction, int64_t ignored);
// Of x (lines, classes).
Array cross_entropy_pull(const Array& x, const Array& target, const Array& shifts, const Array& rests,
                         const Array& g, LossReduction reduction, int64_t ignored);

// The sum of squared distances from the mean over `freedom`, or its square root; and the means, with `dims` kept.
struct Spread {
    Array value, means;
};
Spread spread(const Array& x, const Dims& dims, bool keepdim, double freedom, bool root);
// Which of these sums of powers left the range of their dtype, as truth values; nothing where none did.
Array out_of_range(const Array& norms, double order);

}  // namespace pb
