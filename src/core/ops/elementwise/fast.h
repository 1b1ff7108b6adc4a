// The fast path of elementwise functions: plain tensors of one floating dtype and one shape, and numbers.
#pragma once
#include "kernels/updates.h"
#include "ops/elementwise/elementwise.h"

namespace pb::ops {

// Undefined when the operands are not that plain; the caller then takes the general door.
Tensor fast_elementwise(const Row& row, const Operand* operands);
// The number slots' forms, without operands as such.
Tensor fast_binary(const Row& row, TensorObject* a, TensorObject* b);
Tensor fast_scalar(const Row& row, TensorObject* a, double number, bool number_first);
// a += b for gradients, with nothing recorded; false when they are not plain.
bool fast_accumulate(TensorObject* a, TensorObject* b);
// Steps of optimisers over a parameter, its gradient, and the means or the velocity, all of one shape, with nothing recorded;
// false when they are not plain.
bool fast_adam(TensorObject* const (&tensors)[4], const AdamStep& step);
bool fast_momentum(TensorObject* const (&tensors)[3], const MomentumStep& step);

}  // namespace pb::ops
