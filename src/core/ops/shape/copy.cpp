// Copies, conversions, and writing one tensor into another.
#include "array/limits.h"
#include "compute/create.h"
#include "compute/storage.h"
#include "ops/elementwise/fast.h"
#include "ops/elementwise/pending.h"
#include "ops/operators.h"
#include "tape/hooks.h"

namespace pb::ops {

namespace {

Ref<Layout> dense_layout(const Tensor& x) { return x.layout().packed(); }

Tensor copy_as(const Tensor& x, DType dtype, Ref<Layout> layout) {
    if (dtype != x.dtype() && layout->is_dense()) {
        Array a = x.value();
        Source source{&a, {}};
        if (leaves_pending(&source, 1, *layout, dtype)) return Tensor::make(defer_cast(a, dtype, layout));
    }
    Array out = compute::empty_strided(dtype, layout);
    copy_array(x.array(), out);
    return Tensor::make(out);
}

[[gnu::cold, gnu::noinline]] Tensor mapped_copy(const Tensor& x, const Layout& layout) {
    MappedAxes all = layout.axes();
    join_axes(all, x.layout());
    Ref<Layout> whole = around(layout, all)->physical(all);
    return hide(copy_as(reveal(x, all), x.dtype(), whole), all);
}

struct Clone {
    static constexpr bool noted = true;
    static constexpr bool moves = true;
    static constexpr bool linear = true;
    static constexpr bool sees_axes = true;
    Ref<Layout> layout;  // of the copy: its axes are a part of it, others stand around it
    const char* node = "CloneBackward0";
    const char* node_name() const { return node; }
    Tensor forward(const Tensors& x) {
        if (__builtin_expect(x[0].is_mapped() || layout->is_mapped(), 0)) return mapped_copy(x[0], *layout);
        return copy_as(x[0], x[0].dtype(), layout);
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) { out[0] = g[0]; }
};

struct ToCopy {
    static constexpr bool noted = true;
    static constexpr bool moves = true;
    static constexpr const char* name = "ToCopyBackward0";
    static constexpr bool linear = true, leads = true;
    DType dtype;
    Tensor forward(const Tensors& x) { return copy_as(x[0], dtype, dense_layout(x[0])); }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        if (c.wants(0)) out[0] = to_dtype(g[0], c.input_dtype(0));
    }
};

struct Copy {
    static constexpr bool noted = true;
    static constexpr bool moves = true;
    static constexpr const char* name = "CopyBackwards";
    static constexpr bool leads = true, aligned = true, holomorphic = true;
    void write(const Tensors& x) {
        Array from = x[1].array(), to = x[0].array();
        if (!from.layout->same_shape(*to.layout)) {
            Dims shape = broadcast_shapes(*to.layout, *from.layout);
            if (!(shape == to.layout->dims()))
                fail("output with shape {} doesn't match the broadcast shape {}", shape_text(*to.layout),
                     shape_text(shape));
        }
        compute::copy_apart(from, to);
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        if (c.wants(0)) out[0] = zeros(g[0].dtype(), g[0].layout_ref());
        if (c.wants(1)) out[1] = g[0];  // the engine sums over what was broadcast, and converts
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        if (!t[1]) return {zeros(c.output().dtype(), c.output().layout_ref())};
        Tensor y = to_dtype(t[1], c.output().dtype());
        return {y.layout().same_shape(c.output().layout()) ? clone(y)
                                                           : contiguous(expand(y, c.output().shape()))};
    }
};

struct Fill {
    static constexpr bool noted = true;
    static constexpr bool moves = true;
    static constexpr bool leads = true, uniform = true, holomorphic = true;
    const char* node;
    Scalar value;
    const char* node_name() const { return node; }
    void write(const Tensors& x) { fill_array(x[0].array(), value); }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        out[0] = zeros(g[0].dtype(), g[0].layout_ref());
    }
    Tensors pushforward(Context& c, const Tensors&) {
        return {zeros(c.output().dtype(), c.output().layout_ref())};
    }
};

