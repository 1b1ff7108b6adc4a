// Named results: tuples whose fields have names, as `max(x, dim)` gives (values=..., indices=...).
#pragma once
#include <initializer_list>

#include "python/read/convert.h"

namespace pb {

// A named tuple of the type pullback.return_types.NAME, which the first call makes.
PyObject* wrap_named(const char* name, std::initializer_list<const char*> fields, const Tensors& values);
// The module attribute `return_types`: name -> type.
void init_return_types(PyObject* module);

}  // namespace pb
