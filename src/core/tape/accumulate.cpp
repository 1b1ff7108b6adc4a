// AccumulateGrad: the node at the end of the tape, one for each leaf. It holds its leaf while an edge leads to it. When the
// last one goes, the node lies idle with the leaf: it holds nothing, and serves what is recorded next. So a leaf and its
// node never keep each other alive, and an operation on leaves makes no nodes for them.
//
// A leaf may change after it was used: its shape (`data`, t_() under no_grad), its dtype, whether it wants a gradient. The
// gradient that arrives is of what was recorded, and keeps its dtype; the shape has to be the leaf's but for dimensions of
// one element, and a leaf that was frozen accumulates nothing. What is recorded later gets a node of its own.
#include <algorithm>

#include "program/program.h"
#include "tape/hooks.h"
#include "tape/node.h"
#include "tape/operations.h"
#include "tensor/extra.h"
#include "tensor/mapped.h"

namespace pb {

namespace {

class AccumulateGrad : public Node {
  public:
    static AccumulateGrad* make(const Tensor& leaf) {
        return new (pool_alloc(sizeof(AccumulateGrad))) AccumulateGrad(leaf);
    }
    const char* name() const override { return "AccumulateGrad"; }
    bool is_accumulate() const override { return true; }
    bool is_noted() const override { return true; }

    void pull(Tensors& grads, Tensors&) override {
        Tensor g = std::move(grads[0]);
        if (!g) return;
        TensorObject* leaf = variable.get();
        if (leaf->extra && leaf->extra->grad_dtype) g = ops::to_dtype(g, *leaf->extra->grad_dtype);
        if (variable.requires_grad()) accumulate(g);
        if (leaf->extra && leaf->extra->post_hooks) run_post_accumulate_hooks(variable);
    }
    int traverse(visitproc visit, void* arg) override {
        Py_VISIT(variable.py());
        return 0;
    }
    bool is_idle() const { return !variable; }
    bool is_held() const { return variable && references(); }  // neither idle nor about to be
    void wake(const Tensor& leaf) {
        variable = leaf;
        renew();
    }
    void destroy() override {
        if (variable && variable->accumulator == this) {
            if (!extra && Py_REFCNT(variable.py()) > 1) {
                variable = Tensor();
                return;
            }
            variable->accumulator = nullptr;
        }
        this->~AccumulateGrad();
        pool_free(this, sizeof(AccumulateGrad));
    }
    bool is_of(const Tensor& leaf) {
        const OutputMeta& was = output(0);
        return was.dtype == leaf.dtype() &&
               (was.layout.get() == leaf->layout || was.layout->same_shape(leaf.layout()));
    }

    Tensor variable;

  private:
    explicit AccumulateGrad(const Tensor& leaf) : Node(0), variable(leaf) { set_output(leaf); }
    void accumulate(const Tensor& g) {
        TensorObject* leaf = variable.get();
        if (__builtin_expect(g.is_mapped() || variable.is_mapped(), 0)) return accumulate_mapped(g);
        const bool same_shape = g.layout().same_shape(variable.layout());
        if (!same_shape) check_shape(g.layout());
        if (leaf->grad) {
            Tensor old(leaf->grad);
            if (modes.grad) {
                set_grad(ops::add(old, g));  // somebody may differentiate what accumulates
            } else {
                ops::accumulate_into(old, g);  // in place, as PyTorch documents
            }
        } else if (!modes.grad && is_alone(g) && g->cell->buffer->holders() == 1 &&
                   !g->cell->buffer->is_shared() && g.layout().same(variable.layout()) &&
                   g.layout().is_dense() && !g.is_dual() && !g->grad_fn) {
            set_grad(g->flags & kIsView ? g.alias() : g);  // nobody else sees it: keep it as it is
        } else {
            // A copy laid out as the leaf is, row-major where the leaf has gaps; recorded if somebody may differentiate it.
            Ref<Layout> layout = same_shape && variable.layout().is_dense() ? variable.layout_ref()
                                                                            : Layout::contiguous(g.shape());
            Array copy = Array::empty(g.dtype(), layout);
            if (!modes.grad && !g.is_dual()) copy_array(g.array(), copy);
            Tensor kept = Tensor::make(copy);
            if (modes.grad || g.is_dual()) ops::copy_(kept, g);
            set_grad(kept);
        }
    }

