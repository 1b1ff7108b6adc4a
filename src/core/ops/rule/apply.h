// Applying a rule (rule.h): its value, recording, tangents of every level, views, versions, batches. The same for all.
#pragma once
#include "ops/elementwise/elementwise.h"
#include "ops/rule/levels.h"
#include "ops/rule/rule_node.h"
#include "ops/rule/series.h"
#include "tape/history.h"
#include "tape/operations.h"
#include "tensor/captured.h"
#include "tensor/write_site.h"

namespace pb {

// The context of a forward call, for the pushforward. It notes what that reads, if asked.
class LiveContext : public Context {
  public:
    LiveContext(const Tensors& inputs, const Tensors& outputs, const Array* residuals,
                const Tensors* tangents, Reads* reads)
        : inputs_(inputs), outputs_(outputs), residuals_(residuals), tangents_(tangents), reads_(reads) {}
    const Tensor& input(size_t i) override {
        if (reads_) reads_->inputs = reads_->inputs || (*reads_->varies)[i];
        return inputs_[i];
    }
    const Tensor& output(size_t j) override {
        if (reads_) reads_->outputs = reads_->outputs || is_differentiable(outputs_[j].dtype());
        return outputs_[j];
    }
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
    Reads* reads_;
};

// The pushforward as the pullback of the pullback (rules without one of their own). `pull` maps cotangents of the
// outputs to those of the inputs, recorded.
Tensors transpose_pullback(const Tensors& outputs, const Tensors& tangents, void* rule,
                           void (*pull)(void* rule, const Tensors& cotangents, Tensors& out));

// What a rule computes that does not say that it is noted.
inline void spoil_log(const char* name) {
    if (__builtin_expect(work_log != nullptr, 0)) work_log->spoil(name ? name : "an operator");
}

template <class R> Residuals<R> write_given(R& rule, const Tensors& x) {
    if constexpr (!rule_is_noted<R>()) spoil_log(rule_name(rule));
    if constexpr (rule_has_residuals<R>) return rule.write(x);
    else return rule.write(x), Residuals<R>();
}
template <class R> Residuals<R> rule_write(R& rule, const Tensors& x) {
    if constexpr (!rule_moves<R>())
        if (__builtin_expect(any_narrow(x), 0)) {
            const Tensors wide = widened(x);
            Residuals<R> residuals = write_given(rule, wide);
            write_back(wide[0], x[0]);
            return residuals;
        }
    return write_given(rule, x);
}
// What dtype the rule itself says its results have, if it does.
template <class R> MaybeDType said_dtype(const R& rule) {
    if constexpr (requires { rule.dtype.has_value(); }) return rule.dtype;
    else return {};
}
template <class R> bool says_narrow(const R& rule) {
    const MaybeDType said = said_dtype(rule);
    return said && is_stored_only(*said);
}

template <class R> Tensors rule_forward(R& rule, const Tensors& x, Residuals<R>& residuals);

// A rule that is asked for a narrow dtype computes with what its input is in that.
template <class R>
Tensors forward_as(const R& rule, DType narrow, const Tensors& x, Residuals<R>& residuals) {
    R wide(rule);
    if constexpr (requires { rule.dtype.has_value(); }) wide.dtype = computed_as(narrow);
    Tensors rounded(x);
    rounded[0] = ops::to_dtype(x[0], narrow);
    Tensors out = rule_forward(wide, widened(rounded), residuals);
    for (Tensor& y : out) y = ops::to_dtype(y, narrow);
    return out;
}
template <class R>
[[gnu::cold, gnu::noinline]] Tensors narrow_forward(R& rule, const Tensors& x, Residuals<R>& residuals) {
    if (says_narrow(rule)) return forward_as(rule, *said_dtype(rule), x, residuals);
    Tensors out = rule_forward(rule, widened(x), residuals);
    if (!said_dtype(rule)) narrow_results(out, x);
    return out;
}
// Whether narrow floats go into a rule, or are asked of it.
template <class R> bool is_narrow_call(const R& rule, const Tensors& x) {
    return !rule_moves<R>() && (says_narrow(rule) || any_narrow(x));
}

template <class R> Tensors rule_forward(R& rule, const Tensors& x, Residuals<R>& residuals) {
    GradMode off(false);
    if constexpr (!rule_is_noted<R>()) spoil_log(rule_name(rule));
    if constexpr (!rule_moves<R>())
        if (__builtin_expect(is_narrow_call(rule, x), 0)) return narrow_forward(rule, x, residuals);
    if constexpr (rule_writes<R>) {
        Tensors copies(x);
        bool row_major = false;
        if constexpr (requires { rule.row_major; }) row_major = rule.row_major;
        copies[0] = row_major ? ops::row_major_copy(x[0]) : ops::clone(x[0]);
        residuals = write_given(rule, copies);
        return Tensors{copies[0]};
    } else if constexpr (rule_has_residuals<R>) {
        auto all = rule.forward(x);
        residuals = std::move(all.residuals);
        return std::move(all.outputs);
    } else if constexpr (std::same_as<decltype(rule.forward(x)), Tensors>) {
        return rule.forward(x);
    } else {
        Tensors out;
        out.push_back(rule.forward(x));
        return out;
    }
}

template <class R> constexpr bool rule_sees_axes() {
    if constexpr (requires { R::sees_axes; }) return R::sees_axes;
    else return rule_is_view<R>();
}
template <class R> void check_open_axes(const Tensors& inputs) {
    if constexpr (!requires { R::outlives; })
        for (const Tensor& x : inputs)
            if (x) check_open(x);
}
template <class R> MappedRule mapped_rule(const R& rule) {
    MappedRule m{&rule,   rule_name(rule), rule_decides_from<R>(), std::tuple_size_v<Residuals<R>>,
                 nullptr, nullptr,         rule_leads<R>(),        rule_is_aligned<R>()};
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
            for (const Array& a : rule_write(copy, shown))
                kept.push_back(a.buffer ? Tensor::make(a) : Tensor());
            return kept;
        };
    return m;
}
// Residuals are the last of `found`.
template <size_t n> void take_residuals(std::array<Array, n>& residuals, const Tensors& found) {
    for (size_t k = 0; k < n; ++k)
        if (const Tensor& kept = found[found.size() - n + k]) residuals[k] = kept.all_value();
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
    if (__builtin_expect(levelled, 0) && any_mapped(inputs)) {
        if constexpr (!rule_sees_axes<R>()) return mapped_forward(rule, inputs, residuals);
        else check_open_axes<R>(inputs);
    }
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
                      const Residuals<R>& residuals = {}, Reads* reads = nullptr) {
    static_assert(rule_pushes<R> + rule_is_linear<R>() + rule_is_bilinear<R>() <= 1,
                  "one pushforward a rule");
    if constexpr (!rule_moves<R>() && !rule_is_linear<R>() && !rule_is_bilinear<R>())
        if (__builtin_expect(any_narrow(inputs) || any_narrow(outputs), 0)) {
            const Tensors values = widened(outputs);
            Tensors moved = rule_tangents(rule, widened(inputs), values, widened(tangents), residuals, reads);
            narrow_each(moved, outputs);
            return moved;
        }
    LiveContext c(inputs, outputs, residuals.data(), &tangents, reads);
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
        const auto pull = [](void* p, const Tensors& g, Tensors& out) {
            auto& b = *static_cast<Both*>(p);
            b.rule.pullback(b.context, g, out);
        };
        // J^T is transposed by a pullback, which is J^* then.
        if (rule_conjugates<R> && any_complex(tangents))
            return conjugates(transpose_pullback(outputs, conjugates(tangents), &both, pull));
        return transpose_pullback(outputs, tangents, &both, pull);
    }
}

