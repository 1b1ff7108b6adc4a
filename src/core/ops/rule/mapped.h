// Rules over mapped tensors: what a rule says of axes, and the nets under those that say nothing.
//
// Inside of a vmap a rule is given plain tensors whose first dimensions are the axes (tensor/mapped.h), and what it gives
// is hidden again. It says of itself
//
//   static constexpr bool leads = true      dimensions in front change nothing: it counts them from the end
//   void lead(const MappedAxes& axes)       instead: changes the rule for that many dimensions in front
//   static constexpr bool aligned = true    inputs of fewer dimensions get ones between the axes and their own, as
//                                           broadcasting would
//   static constexpr bool sees_axes = true  it wants the mapped tensors themselves; views do, whose geometry carries
//                                           the axes along
//   static constexpr bool outlives = true   it is asked for of tensors of a vmap that is over, too
//
// and, if it reads where from inputs that decide (`decides_from`, rule.h), leaves residuals that have the axes in front
// where one of those differs from entry to entry, and none where all of them are the same. (An axis of one entry is put
// back: a vmap of one entry is how pullback.sparse tells what depends on what.)
//
// A rule that says nothing runs once for each entry, and the results are written into one tensor: right for every rule,
// and slow, and told to the user once (`note_loop`). `PULLBACK_VMAP=loop` makes all rules do that. Each run has a copy of
// the rule, which is what was recorded.
#pragma once
#include <string>
#include <vector>

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

// A rule, its type forgotten.
struct MappedRule {
    const void* rule;
    const char* name;  // of its node, or null
    size_t decides_from, residuals;
    // Of plain tensors: on a copy of the rule, led by the axes if they are given. Residuals come after the results.
    Tensors (*forward)(const void* rule, const MappedAxes* axes, const Tensors& shown);
    Tensors (*write)(const void* rule, const MappedAxes* axes, const Tensors& shown);  // residuals
    bool leads, aligned;
};

// What happens where an operator runs once for each entry: a warning, one for each operator, nothing, or an error.
enum class Loops : uint8_t { Warn, Allow, Refuse };
void set_loops(Loops wanted);  // forgets which operators it has warned of
Loops loops();
// To be called before an operator loops; `operation` as PyTorch calls it.
[[gnu::cold]] void note_loop(const std::string& operation, int stack_level = 1);
std::vector<std::string> looped();  // which operators have

// The axes of the operands together. Raises where one is of a vmap that is over: a tensor that escaped.
MappedAxes open_axes(const Tensors& operands);
// The same error, where only the geometry of a tensor is asked for.
[[gnu::cold, gnu::noinline]] void refuse_escaped(const Tensor& t);
inline void check_open(const Tensor& t) {
    if (__builtin_expect(t->exceptional & kMapped, 0)) refuse_escaped(t);
}

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
