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
    const MappedAxes axes = layout.axes();
    return hide(Tensor::make(compute::multiplicity(dtype, *layout.physical(axes))), axes);
}

// The linear map from values laid out as `from` to values laid out as `to`, both over one storage: what `to`
// finds there after `from` has been added to zeros. `offset` is where `to` begins, seen from `from`.
struct ThroughStorage {
    static constexpr bool moves = true;
    static constexpr bool linear = true;
    const char* node;
    Ref<Layout> from, to;
    int64_t offset;
    static constexpr bool sees_axes = true;
    const char* node_name() const { return node; }

    // Axes of the geometries are a part of them; others stand around the storage.
    [[gnu::cold, gnu::noinline]] Tensor mapped(const Tensor& x) const {
        const MappedAxes inside = from->axes(), kept = to->axes();
        MappedAxes around = axes_beyond(x.layout().axes(), *from), order(around), left(around);
        for (const MappedAxis& a : inside) order.push_back(a);
        for (const MappedAxis& a : kept) left.push_back(a);
        Tensor values = reveal(x, order);
        Ref<Layout> before = from->physical(inside), after = to->physical(kept), all;
        Tensor y;
        Entries at(around);
        for (int64_t e = 0; e < at.count; ++e, at.next()) {
            Array entry = compute::through_storage(at.of({values})[0].array(), before, after, offset);
            if (!y) {
                Dims shape;
                for (const MappedAxis& a : around) shape.push_back(a.size);
                for (int64_t d = 0; d < after->ndim(); ++d) shape.push_back(after->size(d));
                y = Tensor::make(x.dtype(), Layout::contiguous(shape));
            }
            copy_array(entry, at.of({y})[0].array());
        }
        if (!y) return zeros(x.dtype(), to);
        y = hide(std::move(y), left);
        MappedAxes sorted;
        join_axes(sorted, y.layout());
        set_layout(y, Layout::mapped(y.layout(), sorted));
        return y;
    }

    Tensor forward(const Tensors& x) {
        if (__builtin_expect(x[0].is_mapped() || from->is_mapped() || to->is_mapped(), 0))
            return mapped(x[0]);
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
    static constexpr bool view = true, holomorphic = true;
    Ref<Layout> layout;
    int64_t offset;  // in the storage
    int64_t input_offset;
    Ref<Layout> geometry;  // of the input without what stands around it, where one is mapped
    static constexpr const char* name = "AsStridedBackward0";
    Tensor forward(const Tensors& x) {
        if (__builtin_expect(!geometry, 1)) return x[0].alias(layout, offset);
        Tensor y = x[0].alias();
        set_layout(y, with_surroundings(*layout, *geometry, x[0].layout()));
        y->offset = offset;
        return y;
    }
    // Elements between those of the input are constants, and one that the input has twice is shared by both.
    std::optional<int64_t> shift(const Layout& input, uint32_t) const {
        if (geometry || !input.is_dense() || !lies_within(*layout, offset - input_offset, input))
            return std::nullopt;
        return offset - input_offset;
    }
    bool add_to(Context& c, const Tensors& g, const Array& whole) {
        const Layout& input = c.input_layout(0);
        std::optional<int64_t> begin = shift(input, 0);
        if (geometry || !begin || !whole.layout->same(input)) return false;
        compute::add_array(g[0].value(), whole.view(layout, whole.offset + *begin));
        return true;
    }
    Ref<Layout> viewed(Context& c) const {
        return geometry ? geometry : Ref<Layout>(const_cast<Layout*>(&c.input_layout(0)));
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        Ref<Layout> input = viewed(c);
        Tensor back = apply(ThroughStorage{kAdjointName, layout, input, input_offset - offset}, {g[0]});
        out[0] = input->overlaps_itself() ? div(back, multiplicity(back.dtype(), *input)) : back;
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        return {as_strided_of(t[0], viewed(c), layout, offset - input_offset)};
    }
};

// A copy of the input, gaps included, in which what a view would cover is replaced.
struct AsStridedScatter {
    static constexpr bool moves = true;
    static constexpr const char* name = "AsStridedScatterBackward0";
    static constexpr bool sees_axes = true, holomorphic = true;
    Ref<Layout> geometry, layout;
    int64_t offset;  // from the input's own
    // What stands around the whole, or around the part, stands around both.
    [[gnu::cold, gnu::noinline]] Tensor mapped(const Tensor& x, const Tensor& part) const {
        MappedAxes all = x.layout().axes();
        join_axes(all, axes_beyond(part.layout().axes(), *layout));
        join_axes(all, *geometry);
        Array memory = compute::empty_strided(x.dtype(), around(*geometry, all)->physical(all));
        copy_array(reveal_value(x, all), memory);
        Tensor y = hide(Tensor::make(memory), all);
        Tensor region = y.alias();
        set_layout(region, with_surroundings(*layout, *geometry, y.layout()));
        region->offset += offset;
        write_elements(region, part, "as_strided_scatter");
        return y;
    }
    Tensor forward(const Tensors& x) {
        if (__builtin_expect(x[0].is_mapped() || x[1].is_mapped() || layout->is_mapped(), 0))
            return mapped(x[0], x[1]);
        Array out = compute::empty_strided(x[0].dtype(), x[0].layout_ref());
        copy_array(x[0].array(), out);
        copy_array(x[1].array(), out.view(layout, out.offset + offset));
        return Tensor::make(out);
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        if (c.wants(1)) out[1] = as_strided_of(g[0], geometry, layout, offset);
        if (c.wants(0)) {
            Tensor nothing = zeros(g[0].dtype(), c.input_shape(1));
            out[0] = apply(AsStridedScatter{geometry, layout, offset}, {as_layout(g[0], geometry), nothing});
        }
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        Tensor whole = t[0] ? t[0] : zeros(c.output().dtype(), c.output().layout_ref());
        Tensor part = t[1] ? t[1] : zeros(c.output().dtype(), c.input_shape(1));
        return {apply(*this, {as_layout(whole, geometry), part})};
    }
};

}  // namespace

