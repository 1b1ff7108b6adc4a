// Rules over narrow numbers (array/half.h): computed in float32 or complex64 and rounded once.
//
// A rule that says nothing is given its narrow inputs as float32 (complex64), and what it makes of them is rounded to
// their dtype: the value, what is written in place, the cotangents of its pullback and the tangents of its pushforward. So
// a sum adds in float32, whatever it is a sum of. A rule that moves elements and reads none says so, and gets them as they
// are:
//
//   static constexpr bool moves = true
//
// So do views, and those that refuse narrow floats, whose loops raise.
#pragma once
#include "ops/rule/rule.h"
#include "tape/operations.h"

namespace pb {

template <class R> constexpr bool rule_moves() {
    if constexpr (requires { R::moves; }) return R::moves;
    else return rule_is_view<R>();
}

inline bool any_narrow(const Tensors& all) {
    for (const Tensor& t : all)
        if (t && is_stored_only(t.dtype())) return true;
    return false;
}
// Each in the dtype that it is computed in.
Tensors widened(const Tensors& all);
// Wide results of inputs whose common dtype is narrow, in that dtype, or in that of its parts.
void narrow_results(Tensors& out, const Tensors& inputs);
// Each in the dtype of its fellow.
void narrow_each(Tensors& all, const Tensors& like);
// Over elements that were changed beside the narrow ones that they belong to.
void write_back(const Tensor& changed, const Tensor& to);

// A context in which everything narrow is wide.
class WideContext : public Context {
  public:
    explicit WideContext(Context& narrow) : narrow_(narrow), inputs_(narrow.inputs()), outputs_(kOutputs) {}
    const Tensor& input(size_t i) override { return wide(inputs_[i], narrow_.input(i)); }
    const Tensor& output(size_t j) override {
        return j < kOutputs ? wide(outputs_[j], narrow_.output(j)) : narrow_.output(j);
    }
    Array residual(size_t k) override { return narrow_.residual(k); }
    void check(size_t first) override { narrow_.check(first); }
    bool wants(size_t i) const override { return narrow_.wants(i); }
    const Layout& input_layout(size_t i) const override { return narrow_.input_layout(i); }
    DType input_dtype(size_t i) const override { return computed_as(narrow_.input_dtype(i)); }
    size_t inputs() const override { return narrow_.inputs(); }

    static bool is_needed(Context& c, const Tensors& cotangents) {
        if (any_narrow(cotangents)) return true;
        for (size_t i = 0; i < c.inputs(); ++i)
            if (is_stored_only(c.input_dtype(i))) return true;
        return false;
    }

  private:
    static constexpr size_t kOutputs = 4;
    static const Tensor& wide(Tensor& kept, const Tensor& given) {
        if (!kept && given) kept = ops::to_dtype(given, computed_as(given.dtype()));
        return kept;
    }
    Context& narrow_;
    Tensors inputs_, outputs_;
};

}  // namespace pb
