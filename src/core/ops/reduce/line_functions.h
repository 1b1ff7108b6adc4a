// Layer normalisation and cross entropy, which the functions of neural networks call (normalize.cpp, cross_entropy.cpp).
#pragma once
#include "compute/line_functions.h"
#include "ops/rule/apply.h"

namespace pb::ops {

using pb::LossReduction;

Tensor layer_norm(const Tensor& x, const Dims& shape, const MaybeTensor& weight, const MaybeTensor& bias,
                  double eps);
// The negative logarithm of the softmax of each line of x (lines, classes) at its target (lines), an index.
Tensor cross_entropy(const Tensor& x, const Tensor& target, LossReduction reduction, int64_t ignored);

}  // namespace pb::ops
