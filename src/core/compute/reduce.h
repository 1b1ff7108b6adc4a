// Reductions of arrays over some of their dimensions; extremes.cpp finds the places of extremes.
//
// Dimensions are sorted, and counted from the end (lines.h).
#pragma once
#include "array/array.h"
#include "kernels/reduce.h"

namespace pb {

Dims reduced_shape(const Layout& l, const Dims& dims, bool keepdim);
int64_t reduced_count(const Layout& l, const Dims& dims);

Array reduce_array(Reduction r, const Array& a, const Dims& dims, bool keepdim);
// The same for an array that may be pending: the reduction ends the program that computes it, if it can and `may_wait`.
// Over everything it is pending also where the elements are there.
Array reduce_value(Reduction r, const Array& a, const Dims& dims, bool keepdim, bool may_wait);

// Whether any of these truth values is true.
bool any_true(const Array& a);

// The indices of the extremes along one dimension.
Array index_of_extreme(bool greatest, const Array& a, int64_t dim, bool keepdim);

}  // namespace pb
