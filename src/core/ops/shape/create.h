// Tensors made from numbers alone.
#pragma once
#include "ops/operators.h"

namespace pb::ops {

Tensor empty_strided(DType dtype, const Dims& shape, const Dims& strides);
Tensor arange(Scalar start, Scalar end, Scalar step, DType dtype);
Tensor linspace(Scalar start, Scalar end, int64_t steps, DType dtype);
Tensor logspace(Scalar start, Scalar end, int64_t steps, double base, DType dtype);
Tensor eye(int64_t n, int64_t m, DType dtype);

}  // namespace pb::ops
