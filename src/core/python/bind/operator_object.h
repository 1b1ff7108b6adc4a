#pragma once
#include "python/read/convert.h"

namespace pb {

extern PyTypeObject* operator_type;
void init_operator_type(PyObject* module);
// The calculus' table, and the types of what its formulas are called with instead of tensors.
void set_calculus(PyObject* table, PyObject* symbol, PyObject* dual);

}  // namespace pb
