#include "tensor/tensor.h"

#include <algorithm>
#include <vector>

#include "tape/node.h"
#include "tensor/extra.h"

namespace pb {

thread_local Modes modes __attribute__((tls_model("initial-exec")));
PyTypeObject* tensor_type = nullptr;
PyTypeObject* parameter_type = nullptr;

Tensor Tensor::make(const Array& a) {
    TensorObject* o = new_tensor_object();
    o->cell = Cell::make(a.buffer).detach();
    o->layout = Ref<Layout>(a.layout).detach();
    o->offset = a.offset;
    o->dtype = a.dtype;
    if (modes.inference) o->flags |= kInference;
    return steal(o);
}

Tensor Tensor::make(DType dtype, Ref<Layout> layout) { return make(Array::empty(dtype, std::move(layout))); }

Tensor Tensor::alias(Ref<Layout> layout, int64_t offset) const {
    TensorObject* o = new_tensor_object();
    o_->cell->retain();
    o->cell = o_->cell;
    o->layout = layout.detach();
    o->offset = offset;
    o->dtype = o_->dtype;
    return steal(o);
}

TensorExtra& extra(const Tensor& t) {
    if (!t->extra) t->extra = new TensorExtra;
    return *t->extra;
}

Tensor tangent_at(const Tensor& t, uint64_t level) {
    refresh_tangents(t);
    if (t->extra)
        for (const Tangent& x : t->extra->tangents)
            if (x.level == level) return x.value;
    return Tensor();
}

void set_tangent(const Tensor& t, uint64_t level, Tensor tangent) {
    auto& list = extra(t).tangents;
    t->extra->tangents_at = t->cell->version;
    t->exceptional |= kDual;
    for (size_t i = 0; i < list.size(); ++i) {
        if (list[i].level == level) {
            list[i].value = std::move(tangent);
            return;
        }
        if (list[i].level > level) {
            list.insert(i, {level, std::move(tangent)});
            return;
        }
    }
    list.push_back({level, std::move(tangent)});
}

static std::vector<uint64_t> open_levels;
void open_level(uint64_t level) { open_levels.push_back(level); }
void close_level(uint64_t level) {
    open_levels.erase(std::remove(open_levels.begin(), open_levels.end(), level), open_levels.end());
}

uint64_t highest_level(const Tensor& t) {
    if (!t.is_dual()) return 0;
    refresh_tangents(t);
    if (!t->extra) return 0;
    auto& list = t->extra->tangents;
    while (!list.empty()) {
        uint64_t level = list.back().level;
        if (level < kManaged || std::find(open_levels.begin(), open_levels.end(), level) != open_levels.end())
            return level;
        Tensor closed = std::move(list.back().value);
        list.pop_back();
    }
    t->exceptional &= static_cast<uint8_t>(~kDual);
    return 0;
}

Tensor strip_level(const Tensor& t, uint64_t level) {
    if (!t.is_dual() || !tangent_at(t, level)) return t;
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
        if (x.level != level) set_tangent(s, x.level, x.value);
    return s;
}

}  // namespace pb