// Null where nobody is mapped, so that this costs nothing.
static Ref<Layout> mapped_geometry(const Tensor& x, const Ref<Layout>& geometry, const Layout& layout) {
    return x.is_mapped() || geometry->is_mapped() || layout.is_mapped() ? geometry : nullptr;
}

Tensor as_strided(const Tensor& x, const Ref<Layout>& geometry, const Ref<Layout>& layout, int64_t offset) {
    return apply(AsStrided{layout, offset, x->offset, mapped_geometry(x, geometry, *layout)}, {x});
}

Tensor as_strided_of(const Tensor& x, const Ref<Layout>& geometry, const Ref<Layout>& layout,
                     int64_t offset) {
    if (!geometry->overlaps_itself() && lies_within(*layout, offset, *geometry)) {
        Tensor whole = as_layout(x, geometry);
        return as_strided(whole, geometry, layout, whole->offset + offset);
    }
    Tensor share = geometry->overlaps_itself() ? div(x, multiplicity(x.dtype(), *geometry)) : x;
    return apply(ThroughStorage{kAdjointName, geometry, layout, offset}, {share});
}

Node* as_strided_node(const Tensor& base, const Ref<Layout>& layout, int64_t offset) {
    AsStrided rule{layout, offset, base->offset, mapped_geometry(base, base.layout_ref(), *layout)};
    auto* node = Placed<RuleNode<AsStrided>>::make(1, rule);
    node->take_edge(0, gradient_edge(base));
    node->remember({base}, {});
    return node;
}

Tensor as_strided_scatter(const Tensor& x, const Ref<Layout>& geometry, const Tensor& part,
                          const Ref<Layout>& layout, int64_t offset) {
    if (geometry->overlaps_itself() || !lies_within(*layout, offset - x->offset, *geometry))
        fail("as_strided_scatter: the part, of shape {}, is not inside of the tensor that it is written into",
             shape_text(*layout));
    return apply(AsStridedScatter{geometry, layout, offset - x->offset}, {x, part});
}

Ref<Layout> as_strided_layout(const Tensor& x, const Dims& size, const Dims& stride, int64_t offset) {
    if (size.size() != stride.size()) fail("mismatch in length of strides and shape");
    for (int64_t s : stride)
        if (s < 0)
            fail("as_strided: Negative strides are not supported at the moment, got strides: {}",
                 shape_text(stride));
    if (offset < 0) fail("Tensor: invalid storage offset {}", offset);
    bool negative = false;
    for (size_t i = 0; i < size.size(); ++i) {
        if (size[i] < 0 && stride[i] > 0)
            fail("Storage size calculation overflowed with sizes={} and strides={}", shape_text(size),
                 shape_text(stride));
        negative = negative || size[i] < 0;
    }
    if (negative) fail("numel: integer multiplication overflow. A size is negative: {}.", shape_text(size));
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
    Ref<Layout> layout = as_strided_layout(x, size, stride, offset);
    if (x.is_mapped()) layout = Layout::mapped(*layout, x.layout().axes());
    return as_strided(x, x.layout_ref(), layout, offset);
}

}  // namespace pb::ops
