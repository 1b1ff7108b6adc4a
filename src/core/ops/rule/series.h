// Series: the coefficients of a rule's results at a level of series (tape/tangents.h), from its pushforward.
//
// The pushforward P says how results move: y' = P(x, y; x'), linear in x'.
//
// - Where P reads nothing that varies, it does to each coefficient what it does to a tangent: all linear rules, and those
//   that select by what does not vary. Whether it reads is seen while it runs.
// - Products of two are convolved.
// - Otherwise P is applied to series, in the very operations that it is written in. The coefficient of t^n in P is
//   (n + 1) times that of t^(n + 1) in y. If P reads no result, one application gives all of them; if it does, each
//   application gives one more.
#pragma once
#include <functional>

#include "tape/tangents.h"

namespace pb {

// What a pushforward has read.
struct Reads {
    const Small<bool, 4>* varies;  // which inputs have coefficients
    bool inputs = false, outputs = false;
    bool any() const { return inputs || outputs; }
};

using Pushforward = std::function<Tensors(const Tensors& inputs, const Tensors& outputs,
                                          const Tensors& tangents, Reads* reads)>;

// Gives `out`, results of what `operands` are below `level`, their coefficients.
void expand_series(const Tensors& operands, const Tensors& below, const Tensors& out, uint64_t level,
                   bool bilinear, const Pushforward& push);

// The derivative of a series, which is one order shorter; undefined if it is zero.
Tensor series_derivative(const Tensor& x, uint64_t level, int order);

}  // namespace pb
