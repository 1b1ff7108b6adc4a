// What rows compute of complex operands that have a derivative of another kind (Row::of_complex).
#pragma once
#include "ops/elementwise/elementwise.h"

namespace pb::ops {

// z / |z|, and 0 of 0.
Tensor direction(const Operand* z);

}  // namespace pb::ops
