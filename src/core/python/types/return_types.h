// Named results: tuples whose fields have names, as `max(x, dim)` gives (values=..., indices=...).
#pragma once
#include "python/read/convert.h"

namespace pb {

// The type pullback.return_types.NAME, a tuple of these names, which declarations give. Borrowed; it lives for ever, and
// the module's dictionary `return_types` has it under its name.
PyObject* named_results(const char* name, PyObject* fields);
void init_return_types(PyObject* module);

}  // namespace pb
