#pragma once
#include "python/read/convert.h"

namespace pb {

void init_replay(PyObject* module);

}  // namespace pb
