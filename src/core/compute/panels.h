// A matrix that a few rows are multiplied with again and again, as the kernels of products read it fastest.
#pragma once
#include "array/array.h"

namespace pb {

class Panels {
  public:
    // op(weight), which transposes it if asked to; for about so many products.
    Panels(const Array& weight, bool transpose, int64_t times);
    // c = a op(weight) + beta c, all contiguous.
    void multiply_into(const Array& c, const Array& a, Scalar beta) const;

  private:
    Array whole_, parts_, rest_;  // panels beside each other, and what is left of the columns; or all of it
    int64_t terms_, columns_, width_ = 0;
};

}  // namespace pb
