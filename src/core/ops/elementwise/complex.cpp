// Functions of complex numbers that have no complex derivative, as compositions of others: each mode differentiates those.
#include "ops/elementwise/complex.h"

#include "ops/elementwise/named.h"

namespace pb::ops {

Tensor direction(const Operand* z) {
    Tensor length = abs(*z[0].tensor);
    return where(eq(length, 0.0), 0.0, div(z[0], length));
}

}  // namespace pb::ops
