// The ties between tensors and nodes: gradient edges, views whose base was written, in-place operations.
//
// Writing in place through a view changes its base, so the base's history must contain the write: the base's
// new node (CopySlices) takes the old gradient, lets the operation's node pull back the part that the view
// covers, and passes on the rest. The view itself, and every other view of that base, has a stale `grad_fn` from
// then on: they compare the cell's version with the one they were right at, and make a new node (AsStrided over
// the base) when somebody asks.
#include "tape/history.h"

#include <cstring>

#include "program/program.h"
#include "tape/hooks.h"
#include "tape/operations.h"
#include "tape/saved.h"
#include "tensor/extra.h"

namespace pb {

namespace {

// Writing through this view, or under it, would bypass what its origin promises.
[[noreturn]] void fail_view(const Tensor& t, bool indirect) {
    const char* what = indirect ? "its base or another view of its base has been modified inplace"
                                : "is being modified inplace";
    std::string view = t->grad_fn ? "Output " + std::to_string(t->output_nr) + " of " +
                                        operation_name(*t->grad_fn) + " is a view"
                                  : "A view";
    switch (t->extra->view->origin) {
        case ViewOrigin::NoGrad:
            if (t->grad_fn)
                fail(
                    "{} of a view which was created in no_grad mode and {} with grad mode enabled. Given "
                    "that this use case is ambiguous and error-prone, it is forbidden. Make the first view "
                    "outside of the no_grad block.",
                    view, what);
            fail(
                "A view was created in no_grad mode and {} with grad mode enabled. Given that this use case "
                "is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the "
                "view and the inplace either both inside the no_grad block (if you don't want the inplace to "
                "be tracked) or both outside (if you want the inplace to be tracked).",
                what);
        case ViewOrigin::MultiOutput:
            fail(
                "{} and {}. This view is the output of a function that returns multiple views. Such "
                "functions do not allow the output views to be modified inplace. You should replace the "
                "inplace operation by an out-of-place one.",
                view, what);
        case ViewOrigin::Argument:
            fail(
                "a leaf Variable that requires grad is being used in an in-place operation. It is an "
                "argument of "
                "a function that is being differentiated by it: work on a clone() of it.");
        default:
            fail(
                "{} and {}. This view was created inside a custom Function (or because an input was returned "
                "as-is) and the autograd logic to handle view+inplace would override the custom backward "
                "associated with the custom Function, leading to incorrect gradients. This behavior is "
                "forbidden. You can fix this by cloning the output of the custom Function.",
                view, what);
    }
}

// What is seen of memory as another type has no geometry over the base.
void check_alike(const Tensor& t, const Tensor& base) {
    if (t.dtype() != base.dtype())
        fail(
            "a view of {} numbers as {} ones cannot be differentiated once their memory has been written in "
            "place. "
            "Make the parts first, and the complex numbers of them: pullback.complex(real, imag).",
            dtype_name(base.dtype()), dtype_name(t.dtype()));
}

}  // namespace

std::string operation_name(const Node& node) {
    std::string name = shown_name(node);
    size_t end = name.find_last_not_of("0123456789");
    if (end != std::string::npos && end >= 8 && name.compare(end - 7, 8, "Backward") == 0)
        name.resize(end - 7);
    return name;
}

Node* current_grad_fn(const Tensor& t) {
    if (!(t->flags & kIsView)) return t->grad_fn;
    ViewInfo& view = *t->extra->view;
    if (view.version == t->cell->version || !view.base.requires_grad()) return t->grad_fn;
    if (view.origin != ViewOrigin::Default && view.origin != ViewOrigin::MultiOutput) fail_view(t, true);
    check_alike(t, view.base);
    Node* node = ops::as_strided_node(view.base, t.layout_ref(), t->offset);
    node->set_output(t);
    Ref<Node> old(t->grad_fn);
    uint32_t nr = t->output_nr;
    set_history(t, node);
    node->release();
    if (old && t->flags & kRetainsGrad) move_retained(t, old.get(), nr);
    view.version = t->cell->version;
    return t->grad_fn;
}

Edge gradient_edge_apart(const Tensor& t) {
    if (Node* n = current_grad_fn(t)) {
        n->retain();
        return {n, t->output_nr};
    }
    if (t->flags & kRequiresGrad) return {accumulator(t), 0};
    return {};
}

void check_no_overlap(const Tensor& t) {
    if (t.layout().overlaps_itself())
        fail(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory "
            "location. Please clone() the tensor before performing the operation.");
}

void check_inplace(const Tensor& t, bool recorded) {
    if (t->flags & kInference && !modes.inference)
        fail(
            "Inplace update to inference tensor outside InferenceMode is not allowed. You can make a clone "
            "to get a normal tensor before doing inplace update.");
    if (!t->cell->buffer->is_writable())
        fail(
            "The tensor shares memory with a read-only array, so it cannot be written in place. Make a "
            "clone() first.");
    if (!modes.grad) return;
    if (t->flags & kIsView) {
        ViewInfo& view = *t->extra->view;
        bool differentiated = recorded || view.base.requires_grad() || t.requires_grad();
        if (view.origin != ViewOrigin::Default && differentiated) fail_view(t, false);
        if (differentiated) check_alike(t, view.base);
        if (t.requires_grad() && view.base.is_leaf())
            fail(
                "a view of a leaf Variable that requires grad is being used in an in-place operation. The "
                "leaf is what backward() fills the gradient of, so its value must not be part of the "
                "computation that it starts: write under pullback.no_grad(), or work on a clone().");
    }
    if (t->flags & kRequiresGrad && !t->grad_fn)
        fail(
            "a leaf Variable that requires grad is being used in an in-place operation. The leaf is what "
            "backward() fills the gradient of, so its value must not be part of the computation that it "
            "starts: write under pullback.no_grad() (as an optimiser does), or work on a clone().");
}

namespace {

// The node of a base that was written through a view.
class CopySlices : public Node {
  public:
    CopySlices(uint16_t edges, const Tensor& base, const Tensor& view, Ref<Node> fn)
        : Node(edges),
          base_layout_(base.layout_ref()),
          view_layout_(view.layout_ref()),
          view_offset_(view->offset - base->offset),
          fn_(std::move(fn)) {}
    const char* name() const override { return "CopySlices"; }

