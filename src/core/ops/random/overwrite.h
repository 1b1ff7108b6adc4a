// Operations whose result does not depend on the values of their inputs: fill_, zero_, random draws. On the tape they
// are nodes with a gradient of zero.
#pragma once
#include <functional>

#include "ops/operators.h"

namespace pb::ops {

using Filler = std::function<void(const Array&)>;
// `fill` writes every element of the target. `node` is the node's name, `operation` the name in messages.
Tensor overwrite(const Tensor& target, const char* node, const char* operation, Filler fill);
// The same into a fresh tensor of this dtype and layout, recorded as made from `inputs`.
Tensor drawn(const Tensors& inputs, DType dtype, Ref<Layout> layout, const char* node, Filler fill);
// fill_ with a 0-d tensor, which gets the sum of the gradient.
Tensor fill_with(const Tensor& target, const Tensor& value);

}  // namespace pb::ops
