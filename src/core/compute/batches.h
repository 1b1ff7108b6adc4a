// Batches of matrices: how those of several operands broadcast, and products of batches as fewer, larger ones.
//
// What BLAS does best is one large product. A batch is one where its entries lie one after the other: along a dimension
// that is summed over, the inner dimension of all entries together is a longer inner dimension; where the second factor is
// the same for all entries, the rows of all are rows of one matrix; and where the first one is, and the second is a
// vector in each entry, the vectors are the rows. Only views are made, and the result lies as before.
#pragma once
#include <initializer_list>

#include "array/array.h"
#include "compute/axes.h"

namespace pb {

// The common batch of several operands, and where the matrix (or vector) number i of each of them begins.
class Batch {
  public:
    // Operands, up to three, by pairs: an array, and how many dimensions of it are no batch.
    struct Operand {
        const Array& array;
        int64_t inside;
    };
    Batch() = default;  // of one entry
    explicit Batch(std::initializer_list<Operand> operands);
    int64_t offset(size_t operand, int64_t i) const { return places_[operand].offset_of(i); }
    Dims with(std::initializer_list<int64_t> rest) const {
        Dims all(shape);
        for (int64_t n : rest) all.push_back(n);
        return all;
    }
    Dims shape;
    int64_t count = 1;

  private:
    Axes places_[3];
};

namespace compute {

// Takes dimensions off the batches of a product (compute/products.h), the last first, as far as that goes.
void merge_batches(Array& a, Array& b, bool& transpose_a, bool& transpose_b, int64_t& summed);

}  // namespace compute
}  // namespace pb
