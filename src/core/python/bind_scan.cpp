// Cumulative operations: the C++ halves of operators/*.py.
#include "ops/operators.h"
#include "python/convert.h"

namespace pb {

void bind_scan() {}

}  // namespace pb
