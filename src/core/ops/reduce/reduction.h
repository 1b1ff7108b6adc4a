// What the rules of reductions and their relatives share: dimensions counted from the end, a reduced value seen against
// its input again, and elements at indices along a dimension.
#pragma once
#include "compute/reduce.h"
#include "ops/operators.h"

namespace pb::ops {

// The dimensions named by `dims`, sorted and counted from the end; an empty list names all.
Dims reduced_dims(const Tensor& x, const Dims& dims);
// A dimension as rules have it: counted from the end, 0 where there is none.
inline int64_t from_end(int64_t dim, int64_t ndim) {
    dim = wrap_dim(dim, ndim);
    return ndim ? dim - ndim : 0;
}
inline Dims dims_of(int64_t dim) { return dim ? Dims{dim} : Dims{}; }

// A reduction, which may stay pending.
Array reduced(Reduction r, const Array& a, const Dims& dims, bool keepdim);

// A reduced value seen against the input again, and its adjoint.
Tensor expand_back(const Tensor& g, const Layout& input, const Dims& dims, bool keepdim);
Tensor sum_like(const Tensor& x, const Dims& dims, bool keepdim);    // sum over dims, none meaning none
Tensor count_like(const Tensor& x, const Dims& dims, bool keepdim);  // how many are not zero

// Elements of `x` at `index` along `dim` (the shape of the result is the index's), and the adjoint: `g` added
// into zeros of `size` along `dim`. Indices are in range. Linear in x, and each other's derivative.
Tensor pick_along(const Tensor& x, int64_t dim, const Tensor& index);
Tensor place_along(const Tensor& g, int64_t dim, const Tensor& index, const Dims& shape);

// The derivative of an extreme y of x whose ties share it (extremes.cpp): of a cotangent, and of a tangent.
Tensor shared_pull(const Tensor& g, const Tensor& x, const Tensor& y, const Dims& dims, bool keepdim);
Tensor shared_push(const Tensor& t, const Tensor& x, const Tensor& y, const Dims& dims, bool keepdim);

// Products of all elements before (after) each (scan.cpp).
Tensor products_before(const Tensor& x, int64_t dim, bool reverse);

// `x` in the dtype that was asked for, if one was: recorded.
inline Tensor typed(const Tensor& x, MaybeDType dtype) { return dtype ? to_dtype(x, *dtype) : x; }

// Raises where a result of this dtype would need a derivative that it cannot have.
void check_recordable(const Tensor& x, DType d);
// Whether gradients are wanted as values only, so that one pass over each line computes them.
inline bool values_only(const Tensor& g, const Tensor& x) {
    return !(modes.grad && (g.requires_grad() || x.requires_grad())) && !is_levelled(g.get()) &&
           !is_levelled(x.get());
}
inline Array array_or_none(const Tensor& t) { return t ? t.array() : Array(); }

}  // namespace pb::ops
