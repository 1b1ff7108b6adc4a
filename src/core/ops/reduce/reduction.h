// What the reductions share: which dimensions go, and reducing an array over them.
//
// Every result follows the kernels' tree over the logical order of the reduced elements (kernels/reduce.h), so
// its bits do not depend on strides, nor on which of the three ways below was taken:
//
//   runs     one result after the other, each from a run of elements at equal distances;
//   columns  many results side by side, when the elements of one are far apart and those of neighbours are not
//            (a sum over leading axes), or when runs are so short that a call for each would cost most;
//   gathered the rest: elements are collected leaf by leaf.
#pragma once
#include "array/visit.h"
#include "kernels/reduce.h"
#include "ops/operators.h"

namespace pb {

// The dimensions named by `dims`, sorted; an empty list names all.
Dims reduced_dims(const Tensor& x, const Dims& dims);
Dims reduced_shape(const Layout& l, const Dims& dims, bool keepdim);
int64_t reduced_count(const Layout& l, const Dims& dims);

Array reduce_array(Reduction r, const Array& a, const Dims& dims, bool keepdim);
// The same for an array that may be pending: the reduction ends the program that computes it, if it can. Over
// everything it is pending also where the elements are there.
Array reduce_value(Reduction r, const Array& a, const Dims& dims, bool keepdim);
// Indices of the extremes along one dimension; of the flattened array where dim is -1.
Array index_of_extreme(bool greatest, const Array& a, int64_t dim, bool keepdim);

// `a` converted, or itself.
Array converted(const Array& a, DType dtype);
// `a` with dimension `dim` last, contiguous: a matrix of numel / length rows. A copy unless it already lies so.
Array rows_along(const Array& a, int64_t dim);
// An array of the shape of `like` whose dimension `dim` was moved last, put back in place.
Array from_rows(const Array& rows, const Layout& like, int64_t dim);

namespace ops {

// A reduced value seen against the input again, and its adjoint.
Tensor expand_back(const Tensor& g, const Layout& input, const Dims& dims, bool keepdim);
Tensor sum_like(const Tensor& x, const Dims& dims, bool keepdim);  // sum over dims, none meaning none

// Elements of `x` at `index` along `dim` (the shape of the result is the index's), and the adjoint: `g` added
// into zeros of `size` along `dim`. Indices are in range. Linear in x, and each other's derivative.
Tensor pick_along(const Tensor& x, int64_t dim, const Tensor& index);
Tensor place_along(const Tensor& g, int64_t dim, const Tensor& index, const Dims& shape);
Array pick_array(const Array& x, int64_t dim, const Array& index);

// Raises where a result of this dtype would need a derivative that it cannot have.
void check_recordable(const Tensor& x, DType d);

}  // namespace ops

}  // namespace pb
