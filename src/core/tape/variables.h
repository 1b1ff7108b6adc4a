// What a function transform (grad, vjp) differentiates by, and what it hands out.
//
// A transform gives the function variables of its own in place of its arguments: aliases, so that what is captured of
// outer transforms, or of the same tensor, is never mixed up with them. Nobody else sees them, so a history that ends at
// them is nobody's: gradients and values leave without it, and a graph of the gradient is made only if the walk meets
// something else (BackwardOptions::beyond). When the function has returned its variables are closed: what leads to those
// of a transform inside leads nowhere. Tangents, which belong to outer levels, go in and out with the values.
#pragma once
#include <unordered_set>

#include "tape/engine.h"

namespace pb {

// A leaf over the value of `x`; a recorded view of it where somebody outside may want the gradient, which is when
// recording is on and `x` requires grad. Neither may be written in place.
Tensor variable(const Tensor& x, bool recording);

// Nobody will ask for the gradient of this variable, but the transform that made it, by name.
inline void close_variable(const Tensor& v) { v->flags |= kClosed; }
bool is_closed(Node& n);  // whether it is the leaf of such a variable

// Whether a walk that meets this node, where it may end, has met somebody else's leaf or history.
bool goes_beyond(Node& n, bool ends);

// Whether all that this node leads to are closed variables: what escaped from a function whose transform has returned is
// a constant. `known` are nodes of which that is so; those that were met now are added.
bool leads_nowhere(Node& n, std::unordered_set<const Node*>& known);

// `t` without a history that ends at `own`, and so its tangents; at closed variables, too, unless `closed` ones count.
Tensor settled(const Tensor& t, const GraphPoints& own, bool closed = false);

// What a function captured, whose recording began at `since` (Node::next_sequence then): where what was recorded meets
// leaves or older history, each place once, as a tensor whose gradient goes there, and which has no value. The
// variables `own` of the function are no captures. Closed ones are: who closed them may ask (func.linearize).
Tensors captures(const Tensors& outputs, const GraphPoints& own, uint64_t since);

}  // namespace pb
