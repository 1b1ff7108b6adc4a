// Scans of arrays: running sums, products and extremes along a dimension, counted from the end (lines.h).
#pragma once
#include "array/array.h"

namespace pb {

// Sums of all elements up to each, or products; from the other end if `reverse`.
Array running_sums(const Array& x, int64_t dim, bool reverse);
Array running_products(const Array& x, int64_t dim, bool reverse);
// y[i] = x[i - by], and `fill` where there is no such element.
Array shifted(const Array& x, int64_t dim, int64_t by, double fill);
// r[i] = b[i] + a[i] * r[i - 1]; a zero stays zero whatever a is.
Array linear_recurrence(const Array& a, const Array& b, int64_t dim, bool reverse);
// The extreme up to each element, and its index: of equal ones the last; NaN beats all.
struct RunningExtremes {
    Array value, index;
};
RunningExtremes running_extremes(const Array& x, int64_t dim, bool greatest);

// The logarithm y of the sum of exponentials up to each element; y less the largest element m so far; and m, 0 where it
// is -inf.
struct RunningLogSum {
    Array value, rest, largest;
};
RunningLogSum running_logsumexp(const Array& x, int64_t dim);

}  // namespace pb