    void pull(Tensors& grads, Tensors& out) override {
        if (!grads[0]) return;
        if (!fn_) fail_released(*this);
        if (pull_over(grads[0], out)) return;
        // A gradient laid out as the base is, so that the view's geometry applies.
        Tensor whole = ops::as_layout(grads[0], base_layout_);
        Tensor part = ops::as_strided_of(whole, base_layout_, view_layout_, view_offset_);
        Tensors in(1), pulled(fn_->edge_count());
        in[0] = part;
        fn_->pull(in, pulled);
        Tensor inside = pulled.size() ? std::move(pulled[0]) : Tensor();
        if (wants(0)) {
            if (!inside) inside = ops::zeros(part.dtype(), part.layout_ref());
            out[0] = ops::as_strided_scatter(whole, base_layout_, ops::sum_to(inside, *view_layout_),
                                             view_layout_, whole->offset + view_offset_);
        }
        for (size_t i = 1; i < edge_count(); ++i) out[i] = std::move(pulled[i]);
    }
    // A loop of `x[i] = ...` is a chain of these, and the gradient of the base goes through all of them: where nobody
    // else sees it, the part is replaced in it, so that each costs what it writes and not what the base holds.
    bool pull_over(Tensor& g, Tensors& out) {
        if (modes.grad || g.is_dual() || !base_layout_->is_dense()) return false;
        if (g.is_mapped() || base_layout_->is_mapped() || view_layout_->is_mapped()) return false;
        int64_t low, high;
        view_layout_->extent(&low, &high);
        if (low + view_offset_ < 0 || high + view_offset_ > base_layout_->numel()) return false;
        Tensor whole = std::move(g);
        if (!is_owned(whole) || !whole.layout().same(*base_layout_))
            whole = ops::as_layout(whole, base_layout_);
        before_write(whole.array());
        Array part = whole.array().view(view_layout_, whole->offset + view_offset_);
        Tensors in(1), pulled(fn_->edge_count());
        in[0] = Tensor::make(Array::empty(part.dtype, part.layout->dims()));
        copy_array(part, in[0].array());
        fn_->pull(in, pulled);
        for (size_t i = 1; i < edge_count(); ++i) out[i] = std::move(pulled[i]);
        if (!wants(0)) return true;
        Tensor inside = pulled.size() ? std::move(pulled[0]) : Tensor();
        if (inside && (inside.is_dual() || inside.is_mapped())) {  // as what was saved
            out[0] = ops::as_strided_scatter(whole, base_layout_, ops::sum_to(inside, *view_layout_),
                                             view_layout_, whole->offset + view_offset_);
            return true;
        }
        if (inside) copy_array(ops::sum_to(inside, *view_layout_).array(), part);
        else fill_array(part, Scalar(0));
        out[0] = std::move(whole);
        return true;
    }
    // What `fn` saved goes with it. A gradient of a gradient may lead to `fn` itself, through an output that it saved: then
    // it is a node of this run like others, older than this one, and its turn is still to come.
    void release_saved() override { fn_ = nullptr; }
    bool was_released() const override { return !fn_; }
    Node* written() override { return fn_.get(); }
    // `_part`: where the view begins in a base that lies row by row, in elements, its shape and its strides; else None.
    PyObject* attribute(const char* key) override {
        if (std::strcmp(key, "_part") != 0) return nullptr;
        const Layout& view = *view_layout_;
        if (!base_layout_->is_contiguous() || base_layout_->is_mapped() || view.is_mapped()) Py_RETURN_NONE;
        return Py_BuildValue("(LNN)", static_cast<long long>(view_offset_), numbers(view.dims()),
                             numbers(view.stride_dims()));
    }

