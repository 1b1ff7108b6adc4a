// Padding with one value: the input inside a larger tensor; negative paddings cut off instead.
#include "array/limits.h"
#include "compute/join.h"
#include "ops/operators.h"

namespace pb::ops {

namespace {

// For each dimension what comes before it and what comes after. The derivative is the padding of opposite sign, by
// zeros, and so is every derivative of that.
struct ConstantPad {
    static constexpr bool moves = true;
    static constexpr const char* name = "ConstantPadNdBackward0";
    static constexpr bool leads = true, holomorphic = true;
    Dims before, after;
    Scalar value;

    Tensor forward(const Tensors& x) {
        int64_t lead = x[0].ndim() - static_cast<int64_t>(before.size());
        if (!lead) return Tensor::make(compute::pad(x[0].array(), before, after, value));
        Dims front = before, back = after;
        for (; lead > 0; --lead) {
            front.insert(0, 0);
            back.insert(0, 0);
        }
        return Tensor::make(compute::pad(x[0].array(), front, back, value));
    }
    void pullback(Context&, const Tensors& g, Tensors& out) {
        ConstantPad back{before, after, Scalar(0.0)};
        for (int64_t& n : back.before) n = -n;
        for (int64_t& n : back.after) n = -n;
        out[0] = apply(back, {g[0]});
    }
    Tensors pushforward(Context&, const Tensors& t) {
        return {apply(ConstantPad{before, after, Scalar(0.0)}, {t[0]})};
    }
};

}  // namespace

Tensor constant_pad(const Tensor& x, const Dims& pad, Scalar value) {
    auto ndim = static_cast<size_t>(x.ndim());
    if (pad.size() % 2)
        fail("Padding length must be divisible by 2. Sizes come in pairs, the last dimension's first.");
    if (pad.size() > 2 * ndim)
        fail(
            "Padding length should be less than or equal to two times the input dimension but got padding "
            "length {} and input of dimension {}",
            pad.size(), ndim);
    ConstantPad rule{Dims(ndim, 0), Dims(ndim, 0), value};
    for (size_t i = 0; i < pad.size() / 2; ++i) {
        size_t d = ndim - 1 - i;
        rule.before[d] = pad[2 * i];
        rule.after[d] = pad[2 * i + 1];
        int64_t n = x.size(static_cast<int64_t>(d)), rest;
        int64_t before = std::min<int64_t>(pad[2 * i], 0), after = std::min<int64_t>(pad[2 * i + 1], 0);
        if (add_overflows(n + before, after, &rest) || rest < 0)
            fail(
                "narrow(): length must be non-negative. Dimension {} has {} elements, and the padding ({}, "
                "{}) takes away more.",
                d, n, pad[2 * i], pad[2 * i + 1]);
    }
    check_fits(value, x.dtype());
    return apply(rule, {x});
}

}  // namespace pb::ops
