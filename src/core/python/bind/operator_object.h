#pragma once
#include "python/read/convert.h"

namespace pb {

extern PyTypeObject* operator_type;
void init_operator_type(PyObject* module);

}  // namespace pb
