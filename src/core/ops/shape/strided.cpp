// as_strided: the general view, and what the history of a stale view is made of.
//
// Its derivative is about memory, not about indices: elements of the input and of the result that lie at one
// address are the same element. So both directions go through a picture of the storage, a flat run that is wide
// enough for everything either geometry reaches. A geometry that reaches one element several times shares its
// gradient out evenly, and gathers the sum of what its copies receive; elements that only the result reaches
// (the gaps of a strided input) are constants.
#include <algorithm>

#include "compute/storage.h"
#include "ops/operators.h"

namespace pb::ops {

namespace {

// How often each element of a layout is reached by it, laid out in row-major order.
Tensor multiplicity(DType dtype, const Layout& layout) {
    return Tensor::make(compute::multiplicity(dtype, layout));
}

// The linear map from values laid out as `from` to values laid out as `to`, both over one storage: what `to`
// finds there after `from` has been added to zeros. `offset` is where `to` begins, seen from `from`.
struct ThroughStorage {
    static constexpr bool linear = true;
    const char* node;
    Ref<Layout> from, to;
    int64_t offset;
    const char* node_name() const { return node; }

    Tensor forward(const Tensors& x) {
        return Tensor::make(compute::through_storage(x[0].array(), from, to, offset));
    }
    void pullback(Context&, const Tensors& g, Tensors& out) {
        out[0] = apply(ThroughStorage{node, to, from, -offset}, {g[0]});
    }
};

constexpr const char* kAdjointName = "AsStridedBackwardBackward0";

// Whether `part`, beginning at `offset`, stays within what `whole` reaches.
bool lies_within(const Layout& part, int64_t offset, const Layout& whole) {
    int64_t low_p, high_p, low_w, high_w;
    part.extent(&low_p, &high_p);
    whole.extent(&low_w, &high_w);
    return part.numel() == 0 || (low_p + offset >= low_w && high_p + offset <= high_w);
}

struct AsStrided {
    static constexpr bool view = true;
    Ref<Layout> layout;
    int64_t offset;  // in the storage
    int64_t input_offset;
    static constexpr const char* name = "AsStridedBackward0";
    Tensor forward(const Tensors& x) { return x[0].alias(layout, offset); }
    // Elements between those of the input are constants, and one that the input has twice is shared by both.
    std::optional<int64_t> shift(const Layout& input, uint32_t) const {
        if (!input.is_dense() || !lies_within(*layout, offset - input_offset, input)) return std::nullopt;
        return offset - input_offset;
    }
    bool add_to(Context& c, const Tensors& g, const Array& whole) {
        const Layout& input = c.input_layout(0);
        std::optional<int64_t> begin = shift(input, 0);
        if (!begin || !whole.layout->same(input)) return false;
        compute::add_array(g[0].value(), whole.view(layout, whole.offset + *begin));
        return true;
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        Ref<Layout> input(const_cast<Layout*>(&c.input_layout(0)));
        Tensor back = apply(ThroughStorage{kAdjointName, layout, input, input_offset - offset}, {g[0]});
        out[0] = input->overlaps_itself() ? div(back, multiplicity(back.dtype(), *input)) : back;
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        Ref<Layout> input(const_cast<Layout*>(&c.input_layout(0)));
        return {as_strided_of(t[0], input, layout, offset - input_offset)};
    }
};

// A copy of the input, gaps included, in which what a view would cover is replaced.
struct AsStridedScatter {
    static constexpr const char* name = "AsStridedScatterBackward0";
    Ref<Layout> layout;
    int64_t offset;  // from the input's own
    Tensor forward(const Tensors& x) {
        Array out = compute::empty_strided(x[0].dtype(), x[0].layout_ref());
        copy_array(x[0].array(), out);
        copy_array(x[1].array(), out.view(layout, out.offset + offset));
        return Tensor::make(out);
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        Ref<Layout> input(const_cast<Layout*>(&c.input_layout(0)));
        if (c.wants(1)) out[1] = as_strided_of(g[0], input, layout, offset);
        if (c.wants(0)) {
            Tensor nothing = zeros(g[0].dtype(), c.input_shape(1));
            out[0] = apply(AsStridedScatter{layout, offset}, {as_layout(g[0], input), nothing});
        }
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        Ref<Layout> input(const_cast<Layout*>(&c.input_layout(0)));
        Tensor whole = t[0] ? as_layout(t[0], input) : zeros(c.output().dtype(), c.output().layout_ref());
        Tensor part = t[1] ? t[1] : zeros(c.output().dtype(), c.input_shape(1));
        return {apply(*this, {whole, part})};
    }
};

}  // namespace

Tensor as_strided(const Tensor& x, const Ref<Layout>& layout, int64_t offset) {
    return apply(AsStrided{layout, offset, x->offset}, {x});
}

Tensor as_strided_of(const Tensor& x, const Ref<Layout>& geometry, const Ref<Layout>& layout,
                     int64_t offset) {
    if (!geometry->overlaps_itself() && lies_within(*layout, offset, *geometry)) {
        Tensor whole = as_layout(x, geometry);
        return as_strided(whole, layout, whole->offset + offset);
    }
    Tensor share = geometry->overlaps_itself() ? div(x, multiplicity(x.dtype(), *geometry)) : x;
    return apply(ThroughStorage{kAdjointName, geometry, layout, offset}, {share});
}

Node* as_strided_node(const Tensor& base, const Ref<Layout>& layout, int64_t offset) {
    AsStrided rule{layout, offset, base->offset};
    auto* node = Placed<RuleNode<AsStrided>>::make(1, rule);
    node->take_edge(0, gradient_edge(base));
    node->remember({base}, {});
    return node;
}

Tensor as_strided_scatter(const Tensor& x, const Tensor& part, const Ref<Layout>& layout, int64_t offset) {
    if (x.layout().overlaps_itself() || !lies_within(*layout, offset - x->offset, x.layout()))
        fail("as_strided_scatter: the part, of shape {}, is not inside of the tensor that it is written into",
             shape_text(*layout));
    return apply(AsStridedScatter{layout, offset - x->offset}, {x, part});
}

Ref<Layout> as_strided_layout(const Tensor& x, const Dims& size, const Dims& stride, int64_t offset) {
    if (size.size() != stride.size()) fail("mismatch in length of strides and shape");
    for (int64_t s : stride)
        if (s < 0)
            fail("as_strided: Negative strides are not supported at the moment, got strides: {}",
                 shape_text(stride));
    for (int64_t n : size)
        if (n < 0)
            fail("Storage size calculation overflowed with sizes={} and strides={}", shape_text(size),
                 shape_text(stride));
    if (offset < 0) fail("Tensor: invalid storage offset {}", offset);
    int64_t last = offset;
    bool empty = false, overflow = false;
    for (size_t i = 0; i < size.size(); ++i) {
        int64_t reach;
        empty = empty || size[i] == 0;
        overflow = overflow || mul_overflows(std::max<int64_t>(size[i] - 1, 0), stride[i], &reach) ||
                   add_overflows(last, reach, &last);
    }
    if (!empty) {
        auto item = static_cast<int64_t>(item_size(x.dtype()));
        int64_t bytes;
        overflow = overflow || add_overflows(last, 1, &last) || mul_overflows(last, item, &bytes);
        if (overflow)
            fail("Storage size calculation overflowed with sizes={} and strides={}", shape_text(size),
                 shape_text(stride));
        if (bytes > static_cast<int64_t>(x->cell->buffer->bytes()))
            fail(
                "setStorage: sizes {}, strides {}, storage offset {}, and itemsize {} requiring a storage "
                "size of {} are out of bounds for storage of size {}",
                shape_text(size), shape_text(stride), offset, item, bytes, x->cell->buffer->bytes());
    }
    return Layout::strided(size, stride);
}

Tensor as_strided(const Tensor& x, const Dims& size, const Dims& stride, int64_t offset) {
    return as_strided(x, as_strided_layout(x, size, stride, offset), offset);
}

}  // namespace pb::ops