// With a tensor of no dimensions, input 1.
struct FillWith {
    static constexpr bool moves = true;
    static constexpr const char* name = "FillBackward3";
    static constexpr bool leads = true, holomorphic = true;
    void write(const Tensors& x) {
        const bool parted = is_complex(x[1].dtype()) && !is_complex(x[0].dtype());
        const Tensor value = parted ? real(x[1]) : x[1];
        if (value.ndim() == 0) return fill_array(x[0].array(), value.number());
        Dims each = x[1].shape();  // a number for each entry
        while (static_cast<int64_t>(each.size()) < x[0].ndim()) each.push_back(1);
        copy_array(contiguous_array(reshape(row_major_copy(value), each).array()), x[0].array());
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        if (c.wants(0)) out[0] = zeros(g[0].dtype(), g[0].layout_ref());
        if (c.wants(1)) out[1] = sum(g[0], {}, false);
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        const Tensor& y = c.output();
        if (!t[1]) return {zeros(y.dtype(), y.layout_ref())};
        return {contiguous(expand(to_dtype(t[1], y.dtype()), y.shape()))};
    }
};

}  // namespace

Tensor clone(const Tensor& x) { return apply(Clone{dense_layout(x)}, {x}); }

Tensor row_major_copy(const Tensor& x) { return apply(Clone{Layout::contiguous(x.shape())}, {x}); }

Tensor detached_copy(const Tensor& x) {
    if (__builtin_expect(x.is_mapped(), 0)) return mapped_copy(x, *dense_layout(x));
    return copy_as(x, x.dtype(), dense_layout(x));
}

Tensor contiguous(const Tensor& x) {
    if (x.is_contiguous()) return x;
    return row_major_copy(x);
}

Tensor as_layout(const Tensor& x, const Ref<Layout>& layout, const char* node) {
    return apply(Clone{layout, node}, {x});
}

Tensor to_dtype(const Tensor& x, DType dtype) { return x.dtype() == dtype ? x : to_copy(x, dtype); }

Tensor to_copy(const Tensor& x, DType dtype) {
    if (!is_supported(dtype)) fail_unsupported("copy_", dtype);
    return apply(ToCopy{dtype}, {x});
}

Tensor copy_(const Tensor& target, const Tensor& source) {
    return apply_inplace(Copy{}, {target, source}, "copy_");
}
Tensor fill_(const Tensor& target, Scalar value, const char* node, const char* operation) {
    check_fits(value, target.dtype());
    return apply_inplace(Fill{node, value}, {target}, operation);
}
Tensor fill_(const Tensor& target, const Tensor& value) {
    if (value.ndim())
        fail("fill_ only supports 0-dimension value tensor but got tensor with {} dimensions.", value.ndim());
    return apply_inplace(FillWith{}, {target, value}, "fill_");
}

Tensor detach(const Tensor& x) {
    check_open(x);
    Tensor t = x.alias();
    t->flags |= x->flags & kInference;
    return t;
}

Tensor add(const Tensor& a, const Tensor& b) { return elementwise(*rows.add, {a, b}); }

void accumulate_into(const Tensor& grad, const Tensor& g) {
    if (fast_accumulate(grad.get(), g.get())) return;
    Operand operands[2] = {grad, g};
    GradMode off(false);
    elementwise_inplace(*rows.add, grad, operands, 2);
}

Tensor add_owned(Tensor a, const Tensor& b) {
    bool mine = is_sole(a) && !((a->exceptional | b->exceptional) & kMapped) && a.dtype() == b.dtype() &&
                a.layout().same_shape(b.layout());
    if (!mine) return add(a, b);
    if (is_large(a.numel(), a.dtype()) || a->cell->buffer->is_pending() || b->cell->buffer->is_pending()) {
        Tensor sum = add(a, b);  // a part of a larger program, which counts as the write that it replaces
        sum->cell->version = a->cell->version + 1;
        return sum;
    }
    accumulate_into(a, b);
    return a;
}

Tensor unary(const char* name, const Tensor& x) {
    Row* row = find_row(name);
    if (!row) fail("no elementwise function named '{}'", name);
    return elementwise(*row, {x});
}

}  // namespace pb::ops
