#include "ops/rule/apply.h"

#include <algorithm>
#include <cctype>

#include "ops/operators.h"
#include "tape/engine.h"

namespace pb {

Tensors conjugates(const Tensors& of) {
    Tensors all(of);
    for (Tensor& t : all)
        if (t) t = ops::conj(t);
    return all;
}

void fail_complex(const char* node, const Tensors& operands) {
    std::string name(node);
    if (!is_refusal(node)) {
        name.resize(std::min(name.find("Backward"), name.size()));
        for (char& c : name) c = static_cast<char>(std::tolower(c));
    }
    for (const Tensor& t : operands)
        if (t && is_complex(t.dtype())) fail_unsupported(name.c_str(), t.dtype());
    fail_unsupported(name.c_str(), DType::Complex128);
}

Tensors transpose_pullback(const Tensors& outputs, const Tensors& tangents, void* rule,
                           void (*pull)(void* rule, const Tensors& cotangents, Tensors& out)) {
    GradMode on(true);
    Tensors cotangents;
    for (const Tensor& y : outputs) {
        Tensor u = is_differentiable(y.dtype()) ? ops::zeros(y.dtype(), y.layout_ref()) : Tensor();
        if (u) u->flags |= kRequiresGrad;
        cotangents.push_back(u);
    }
    Tensors pulled(tangents.size());
    pull(rule, cotangents, pulled);
    Tensors from, weights, wanted;
    for (size_t i = 0; i < tangents.size(); ++i) {
        if (!tangents[i] || !pulled[i] || !pulled[i].requires_grad()) continue;
        Tensor p = pulled[i];
        if (!p.layout().same_shape(tangents[i].layout())) p = ops::sum_to(p, tangents[i].layout());
        from.push_back(p);
        weights.push_back(tangents[i]);
    }
    if (from.empty()) return Tensors(outputs.size());
    for (const Tensor& u : cotangents)
        if (u) wanted.push_back(u);
    BackwardOptions options;
    options.retain_graph = options.create_graph = options.allow_unused = true;
    options.accumulate = false;
    Tensors found = run_backward(as_points(from), weights, as_points(wanted), options);
    Tensors result(outputs.size());
    size_t at = 0;
    for (size_t j = 0; j < outputs.size(); ++j)
        if (cotangents[j]) result[j] = found[at++];
    return result;
}

void view_whole(const Tensor& view, const Tensor& whole) {
    if (!(view->flags & kIsView)) return;
    const Tensor& base = whole->flags & kIsView ? whole->extra->view->base : whole;
    view->extra->view->base = base;
    const Tensor& dual = tangent_root(whole);
    view->extra->view->dual = dual.is(base) ? Tensor() : dual;
}

PyObject* known_operand(Node& node, Saved* saved, int slots, const Layout* layout, size_t i) {
    for (int k = 0; k < slots; ++k)
        if (saved[k].origin() == Saved::kInput && saved[k].number() == i)
            return saved[k].unpack(node).release();
    return layout ? numbers(layout->dims()) : nullptr;
}

PyObject* describe(const Described& rule, const char* key) {
    const std::string_view name = key;
    if (name == "_linear") return PyBool_FromLong(rule.linear);
    if (name == "_dims") return numbers(rule.dims);
    if (name == "_flags") return numbers(rule.flags);
    return nullptr;
}

}  // namespace pb
