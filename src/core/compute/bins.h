// Groups of equal elements, places in what is sorted, and counts in bins.
#pragma once
#include "array/array.h"

namespace pb {

// The distinct elements of an array, or slices along `dim` (counted from the end; 0: elements), sorted, or, `consecutive`,
// those unlike the one before; for each element of x its number among them, and how many have it.
struct Distinct {
    Array values, inverse, counts;
};
Distinct distinct(const Array& x, int64_t dim, bool consecutive);

// Where each of the values would go into a row of `sequence`, (..., n), to keep it sorted: before equal elements, or,
// `right`, behind them. Each row is for as many values as there are for one.
Array places_in(const Array& sequence, const Array& values, bool right);
// `sequence` in the order of the indices `sorter`; raises where one is out of range.
Array in_order_of(const Array& sequence, const Array& sorter);

// Whether each element of x is one of those of `among`, or, `invert`, is not. NaN is none. Both have `lead` dimensions in
// front: each entry for itself.
Array contained(const Array& x, const Array& among, bool invert, int64_t lead = 0);

// How often each number occurs in x, of so many dimensions, which should be one, or the sums of their weights (an array
// without a buffer: none). Entries in front have bins of their own, as many in each.
Array counts_of(const Array& x, const Array& weights, int64_t minlength, int64_t rank);
// How many of the elements of the last `rank` dimensions lie in each of `bins` parts of [low, high]; of all there is where
// the two are equal.
Array histogram(const Array& x, int64_t rank, int64_t bins, double low, double high);

}  // namespace pb
