// Packing: hooks that decide what is kept of the values which nodes save (autograd.graph.saved_tensors_hooks).
//
// A thread has a stack of pairs of hooks, of which the innermost is in force. While there is one, `modes.packing` is set,
// and a value that is saved is handed to the pair's first hook; what that returns is kept instead, and given to the
// second when the value is needed. An input is packed as it is saved, and the hook sees the very tensor. An output has
// no history at that time: it is packed when its node knows its outputs, as another tensor that is this output.
#pragma once
#include "tape/saved.h"

namespace pb {

// Hooks are functions; raises RuntimeError while they are disabled.
void push_packing(PyObject* pack, PyObject* unpack);
void pop_packing();
PyObject* packing_hook();  // the innermost `pack`, borrowed, or null
// While `message` is not null, hooks may not be set: the error says it. Raises if some are set. Returns the message before.
std::string* disable_packing(const std::string* message);

void pack_saved(Saved& s, const Tensor& t);  // by the innermost hooks
void pack_outputs(Node& n);
int traverse_packed(Node& n, visitproc visit, void* arg);

}  // namespace pb
