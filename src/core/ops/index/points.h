// Points: the one idea behind indexing, gathering and scattering.
//
// Whatever names elements by integers (x[i, :, j], x[mask], gather, scatter, take, index_add, ...) covers some of a
// tensor's dimensions with a set of points. The points have a shape of their own, the indices' common one, and each
// is a single number: its row-major position among the covered dimensions. The result of reading has the dimensions
// that are not covered, with the points' shape put in at `position`. So the whole family is three loops, read, write
// and add at points, and one derivation: reading and adding are adjoint to each other.
//
// The numbers are checked, wrapped and copied when the points are made: what is recorded does not change when
// somebody later writes into an index.
#pragma once
#include <memory>

#include "ops/rule/apply.h"

namespace pb::ops {

struct Points {
    Dims input;          // the shape of the tensor that they lie in
    Dims covered;        // dimensions, increasing
    Dims shape;          // of the points
    size_t position;     // where it stands among the dimensions that stay
    Array rows;          // int64, contiguous: row-major number among the covered dimensions
    Ref<Layout> memory;  // how what is read lies in memory; null: contiguously

    Dims result() const;  // the shape of what is read
    int64_t count() const { return rows.numel(); }
    int64_t row_count() const;  // of the covered dimensions together
};
using PointsRef = std::shared_ptr<const Points>;

// x[indices]: one entry a dimension, undefined for `:`. Boolean masks cover as many dimensions as they have.
PointsRef points_of_indices(const Tensor& x, const Tensors& indices);
// One dimension, or (covered = all) the tensor read as a row. `index` is int64 or int32; `bounds` says what is raised
// for a number outside, negative ones are counted from the end where `wrap`.
PointsRef points_of_dim(const Tensor& x, int64_t dim, const Tensor& index, bool wrap,
                        void (*outside)(int64_t i, int64_t dim, int64_t size));
PointsRef points_of_all(const Tensor& x, const Tensor& index);
// gather and scatter: element (i, j, k) of `index` names (index[i, j, k], j, k) for dim 0.
PointsRef points_of_gather(const Dims& input, int64_t dim, const Tensor& index);
// The elements of x (or of `shape`) where the mask, of the same shape, is true.
PointsRef points_of_mask(const Tensor& mask);

// The three loops, in the row-major order of the result. `y` is contiguous, of the result's shape, or one element.
enum class At { Read, Write, Add, Multiply, Divide, Max, Min };
void visit_points(const Points& p, At what, const Array& x, const Array& y);

// Boolean, of the points' shape: whether a point is the last with its number, that is, whether what is written there
// survives. Undefined when all do.
Tensor survivors(const Points& p);
// A tensor of the points' shape seen against the result's.
Tensor against_result(const Tensor& t, const Points& p);

// Row-major numbers of the elements that are not zero.
Array nonzero_rows(const Array& a);

}  // namespace pb::ops
