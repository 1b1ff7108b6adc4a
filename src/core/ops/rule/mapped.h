// Rules over mapped tensors: what a rule says of axes, and the nets under those that say nothing.
//
// Inside of a vmap a rule is given plain tensors whose first dimensions are the axes (tensor/mapped.h), and what it gives
// is hidden again. It says of itself
//
//   static constexpr bool leads = true      dimensions in front change nothing: it counts them from the end
//   void lead(const MappedAxes& axes)       instead: changes the rule for that many dimensions in front
//   static constexpr bool aligned = true    inputs of fewer dimensions get ones between the axes and their own, as
//                                           broadcasting would
//   static constexpr bool indices_lead = true  that holds where tensors of integers are among the inputs, too
//   static constexpr bool sees_axes = true  it wants the mapped tensors themselves; views do, whose geometry carries
//                                           the axes along
//
// A rule that says nothing runs once for each entry, and the results are written into one tensor: right for every rule,
// and slow. `PULLBACK_VMAP=loop` makes all rules do that. Each run has a copy of the rule, which is what was recorded.
#pragma once
#include "tensor/mapped.h"

namespace pb {

template <class R> constexpr bool rule_leads_itself = requires(R r, const MappedAxes& axes) { r.lead(axes); };
template <class R> constexpr bool rule_leads() {
    if constexpr (requires { R::leads; }) return R::leads;
    else return rule_leads_itself<R>;
}
template <class R> constexpr bool rule_is_aligned() {
    if constexpr (requires { R::aligned; }) return R::aligned;
    else return false;
}

template <class R> constexpr bool rule_indices_lead() {
    if constexpr (requires { R::indices_lead; }) return R::indices_lead;
    else return false;
}

// A rule, its type forgotten.
struct MappedRule {
    const void* rule;
    // Of plain tensors: on a copy of the rule, led by the axes if they are given. Residuals come after the results.
    Tensors (*forward)(const void* rule, const MappedAxes* axes, const Tensors& shown);
    Tensors (*write)(const void* rule, const MappedAxes* axes, const Tensors& shown);  // residuals
    bool leads, aligned, indices_lead;
};

// The axes of the operands together. Raises where one is of a vmap that is over: a tensor that escaped.
MappedAxes open_axes(const Tensors& operands);

// The results and residuals, mapped, over the axes of all inputs.
Tensors compute_mapped(const MappedRule& rule, const Tensors& inputs);
// Writes into inputs[0], which gets the axes that it lacks or cannot; the residuals, mapped.
Tensors write_mapped(const MappedRule& rule, const Tensors& inputs, const char* operation);

// A target of a write whose values have all the axes `all`. If it lacks some, it becomes mapped, memory copied for each
// entry, where nobody can tell: it was made inside of those vmaps, and nobody else holds its memory but a view that is
// written through. Otherwise PyTorch's error.
void spread_target(const Tensor& target, const MappedAxes& all, const char* operation);

// to = from, elements only, of one shape, whatever axes they have; readers of the old elements run first.
void write_elements(const Tensor& to, const Tensor& from, const char* operation);

}  // namespace pb
