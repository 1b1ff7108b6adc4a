#pragma once
#include "python/convert.h"

namespace pb {

extern PyTypeObject* operator_type;
void init_operator_type(PyObject* module);

}  // namespace pb
