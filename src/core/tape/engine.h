// Engine: walks the tape from outputs to inputs.
#pragma once
#include "tape/node.h"

namespace pb {

struct BackwardOptions {
    bool retain_graph = false;
    bool create_graph = false;
    bool allow_unused = false;
    bool accumulate = true;  // into .grad of leaves, as backward() does; otherwise capture, as grad() does
    bool hooks = true;       // and retained gradients; not of a run whose gradients nobody will get
    const char* caller = "backward()";
    // For a transform (tape/variables.h): the walk ends at `inputs` and `own`, which it made itself. Whether the run
    // reaches beyond them is said here; a graph of the gradient is created only if it does, and then what is saved is
    // kept, too.
    bool* beyond = nullptr;
    // Of a run within another, in place of a node: `inputs` that are not `own` are where the other goes on. It runs the
    // hooks there, and wants a graph of the gradient if `create_graph` says so.
    bool goes_on = false;
};

// Runs from `outputs` with `grads` (undefined: one, for scalars). When `inputs` is not empty only paths to them
// are walked; without `accumulate` their gradients are returned, undefined where unused.
// An output or input is a tensor, or an edge of the graph itself.
struct GraphPoint {
    Tensor tensor;
    Ref<Node> node;  // instead of a tensor
    uint32_t nr = 0;
};
using GraphPoints = Small<GraphPoint, 4>;
Tensors run_backward(const GraphPoints& outputs, const Tensors& grads, const GraphPoints& inputs,
                     const BackwardOptions& options, const GraphPoints& own = {});
GraphPoints as_points(const Tensors& ts);
// The edge of an input; a leaf that changed since is looked for as it was recorded. Counts a reference.
Edge recorded_edge_of(const GraphPoint& p);

// The innermost run of this thread (0: none), and whether it visits the node that computes the gradient of `t`.
uint32_t current_run();
bool will_run(const Tensor& t);
// Whether that run fills `.grad` of whatever it reaches: backward() without inputs.
bool run_accumulates();
// Whether it keeps what is saved, for another one.
bool run_retains();

}  // namespace pb
