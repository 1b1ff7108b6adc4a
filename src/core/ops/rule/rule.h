// Structured operators: how one is stated, and how it is applied.
//
// An operator is a plain struct, a *rule*, that holds its parameters (dims, flags) and says, side by side:
//
//   static constexpr const char* name            the class name of its node, as PyTorch's
//   static constexpr uint32_t saves              which inputs its derivative reads: bit i is input i
//   static constexpr size_t saves_from           and all inputs from this number on: tensors of indices, however many
//   uint32_t reads(uint32_t wanted)              optionally: which of them for the derivatives by these inputs alone
//   static constexpr bool saves_output           whether it reads its output: the first, or number `saved_output`
//   static constexpr uint32_t saves_outputs      instead, of several: bit j is output j
//   uint32_t reads_outputs()                     optionally: which of them
//   Tensor  forward(const Tensors& x)            the value, from plain tensors; or Tensors for several outputs. Nothing is
//                                                left behind in the rule, and nothing else looks at elements.
//                                                Computed<n> has n residuals beside them: what the derivative
//                                                reads besides, as constants
//   void    pullback(Context& c, const Tensors& g, Tensors& out)
//                                                cotangents of the inputs, in differentiable operations, so that
//                                                every order exists; out[i] only where c.wants(i). A rule without
//                                                one has no derivative: nothing is recorded, tangents end
//   Tensors pushforward(Context& c, const Tensors& t)
//                                                tangents of the outputs from tangents of the inputs (undefined: zero).
//                                                Without one it is derived: the pullback is linear in the
//                                                cotangent, and its own pullback is the pushforward.
//   static constexpr bool linear = true          the operator is linear in all its inputs together, however they lie in
//                                                memory: it pushes tangents forward as it does values, with zeros
//                                                where there are none
//   static constexpr size_t decides_from          inputs from this number on say where, not what: the indices of a linear
//                                                rule are no tangents, and stay as they are
//   static constexpr bool bilinear = true        it is linear in each of its two inputs: a tangent is pushed forward
//                                                beside the other input, and both results are added
//   static constexpr bool leads = true           dimensions in front of the inputs' change nothing: forward computes
//                                                each entry (dimensions are counted from the end; 0 stands for none)
//   static constexpr bool holomorphic = true     it takes complex numbers, and its derivative by them is complex: linear and
//                                                bilinear rules say so by that alone. The pullback is stated as if numbers
//                                                were real; RuleNode::pull conjugates around it
//   static constexpr bool view = true            forward returns an alias of input 0
//   optional<int64_t> shift(const Layout& input, uint32_t nr)
//                                                of a view whose output `nr` does not begin where its input does
//   bool    add_to(Context& c, const Tensors& g, const Array& whole)
//                                                where the pullback would put g into zeros: adds it to `whole`, of the
//                                                input's shape, or declines, unless it is void. Both are plain; inside of a vmap the axes
//                                                are dimensions in front
//   void    pullback_over(Context& c, Tensors& g, Tensors& out)
//                                                the pullback, which may write over g[0]: nobody else sees it
//   static constexpr bool several = true         forward returns any number of them, none of which may be written in place
//   void    write(const Tensors& x)              instead of forward, for operators with an in-place form: writes into
//                                                x[0], and returns an array of residuals if there are any
//   static constexpr bool adjoint = true         its pullback conjugates by itself what a complex cotangent meets
//   static constexpr bool uniform = true         what is written is the same everywhere: elements may share their memory
//   static constexpr bool noted = true           whatever elements it computes, here and in its derivatives, are noted where a
//                                                log asks for it (program/work_log.h); of views that is understood
//   bool    row_major                            whether the copy that is written out of place is, or lies as x[0] does
//
// `apply` does the rest, the same for all: tangents of every level, recording, views, versions. What a rule says of the
// axes of a vmap, and what happens to one that says nothing, is in mapped.h; the same of narrow floats in narrow.h.
#pragma once
#include <array>
#include <concepts>

#include "ops/rule/mapped.h"
#include "program/work_log.h"
#include "tensor/tensor.h"

namespace pb {

// What a rule sees of the call it is differentiated for.
class Context {
  public:
    virtual const Tensor& input(size_t i) = 0;  // saved inputs only, in a pullback
    virtual const Tensor& output(size_t j = 0) = 0;
    virtual Array residual(size_t k = 0) = 0;
    // Raises if one of the saved inputs from `first` on has been written since: for a pullback that reads what was
    // computed from them.
    virtual void check(size_t first) = 0;
    virtual bool wants(size_t i) const = 0;
    virtual const Layout& input_layout(size_t i) const = 0;
    virtual DType input_dtype(size_t i) const = 0;
    virtual size_t inputs() const = 0;
    Dims input_shape(size_t i) const { return input_layout(i).dims(); }

