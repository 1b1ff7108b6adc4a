// Products of matrices and vectors (linear.cpp) and what is added to them (added_products.cpp).
#pragma once
#include "ops/operators.h"

namespace pb::ops {

Tensor matmul(const Tensor& a, const Tensor& b);
Tensor mm(const Tensor& a, const Tensor& b);
Tensor bmm(const Tensor& a, const Tensor& b);
Tensor mv(const Tensor& a, const Tensor& x);
Tensor dot(const Tensor& a, const Tensor& b);
Tensor vdot(const Tensor& a, const Tensor& b);
Tensor outer(const Tensor& a, const Tensor& b);

// beta * input + alpha * product; a beta of 0 does not read the input. With _ they write into it.
#define ADDED(name)                                                                                     \
    Tensor name(const Tensor& input, const Tensor& a, const Tensor& b, Scalar beta, Scalar alpha);      \
    Tensor name##_(const Tensor& input, const Tensor& a, const Tensor& b, Scalar beta, Scalar alpha);
ADDED(addmm)
ADDED(baddbmm)
ADDED(addbmm)
ADDED(addmv)
ADDED(addr)
#undef ADDED
// x weight^T + bias for any number of leading dimensions; `bias` may be undefined.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias);

// Matrices or batches of them that fit, unchecked, each transposed if asked to.
Tensor product_of(const Tensor& a, const Tensor& b, bool ta, bool tb);
// A fresh result in another shape, under the name that the tape is to show.
Tensor reshaped(const Tensor& x, const Dims& shape, const char* node);
Tensor plus(const Tensor& a, const Tensor& b);  // undefined is zero
const char* c_type_name(DType d);               // "float", "long int": as PyTorch's messages call C types

}  // namespace pb::ops
