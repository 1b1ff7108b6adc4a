// Products of batches as fewer, larger ones.
//
// What BLAS does best is one large product. A batch is one where its entries lie one after the other: along a dimension
// that is summed over, the inner dimension of all entries together is a longer inner dimension; where the second factor is
// the same for all entries, the rows of all are rows of one matrix; and where the first one is, and the second is a
// vector in each entry, the vectors are the rows. Only views are made, and the result lies as before.
#pragma once
#include "array/array.h"

namespace pb::compute {

// Takes dimensions off the batches of a product (compute/products.h), the last first, as far as that goes.
void merge_batches(Array& a, Array& b, bool& transpose_a, bool& transpose_b, int64_t& summed);

}  // namespace pb::compute
