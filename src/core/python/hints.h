// The second half of an error's message: cause and cure. The prose is Python's (pullback/messages/hints.py), loaded when an error
// is on its way.
#pragma once
#include <initializer_list>

#include "python/read/convert.h"

namespace pb {

// What `pullback.hints.<function>` says about these objects: " ..." or nothing.
std::string hint(const char* function, std::initializer_list<PyObject*> about);
// Nothing reaches Python's own message for `left symbol right`: raises TypeError where the cure is known.
void refuse_operand(const char* symbol, PyObject* left, PyObject* right);

}  // namespace pb
