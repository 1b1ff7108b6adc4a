// Padding with one value: the input inside a larger tensor; negative paddings cut off instead.
#include "array/limits.h"
#include "array/order.h"
#include "ops/operators.h"

namespace pb::ops {

namespace {

// For each dimension what comes before it and what comes after. The derivative is the padding of opposite sign, by
// zeros, and so is every derivative of that.
struct ConstantPad {
    static constexpr const char* name = "ConstantPadNdBackward0";
    Dims before, after;
    Scalar value;

    Tensor forward(const Tensors& x) {
        Array in = x[0].array();
        Dims shape, common, strides = in.layout->stride_dims();
        int64_t read = in.offset, write = 0;
        for (size_t d = 0; d < before.size(); ++d) {
            int64_t n = in.size(static_cast<int64_t>(d)), cut = std::min<int64_t>(before[d], 0);
            common.push_back(n + cut + std::min<int64_t>(after[d], 0));
            shape.push_back(checked_add(checked_add(n, before[d]), after[d]));
            read -= cut * strides[d];
        }
        Array out = Array::empty(in.dtype, suggested_layout(shape, {in.layout}));
        if (out.numel() == 0) return Tensor::make(out);
        fill_array(out, value);
        for (size_t d = 0; d < before.size(); ++d)
            write += std::max<int64_t>(before[d], 0) * out.stride(static_cast<int64_t>(d));
        copy_array(in.view(Layout::strided(common, strides), read),
                   out.view(Layout::strided(common, out.layout->stride_dims()), write));
        return Tensor::make(out);
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
