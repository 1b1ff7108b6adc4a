// The Python face of a node: `grad_fn`. Made on demand; a node keeps at most one alive.
#pragma once
#include "python/read/convert.h"
#include "tape/node.h"

namespace pb {

void init_node_type(PyObject* module);
PyObject* node_object(Node* n);  // new reference; None for null
bool is_node_object(PyObject* o);
Node* node_of(PyObject* o);

}  // namespace pb
