#include "tape/saved.h"

#include <unordered_map>

#include "tape/tangents.h"
#include "tensor/write_site.h"

namespace pb {

namespace {
// Tangents of saved values, by the Saved's address.
std::unordered_map<const Saved*, Small<Tangent, 1>>& kept_tangents() {
    static auto* all = new std::unordered_map<const Saved*, Small<Tangent, 1>>;
    return *all;
}
}  // namespace

void Saved::save(const Tensor& t, Origin origin, uint8_t number) {
    if (t->flags & kInference && modes.grad)
        fail(
            "Inference tensors cannot be saved for backward. To work around you can make a clone to get a "
            "normal tensor and use it in autograd.");
    cell_ = Ref<Cell>(t->cell);
    layout_ = t.layout_ref();
    offset_ = t->offset;
    version_ = t->cell->version;
    dtype_ = t.dtype();
    origin_ = origin;
    number_ = number;
    if (t.is_dual()) keep_tangents(t);
}

void Saved::keep_tangents(const Tensor& t) {
    if (!t->extra || t->extra->tangents.empty()) return;
    kept_tangents()[this] = t->extra->tangents;
    has_tangents_ = 1;
}

void Saved::reset() {
    cell_ = nullptr;
    layout_ = nullptr;
    if (has_tangents_) {
        // Out of the table first: freeing a tangent may free other saved values.
        auto node = kept_tangents().extract(this);
        has_tangents_ = 0;
    }
    origin_ = kNothing;
}

void Saved::check(const Node& self) const {
    if (!cell_) fail_released(self);
    if (cell_->version == version_) return;
    std::string shape = shape_text(*layout_);
    std::string owner = origin_ == kOutput ? std::string(", which is output ") + std::to_string(number_) +
                                                 " of " + operation_name(self) + ","
                        : self.edge_count() > number_ && self.edge(number_).node && origin_ == kInput &&
                                !self.edge(number_).node->is_accumulate()
                            ? std::string(", which is output ") + std::to_string(self.edge(number_).nr) +
                                  " of " + operation_name(*self.edge(number_).node) + ","
                            : "";
    std::string writer = describe_write(*cell_);
    fail(
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        "[pullback.{}Tensor {}]{} is at version {}; expected version {} instead. {} saved it to compute its "
        "derivative, and it was overwritten{}{}. Write out of place there (y = x + 1 instead of x += 1), or "
        "give {} a clone().",
        dtype_legacy_name(dtype_), shape, owner, cell_->version, version_, self.name(),
        writer.empty() ? "" : " ", writer, self.name());
}

void fail_released(const Node& node) {
    fail(
        "Trying to backward through the graph a second time (or directly access saved tensors after they "
        "have already been freed). Saved intermediate values of the graph are freed when you call "
        ".backward() or autograd.grad(). Specify retain_graph=True if you need to backward through the graph "
        "a second time or if you need to access saved tensors after calling backward. It was {} whose saved "
        "values are gone: the call of backward() or grad() before this one freed them, and needs the "
        "retain_graph=True; or part of the graph was computed once, outside the loop, and is used in each "
        "round.",
        node.name());
}

Tensor Saved::unpack(Node& self) const {
    check(self);
    Edge e;
    if (origin_ == kInput) e = self.edge(number_);
    else if (origin_ == kOutput) e = {&self, number_};
    if (e.node && e.node->is_accumulate() && !has_tangents_) {
        Tensor leaf = accumulated_variable(e.node);
        if (leaf->cell == cell_.get() && leaf->layout == layout_.get() && leaf->offset == offset_ &&
            !leaf.is_dual())
            return leaf;
    }
    TensorObject* o = new_tensor_object();
    o->cell = Ref<Cell>(cell_).detach();
    o->layout = Ref<Layout>(layout_).detach();
    o->offset = offset_;
    o->dtype = dtype_;
    Tensor t = Tensor::steal(o);
    if (e.node && is_differentiable(dtype_)) set_history(t, e.node, e.nr);
    if (has_tangents_)
        for (const Tangent& tangent : kept_tangents()[this]) set_tangent(t, tangent.level, tangent.value);
    return t;
}

}  // namespace pb
