// Reductions of every kind: sums, extremes, orders, statistics, softmax, scans. Those that the tape calls too are in
// tape/operations.h.
#pragma once
#include "ops/rule/apply.h"

namespace pb::ops {

// reduce.cpp; dims: none means all; `all` names the node, dtype -1 is the input's own
Tensor sum(const Tensor& x, const Dims& dims, bool keepdim);
Tensor sum(const Tensor& x, const Dims& dims, bool keepdim, bool all, int dtype);
Tensor mean(const Tensor& x, const Dims& dims, bool keepdim);
Tensor mean(const Tensor& x, const Dims& dims, bool keepdim, bool all, int dtype);
Tensor nansum(const Tensor& x, const Dims& dims, bool keepdim, int dtype = -1);
Tensor prod(const Tensor& x, int dtype = -1);
Tensor prod(const Tensor& x, int64_t dim, bool keepdim, int dtype = -1);
Tensor truth(const Tensor& x, const Dims& dims, bool keepdim, bool every);  // any, all
Tensor count_nonzero(const Tensor& x, const Dims& dims);

// extremes.cpp
Tensor extreme(const Tensor& x, bool greatest);                                    // max(), min()
Tensors extreme_along(const Tensor& x, bool greatest, int64_t dim, bool keepdim);  // values, indices
Tensor amax(const Tensor& x, const Dims& dims, bool keepdim);
Tensor amin(const Tensor& x, const Dims& dims, bool keepdim);
Tensors aminmax(const Tensor& x, bool all, int64_t dim, bool keepdim);
Tensor argmax(const Tensor& x, bool greatest, bool flat, int64_t dim, bool keepdim);

Tensor shared_choice(const char* node, const Tensor& x,
                     const Array& value);  // one element's value; ties share

// order.cpp: values and indices; bins.cpp
Tensors sort(const Tensor& x, int64_t dim, bool descending, bool stable);
Tensor argsort(const Tensor& x, int64_t dim, bool descending);
Tensors topk(const Tensor& x, int64_t k, int64_t dim, bool largest);
Tensors kthvalue(const Tensor& x, int64_t k, int64_t dim, bool keepdim);
Tensor median(const Tensor& x, bool ignore_nan);
Tensors median_along(const Tensor& x, int64_t dim, bool keepdim, bool ignore_nan);
Tensors mode(const Tensor& x, int64_t dim, bool keepdim);
Tensors unique(const Tensor& x, bool flat, int64_t dim, bool consecutive);  // values, inverse, counts
Tensor searchsorted(const Tensor& sequence, const Operand& values, bool right, const Tensor& sorter,
                    bool int32);
Tensor bincount(const Tensor& x, const Tensor& weights, int64_t minlength);
Tensor histc(const Tensor& x, int64_t bins, double low, double high);

// statistics.cpp
Tensor var(const Tensor& x, const Dims& dims, double correction, bool keepdim);
Tensor std(const Tensor& x, const Dims& dims, double correction, bool keepdim);
Tensors var_mean(const Tensor& x, const Dims& dims, double correction, bool keepdim);
Tensors std_mean(const Tensor& x, const Dims& dims, double correction, bool keepdim);
Tensor vector_norm(const Tensor& x, double order, const Dims& dims, bool keepdim, int dtype = -1);

// softmax.cpp
Tensor softmax(const Tensor& x, int64_t dim, int dtype = -1);
Tensor log_softmax(const Tensor& x, int64_t dim, int dtype = -1);
Tensor logsumexp(const Tensor& x, const Dims& dims, bool keepdim);

// scan.cpp
Tensor cumsum(const Tensor& x, int64_t dim, int dtype = -1);
Tensor cumprod(const Tensor& x, int64_t dim, int dtype = -1);
Tensors cumulative_extreme(const Tensor& x, bool greatest, int64_t dim);
Tensor logcumsumexp(const Tensor& x, int64_t dim);
Tensor products_before(const Tensor& x, int64_t dim,
                       bool reverse);  // products of all elements before (after) each

}  // namespace pb::ops