  protected:
    ~Context() = default;
};

// What a forward pass computes that has residuals.
template <size_t n> struct Computed {
    Tensors outputs;
    std::array<Array, n> residuals;
};

namespace ops {
Tensor clone(const Tensor& x);
Tensor row_major_copy(const Tensor& x);
}  // namespace ops

template <class R> constexpr uint32_t rule_saves() {
    if constexpr (requires { R::saves; }) return R::saves;
    else return 0;
}
template <class R> constexpr size_t rule_saves_from() {
    if constexpr (requires { R::saves_from; }) return R::saves_from;
    else return 0;
}
template <class R> constexpr bool rule_saves_output() {
    if constexpr (requires { R::saves_output; }) return R::saves_output;
    else return false;
}
// Which outputs are saved: the indices of a maximum, rather than its value.
template <class R> constexpr uint32_t rule_saved_outputs() {
    if constexpr (requires { R::saves_outputs; }) return R::saves_outputs;
    else if constexpr (!rule_saves_output<R>()) return 0;
    else if constexpr (requires { R::saved_output; }) return 1u << R::saved_output;
    else return 1;
}
template <class Value> struct ResidualsOf { using type = std::array<Array, 0>; };
template <size_t n> struct ResidualsOf<Computed<n>> { using type = std::array<Array, n>; };
template <size_t n> struct ResidualsOf<std::array<Array, n>> { using type = std::array<Array, n>; };
template <class R> auto rule_residuals() {
    if constexpr (requires(R r, const Tensors& x) { r.forward(x); })
        return typename ResidualsOf<decltype(std::declval<R&>().forward(
            std::declval<const Tensors&>()))>::type{};
    else
        return
            typename ResidualsOf<decltype(std::declval<R&>().write(std::declval<const Tensors&>()))>::type{};
}
template <class R> using Residuals = decltype(rule_residuals<R>());
template <class R> inline constexpr bool rule_has_residuals = std::tuple_size_v<Residuals<R>> != 0;
template <class R> constexpr bool rule_is_view() {
    if constexpr (requires { R::view; }) return R::view;
    else return false;
}
template <class R> constexpr bool rule_is_several() {
    if constexpr (requires { R::several; }) return R::several;
    else return false;
}
template <class R> constexpr bool rule_is_linear() {
    if constexpr (requires { R::linear; }) return R::linear;
    else return false;
}
template <class R>
constexpr bool rule_adds = requires(R r, Context& c, const Tensors& g, const Array& whole) {
    r.add_to(c, g, whole);
};
template <class R> constexpr bool rule_is_noted() {
    if constexpr (requires { R::noted; }) return R::noted;
    else return rule_is_view<R>() && !rule_adds<R>;
}
template <class R> constexpr size_t rule_decides_from() {
    if constexpr (requires { R::decides_from; }) return R::decides_from;
    else return SIZE_MAX;
}
template <class R> constexpr bool rule_is_bilinear() {
    if constexpr (requires { R::bilinear; }) return R::bilinear;
    else return false;
}
template <class R> constexpr bool rule_is_uniform() {
    if constexpr (requires { R::uniform; }) return R::uniform;
    else return false;
}
template <class R> constexpr bool rule_is_holomorphic() {
    if constexpr (requires { R::holomorphic; }) return R::holomorphic;
    else return rule_is_linear<R>() || rule_is_bilinear<R>() || rule_is_view<R>();
}
template <class R> constexpr bool rule_writes = requires(R r, const Tensors& x) { r.write(x); };
template <class R> constexpr bool rule_pulls = requires(R r, Context& c, const Tensors& g, Tensors& out) {
    r.pullback(c, g, out);
};
template <class R> constexpr bool rule_pushes = requires(R r, Context& c, const Tensors& t) {
    r.pushforward(c, t);
};
template <class R>
constexpr bool rule_always_adds = requires(R r, Context& c, const Tensors& g, const Array& whole) {
    { r.add_to(c, g, whole) } -> std::same_as<void>;
};
template <class R> constexpr bool rule_is_adjoint() {
    if constexpr (requires { R::adjoint; }) return R::adjoint;
    else return rule_is_linear<R>() || rule_is_view<R>();
}
// Whether the derivative has factors that a complex cotangent meets the conjugates of.
template <class R> constexpr bool rule_conjugates = rule_is_holomorphic<R>() && !rule_is_adjoint<R>();

// Of each tensor that is complex its conjugate. A pullback makes J^T of cotangents; of their conjugates, and conjugated
// again, that is J^H of them.
Tensors conjugates(const Tensors& of);
inline bool any_complex(const Tensors& all) {
    for (const Tensor& t : all)
        if (t && is_complex(t.dtype())) return true;
    return false;
}
// NotImplementedError: "softmax" not implemented for 'ComplexFloat'.
[[noreturn]] void fail_complex(const char* node, const Tensors& operands);

template <class R> const char* rule_name(const R& r) {
    if constexpr (requires { r.node_name(); }) return r.node_name();
    else if constexpr (requires { R::name; }) return R::name;
    else return nullptr;  // it has no node
}

// A rule that is differentiated says whether it may be by complex numbers; one that is not says nothing.
template <class R> void check_complex(const R& rule, const Tensors& inputs) {
    if constexpr (rule_pulls<R> && !rule_is_holomorphic<R>())
        if (__builtin_expect(any_complex(inputs), 0)) fail_complex(rule_name(rule), inputs);
}

}  // namespace pb
