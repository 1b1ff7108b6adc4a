// Joining, repeating and rearranging: the C++ halves of operators/*.py.
#include "ops/operators.h"
#include "python/convert.h"

namespace pb {

void bind_join() {}

}  // namespace pb
