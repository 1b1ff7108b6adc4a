// Row functions: what softmax, cross entropy and layer normalisation do to one row while it stays in cache.
//
// Sums over a row are taken in lanes and leaves of fixed sizes, as reductions are (reduce.h), so a result depends on
// its row only, not on which rows are computed together, or by which thread.
#pragma once
#include <cstdint>

#include "core/array/dtype.h"

namespace pb {

// By [0: float32, 1: float64]. Pointers need the alignment of their element only; `out` may be the first operand.
struct RowKernels {
    // out = exp(x - *shift), for n elements.
    void (*shifted_exp[2])(const void* x, const void* shift, void* out, int64_t n);
    // out = exp(x - *shift) * *scale.
    void (*scaled_exp[2])(const void* x, const void* shift, const void* scale, void* out, int64_t n);
    // For each of `count` rows of n exponentials of differences from their largest element: their sum less 1, the
    // exponential of a largest one, which is not added and subtracted but left out.
    void (*sum_beside_one[2])(const void* e, int64_t count, int64_t n, void* rest);
    // The last steps of the pullbacks of softmax and log_softmax (softmax.cpp). `sums` are the centre and the sum of
    // centred products; the sums of cotangents and of shares that are at most 1/2, and the other cotangent.
    void (*softmax_pull[2])(const void* y, const void* g, const void* sums, void* out, int64_t n);
    void (*log_softmax_pull[2])(const void* p, const void* g, const void* sums, void* out, int64_t n);

    // y = (x - mean) * rstd * weight + bias, where rstd = 1 / sqrt(variance + eps). Weight and bias may be null.
    void (*normalize[2])(const void* x, const void* weight, const void* bias, double eps, void* y, void* mean,
                         void* rstd, int64_t n);
    // From the cotangent g of y that of x, where dx is not null, and what the row adds to those of weight and bias.
    void (*normalize_pull[2])(const void* x, const void* g, const void* weight, const void* mean,
                              const void* rstd, void* dx, void* dweight, void* dbias, int64_t n);
};

const RowKernels& row_kernels();

}  // namespace pb
