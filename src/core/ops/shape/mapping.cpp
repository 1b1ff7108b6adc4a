// Entering and leaving a vmap: a dimension becomes an axis that nobody sees, and an axis a dimension again. Both are views,
// and each is the other's pullback.
#include "ops/operators.h"

namespace pb::ops {

namespace {

struct Map {
    static constexpr const char* name = "MapBackward0";
    static constexpr bool view = true, linear = true, outlives = true;
    uint64_t level;
    int64_t dim;
    Tensor forward(const Tensors& x) {
        const Layout& l = x[0].layout();
        Dims shape = l.dims(), strides = l.stride_dims();
        auto d = static_cast<size_t>(dim);
        MappedAxes axes = l.axes();
        join_axes(axes, MappedAxes{{level, shape[d], strides[d]}});
        shape.erase(d);
        strides.erase(d);
        return x[0].alias(Layout::mapped(*Layout::strided(shape, strides), axes), x[0]->offset);
    }
    // The gradients of entries are no parts of one that lies beside them: the engine leaves them apart.
    std::optional<int64_t> shift(const Layout&, uint32_t) const { return std::nullopt; }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        out[0] = unmap_axis(g[0], level, dim, c.input_layout(0).size(dim));
    }
};

struct Unmap {
    static constexpr const char* name = "UnmapBackward0";
    static constexpr bool view = true, linear = true, outlives = true;
    uint64_t level;
    int64_t dim, size;
    Tensor forward(const Tensors& x) {
        const Layout& l = x[0].layout();
        Dims shape = l.dims(), strides = l.stride_dims();
        MappedAxes axes;
        int64_t stride = 0;  // what lacks the axis is the same for all entries
        for (const MappedAxis& a : l.axes()) {
            if (a.level == level) stride = a.stride;
            else axes.push_back(a);
        }
        auto d = static_cast<size_t>(dim);
        shape.insert(d, size);
        strides.insert(d, stride);
        Tensor y = x[0].alias();
        set_layout(y, Layout::mapped(*Layout::strided(shape, strides), axes));
        return y;
    }
    std::optional<int64_t> shift(const Layout&, uint32_t) const { return std::nullopt; }
    void pullback(Context&, const Tensors& g, Tensors& out) { out[0] = map_axis(g[0], level, dim); }
};

}  // namespace

Tensor map_axis(const Tensor& x, uint64_t level, int64_t dim) { return apply(Map{level, dim}, {x}); }
Tensor unmap_axis(const Tensor& x, uint64_t level, int64_t dim, int64_t size) {
    return apply(Unmap{level, dim, size}, {x});
}

Tensor for_each_entry(const Tensor& t, const Tensor& like) {
    check_open(like);
    return like.is_mapped() ? as_layout(t, around(t.layout(), like.layout().axes())) : t;
}

Tensor settle_axes(const Tensor& x, const Layout& like) {
    Tensor y = x;
    const MappedAxes own = like.axes(), has = x.layout().axes();
    for (const MappedAxis& a : has)
        if (!is_open_map(a.level) && !has_axis(own, a.level))
            y = sum(unmap_axis(y, a.level, 0, a.size), Dims{0}, false);
    for (const MappedAxis& a : own)
        if (!is_open_map(a.level) && !has_axis(has, a.level))
            y = map_axis(unmap_axis(y, a.level, 0, a.size), a.level, 0);
    return y;
}

}  // namespace pb::ops
