// Indexing, gathering and scattering: the C++ halves of operators/*.py.
#include "ops/operators.h"
#include "python/convert.h"

namespace pb {

void bind_index() {}

}  // namespace pb
