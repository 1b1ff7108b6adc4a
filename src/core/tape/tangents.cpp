// Tangents of views and of what is written in place.
//
// The tangent of a base is the truth; a view's is the part of it that the view shows. After a write through any of
// them the base gets a new tangent (tangents are values, never written: other tensors may share one), and every view
// is stale: like `grad_fn`, its tangents are derived anew on the next look, when the cell's version has moved on.
#include "ops/operators.h"
#include "tape/history.h"

namespace pb {

namespace {

// A tangent as if it lay in memory as the base does, and the part of it that the view covers.
struct Laid {
    Laid(const Tensor& tangent, const Tensor& base, const Tensor& view)
        : whole(ops::as_layout(tangent, base.layout_ref())),
          layout(view.layout_ref()),
          offset(whole->offset + view->offset - base->offset) {}
    Tensor part() const { return ops::as_strided(whole, layout, offset); }
    Tensor with(const Tensor& part) const { return ops::as_strided_scatter(whole, part, layout, offset); }
    Tensor whole;
    Ref<Layout> layout;
    int64_t offset;
};

void forget(const Tensor& t) {
    if (t->extra) t->extra->tangents.clear();
    t->exceptional &= static_cast<uint8_t>(~kDual);
}

}  // namespace

const Tensor& tangent_root(const Tensor& t) {
    if (!(t->flags & kIsView)) return t;
    const ViewInfo& view = *t->extra->view;
    return view.is_dual_root ? t : view.dual ? view.dual : view.base;
}

bool is_stale_dual(const TensorObject* view) {
    const TensorExtra& x = *view->extra;
    if (x.view->is_dual_root || x.tangents_at == view->cell->version) return false;
    return (x.view->dual ? x.view->dual : x.view->base)->exceptional & kDual;
}

void refresh_tangents(const Tensor& t) {
    if (!(t->flags & kIsView) || !t->extra->view || t->extra->tangents_at == t->cell->version) return;
    const Tensor& base = tangent_root(t);
    if (base.is(t)) return;
    if (!(base->exceptional & kDual) && !(t->exceptional & kDual)) return;
    GradMode on(true);
    Small<Tangent, 1> all(base->extra ? base->extra->tangents : Small<Tangent, 1>());
    forget(t);
    t->extra->tangents_at = t->cell->version;
    for (const Tangent& x : all) set_tangent(t, x.level, Laid(x.value, base, t).part());
}

void write_tangents(const Tensor& t, const Tensor& result) {
    Small<Tangent, 1> fresh(result->extra ? result->extra->tangents : Small<Tangent, 1>());
    const Tensor& base = tangent_root(t);
    if (!base.is(t)) {
        Small<uint64_t, 2> levels;
        for (const Tangent& x : fresh) levels.push_back(x.level);
        if (base->extra)
            for (const Tangent& x : base->extra->tangents)
                if (!tangent_at(result, x.level)) levels.push_back(x.level);
        for (uint64_t level : levels) {
            Tensor whole = tangent_at(base, level), part = tangent_at(result, level);
            if (!whole) whole = ops::zeros(base.dtype(), base.shape());
            if (!part) part = ops::zeros(t.dtype(), t.shape());
            set_tangent(base, level, Laid(whole, base, t).with(part));
        }
    }
    forget(t);
    for (const Tangent& x : fresh) set_tangent(t, x.level, x.value);
    if (t->extra) t->extra->tangents_at = t->cell->version;
}

}  // namespace pb
