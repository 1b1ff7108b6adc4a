// Structured operators: how one is stated, and how it is applied.
//
// An operator is a plain struct, a *rule*, that holds its parameters (dims, flags) and says, side by side:
//
//   static constexpr const char* name            the class name of its node, as PyTorch's
//   static constexpr uint32_t saves              which inputs its derivative reads: bit i is input i
//   static constexpr size_t saves_from           and all inputs from this number on: tensors of indices, however many
//   uint32_t reads(uint32_t wanted)              optionally: which of them for the derivatives by these inputs alone
//   static constexpr bool saves_output           whether it reads its output: the first, or number `saved_output`
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
//   static constexpr bool view = true            forward returns an alias of input 0
//   optional<int64_t> shift(const Layout& input, uint32_t nr)
//                                                of a view whose output `nr` does not begin where its input does
//   bool    add_to(Context& c, const Tensors& g, const Array& whole)
//                                                where the pullback would put g into zeros: adds it to `whole`, of the
//                                                input's shape, or declines
//   void    pullback_over(Context& c, Tensors& g, Tensors& out)
//                                                the pullback, which may write over g[0]: nobody else sees it
//   static constexpr bool several = true         forward returns any number of them, none of which may be written in place
//   void    write(const Tensors& x)              instead of forward, for operators with an in-place form: writes into
//                                                x[0], and returns an array of residuals if there are any
//   bool    row_major                            whether the copy that is written out of place is, or lies as x[0] does
//
// `apply` does the rest, the same for all: tangents of every level, recording, views, versions. What a rule says of the
// axes of a vmap, and what happens to one that says nothing, is in mapped.h.
#pragma once
#include <array>
#include <bit>
#include <concepts>
#include <memory>

