// Tangents of forward mode, of views, and of what is written in place.
//
// The tangent of a base is the truth; a view's is the part of it that the view shows. After a write through any of
// them the base gets a new tangent (tangents are values, never written: other tensors may share one), and every view
// is stale: like `grad_fn`, its tangents are derived anew on the next look, when the cell's version has moved on.
#include "tape/tangents.h"

#include <algorithm>
#include <vector>

#include "tape/node.h"
#include "tape/operations.h"

namespace pb {

namespace {

// A tangent as if it lay in memory as the base does, and the part of it that the view covers.
struct Laid {
    Laid(const Tensor& tangent, const Tensor& base, const Tensor& view)
        : whole(ops::as_layout(tangent, base.layout_ref())),
          geometry(base.layout_ref()),
          layout(view.layout_ref()),
          offset(whole->offset + view->offset - base->offset) {}
    Tensor part() const { return ops::as_strided(whole, geometry, layout, offset); }
    Tensor with(const Tensor& part) const {
        return ops::as_strided_scatter(whole, geometry, part, layout, offset);
    }
    Tensor whole;
    Ref<Layout> geometry, layout;
    int64_t offset;
};

void forget(const Tensor& t) {
    if (t->extra) t->extra->tangents.clear();
    t->exceptional &= static_cast<uint8_t>(~kDual);
}

struct OpenLevel {
    uint64_t level;
    int order;
};
std::vector<OpenLevel> open_levels;

OpenLevel* find_open(uint64_t level) {
    for (OpenLevel& open : open_levels)
        if (open.level == level) return &open;
    return nullptr;
}

// Derives the tangents of a view anew after a write elsewhere.
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

}  // namespace

Tensor tangent_at(const Tensor& t, uint64_t key) {
    refresh_tangents(t);
    if (!t->extra) return Tensor();
    const auto& all = t->extra->tangents;
    const Tangent* found = std::lower_bound(all.begin(), all.end(), key,
                                            [](const Tangent& x, uint64_t k) { return x.level < k; });
    return found != all.end() && found->level == key ? found->value : Tensor();
}

void set_tangent(const Tensor& t, uint64_t key, Tensor tangent) {
    auto& list = extra(t).tangents;
    t->extra->tangents_at = t->cell->version;
    t->exceptional |= kDual;
    if (list.empty() || list.back().level < key) {
        list.push_back({key, std::move(tangent)});
        return;
    }
    for (size_t i = 0; i < list.size(); ++i) {
        if (list[i].level == key) {
            list[i].value = std::move(tangent);
            return;
        }
        if (list[i].level > key) {
            list.insert(i, {key, std::move(tangent)});
            return;
        }
    }
}

void open_level(uint64_t level, int order) { open_levels.push_back({level, order}); }
void close_level(uint64_t level) {
    std::erase_if(open_levels, [=](const OpenLevel& open) { return open.level == level; });
}
int series_order(uint64_t level) {
    const OpenLevel* open = find_open(level);
    return open ? open->order : 0;
}
void set_series_order(uint64_t level, int order) {
    if (OpenLevel* open = find_open(level)) open->order = order;
}

uint64_t highest_level(const Tensor& t) {
    if (!t.is_dual()) return 0;
    refresh_tangents(t);
    if (!t->extra) return 0;
    auto& list = t->extra->tangents;
    while (!list.empty()) {
        uint64_t level = level_of(list.back().level);
        if (level < kManaged || find_open(level)) return level;
        Tensor closed = std::move(list.back().value);
        list.pop_back();
    }
    t->exceptional &= static_cast<uint8_t>(~kDual);
    return 0;
}

Tensor strip_level(const Tensor& t, uint64_t level) {
    if (!t.is_dual()) return t;
    refresh_tangents(t);
    const auto& all = t->extra->tangents;
    if (std::none_of(all.begin(), all.end(), [=](const Tangent& x) { return level_of(x.level) == level; }))
        return t;
    Tensor s = t.alias();
    if (Edge e = gradient_edge(t); e.node) {
        set_history(s, e.node, e.nr);
        e.node->release();
    }
    if (t->flags & kIsView) {
        const ViewInfo& v = *t->extra->view;
        extra(s).view =
            std::make_unique<ViewInfo>(ViewInfo{v.base, v.version, v.origin, v.dual, v.is_dual_root});
        s->flags |= kIsView;
        s->extra->tangents_at = s->cell->version;
    }
    s->flags |= t->flags & kInference;
    for (const Tangent& x : t->extra->tangents)
        if (level_of(x.level) != level) set_tangent(s, x.level, x.value);
    return s;
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
            if (!whole) whole = ops::zeros(base.dtype(), Layout::contiguous(base.shape()));
            if (!part) part = ops::zeros(t.dtype(), Layout::contiguous(t.shape()));
            set_tangent(base, level, Laid(whole, base, t).with(part));
        }
    }
    forget(t);
    for (const Tangent& x : fresh) set_tangent(t, x.level, x.value);
    if (t->extra) t->extra->tangents_at = t->cell->version;
}

}  // namespace pb
