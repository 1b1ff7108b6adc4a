// Copies, conversions, and writing one tensor into another.
#include <cstring>

#include "array/limits.h"
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
        if (leaves_pending(&source, 1, *layout)) return Tensor::make(defer_cast(a, dtype, layout));
    }
    Array out = empty_strided(dtype, layout);
    copy_array(x.array(), out);
    return Tensor::make(out);
}

struct Clone {
    static constexpr const char* name = "CloneBackward0";
    static constexpr bool linear = true;
    Ref<Layout> layout;  // of the copy
    Tensor forward(const Tensors& x) { return copy_as(x[0], x[0].dtype(), layout); }
    void pullback(Context& c, const Tensors& g, Tensors& out) { out[0] = g[0]; }
};

struct ToCopy {
    static constexpr const char* name = "ToCopyBackward0";
    static constexpr bool linear = true;
    DType dtype;
    Tensor forward(const Tensors& x) { return copy_as(x[0], dtype, dense_layout(x[0])); }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        if (c.wants(0)) out[0] = to_dtype(g[0], c.input_dtype(0));
    }
};

struct Copy {
    static constexpr const char* name = "CopyBackwards";
    void write(const Tensors& x) {
        Array from = x[1].array(), to = x[0].array();
        if (!from.layout->same_shape(*to.layout)) {
            Dims shape = broadcast_shapes(*to.layout, *from.layout);
            if (!(shape == to.layout->dims()))
                fail("output with shape {} doesn't match the broadcast shape {}", shape_text(*to.layout),
                     shape_text(shape));
        }
        if (from.buffer == to.buffer && !(from.offset == to.offset && from.layout->same(*to.layout))) {
            Array apart = Array::empty(from.dtype, from.layout->dims());
            copy_array(from, apart);
            from = apart;
        }
        copy_array(from, to);
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
    static constexpr const char* name = "FillBackward0";
    Scalar value;
    void write(const Tensors& x) { fill_array(x[0].array(), value); }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        out[0] = zeros(g[0].dtype(), g[0].layout_ref());
    }
    Tensors pushforward(Context& c, const Tensors&) {
        return {zeros(c.output().dtype(), c.output().layout_ref())};
    }
};

}  // namespace

Array empty_strided(DType dtype, const Ref<Layout>& layout) {
    if (layout->is_dense()) return Array::empty(dtype, layout);
    if (layout->overlaps_itself()) return Array::empty(dtype, layout->packed());
    // Gaps are part of the geometry: a view may reach them, so they are zero and not what memory happened to hold.
    int64_t low, high;
    layout->extent(&low, &high);
    Array a;
    a.buffer = Buffer::zeros(static_cast<size_t>(high - low) * item_size(dtype));
    a.layout = layout;
    a.offset = -low;
    a.dtype = dtype;
    return a;
}

Array relaid(const Array& a, const Ref<Layout>& layout) {
    if (a.layout->same(*layout)) return a;
    Array out = Array::empty(a.dtype, layout);
    copy_array(a, out);
    return out;
}

Tensor clone(const Tensor& x) { return apply(Clone{dense_layout(x)}, {x}); }

Tensor row_major_copy(const Tensor& x) { return apply(Clone{Layout::contiguous(x.shape())}, {x}); }

Tensor detached_copy(const Tensor& x) { return copy_as(x, x.dtype(), dense_layout(x)); }

Tensor contiguous(const Tensor& x) {
    if (x.is_contiguous()) return x;
    return row_major_copy(x);
}

Tensor as_layout(const Tensor& x, const Ref<Layout>& layout) { return apply(Clone{layout}, {x}); }

Tensor to_dtype(const Tensor& x, DType dtype) { return x.dtype() == dtype ? x : to_copy(x, dtype); }

Tensor to_copy(const Tensor& x, DType dtype) {
    if (!is_supported(dtype)) fail_unsupported("copy_", dtype);
    return apply(ToCopy{dtype}, {x});
}

Tensor copy_(const Tensor& target, const Tensor& source) {
    return apply_inplace(Copy{}, {target, source}, "copy_");
}
Tensor fill_(const Tensor& target, Scalar value) {
    check_fits(value, target.dtype());
    return apply_inplace(Fill{value}, {target}, "fill_");
}

Tensor detach(const Tensor& x) {
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

void add_array(const Array& from, const Array& to) {
    int64_t n = to.numel();
    if (n == 0) return;
    bool pending = from.buffer->is_pending() || to.buffer->is_pending(), large = n >= deferral.from;
    if (!pending && !large && from.is_contiguous() && to.is_contiguous() && !to.buffer->has_readers()) {
        const void* in[2] = {to.data(), from.data()};
        kernels().elementwise[rows.add->primitive][static_cast<int>(to.dtype)][0](in, to.data(), n);
        return;
    }
    before_write(to);
    if (to.layout->overlaps_itself()) return add_one_by_one(from, to);
    const Lowered& program = lower(rows.add->forward, to.dtype);
    Source sources[2] = {{&to, {}}, {&from, {}}};
    Array out = to;
    if (!deferral.immediate && (pending || large)) compute_over(program, sources, out, nullptr);
    else execute(program, sources, &out, *out.layout);
}

Tensor add_owned(Tensor a, const Tensor& b) {
    bool mine = is_sole(a) && a.dtype() == b.dtype() && a.layout().same_shape(b.layout());
    if (!mine) return add(a, b);
    if (a.numel() >= deferral.from || a->cell->buffer->is_pending() || b->cell->buffer->is_pending()) {
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
