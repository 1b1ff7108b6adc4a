// Orders of the elements of each line, along a dimension that is counted from the end (lines.h): their indices. NaN is
// greater than everything. Equal elements keep their order, always.
#pragma once
#include "array/array.h"

namespace pb {

Array sorted_indices(const Array& x, int64_t dim, bool descending);
// The first k of a line in order.
Array top_indices(const Array& x, int64_t dim, int64_t k, bool largest);
// One of each line: the k-th smallest, counted from 0; the lower median, where NaN, if there is one, is the median or does
// not count; the smallest of the most frequent values, at its last place.
Array ranked_indices(const Array& x, int64_t dim, int64_t k);
Array median_indices(const Array& x, int64_t dim, bool ignore_nan);
Array mode_indices(const Array& x, int64_t dim);

}  // namespace pb
