// Levels: the one door by which operators reach tensors that carry tangents.
//
// An operation works on the highest level of its operands. It runs on what they are below that level, which comes through
// the same door again for lower levels, and pushes the tangents of that level forward beside it, so nested derivatives
// never mix. Rules, rows of the table, writes in place and changes of geometry all do it by the functions here.
//
// Levels of vmap need no protocol: they are axes of layouts (tensor/mapped.h), below tangents and below the tape.
// Whether a tensor has either is one byte, `exceptional`.
#pragma once
#include "tape/node.h"
#include "tape/tangents.h"
#include "tensor/mapped.h"

namespace pb {

// Whether an operator has to look at levels at all: some operand carries tangents, or is mapped.
inline bool is_levelled(const TensorObject* t) {
    return t->exceptional & (kDual | kMapped) || (t->flags & kIsView && is_stale_dual(t));
}
inline bool any_levelled(const Tensors& operands) {
    for (const Tensor& t : operands)
        if (t && is_levelled(t.get())) return true;
    return false;
}

// The highest level of tangents; 0 when there are none.
uint64_t highest_level(const Tensors& operands);

// What `run` makes of the operands below `level`, with the tangents that `push` gives its results. Operands may be
// undefined. `run(below)` and `push(below, results, tangents)` give one tensor a result; a tangent may be undefined.
// At a level of series `expand(below, results)` gives them their coefficients.
template <class Run, class Push, class Expand>
Tensors run_below(const Tensors& operands, uint64_t level, Run&& run, Push&& push, Expand&& expand) {
    Tensors below(operands), tangents(operands.size());
    for (size_t i = 0; i < operands.size(); ++i)
        if (operands[i] && operands[i].is_dual()) {
            tangents[i] = tangent_at(operands[i], level);
            below[i] = strip_level(operands[i], level);
        }
    Tensors out = run(below);
    if (series_order(level)) {
        expand(below, out);
    } else {
        Tensors pushed = push(below, out, tangents);
        for (size_t j = 0; j < pushed.size(); ++j)
            if (pushed[j] && is_differentiable(out[j].dtype())) set_tangent(out[j], level, pushed[j]);
    }
    // What the derivative reads is saved with its tangents, or a gradient of it would lose them.
    if (!out.empty() && out[0]->grad_fn) out[0]->grad_fn->keep_tangents(operands, out);
    return out;
}

// Replaces the tangents of every level by what `f` makes of each.
template <class F> void change_tangents(const Tensor& t, F&& f) {
    if (!t.is_dual()) return;
    for (Tangent& x : t->extra->tangents) x.value = f(x.value);
}

// Gives a copy the history and the tangents of what it was copied from.
void take_history(const Tensor& copy, const Tensor& from);

// The end of a write in place that was computed out of place, since operands carry tangents: elements and tangents.
void write_dual(const Tensor& target, const Tensor& dual, const char* operation);

}  // namespace pb
