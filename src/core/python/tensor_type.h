#pragma once
#include "python/convert.h"

namespace pb {

void init_tensor_type(PyObject* module);
// x[index] and x[index] = value, in every form (python/indexing.cpp).
PyObject* get_item(PyObject* self, PyObject* index);
int set_item(PyObject* self, PyObject* index, PyObject* value);

}  // namespace pb
