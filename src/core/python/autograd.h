#pragma once
#include "python/convert.h"

namespace pb {

void init_autograd(PyObject* module);

}  // namespace pb
