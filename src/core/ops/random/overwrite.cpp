#include "ops/random/overwrite.h"

namespace pb::ops {

namespace {

Tensor zeros_of(Context& c, size_t i) {
    return zeros(c.input_dtype(i), Layout::contiguous(c.input_shape(i)));
}

struct Overwrite {
    const char* node;
    Filler fill;
    const char* node_name() const { return node; }
    void write(const Tensors& x) { fill(x[0].array()); }
    void pullback(Context& c, const Tensors&, Tensors& out) { out[0] = zeros_of(c, 0); }
    Tensors pushforward(Context& c, const Tensors&) {
        return {zeros(c.output().dtype(), c.output().layout_ref())};
    }
};

struct Drawn {
    const char* node;
    DType dtype;
    Ref<Layout> layout;
    Filler fill;
    const char* node_name() const { return node; }
    Tensor forward(const Tensors&) {
        Tensor t = Tensor::make(dtype, layout);
        fill(t.array());
        return t;
    }
    void pullback(Context& c, const Tensors&, Tensors& out) {
        for (size_t i = 0; i < c.inputs(); ++i)
            if (c.wants(i)) out[i] = zeros_of(c, i);
    }
    Tensors pushforward(Context& c, const Tensors&) {
        return {zeros(c.output().dtype(), c.output().layout_ref())};
    }
};

struct FillWith {
    static constexpr const char* name = "FillBackward3";
    void write(const Tensors& x) { fill_array(x[0].array(), Scalar::load(x[1].dtype(), x[1].data())); }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        if (c.wants(0)) out[0] = zeros_of(c, 0);
        if (c.wants(1)) out[1] = sum(g[0], {}, false);
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        const Tensor& y = c.output();
        if (!t[1]) return {zeros(y.dtype(), y.layout_ref())};
        return {contiguous(expand(to_dtype(t[1], y.dtype()), y.shape()))};
    }
};

}  // namespace

Tensor overwrite(const Tensor& target, const char* node, const char* operation, Filler fill) {
    return apply_inplace(Overwrite{node, std::move(fill)}, {target}, operation);
}

Tensor drawn(const Tensors& inputs, DType dtype, Ref<Layout> layout, const char* node, Filler fill) {
    return apply(Drawn{node, dtype, std::move(layout), std::move(fill)}, inputs);
}

Tensor fill_with(const Tensor& target, const Tensor& value) {
    if (value.ndim())
        fail("fill_ only supports 0-dimension value tensor but got tensor with {} dimensions.", value.ndim());
    return apply_inplace(FillWith{}, {target, value}, "fill_");
}

}  // namespace pb::ops