#include "array/error.h"
#include "ops/elementwise/elementwise.h"
#include "ops/rule/levels.h"
#include "ops/rule/mapped.h"
#include "tape/history.h"
#include "tape/operations.h"
#include "tape/saved.h"
#include "tensor/write_site.h"

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
// Which output is saved: the indices of a maximum, rather than its value.
template <class R> constexpr uint8_t rule_saved_output() {
    if constexpr (requires { R::saved_output; }) return R::saved_output;
    else return 0;
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
template <class R> constexpr size_t rule_decides_from() {
    if constexpr (requires { R::decides_from; }) return R::decides_from;
    else return SIZE_MAX;
}
template <class R> constexpr bool rule_is_bilinear() {
    if constexpr (requires { R::bilinear; }) return R::bilinear;
    else return false;
}
template <class R> constexpr bool rule_writes = requires(R r, const Tensors& x) { r.write(x); };
template <class R> constexpr bool rule_pulls = requires(R r, Context& c, const Tensors& g, Tensors& out) {
    r.pullback(c, g, out);
};
template <class R> constexpr bool rule_pushes = requires(R r, Context& c, const Tensors& t) {
    r.pushforward(c, t);
};
template <class R>
constexpr bool rule_adds = requires(R r, Context& c, const Tensors& g, const Array& whole) {
    r.add_to(c, g, whole);
};
template <class R> const char* rule_name(const R& r) {
    if constexpr (requires { r.node_name(); }) return r.node_name();
    else return R::name;
}

struct InputMeta {
    Ref<Layout> layout;
    DType dtype;
};

// `Node::operand` of a rule: the input if one of `saved` holds it, else a tuple, its shape, else null.
PyObject* known_operand(Node& node, Saved* saved, int slots, const Layout* layout, size_t i);

template <class R> class RuleNode : public Node, public Context {
  public:
    static constexpr size_t kRead =
        std::bit_width(rule_saves<R>());  // one past the last input that may be read
    // Saved are the inputs that may be read, the output, the residuals.
    static constexpr int kOutputSlot = __builtin_popcount(rule_saves<R>());
    static constexpr int kResidualSlot = kOutputSlot + (rule_saves_output<R>() ? 1 : 0);
    static constexpr int kSlots = kResidualSlot + static_cast<int>(std::tuple_size_v<Residuals<R>>);

    RuleNode(uint16_t edges, const R& rule) : Node(edges), rule_(rule) {}
    const char* name() const override { return rule_name(rule_); }

    void remember(const Tensors& inputs, const Tensors& outputs, const Residuals<R>& residuals = {}) {
        for (const Tensor& x : inputs)
            metas_.push_back(x ? InputMeta{x.layout_ref(), x.dtype()}
                               : InputMeta{Layout::scalar(), DType::Float32});
        if constexpr (kSlots > 0) {
            uint32_t read = rule_saves<R>();
            if constexpr (requires { rule_.reads(0u); }) {
                uint32_t wanted = 0;
                for (size_t i = 0; i < edge_count(); ++i) wanted |= static_cast<uint32_t>(wants(i)) << i;
                read = rule_.reads(wanted);
            }
            int slot = 0;
            for (size_t i = 0; i < kRead; ++i)
                if (rule_saves<R>() >> i & 1) {
                    if (read >> i & 1 && i < inputs.size() && inputs[i])
                        saved_[slot].save(inputs[i], Saved::kInput, static_cast<uint8_t>(i));
                    ++slot;
                }
            if (rule_saves_output<R>())
                saved_[slot++].save(outputs[rule_saved_output<R>()], Saved::kOutput, rule_saved_output<R>());
            for (const Array& a : residuals) saved_[slot++].save_array(a);
        }
        if constexpr (rule_saves_from<R>() > 0)
            if (inputs.size() > rule_saves_from<R>()) {
                rest_.reset(new Saved[inputs.size() - rule_saves_from<R>()]);
                for (size_t i = rule_saves_from<R>(); i < inputs.size(); ++i)
                    rest_[i - rule_saves_from<R>()].save(inputs[i], Saved::kInput, static_cast<uint8_t>(i));
            }
    }
    void keep_tangents(const Tensors& inputs, const Tensors& outputs) override {
        if constexpr (kSlots > 0) {
            int slot = 0;
            for (size_t i = 0; i < kRead; ++i)
                if (rule_saves<R>() >> i & 1) {
                    if (i < inputs.size() && inputs[i] && saved_[slot].holds_tensor())
                        saved_[slot].keep_tangents(inputs[i]);
                    ++slot;
                }
            if (rule_saves_output<R>() && saved_[slot].holds_tensor())
                saved_[slot].keep_tangents(outputs[rule_saved_output<R>()]);
        }
    }

    void pull(Tensors& grads, Tensors& out) override {
        if (released_) fail_released(*this);
        Forget forget{*this};
        if constexpr (requires { rule_.pullback_over(*this, grads, out); })
            if (grads[0] && !modes.grad && is_owned(grads[0])) return rule_.pullback_over(*this, grads, out);
        rule_.pullback(*this, grads, out);
    }
    bool adds() const override { return rule_adds<R>; }
    bool add_to(const Tensors& grads, const Array& whole) override {
        if constexpr (rule_adds<R>) {
            if (!whole.layout->same_shape(input_layout(0))) return false;
            if (released_) fail_released(*this);
            Forget forget{*this};
            return rule_.add_to(*this, grads, whole);
        } else {
            return false;
        }
    }
    std::optional<int64_t> view_shift(uint32_t nr) override {
        if constexpr (rule_is_view<R>()) {
            const Edge e = edge(0);
            const Layout& viewed = input_layout(0);
            const Layout* now = e.node ? e.node->output(e.nr).layout.get() : nullptr;
            if (!now || (now != &viewed && !now->same(viewed))) return std::nullopt;
            if constexpr (requires { rule_.shift(viewed, nr); }) return rule_.shift(viewed, nr);
            else return 0;
        }
        return std::nullopt;
    }
    void release_saved() override {
        if constexpr (kSlots > 0) {
            for (Saved& s : saved_) s.reset();
            if constexpr (rule_saves_from<R>() > 0) rest_.reset();
            released_ = true;
        }
    }
    bool was_released() const override { return released_; }
    std::span<Saved> saved_values() override { return {saved_, static_cast<size_t>(kSlots)}; }
    PyObject* operand(size_t i) override {
        return known_operand(*this, saved_, kSlots, i < metas_.size() ? metas_[i].layout.get() : nullptr, i);
    }

    // Context, for the pullback.
    const Tensor& input(size_t i) override {
        if (!(rule_saves<R>() >> i & 1)) fail("{} reads input {}, which it does not save", name(), i);
        return unpack(__builtin_popcount(rule_saves<R>() & ((1u << i) - 1)));
    }
    const Tensor& output(size_t) override { return unpack(kOutputSlot); }
    Array residual(size_t k) override {
        if constexpr (rule_has_residuals<R>) return saved_[kResidualSlot + k].array(*this);
        else fail("{} has no residuals", name());
    }
    void check(size_t first) override {
        if constexpr (kSlots > 0)
            for (const Saved& s : saved_)
                if (s.origin() == Saved::kInput && s.number() >= first) s.check(*this);
        if constexpr (rule_saves_from<R>() > 0)
            for (size_t i = rule_saves_from<R>(); rest_ && i < inputs(); ++i)
                rest_[i - rule_saves_from<R>()].check(*this);
    }
    bool wants(size_t i) const override { return i < edge_count() && edge(i).node; }
    const Layout& input_layout(size_t i) const override { return *metas_[i].layout; }
    DType input_dtype(size_t i) const override { return metas_[i].dtype; }
    size_t inputs() const override { return metas_.size(); }

  private:
    // What was unpacked goes again, also when the pullback fails: an output would hold this node.
    struct Forget {
        RuleNode& node;
        ~Forget() {
            for (Tensor& t : node.unpacked_) t = Tensor();
        }
    };
    const Tensor& unpack(int slot) {
        if constexpr (kSlots == 0) fail("{} saves nothing", name());
        size_t s = static_cast<size_t>(slot);
        if (s >= std::size(saved_)) fail("{} has no saved value {}", name(), slot);
        if (!unpacked_[s] && (saved_[s].holds_tensor() || released_)) unpacked_[s] = saved_[s].unpack(*this);
        return unpacked_[s];
    }
    R rule_;
    Small<InputMeta, 2> metas_;
    Saved saved_[kSlots ? kSlots : 1];
    Tensor unpacked_[kSlots ? kSlots : 1];
    struct None {};
    [[no_unique_address]] std::conditional_t<rule_saves_from<R>() != 0, std::unique_ptr<Saved[]>, None> rest_;
    bool released_ = false;
};

// The context of a forward call, for the pushforward.
class LiveContext : public Context {
  public:
    LiveContext(const Tensors& inputs, const Tensors& outputs, const Array* residuals,
                const Tensors* tangents)
        : inputs_(inputs), outputs_(outputs), residuals_(residuals), tangents_(tangents) {}
    const Tensor& input(size_t i) override { return inputs_[i]; }
    const Tensor& output(size_t j) override { return outputs_[j]; }
    Array residual(size_t k) override { return residuals_[k]; }
    void check(size_t) override {}
    bool wants(size_t i) const override { return tangents_ && (*tangents_)[i].defined(); }
    const Layout& input_layout(size_t i) const override { return inputs_[i].layout(); }
    DType input_dtype(size_t i) const override { return inputs_[i].dtype(); }
    size_t inputs() const override { return inputs_.size(); }

  private:
    const Tensors& inputs_;
    const Tensors& outputs_;
    const Array* residuals_;
    const Tensors* tangents_;
};

// The pushforward as the pullback of the pullback (rules without one of their own). `pull` maps cotangents of the
// outputs to those of the inputs, recorded.
Tensors transpose_pullback(const Tensors& outputs, const Tensors& tangents, void* rule,
                           void (*pull)(void* rule, const Tensors& cotangents, Tensors& out));

template <class R> Tensors rule_forward(R& rule, const Tensors& x, Residuals<R>& residuals) {
    GradMode off(false);
    if constexpr (rule_writes<R>) {
        Tensors copies(x);
        bool row_major = false;
        if constexpr (requires { rule.row_major; }) row_major = rule.row_major;
        copies[0] = row_major ? ops::row_major_copy(x[0]) : ops::clone(x[0]);
        if constexpr (rule_has_residuals<R>) residuals = rule.write(copies);
        else rule.write(copies);
        return Tensors{copies[0]};
    } else if constexpr (rule_has_residuals<R>) {
        auto all = rule.forward(x);
        residuals = std::move(all.residuals);
        return std::move(all.outputs);
    } else if constexpr (std::same_as<decltype(rule.forward(x)), Tensors>) {
        return rule.forward(x);
    } else {
        return Tensors{rule.forward(x)};
    }
}

template <class R> constexpr bool rule_sees_axes() {
    if constexpr (requires { R::sees_axes; }) return R::sees_axes;
    else return rule_is_view<R>();
}
template <class R> MappedRule mapped_rule(const R& rule) {
    MappedRule m{&rule, nullptr, nullptr, rule_leads<R>(), rule_is_aligned<R>()};
    m.forward = [](const void* given, const MappedAxes* axes, const Tensors& shown) {
        R copy(*static_cast<const R*>(given));
        if constexpr (rule_leads_itself<R>)
            if (axes) copy.lead(*axes);
        Residuals<R> residuals;
        Tensors out = rule_forward(copy, shown, residuals);
        for (const Array& a : residuals) out.push_back(a.buffer ? Tensor::make(a) : Tensor());
        return out;
    };
    if constexpr (rule_writes<R>)
        m.write = [](const void* given, const MappedAxes* axes, const Tensors& shown) {
            R copy(*static_cast<const R*>(given));
            if constexpr (rule_leads_itself<R>)
                if (axes) copy.lead(*axes);
            Tensors kept;
            if constexpr (rule_has_residuals<R>)
                for (const Array& a : copy.write(shown))
                    kept.push_back(a.buffer ? Tensor::make(a) : Tensor());
            else copy.write(shown);
            return kept;
        };
    return m;
}
// Residuals are the last of `found`.
template <size_t n> void take_residuals(std::array<Array, n>& residuals, const Tensors& found) {
    for (size_t k = 0; k < n; ++k) residuals[k] = mapped_array(found[found.size() - n + k]);
}
template <class R>
[[gnu::cold, gnu::noinline]] Tensors mapped_forward(const R& rule, const Tensors& inputs,
                                                    Residuals<R>& residuals) {
    GradMode off(false);
    Tensors out = compute_mapped(mapped_rule(rule), inputs);
    take_residuals(residuals, out);
    for (size_t k = residuals.size(); k > 0; --k) out.pop_back();
    return out;
}
// Over plain or mapped tensors, without tangents.
template <class R>
Tensors any_forward(R& rule, const Tensors& inputs, Residuals<R>& residuals, bool levelled) {
    if constexpr (!rule_sees_axes<R>())
        if (__builtin_expect(levelled, 0) && any_mapped(inputs))
            return mapped_forward(rule, inputs, residuals);
    return rule_forward(rule, inputs, residuals);
}

template <class R>
RuleNode<R>* record_rule(const R& rule, const Tensors& inputs, const Tensors& outputs,
                         const Residuals<R>& residuals = {}) {
    auto* node = Placed<RuleNode<R>>::make(static_cast<uint16_t>(inputs.size()), rule);
    try {
        for (size_t i = 0; i < inputs.size(); ++i)
            if (inputs[i] && inputs[i].requires_grad()) node->take_edge(i, gradient_edge(inputs[i]));
        node->remember(inputs, outputs, residuals);
        node->set_outputs(outputs);
    } catch (...) {
        node->release();
        throw;
    }
    return node;
}

inline bool any_requires_grad(const Tensors& inputs) {
    if (!modes.grad) return false;
    for (const Tensor& x : inputs)
        if (x && x.requires_grad()) return true;
    return false;
}

template <class R> Tensors apply_all(R rule, const Tensors& inputs);

template <class R> Tensors linear_tangents(const R& rule, const Tensors& inputs, const Tensors& tangents) {
    Tensors moved(tangents);
    for (size_t i = 0; i < inputs.size(); ++i)
        if (!moved[i])
            moved[i] = i < rule_decides_from<R>()
                           ? ops::zeros(inputs[i].dtype(), Layout::contiguous(inputs[i].shape()))
                           : inputs[i];
    return apply_all<R>(rule, moved);
}
template <class R> Tensors bilinear_tangents(const R& rule, const Tensors& inputs, const Tensors& tangents) {
    const Tensor &s = tangents[0], &t = tangents[1];
    if (!t) return apply_all<R>(rule, {s, inputs[1]});
    Tensors moved = apply_all<R>(rule, {inputs[0], t});
    if (s) moved[0] = ops::add(apply_all<R>(rule, {s, inputs[1]})[0], moved[0]);
    return moved;
}

template <class R>
Tensors rule_tangents(R& rule, const Tensors& inputs, const Tensors& outputs, const Tensors& tangents,
                      const Residuals<R>& residuals = {}) {
    static_assert(rule_pushes<R> + rule_is_linear<R>() + rule_is_bilinear<R>() <= 1,
                  "one pushforward a rule");
    LiveContext c(inputs, outputs, residuals.data(), &tangents);
    if constexpr (rule_is_linear<R>()) {
        return linear_tangents(rule, inputs, tangents);
    } else if constexpr (rule_is_bilinear<R>()) {
        return bilinear_tangents(rule, inputs, tangents);
    } else if constexpr (rule_pushes<R>) {
        return rule.pushforward(c, tangents);
    } else {
        struct Both {
            R& rule;
            LiveContext& context;
        } both{rule, c};
        return transpose_pullback(outputs, tangents, &both, [](void* p, const Tensors& g, Tensors& out) {
            auto& b = *static_cast<Both*>(p);
            b.rule.pullback(b.context, g, out);
        });
    }
}

// A view is one of the tensor itself, not of what was stripped of it: writes must find it.
void view_whole(const Tensor& view, const Tensor& whole);

template <class R> Tensors apply_kept(R& rule, const Tensors& inputs, Residuals<R>& residuals);

template <class R>
[[gnu::cold, gnu::noinline]] Tensors apply_dual(R& rule, const Tensors& inputs, uint64_t level,
                                                Residuals<R>& residuals) {
    return run_below(
        inputs, level,
        [&](const Tensors& below) {
            Tensors out = apply_kept<R>(rule, below, residuals);
            if constexpr (rule_is_view<R>())
                for (const Tensor& y : out) view_whole(y, inputs[0]);
            return out;
        },
        [&](const Tensors& below, const Tensors& out, const Tensors& tangents) {
            return rule_tangents(rule, below, out, tangents, residuals);
        });
}

template <class R> Tensors apply_kept(R& rule, const Tensors& inputs, Residuals<R>& residuals) {
    const bool levelled = any_levelled(inputs);
    if (__builtin_expect(levelled, 0))
        if (uint64_t level = highest_level(inputs)) return apply_dual(rule, inputs, level, residuals);
    Tensors out = any_forward(rule, inputs, residuals, levelled);
    bool record = any_requires_grad(inputs);
    if (record) {
        bool differentiable = false;
        for (const Tensor& y : out) differentiable = differentiable || is_differentiable(y.dtype());
        record = differentiable;
    }
    if constexpr (rule_is_view<R>()) {
        // A view of something that may come to require grad later remembers its base all the same.
        ViewOrigin origin = !modes.grad            ? ViewOrigin::NoGrad
                            : rule_is_several<R>() ? ViewOrigin::MultiOutput
                                                   : ViewOrigin::Default;
        for (const Tensor& y : out) {
            if (is_differentiable(y.dtype()) && !(inputs[0]->flags & kInference))
                mark_view(y, inputs[0], origin);
            y->flags |= inputs[0]->flags & kInference;
        }
    }
    if (record) {
        Node* node = record_rule(rule, inputs, out, residuals);
        for (size_t j = 0; j < out.size(); ++j)
            if (is_differentiable(out[j].dtype())) set_history(out[j], node, static_cast<uint32_t>(j));
        node->release();
    }
    return out;
}

template <class R> Tensors apply_all(R rule, const Tensors& inputs) {
    Residuals<R> residuals;
    return apply_kept(rule, inputs, residuals);
}

// A rule that has no derivative.
template <class R>
requires(!rule_pulls<R>) Tensors apply_all(R rule, const Tensors& inputs) {
    Residuals<R> none;
    const bool levelled = any_levelled(inputs);
    if (__builtin_expect(!levelled || !highest_level(inputs), 1))
        return any_forward(rule, inputs, none, levelled);
    Tensors plain(inputs);
    for (Tensor& x : plain)
        if (x && x.is_dual()) x = x.alias();
    return any_forward(rule, plain, none, levelled);
}

template <class R> Tensor apply(R rule, const Tensors& inputs) {
    if constexpr (!rule_pulls<R>)
        if (__builtin_expect(!any_levelled(inputs), 1)) {
            GradMode off(false);
            return rule.forward(inputs);
        }
    if constexpr (rule_is_view<R>() && !rule_is_several<R>()) {
        // An ordinary view: most of what apply_all does is for others.
        const Tensor& x = inputs[0];
        if (!x.is_dual()) {  // axes go along
            Tensor y = rule.forward(inputs);
            y->flags |= x->flags & kInference;
            if (!is_differentiable(y.dtype())) return y;
            if (!(x->flags & kInference))
                mark_view(y, x, modes.grad ? ViewOrigin::Default : ViewOrigin::NoGrad);
            if (should_record(x)) {
                Node* node = record_rule(rule, inputs, Tensors{y});
                set_history(y, node, 0);
                node->release();
            }
            return y;
        }
    }
    return std::move(apply_all<R>(std::move(rule), inputs)[0]);
}

// In place: `rule` writes into inputs[0], which is returned: by value, since `inputs` is often a temporary list.
template <class R> Tensor apply_inplace(R rule, const Tensors& inputs, const char* operation) {
    const Tensor& target = inputs[0];
    bool record = any_requires_grad(inputs) && is_differentiable(target.dtype());
    check_no_overlap(target);
    if (record || target->flags & kInference || !target->cell->buffer->is_writable())
        check_inplace(target, record);
    const bool levelled = any_levelled(inputs), mapped = levelled && any_mapped(inputs);
    if (!mapped) before_write(target.array());
    Tensors read(inputs);
    // What the derivative reads of the old value is copied first.
    if (record && (rule_saves<R>() & 1)) {
        read[0] = ops::clone(target.alias());
        take_history(read[0], target);
    }
    Tensors duals;
    Residuals<R> residuals;
    if (levelled && highest_level(inputs)) {
        duals = apply_kept<R>(rule, read, residuals);
        write_dual(target, duals[0], operation);
    } else {
        {
            GradMode off(false);
            if (mapped) take_residuals(residuals, write_mapped(mapped_rule(rule), inputs, operation));
            else if constexpr (rule_has_residuals<R>) residuals = rule.write(inputs);
            else rule.write(inputs);
        }
        note_write(target, operation);
    }
    if (record) {
        auto* node = record_rule(rule, read, Tensors{target}, residuals);
        if (!duals.empty()) node->keep_tangents(read, Tensors{target});
        rebase_history(target, node);
        node->release();
    }
    return target;
}

}  // namespace pb
