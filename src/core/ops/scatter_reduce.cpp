// scatter_reduce: values that meet at one element are summed, multiplied, averaged, or the largest or smallest stays.
#include "ops/index.h"

#include "ops/operators.h"

namespace pb::ops {

Tensor scatter_reduce(Place, const Tensor&, int64_t, const Tensor&, const Tensor&, Reduce, bool) { fail("not yet"); }

}  // namespace pb::ops