// A view is one of the tensor itself, not of what was stripped of it: writes must find it.
void view_whole(const Tensor& view, const Tensor& whole);

template <class R> Tensors apply_kept(R& rule, const Tensors& inputs, Residuals<R>& residuals);

template <class R> inline constexpr char kind_of_rule = 0;  // its address tells rules apart

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
        },
        [&](const Tensors& below, const Tensors& out) {
            expand_rule(*Expanding(inputs, level, &kind_of_rule<R>), inputs, below, out, level,
                        rule_is_bilinear<R>(),
                        [&](const Tensors& x, const Tensors& y, const Tensors& t, Reads* reads) {
                            return rule_tangents(rule, x, y, t, residuals, reads);
                        });
        });
}

template <class R> Tensors apply_kept(R& rule, const Tensors& inputs, Residuals<R>& residuals) {
    check_complex(rule, inputs);
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
            if constexpr (!rule_moves<R>())
                if (__builtin_expect(is_narrow_call(rule, inputs), 0)) {
                    Residuals<R> none;
                    return rule_forward(rule, inputs, none)[0];
                }
            GradMode off(false);
            return rule.forward(inputs);
        }
    if constexpr (rule_is_view<R>() && !rule_is_several<R>()) {
        // An ordinary view: most of what apply_all does is for others.
        const Tensor& x = inputs[0];
        if (!x.is_dual()) {  // axes go along
            check_open_axes<R>(inputs);
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
    check_captured(target, operation);
    check_complex(rule, inputs);
    bool record = any_requires_grad(inputs) && is_differentiable(target.dtype());
    if constexpr (!rule_is_uniform<R>()) check_no_overlap(target);
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
            else residuals = rule_write(rule, inputs);
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
