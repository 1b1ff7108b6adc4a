#pragma once
#include "python/read/convert.h"

namespace pb {

// define_decomposition(name, node, pullback, reads, pushforward, reads): the callable that decomposes.
PyObject* define_decomposition(PyObject*, PyObject* args);
PyObject* check_decomposition(PyObject*, PyObject* args);  // (info, operation)
PyObject* small_pivots(PyObject*, PyObject* args);         // (factors, threshold)
PyObject* holds_anywhere(PyObject*, PyObject* mask);
void init_decompositions(PyObject* module);  // LinAlgError

}  // namespace pb
