// The fast path of the number slots: two plain tensors, or one and a Python float, of one dtype and shape.
#pragma once
#include "ops/row.h"
#include "tensor/tensor.h"

namespace pb::ops {

// Undefined when the operands are not that plain; the caller then takes the general door.
Tensor fast_binary(const Row& row, TensorObject* a, TensorObject* b);
Tensor fast_scalar(const Row& row, TensorObject* a, double number, bool number_first);

}  // namespace pb::ops
