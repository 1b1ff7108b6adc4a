// Reading, writing and adding at points, as recorded operations. The operators of the family are these few rules under
// the names that PyTorch gives their nodes.
#pragma once
#include "ops/index/points.h"

namespace pb::ops {

// The node names of an operator: of itself, and of the operation that its pullback applies.
struct PointNames {
    const char* read = "IndexBackward0";
    const char* add = "IndexPutImplBackward0";
};

Tensor read_points(const Tensor& x, const PointsRef& p, PointNames names = {});
// x with `values` (of the result's shape, or one that broadcasts to it) written or added at the points.
Tensor write_points(const Tensor& x, const Tensor& values, const PointsRef& p, bool add, const char* node);
Tensor write_points_(const Tensor& x, const Tensor& values, const PointsRef& p, bool add, const char* node,
                     const char* operation);
// The same with a number.
Tensor fill_points(const Tensor& x, Scalar value, const PointsRef& p, const char* node);
Tensor fill_points_(const Tensor& x, Scalar value, const PointsRef& p, const char* node,
                    const char* operation);
// Zeros of the points' input with `values` added at the points: what reading pulls back to.
Tensor add_to_zeros(const Tensor& values, const PointsRef& p, PointNames names = {});

// Whether the write happens in x itself: the operators with an in-place form take it as an argument.
enum class Place { New, Here };
// `lies` says it of a new result.
Tensor put(Place place, const Tensor& x, const Tensor& values, const PointsRef& p, bool add, const char* node,
           const char* operation, Lies lies = Lies::RowMajor);
Tensor fill(Place place, const Tensor& x, Scalar value, const PointsRef& p, const char* node,
            const char* operation, Lies lies = Lies::RowMajor);

// index_put's values have the shape of x[indices] or broadcast to it.
Tensor index_put(Place place, const Tensor& x, const Tensors& indices, const Tensor& values, bool accumulate);
void index_fill_at(const Tensor& x, const Tensors& indices, Scalar value);  // x[indices] = number

Tensor index_add(Place place, const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source,
                 Scalar alpha);
Tensor index_copy(Place place, const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source);
Tensor index_fill(Place place, const Tensor& x, int64_t dim, const Tensor& index, const Operand& value);
Tensor take(const Tensor& x, const Tensor& index);
Tensor put_flat(Place place, const Tensor& x, const Tensor& index, const Tensor& source, bool accumulate);

// scatter.cpp
// The points of a scatter, checked, and the part of src that is scattered.
PointsRef scatter_points(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src, Tensor* part);
enum class Reduce : uint8_t { None, Sum, Prod, Mean, AMax, AMin };
Tensor scatter(Place place, const Tensor& x, int64_t dim, const Tensor& index, const Operand& src);
Tensor scatter_add(Place place, const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src);
Tensor scatter_reduce(Place place, const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src,
                      Reduce reduce, bool include_self);

// masks.cpp
Tensor masked_fill(Place place, const Tensor& x, const Tensor& mask, const Operand& value);
Tensor masked_scatter(Place place, const Tensor& x, const Tensor& mask, const Tensor& source);

}  // namespace pb::ops
