// In-place operations and views on the tape; the essay is in history.cpp.
#pragma once
#include "tape/node.h"
#include "tensor/extra.h"

namespace pb {

// Raises PyTorch's error if two indices of `t`, which is about to be written, reach one element.
void check_no_overlap(const Tensor& t);
// Raises PyTorch's errors if `t` must not be written in place now; `recorded`: what is written has a history.
void check_inplace(const Tensor& t, bool recorded = false);
// `t` has just been written in place by the operation that `node` records (edge 0 leads to t's old history).
// Call it after the version was counted up.
void rebase_history(const Tensor& t, Node* node);
// `view` is a differentiable view made from `base`.
void mark_view(const Tensor& view, const Tensor& base, ViewOrigin origin);

}  // namespace pb
