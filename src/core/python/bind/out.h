// out= of the functions that Python calls (`ops/rule/out.h`).
#pragma once
#include "ops/rule/out.h"
#include "python/read/convert.h"

namespace pb {

ops::OutRule out_rule(const char* name);  // as a declaration writes it

// Raises where one of the arguments, or a tensor in a list of them, has a tangent.
void refuse_dual_arguments(const char* operation, PyObject* const* values, size_t n);

// Writes what an operator returned, a tensor or a tuple of them, into `out`; returns `out`, in a tuple of that type.
PyObject* fill_out(const char* operation, ops::OutRule rule, PyObject* result, PyObject* out);

}  // namespace pb
