// SavedTensor, and the hooks of saved values, for the Python half of autograd.
#pragma once
#include "python/read/convert.h"
#include "tape/node.h"

namespace pb {

void init_saved_type(PyObject* module);
PyObject* saved_objects(Node& node);               // a tuple of all
PyObject* saved_object(Node& node, size_t place);  // new reference; place: among node.saved_values()

}  // namespace pb
