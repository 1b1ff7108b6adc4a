#include "tape/variables.h"

#include <set>
#include <unordered_set>
#include <utility>
#include <vector>

#include "tape/history.h"
#include "tape/operations.h"
#include "tape/tangents.h"

namespace pb {

namespace {

// Whether a walk from `root` that ends at `ends` meets somebody else's leaf or history. `seen` is not walked again.
bool meets_beyond(Node* root, const std::unordered_set<const Node*>& ends,
                  std::unordered_set<const Node*>& seen, bool closed) {
    std::vector<Node*> waiting;
    auto meet = [&](Node* n) {
        if (n && seen.insert(n).second) waiting.push_back(n);
    };
    meet(root);
    while (!waiting.empty()) {
        Node* n = waiting.back();
        waiting.pop_back();
        const bool end = ends.count(n);
        if (goes_beyond(*n, end) || (closed && !end && n->is_accumulate())) return true;
        for (uint16_t i = 0; i < n->edge_count() && !end; ++i) meet(n->edge(i).node);
    }
    return false;
}

bool leads_beyond(const Tensor& t, const GraphPoints& own, bool closed) {
    std::vector<Ref<Node>> kept;
    std::unordered_set<const Node*> ends, seen;
    for (const GraphPoint& p : own)
        if (Edge e = recorded_edge_of(p); e.node) {
            kept.push_back(Ref<Node>::steal(e.node));
            ends.insert(e.node);
        }
    Ref<Node> root = Ref<Node>::steal(gradient_edge(t).node);
    return meets_beyond(root.get(), ends, seen, closed);
}

}  // namespace

bool is_closed(Node& n) { return n.is_accumulate() && accumulated_variable(&n)->flags & kClosed; }

bool goes_beyond(Node& n, bool ends) {
    if (!ends) return n.is_accumulate() && !is_closed(n);
    for (uint16_t i = 0; i < n.edge_count(); ++i)
        if (n.edge(i).node) return true;
    return false;
}

bool leads_nowhere(Node& n, std::unordered_set<const Node*>& known) {
    return known.count(&n) || !meets_beyond(&n, {}, known, false);
}

Tensor variable(const Tensor& x, bool recording) {
    if (!is_differentiable(x.dtype()))
        fail(
            "only Tensors of floating point dtype can require gradients. An argument that is differentiated "
            "has "
            "the dtype {}: convert it, or leave it out of what is differentiated (argnums).",
            dtype_name(x.dtype()));
    if (recording && x.requires_grad()) {
        Tensor v = ops::view(x, x.shape());
        v->extra->view->origin = ViewOrigin::Argument;
        return v;
    }
    Tensor v = x.alias();
    if (highest_level(x))
        for (const Tangent& t : x->extra->tangents) set_tangent(v, t.level, t.value);
    v->flags |= kRequiresGrad;
    return v;
}

Tensor settled(const Tensor& t, const GraphPoints& own, bool closed) {
    if (!t.requires_grad() && !highest_level(t)) return t;
    if (t.requires_grad() && leads_beyond(t, own, closed)) return t;
    Tensor s = t.alias();
    s->flags |= t->flags & kInference;
    if (highest_level(t))
        for (const Tangent& x : Small<Tangent, 1>(t->extra->tangents))
            set_tangent(s, x.level, settled(x.value, own, closed));
    return s;
}

Tensors captures(const Tensors& outputs, const GraphPoints& own, uint64_t since) {
    Tensors found;
    std::unordered_set<const Node*> seen;  // within
    std::set<std::pair<const Node*, uint32_t>> met;
    std::vector<Ref<Node>> ends;
    std::vector<Node*> waiting;
    for (const GraphPoint& p : own)
        if (Edge e = recorded_edge_of(p); e.node) {
            ends.push_back(Ref<Node>::steal(e.node));
            seen.insert(e.node);
        }
    auto meet = [&](const Edge& e) {
        if (!e.node || seen.count(e.node)) return;
        const bool leaf = e.node->is_accumulate();
        if (!leaf && e.node->sequence() > since) {
            seen.insert(e.node);
            waiting.push_back(e.node);
        } else if (met.insert({e.node, e.nr}).second) {
            Tensor place = leaf ? accumulated_variable(e.node)
                                : ops::zeros(e.node->output(e.nr).dtype, Layout::contiguous({}));
            if (!leaf) set_history(place, e.node, e.nr);
            found.push_back(place);
        }
    };
    for (const Tensor& y : outputs) {
        Edge e = gradient_edge(y);
        Ref<Node> root = Ref<Node>::steal(e.node);
        meet(e);
        ends.push_back(std::move(root));
    }
    while (!waiting.empty()) {
        Node* n = waiting.back();
        waiting.pop_back();
        for (uint16_t i = 0; i < n->edge_count(); ++i) meet(n->edge(i));
    }
    return found;
}

}  // namespace pb
