// The node of an applied rule: the rule itself, what its derivative reads of the call, and where it leads. As a context it
// gives the pullback what was saved.
#pragma once
#include <algorithm>
#include <bit>
#include <memory>

#include "array/error.h"
#include "ops/rule/narrow.h"
#include "ops/rule/rule.h"
#include "tape/node.h"
#include "tape/saved.h"

namespace pb {

struct InputMeta {
    Ref<Layout> layout;
    DType dtype;
};

// `Node::operand` of a rule: the input if one of `saved` holds it, else a tuple, its shape, else null.
PyObject* known_operand(Node& node, Saved* saved, int slots, const Layout* layout, size_t i);

// What a rule says of itself to whoever follows its node (src/pullback/sparse), as numbers: whether it is `linear`, along
// which dimensions it works, counted from the end, and its flags. Null for other keys.
struct Described {
    bool linear = false;
    Dims dims, flags;
};
PyObject* describe(const Described& rule, const char* key);
template <class R> Described described(const R& rule) {
    Described d{rule_is_linear<R>(), {}, {}};
    if constexpr (requires {
                      { rule.dim } -> std::same_as<const int64_t&>;
                  })
        d.dims.push_back(rule.dim);
    if constexpr (requires {
                      { rule.dims } -> std::same_as<const Dims&>;
                  })
        d.dims = rule.dims;
    if constexpr (requires { rule.flags(); })
        for (int64_t flag : rule.flags()) d.flags.push_back(flag);
    return d;
}

template <class R> class RuleNode : public Node, public Context {
  public:
    static constexpr size_t kRead =
        std::bit_width(rule_saves<R>());  // one past the last input that may be read
    // Saved are the inputs and outputs that may be read, and the residuals.
    static constexpr int kOutputSlot = __builtin_popcount(rule_saves<R>());
    static constexpr uint32_t kOutputs = rule_saved_outputs<R>();
    static constexpr int kResidualSlot = kOutputSlot + __builtin_popcount(kOutputs);
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
            uint32_t read_outputs = kOutputs;
            if constexpr (requires { rule_.reads_outputs(); }) read_outputs = rule_.reads_outputs();
            for (size_t j = 0; j < std::bit_width(kOutputs); ++j)
                if (kOutputs >> j & 1) {
                    if (read_outputs >> j & 1 && j < outputs.size())
                        saved_[slot].save(outputs[j], Saved::kOutput, static_cast<uint8_t>(j));
                    ++slot;
                }
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
            for (size_t j = 0; j < std::bit_width(kOutputs); ++j)
                if (kOutputs >> j & 1) {
                    if (j < outputs.size() && saved_[slot].holds_tensor())
                        saved_[slot].keep_tangents(outputs[j]);
                    ++slot;
                }
        }
    }

    void pull(Tensors& grads, Tensors& out) override {
        if (released_) fail_released(*this);
        Forget forget{*this};
        if constexpr (rule_conjugates<R>)
            if (__builtin_expect(any_complex(grads) || of_complex(), 0)) {
                rule_.pullback(*this, conjugates(grads), out);
                out = conjugates(out);
                return;
            }
        if constexpr (!rule_moves<R>())
            if (__builtin_expect(WideContext::is_needed(*this, grads), 0)) {
                WideContext wide(*this);
                return rule_.pullback(wide, widened(grads), out);
            }
        if constexpr (requires { rule_.pullback_over(*this, grads, out); })
            if (grads[0] && !modes.grad && is_owned(grads[0])) return rule_.pullback_over(*this, grads, out);
        rule_.pullback(*this, grads, out);
    }
    bool is_noted() const override { return rule_is_noted<R>(); }
    bool adds() const override {  // not where what was kept differs from entry to entry
        if constexpr (rule_adds<R> && rule_has_residuals<R>)
            return saved_[kResidualSlot].layout() && !saved_[kResidualSlot].layout()->is_mapped();
        return rule_adds<R>;
    }
    bool adds_later() const override { return rule_always_adds<R> && kSlots == 0; }
    bool add_to(const Tensors& grads, const Array& whole) override {
        if constexpr (rule_adds<R>) {
            if (!ends_in(*whole.layout, input_layout(0))) return false;
            if (released_) fail_released(*this);
            Forget forget{*this};
            if constexpr (rule_always_adds<R>) return rule_.add_to(*this, grads, whole), true;
            else return rule_.add_to(*this, grads, whole);
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
    PyObject* attribute(const char* key) override {
        const std::string_view name = key;
        if (name == "_varying" || name == "_residues") return numbers(mapped(name == "_residues"));
        return describe(described(rule_), key);
    }
    PyObject* operand(size_t i) override {
        return known_operand(*this, saved_, kSlots, i < metas_.size() ? metas_[i].layout.get() : nullptr, i);
    }

    // Whether the last dimensions of `all` are those of `entry`: others lead.
    static bool ends_in(const Layout& all, const Layout& entry) {
        const int64_t lead = all.ndim() - entry.ndim();
        return lead >= 0 && std::equal(entry.shape(), entry.shape() + entry.ndim(), all.shape() + lead);
    }

    // Context, for the pullback.
    const Tensor& input(size_t i) override {
        if (!(rule_saves<R>() >> i & 1)) fail("{} reads input {}, which it does not save", name(), i);
        return unpack(__builtin_popcount(rule_saves<R>() & ((1u << i) - 1)));
    }
    const Tensor& output(size_t j) override {
        if (!(kOutputs >> j & 1)) fail("{} reads output {}, which it does not save", name(), j);
        return unpack(kOutputSlot + __builtin_popcount(kOutputs & ((1u << j) - 1)));
    }
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
    bool of_complex() const {
        for (const InputMeta& meta : metas_)
            if (is_complex(meta.dtype)) return true;
        return false;
    }
    // The memory, as numbers, of what the derivative reads and what has the axes of a vmap; or of residuals with axes, which
    // have those of all inputs, whatever they were computed from. Where nothing says that, residuals are what is read.
    Dims mapped(bool residuals) {
        Dims found;
        bool known = false;
        const auto look = [&](const Saved& s) {
            if (!s.holds_tensor()) return;
            known = true;
            if (s.layout() && s.layout()->is_mapped())
                found.push_back(s.is_packed() ? 0 : reinterpret_cast<int64_t>(s.array(*this).buffer.get()));
        };
        if constexpr (kSlots > 0)
            for (int k = residuals ? kResidualSlot : 0; k < (residuals ? kSlots : kResidualSlot); ++k)
                look(saved_[k]);
        if (residuals) return found;
        if constexpr (rule_saves_from<R>() > 0)
            for (size_t i = rule_saves_from<R>(); rest_ && i < inputs(); ++i)
                look(rest_[i - rule_saves_from<R>()]);
        return known ? found : mapped(true);
    }
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

}  // namespace pb