    // Of a leaf inside of a vmap. What is the same for all entries of one that is open has no place for their gradients.
    __attribute__((noinline)) void accumulate_mapped(Tensor g) {
        g = ops::settle_axes(g, variable.layout());
        if (!g.layout().same_shape(variable.layout())) check_shape(g.layout());
        if (!axes_beyond(g.layout().axes(), variable.layout()).empty())
            fail(
                "backward() called inside a functorch transform. This is not supported, please use "
                "functorch.grad or functorch.vjp instead or call backward() outside of functorch transforms. "
                "The "
                "leaf is the same for all entries of a vmap, and its gradient differs from entry to entry: "
                "use "
                "pullback.func.grad or autograd.grad inside, or call backward() on the result.");
        if (variable->grad) g = ops::add(Tensor(variable->grad), g);
        else if (!modes.grad && !g.is_dual()) g = ops::detached_copy(g);
        set_grad(g);
    }

    // The leaf is not what was recorded any more: it may have gained or lost dimensions of one element, no more.
    void check_shape(const Layout& got) const {
        auto longer = [](const Layout& l) {
            Dims dims;
            for (int64_t d = 0; d < l.ndim(); ++d)
                if (l.size(d) != 1) dims.push_back(l.size(d));
            return dims;
        };
        const Layout& now = variable.layout();
        if (longer(got) == longer(now)) return;
        std::string first =
            "output with shape " + shape_text(now) + " doesn't match the broadcast shape " + shape_text(got);
        for (int64_t d = 1; d <= std::min(got.ndim(), now.ndim()); ++d) {
            int64_t a = now.size(now.ndim() - d), b = got.size(got.ndim() - d);
            if (a == b || a == 1 || b == 1) continue;
            first = "The size of tensor a (" + std::to_string(a) + ") must match the size of tensor b (" +
                    std::to_string(b) + ") at non-singleton dimension " +
                    std::to_string(std::max(got.ndim(), now.ndim()) - d);
            break;
        }
        fail(
            "{}. The gradient has shape {}, as the leaf had when it was used, and the leaf has shape {} now: "
            "it got other data or another geometry in between. Compute the result from the leaf as it is "
            "now, or change the leaf after backward().",
            first, shape_text(got), shape_text(now));
    }

    // Whether nobody else can see its elements. A view, the last step of many pullbacks, holds what it views.
    static bool is_alone(const Tensor& g) {
        if (Py_REFCNT(g.py()) != 1) return false;
        if (!(g->flags & kIsView)) return g->cell->is_unique();
        const Tensor& base = g->extra->view->base;
        return Py_REFCNT(base.py()) == 1 && base->cell == g->cell && g->cell->holders() == 2 &&
               !base->grad_fn;
    }

    void set_grad(const Tensor& g) {
        PyObject* old = variable->grad;
        Py_INCREF(g.py());
        variable->grad = g.py();
        Py_XDECREF(old);
    }
};

}  // namespace

Node* accumulator(const Tensor& leaf) {
    if (auto* known = static_cast<AccumulateGrad*>(leaf->accumulator)) {
        const bool serves = known->is_of(leaf);
        if (!known->is_idle()) {
            if (serves && known->is_held()) return known->retain(), known;
        } else if (serves && !modes.watched) {
            known->wake(leaf);
            return known;
        } else {
            free_idle(known);
        }
    }
    return leaf->accumulator = AccumulateGrad::make(leaf);
}

Node* recorded_accumulator(const Tensor& leaf) {
    auto* known = static_cast<AccumulateGrad*>(leaf->accumulator);
    return known && known->is_held() ? known : nullptr;
}

void free_idle(Node* accumulate) { static_cast<AccumulateGrad*>(accumulate)->destroy(); }

Tensor accumulated_variable(Node* n) { return static_cast<AccumulateGrad*>(n)->variable; }

}  // namespace pb