  private:
    Ref<Layout> base_layout_, view_layout_;
    int64_t view_offset_;
    Ref<Node> fn_;
};

}  // namespace

void rebase_history(const Tensor& t, Node* node) {
    if (!(t->flags & kIsView)) {
        Node* old = t->grad_fn;
        if (old) old->retain();
        uint32_t nr = t->output_nr;
        set_history(t, node, 0);
        if (t->flags & kRetainsGrad && old) move_retained(t, old, nr);
        if (old) old->release();
        return;
    }
    ViewInfo& view = *t->extra->view;
    const Tensor& base = view.base;
    Node* copy =
        Placed<CopySlices>::make(node->edge_count() ? node->edge_count() : 1, base, t, Ref<Node>(node));
    copy->take_edge(0, gradient_edge(base));
    for (uint16_t i = 1; i < node->edge_count(); ++i) {
        Edge e = node->edge(i);
        if (e.node) e.node->retain();
        copy->take_edge(i, e);
    }
    copy->set_output(base);
    Ref<Node> old(base->grad_fn);
    uint32_t nr = base->output_nr;
    set_history(base, copy, 0);
    copy->release();
    if (old && base->flags & kRetainsGrad && base->grad_fn == copy) move_retained(base, old.get(), nr);
    if (base->grad_fn != copy) return;
    view.version = t->cell->version - 1;  // stale: the next look makes a node over the base
    if (!t->grad_fn) set_history(t, copy, 0);
    current_grad_fn(t);
}

void mark_view(const Tensor& view, const Tensor& base, ViewOrigin origin) {
    const Tensor& root = base->flags & kIsView ? base->extra->view->base : base;
    if (base->flags & kIsView && base->extra->view->origin != ViewOrigin::Default &&
        origin == ViewOrigin::Default)
        origin = base->extra->view->origin;
    TensorExtra& x = extra(view);
    x.view.reset(new ViewInfo{root, view->cell->version, origin});
    if (const Tensor& dual = tangent_root(base); !dual.is(root)) x.view->dual = dual;
    view->flags |= kIsView;
    x.tangents_at = view->cell->version;
}

}  // namespace pb
