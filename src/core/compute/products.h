// Products of matrices as arrays: no autograd here. The last two dimensions are the matrix, those before are
// batches and broadcast. products.cpp has the essay.
#pragma once
#include "array/array.h"

namespace pb {

// op(a) op(b), where op transposes the matrices if asked to.
Array product(const Array& a, const Array& b, bool transpose_a, bool transpose_b);
// c = alpha * op(a) op(b) + beta * c. `c` is contiguous and has the broadcast batches; with beta 0 its old value
// is not read. With `sum_batches`, c is one matrix and gets the sum of the products of all batches.
void product_into(const Array& c, const Array& a, const Array& b, bool transpose_a, bool transpose_b,
                  Scalar alpha, Scalar beta, bool sum_batches = false);
// y = alpha * op(a) x + beta * y for a matrix and a vector; y is contiguous.
void matrix_vector_into(const Array& y, const Array& a, const Array& x, bool transpose, Scalar alpha,
                        Scalar beta);
Array dot_product(const Array& x, const Array& y);

}  // namespace pb
