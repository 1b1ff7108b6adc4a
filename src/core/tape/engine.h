// Engine: walks the tape from outputs to inputs.
#pragma once
#include "tape/node.h"

namespace pb {

struct BackwardOptions {
    bool retain_graph = false;
    bool create_graph = false;
    bool allow_unused = false;
    bool accumulate = true;   // into .grad of leaves, as backward() does; otherwise capture, as grad() does
    const char* caller = "backward()";
};

// Runs from `outputs` with `grads` (undefined: one, for scalars). When `inputs` is not empty only paths to them
// are walked; without `accumulate` their gradients are returned, undefined where unused.
Tensors run_backward(const Tensors& outputs, const Tensors& grads, const Tensors& inputs, const BackwardOptions& options);

bool in_backward();

}  // namespace pb
