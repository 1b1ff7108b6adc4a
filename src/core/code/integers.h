// Integers in a sequence: primitives of those that are as wide as a lane, and conversions between all that it may hold.
#pragma once
#include "code/sequence.h"
#include "kernels/kernels.h"

namespace pb::code {

// Whether a primitive of integers (of as many bytes as a sequence's floats) can be said in operations.
bool is_stated_of_integers(Primitive p, DType type, bool wide);
int16_t state_of_integers(Sequence& s, Primitive p, const int16_t* in);

// The floats in whose sequences a conversion is said, or bool if in none.
DType conversion_lane(DType from, DType to, bool wide);
int16_t state_conversion(Sequence& s, DType from, DType to, int16_t value);

}  // namespace pb::code
