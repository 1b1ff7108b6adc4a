// Products of matrices and vectors: the C++ halves of operators/*.py.
#include "ops/operators.h"
#include "python/convert.h"

namespace pb {

void bind_linear() {}

}  // namespace pb
