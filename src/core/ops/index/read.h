// Reading and adding at indices, by index tensors or masks; index.h has what writes.
#pragma once
#include "ops/rule/apply.h"

namespace pb::ops {

Tensor index(const Tensor& x, const Tensors& indices);  // x[indices], undefined entries being `:`
Tensor index_select(const Tensor& x, int64_t dim, const Tensor& index);
Tensor gather(const Tensor& x, int64_t dim, const Tensor& index);
// Negative numbers count from the end. Nobody needs the index afterwards: it may be written.
Tensor gather_wrapped(const Tensor& x, int64_t dim, const Tensor& index);
Tensor scatter_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src);
Tensor masked_fill(const Tensor& x, const Tensor& mask, const Operand& value);
Tensor masked_select(const Tensor& x, const Tensor& mask);
Tensor nonzero(const Tensor& x);  // int64, one row an element

}  // namespace pb::ops
