#pragma once
#include "python/read/convert.h"

namespace pb {

void init_autograd(PyObject* module);
void init_function(PyObject* module);  // the node of a user's Function (function.cpp)

}  // namespace pb
