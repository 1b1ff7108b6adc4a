#pragma once
#include "python/read/convert.h"

namespace pb {

PyObject* define_row(PyObject*, PyObject* args);
PyObject* table_installed(PyObject*, PyObject*);

}  // namespace pb
