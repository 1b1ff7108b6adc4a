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
    explicit AccumulateGrad(uint16_t edges, const Tensor& leaf) : Node(edges), variable(leaf) { set_output(leaf); }
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
        } else if (!modes.grad && Py_REFCNT(g.py()) == 1 && g->cell->is_unique() && g->cell->buffer->is_unique() &&
                   g.layout().same(variable.layout()) && !g.is_dual() && !g->grad_fn) {
            set_grad(g);  // nobody else sees it: keep it as it is
        } else if (modes.grad) {
            set_grad(ops::clone(g));
        } else {
            set_grad(ops::detached_copy(g));
        }
        if (leaf->extra && leaf->extra->post_hooks) {
            PyObject* values = PyMapping_Values(leaf->extra->post_hooks);
            if (!values) throw PythonError();
            for (Py_ssize_t i = 0; i < PyList_GET_SIZE(values); ++i) {
                PyObject* r = PyObject_CallFunctionObjArgs(PyList_GET_ITEM(values, i), variable.py(), nullptr);
                if (!r) {
                    Py_DECREF(values);
                    throw PythonError();
                }
                Py_DECREF(r);
            }
            Py_DECREF(values);
        }
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
