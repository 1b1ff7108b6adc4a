// Copies of several arrays beside each other, and of one inside of a larger one.
#pragma once
#include "array/array.h"

namespace pb::compute {

// PyTorch's exception for old programs: a one-dimensional tensor of no elements joins anything and adds nothing. `rank`
// is the number of dimensions of what may be one.
inline bool is_legacy_empty(const Layout& l, int64_t rank = 1) {
    return l.ndim() == rank && l.size(rank - 1) == 0;
}

// What becomes of parts that are joined along a dimension, one after the other.
class Joined {
  public:
    Joined(DType dtype, const Ref<Layout>& layout, int64_t dim)
        : out(Array::empty(dtype, layout)), dim_(dim) {}
    void add(const Array& part);     // which has the dimension
    void insert(const Array& part);  // which lacks it
    Array out;

  private:
    int64_t dim_, at_ = 0;
    Ref<Layout> inserted_;  // of a contiguous part: they are all of one shape
};

// With so many elements of `value` before and after each dimension; negative numbers cut off.
Array pad(const Array& a, const Dims& before, const Dims& after, Scalar value);

}  // namespace pb::compute
