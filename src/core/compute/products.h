// Products of matrices as arrays. The last two dimensions are the matrix, those before are batches and broadcast.
// products.cpp has the essay.
#pragma once
#include "array/array.h"

namespace pb {

// op(a) op(b), where op transposes the matrices if asked to, summed over the last `summed` dimensions of the batch.
Array product(const Array& a, const Array& b, bool transpose_a, bool transpose_b, int64_t summed = 0);
// c = alpha * op(a) op(b) + beta * c. `c` is contiguous and has the broadcast batches that are not summed over; with beta
// 0 its old value is not read.
void product_into(const Array& c, const Array& a, const Array& b, bool transpose_a, bool transpose_b,
                  Scalar alpha, Scalar beta, int64_t summed = 0);
// op(a) x for a matrix and a vector; for many, where dimensions are in front.
Array matrix_vector(const Array& a, const Array& x, bool transpose);
// y = alpha * op(a) x + beta * y, alike; y is contiguous.
void matrix_vector_into(const Array& y, const Array& a, const Array& x, bool transpose, Scalar alpha,
                        Scalar beta);
// c = op(a) op(b), or added to c, of matrices whose rows lie so many elements apart; by the thread that calls, which may do
// without the interpreter's lock once `load_for_products` has been called for the dtype.
struct PlainProduct {
    bool transpose_a, transpose_b;
    int64_t m, n, k;  // op(a) is m by k, op(b) k by n
    const void* a;
    int64_t a_row;
    const void* b;
    int64_t b_row;
    void* c;
    int64_t c_row;
    bool added;
};
void multiply_plain(DType dtype, const PlainProduct& p);
void load_for_products(DType dtype);
// Where the kernels of products pack what they read often: each thread has its own.
void* product_room();
// Of vectors; of many, where dimensions are in front.
Array dot_product(const Array& x, const Array& y);

}  // namespace pb
