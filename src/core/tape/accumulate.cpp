// AccumulateGrad: the node at the end of the tape, one for each leaf. It holds its leaf; the leaf knows it
// weakly, so that a leaf and its node never keep each other alive.
#include "ops/operators.h"
#include "tape/hooks.h"
#include "tape/node.h"
#include "tensor/extra.h"

namespace pb {

namespace {

class AccumulateGrad : public Node {
  public:
    explicit AccumulateGrad(uint16_t edges, const Tensor& leaf) : Node(edges), variable(leaf) {
        set_output(leaf);
    }
    const char* name() const override { return "AccumulateGrad"; }
    bool is_accumulate() const override { return true; }

    void pull(Tensors& grads, Tensors&) override {
        Tensor g = std::move(grads[0]);
        if (!g) return;
        TensorObject* leaf = variable.get();
        if (leaf->grad) {
            Tensor old(leaf->grad);
            if (modes.grad) {
                set_grad(ops::add(old, g));  // somebody may differentiate what accumulates
            } else {
                ops::accumulate_into(old, g);  // in place, as PyTorch documents
            }
        } else if (!modes.grad && is_alone(g) && g->cell->buffer->holders() == 1 &&
                   g.layout().same(variable.layout()) && !g.is_dual() && !g->grad_fn) {
            set_grad(g->flags & kIsView ? g.alias() : g);  // nobody else sees it: keep it as it is
        } else {
            // A copy laid out as the leaf is, row-major where the leaf has gaps; recorded if somebody may differentiate it.
            Ref<Layout> layout =
                variable.layout().is_dense() ? variable.layout_ref() : Layout::contiguous(variable.shape());
            Array copy = Array::empty(g.dtype(), layout);
            if (!modes.grad && !g.is_dual()) copy_array(g.array(), copy);
            Tensor kept = Tensor::make(copy);
            if (modes.grad || g.is_dual()) ops::copy_(kept, g);
            set_grad(kept);
        }
        if (leaf->extra && leaf->extra->post_hooks) run_post_accumulate_hooks(variable);
    }
    int traverse(visitproc visit, void* arg) override {
        Py_VISIT(variable.py());
        return 0;
    }
    ~AccumulateGrad() override {
        if (variable->accumulator == this) variable->accumulator = nullptr;
    }

    Tensor variable;

  private:
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
    if (leaf->accumulator) {
        leaf->accumulator->retain();
        return leaf->accumulator;
    }
    return leaf->accumulator = Placed<AccumulateGrad>::make(0, leaf);
}

Tensor accumulated_variable(Node* n) { return static_cast<AccumulateGrad*>(n)->variable; }

}  // namespace pb
