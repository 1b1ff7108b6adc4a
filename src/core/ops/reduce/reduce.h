// Reductions of every kind: sums, extremes, orders, statistics, softmax, scans. Those that the tape calls too are in
// tape/operations.h.
#pragma once
#include "ops/rule/apply.h"

namespace pb::ops {

// reduce.cpp; the input is converted to a dtype that is given
Tensor sum(const Tensor& x, DimsOrAll dims, bool keepdim, MaybeDType dtype = {});
Tensor mean(const Tensor& x, DimsOrAll dims, bool keepdim, MaybeDType dtype = {});
Tensor nansum(const Tensor& x, DimsOrAll dims, bool keepdim, MaybeDType dtype);
Tensor prod(const Tensor& x, MaybeDim dim, bool keepdim, MaybeDType dtype);
Tensor any(const Tensor& x, DimsOrAll dims, bool keepdim);
Tensor all(const Tensor& x, DimsOrAll dims, bool keepdim);
Tensor count_nonzero(const Tensor& x, DimsOrAll dims);
Tensor sum_to_size(const Tensor& x, const Dims& size);  // which would broadcast to that of x

// extremes.cpp
Tensor extreme(const Tensor& x, bool greatest);                                    // max(), min()
Tensors extreme_along(const Tensor& x, bool greatest, int64_t dim, bool keepdim);  // values, indices
Tensor amax(const Tensor& x, DimsOrAll dims, bool keepdim);
Tensor amin(const Tensor& x, DimsOrAll dims, bool keepdim);
Tensors aminmax(const Tensor& x, MaybeDim dim, bool keepdim);
Tensor argmax(const Tensor& x, MaybeDim dim, bool keepdim);
Tensor argmin(const Tensor& x, MaybeDim dim, bool keepdim);

// order.cpp: values and indices; bins.cpp
Tensors sort(const Tensor& x, int64_t dim, bool descending, bool stable);
Tensor argsort(const Tensor& x, int64_t dim, bool descending);
Tensors topk(const Tensor& x, int64_t k, int64_t dim, bool largest);
Tensors kthvalue(const Tensor& x, int64_t k, int64_t dim, bool keepdim);
Tensor median(const Tensor& x, bool ignore_nan);
Tensors median_along(const Tensor& x, int64_t dim, bool keepdim, bool ignore_nan);
Tensors mode(const Tensor& x, int64_t dim, bool keepdim);
Tensors unique(const Tensor& x, MaybeDim dim, bool consecutive);  // values, inverse, counts
Tensor searchsorted(const Tensor& sequence, const Operand& values, bool right, const MaybeTensor& sorter,
                    bool int32);
Tensor isin(const Operand& elements, const Operand& test_elements, bool assume_unique, bool invert);
Tensor bincount(const Tensor& x, const MaybeTensor& weights, int64_t minlength);
Tensor histc(const Tensor& x, int64_t bins, double low, double high);

// statistics.cpp
Tensor var(const Tensor& x, DimsOrAll dims, double correction, bool keepdim);
Tensor std(const Tensor& x, DimsOrAll dims, double correction, bool keepdim);
Tensors var_mean(const Tensor& x, DimsOrAll dims, double correction, bool keepdim);
Tensors std_mean(const Tensor& x, DimsOrAll dims, double correction, bool keepdim);
// Raises unless the dtype that a norm is computed in is as wide as the operand's, and complex where that is.
void check_norm_dtype(const char* operation, DType from, DType to);
Tensor vector_norm(const Tensor& x, double order, DimsOrAll dims, bool keepdim, MaybeDType dtype);

// softmax.cpp
Tensor softmax(const Tensor& x, int64_t dim, MaybeDType dtype = {});
Tensor log_softmax(const Tensor& x, int64_t dim, MaybeDType dtype = {});
Tensor logsumexp(const Tensor& x, const Dims& dims, bool keepdim);

// scan.cpp
Tensor cumsum(const Tensor& x, int64_t dim, MaybeDType dtype);
Tensor cumprod(const Tensor& x, int64_t dim, MaybeDType dtype);
Tensors cummax(const Tensor& x, int64_t dim);
Tensors cummin(const Tensor& x, int64_t dim);
Tensor logcumsumexp(const Tensor& x, int64_t dim);

}  // namespace pb::ops
