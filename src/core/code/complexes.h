// What primitives of complex numbers are as a sequence of operations: of their real and imaginary parts, which are two vectors.
#pragma once
#include "code/sequence.h"
#include "kernels/kernels.h"

namespace pb::code {

struct Parts {
    int16_t re = -1, im = -1;
};

bool is_stated_of_complexes(Primitive p);
Parts state_of_complexes(Sequence& s, Primitive p, const Parts* in);

}  // namespace pb::code
