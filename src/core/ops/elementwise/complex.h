// What rows compute of complex operands that have a derivative of another kind (Row::of_complex), or another formula; and of
// narrow floats what depends on how far apart they are (Row::of_narrow).
#pragma once
#include "ops/elementwise/elementwise.h"

namespace pb::ops {

// Gives rows these functions.
void bind_compositions();

}  // namespace pb::ops
