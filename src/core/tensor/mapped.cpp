#include "tensor/mapped.h"

#include <algorithm>

namespace pb {

std::string escaped(const Layout& l) {
    return "Either your tensor may have escaped from inside a function being vmapped and this is a user "
           "error. A "
           "tensor of that vmap, which is over, was kept (in a list, as an attribute, by a closure): return "
           "it from the "
           "function instead. Its entries have shape " +
           shape_text(l) + ".";
}

void fail_mapped(const TensorObject* t) {
    for (const MappedAxis& a : t->layout->axes())
        if (!is_open_map(a.level)) fail_as(ErrorKind::Mapped, "{}", escaped(*t->layout));
    fail_as(ErrorKind::Mapped,
            "vmap: It looks like you're calling .item() on a Tensor. We don't support vmap over calling "
            ".item() on "
            "a Tensor, please try to rewrite what you're doing with other operations. This tensor has other "
            "elements for each entry of the vmap, and something asked for a value: item(), numpy(), "
            "tolist(), or a "
            "number that is a tensor. Compute with the tensor itself, or look at it outside of the vmap.");
}

// ---- axes ----

bool has_axis(const MappedAxes& axes, uint64_t level) {
    return std::any_of(axes.begin(), axes.end(), [&](const MappedAxis& a) { return a.level == level; });
}

void join_axes(MappedAxes& all, const MappedAxes& more) {
    for (const MappedAxis& a : more) {
        size_t i = 0;
        while (i < all.size() && all[i].level < a.level) ++i;
        if (i < all.size() && all[i].level == a.level) continue;
        all.insert(i, a);
    }
}

void join_axes(MappedAxes& all, const Layout& l) {
    if (l.is_mapped()) join_axes(all, l.axes());
}

MappedAxes axes_of(const Tensors& ts) {
    MappedAxes all;
    for (const Tensor& t : ts)
        if (t) join_axes(all, t.layout());
    return all;
}

MappedAxes axes_beyond(const MappedAxes& all, const Layout& l) {
    const MappedAxes own = l.axes();
    MappedAxes more;
    for (const MappedAxis& a : all)
        if (!has_axis(own, a.level)) more.push_back(a);
    return more;
}

// ---- all entries ----

Tensor reveal(const Tensor& t, const MappedAxes& all, int64_t rank, bool ones) {
    TensorObject* o = new_tensor_object();
    t->cell->retain();
    o->cell = t->cell;
    o->layout = t.layout().physical(all, rank, ones).detach();
    o->offset = t->offset;
    o->dtype = t.dtype();
    o->flags = t->flags & (kInference | kWrappedNumber);
    return Tensor::steal(o);
}

Array reveal_value(const Tensor& t, const MappedAxes& all, int64_t rank, bool ones) {
    Array a = t.all_value();
    a.layout = t.layout().physical(all, rank, ones);
    return a;
}

void set_layout(const Tensor& t, Ref<Layout> layout) {
    t->exceptional &= static_cast<uint8_t>(~kMapped);
    if (layout->is_mapped()) t->exceptional |= kMapped;
    Ref<Layout> old = Ref<Layout>::steal(t->layout);
    t->layout = layout.detach();
}

Tensor hide(Tensor t, const MappedAxes& all) {
    if (all.empty()) return t;
    const Layout& l = t.layout();
    const auto n = static_cast<int64_t>(all.size());
    MappedAxes axes;
    Dims shape, strides;
    for (int64_t d = 0; d < l.ndim(); ++d) {
        if (d < n) {
            axes.push_back({all[static_cast<size_t>(d)].level, l.size(d), l.stride(d)});
        } else {
            shape.push_back(l.size(d));
            strides.push_back(l.stride(d));
        }
    }
    set_layout(t, Layout::mapped(*Layout::strided(shape, strides), axes));
    return t;
}

Ref<Layout> around(const Layout& geometry, const MappedAxes& all) {
    MappedAxes more = axes_beyond(all, geometry), laid = geometry.axes();
    if (more.empty()) return Ref<Layout>(const_cast<Layout*>(&geometry));
    int64_t low, high;
    geometry.extent(&low, &high);
    int64_t step = high - low;
    for (size_t i = more.size(); i-- > 0;) {
        more[i].stride = step;
        step = checked_mul(step, std::max<int64_t>(more[i].size, 1));
    }
    join_axes(laid, more);
    return Layout::mapped(geometry, laid);
}

Ref<Layout> with_surroundings(const Layout& part, const Layout& geometry, const Layout& whole) {
    MappedAxes more = axes_beyond(whole.axes(), geometry), all = part.axes();
    if (more.empty()) return Ref<Layout>(const_cast<Layout*>(&part));
    join_axes(all, more);
    return Layout::mapped(part, all);
}

Entries::Entries(const MappedAxes& all) : axes(all), index(all.size(), 0) {
    for (const MappedAxis& a : all) count = checked_mul(count, a.size);
}

Tensors Entries::of(const Tensors& shown) const {
    Tensors out;
    const auto n = static_cast<int64_t>(axes.size());
    for (const Tensor& t : shown) {
        if (!t) {
            out.push_back(t);
            continue;
        }
        Dims shape, strides;
        int64_t offset = t->offset;
        for (int64_t d = 0; d < t.ndim(); ++d) {
            if (d < n) {
                offset += index[static_cast<size_t>(d)] * t.layout().stride(d);
                continue;
            }
            shape.push_back(t.size(d));
            strides.push_back(t.layout().stride(d));
        }
        out.push_back(t.alias(Layout::strided(shape, strides), offset));
        out.back()->flags |= t->flags;
    }
    return out;
}

// ---- open levels ----

namespace {
uint64_t last_level = 0;
thread_local Small<OpenMap, 4> open_here;
}  // namespace

const Small<OpenMap, 4>& open_maps() { return open_here; }

uint64_t next_level() { return ++last_level; }

uint64_t open_map(int64_t size, Randomness randomness) {
    open_here.push_back({next_level(), size, randomness});
    set_map_level(last_level);
    return last_level;
}

void reopen_map(const OpenMap& map) {
    open_here.push_back(map);
    set_map_level(map.level);
}

void refuse_draw() {
    if (open_here.back().randomness == Randomness::Error)
        fail(
            "vmap: called random operation while in randomness error mode. Please either use the 'same' or "
            "'different' randomness flags on vmap or perform the randomness operation out of vmap");
    fail_as(ErrorKind::Mapped, "vmap: random numbers are drawn for all entries, or once for all of them");
}

void close_map(uint64_t level) {
    for (size_t i = open_here.size(); i-- > 0;)
        if (open_here[i].level == level) open_here.erase(i);
    set_map_level(open_here.empty() ? 0 : open_here.back().level);
}

bool is_open_map(uint64_t level) {
    return std::any_of(open_here.begin(), open_here.end(),
                       [&](const OpenMap& m) { return m.level == level; });
}

}  // namespace pb
