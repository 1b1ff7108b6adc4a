// The core's side of pullback.func.vmap.
#pragma once
#include "python/read/convert.h"

namespace pb {

extern PyObject* mapped_error;  // a RuntimeError

// To be called where `callable`, an operator, failed with an error that is set: if that is because it asked a mapped
// tensor for its elements, runs it entry by entry. Null, with an error, if it did not succeed.
[[gnu::cold]] PyObject* over_entries(PyObject* callable, PyObject* const* args, size_t n, PyObject* keywords);

void init_mapping(PyObject* module);

}  // namespace pb
