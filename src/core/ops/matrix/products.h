// Products of matrices and vectors (products.cpp) and what is added to them (added_products.cpp).
#pragma once
#include "compute/recurrence.h"
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
#define PB_ADDED_PRODUCTS(row) row(addmm) row(baddbmm) row(addbmm) row(addmv) row(addr)
#define ADDED(name)                                                                                \
    Tensor name(const Tensor& input, const Tensor& a, const Tensor& b, Scalar beta, Scalar alpha); \
    Tensor name##_(const Tensor& input, const Tensor& a, const Tensor& b, Scalar beta, Scalar alpha);
PB_ADDED_PRODUCTS(ADDED)
#undef ADDED
// x weight^T + bias for any number of leading dimensions.
Tensor linear(const Tensor& x, const Tensor& weight, const MaybeTensor& bias);

// recurrence.cpp: one recurrent layer in one direction, states (T, N, H) and what derivatives need beside them, of
// contributions of the inputs (T, N, P H), a first state (N, H), the first cells of an LSTM, the weight (P H, H), and the
// bias (P H). Nothing is checked.
Tensors recurrent_layer(Recurrent cell, const Tensor& given, const Tensor& h, const MaybeTensor& c,
                        const Tensor& weight, const MaybeTensor& bias);

// convolution.cpp: what compute/convolution.h says, differentiable. Nothing is checked.
Tensor convolve(const Tensor& x, const Tensor& weight, const Dims& stride, const Dims& padding,
                const Dims& dilation, int64_t groups);
Tensor convolve_back(const Tensor& y, const Tensor& weight, const Dims& stride, const Dims& padding,
                     const Dims& dilation, int64_t groups, const Dims& sizes);

// contraction.cpp
Tensor tensordot(const Tensor& a, const Tensor& b, const Dims& dims_a, const Dims& dims_b);
Tensor inner(const Tensor& a, const Tensor& b);
// One step of a planned contraction: each operand permuted and reshaped into (batches..., rows, columns), multiplied,
// and the result reshaped and permuted.
Tensor contract(const Tensor& a, const Dims& order_a, const Dims& shape_a, const Tensor& b,
                const Dims& order_b, const Dims& shape_b, const Dims& shape, const Dims& order);

// Matrices or batches of them that fit, unchecked, each transposed if asked to.
Tensor product_of(const Tensor& a, const Tensor& b, bool ta, bool tb);
// A fresh result in another shape, under the name that the tape is to show.
Tensor reshaped(const Tensor& x, const Dims& shape, const char* node);
void check_same_scalar_type(const Tensor& a, const Tensor& b);
void check_matrices(const Tensor& a, const Tensor& b);  // two, that can be multiplied
void check_batches(const Tensor& a, const Tensor& b);   // two batches of as many of them
// Of two factors, numbers `first` and the one after: each is read for the other's derivative.
inline uint32_t partners(uint32_t wanted, int first) {
    uint32_t w = wanted >> first;
    return ((w & 1) << 1 | (w >> 1 & 1)) << first;
}
Tensor plus(const Tensor& a, const Tensor& b);  // undefined is zero

}  // namespace pb::ops
