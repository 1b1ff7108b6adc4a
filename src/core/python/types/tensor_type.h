#pragma once
#include "python/read/convert.h"

namespace pb {

void init_tensor_type(PyObject* module);
// x[index] and x[index] = value, in every form (python/read/indexing.cpp).
PyObject* get_item(PyObject* self, PyObject* index);
int set_item(PyObject* self, PyObject* index, PyObject* value);

}  // namespace pb
