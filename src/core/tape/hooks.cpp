#include "tape/hooks.h"

#include "ops/operators.h"
#include "tensor/extra.h"

namespace pb {

NodeExtra::~NodeExtra() {
    for (auto& h : tensor_hooks) Py_XDECREF(h.hooks);
    for (auto& r : retained) Py_XDECREF(r.tensor);
    Py_XDECREF(pre_hooks);
    Py_XDECREF(post_hooks);
    Py_XDECREF(metadata);
    Py_XDECREF(trace);
}

void free_node_extra(NodeExtra* x) { delete x; }

NodeExtra& extra(Node& n) {
    if (!n.extra) n.extra = new NodeExtra;
    return *n.extra;
}

PyObject* new_ordered_dict() {
    static PyObject* type = nullptr;
    if (!type) {
        PyObject* module = PyImport_ImportModule("collections");
        if (!module) throw PythonError();
        type = PyObject_GetAttrString(module, "OrderedDict");
        Py_DECREF(module);
        if (!type) throw PythonError();
    }
    PyObject* d = PyObject_CallNoArgs(type);
    if (!d) throw PythonError();
    return d;
}

PyObject* tensor_hooks(const Tensor& t) {
    Node* n = current_grad_fn(t);
    if (!n) {
        TensorExtra& x = extra(t);
        if (!x.hooks) x.hooks = new_ordered_dict();
        return x.hooks;
    }
    NodeExtra& x = extra(*n);
    for (auto& h : x.tensor_hooks)
        if (h.nr == t->output_nr) return h.hooks;
    x.tensor_hooks.push_back({t->output_nr, new_ordered_dict()});
    return x.tensor_hooks.back().hooks;
}

void retain_grad(const Tensor& t) {
    if (!t.requires_grad()) fail("can't retain_grad on Tensor that has requires_grad=False");
    Node* n = current_grad_fn(t);
    if (!n || t->flags & kRetainsGrad) return;
    PyObject* ref = PyWeakref_NewRef(t.py(), nullptr);
    if (!ref) throw PythonError();
    extra(*n).retained.push_back({t->output_nr, ref});
    t->flags |= kRetainsGrad;
}

void move_retained(const Tensor& t, Node* from, uint32_t from_nr) {
    if (!from->extra) return;
    auto& list = from->extra->retained;
    for (size_t i = 0; i < list.size(); ++i) {
        if (list[i].nr != from_nr || PyWeakref_GetObject(list[i].tensor) != t.py()) continue;
        NodeExtra::Retained entry = list[i];
        list.erase(list.begin() + static_cast<long>(i));
        entry.nr = t->output_nr;
        extra(*t->grad_fn).retained.push_back(entry);
        return;
    }
}

void run_hook_dict(PyObject* hooks, Tensor& grad) {
    if (!hooks || PyDict_Size(hooks) == 0 || !grad) return;
    PyObject* values = PyMapping_Values(hooks);  // a copy: a hook may remove itself
    if (!values) throw PythonError();
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(values); ++i) {
        PyObject* r = PyObject_CallFunctionObjArgs(PyList_GET_ITEM(values, i), grad.py(), nullptr);
        if (!r) {
            Py_DECREF(values);
            throw PythonError();
        }
        if (r != Py_None) {
            if (!is_tensor(r)) {
                std::string type = Py_TYPE(r)->tp_name;
                Py_DECREF(r);
                Py_DECREF(values);
                fail_as(ErrorKind::Type, "expected Variable, but hook returned '%s'. A gradient hook returns a tensor, or None "
                        "to leave the gradient as it is.", type.c_str());
            }
            Tensor replaced(r);
            if (!replaced.layout().same_shape(grad.layout())) {
                std::string got = shape_text(replaced.layout()), want = shape_text(grad.layout());
                Py_DECREF(r);
                Py_DECREF(values);
                fail("hook '%s' has changed the size of value: the gradient has shape %s, the hook returned %s", "tensor hook",
                     want.c_str(), got.c_str());
            }
            grad = replaced;
        }
        Py_DECREF(r);
    }
    Py_DECREF(values);
}

void run_output_hooks(Node& n, Tensors& grads) {
    if (n.is_accumulate()) {
        Tensor leaf = accumulated_variable(&n);
        if (leaf->extra && leaf->extra->hooks) run_hook_dict(leaf->extra->hooks, grads[0]);
        return;
    }
    for (size_t i = 0; i < n.extra->tensor_hooks.size(); ++i) {
        auto h = n.extra->tensor_hooks[i];
        run_hook_dict(h.hooks, grads[h.nr]);
    }
    auto& list = n.extra->retained;
    for (size_t i = 0; i < list.size(); ++i) {
        PyObject* o = PyWeakref_GetObject(list[i].tensor);
        if (!o || o == Py_None || !grads[list[i].nr]) continue;
        Tensor t(o);
        const Tensor& g = grads[list[i].nr];
        Tensor kept;
        if (t->grad)
            kept = ops::add(Tensor(t->grad), g);
        else
            kept = modes.grad ? g : ops::detached_copy(g);
        PyObject* old = t->grad;
        t->grad = kept.release();
        Py_XDECREF(old);
    }
}

namespace {

PyObject* to_tuple(const Tensors& ts) {
    PyObject* tuple = PyTuple_New(static_cast<Py_ssize_t>(ts.size()));
    if (!tuple) throw PythonError();
    for (size_t i = 0; i < ts.size(); ++i) {
        PyObject* o = ts[i] ? ts[i].py() : Py_None;
        Py_INCREF(o);
        PyTuple_SET_ITEM(tuple, static_cast<Py_ssize_t>(i), o);
    }
    return tuple;
}

void from_result(PyObject* r, Tensors& ts) {
    if (r == Py_None) return;
    PyObject* seq = PyTuple_Check(r) ? (Py_INCREF(r), r) : PyTuple_Pack(1, r);
    if (!seq) throw PythonError();
    if (static_cast<size_t>(PyTuple_GET_SIZE(seq)) != ts.size()) {
        long got = static_cast<long>(PyTuple_GET_SIZE(seq));
        Py_DECREF(seq);
        fail("hook has returned an incorrect number of values (got %ld, but expected %zu)", got, ts.size());
    }
    for (size_t i = 0; i < ts.size(); ++i) {
        PyObject* o = PyTuple_GET_ITEM(seq, static_cast<Py_ssize_t>(i));
        if (o == Py_None) {
            ts[i] = Tensor();
        } else if (is_tensor(o)) {
            ts[i] = Tensor(o);
        } else {
            std::string type = Py_TYPE(o)->tp_name;
            Py_DECREF(seq);
            fail_as(ErrorKind::Type, "expected Tensor, but hook returned '%s'", type.c_str());
        }
    }
    Py_DECREF(seq);
}

void call_all(PyObject* hooks, PyObject* a, PyObject* b, Tensors& replace) {
    PyObject* values = PyMapping_Values(hooks);
    if (!values) throw PythonError();
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(values); ++i) {
        PyObject* r = PyObject_CallFunctionObjArgs(PyList_GET_ITEM(values, i), a, b, nullptr);
        if (!r) {
            Py_DECREF(values);
            throw PythonError();
        }
        try {
            from_result(r, replace);
        } catch (...) {
            Py_DECREF(r);
            Py_DECREF(values);
            throw;
        }
        Py_DECREF(r);
    }
    Py_DECREF(values);
}

struct Owned {
    explicit Owned(PyObject* o) : o(o) {}
    ~Owned() { Py_XDECREF(o); }
    PyObject* o;
};

}  // namespace

void run_pre_hooks(Node& n, Tensors& grads) {
    if (!n.extra->pre_hooks || PyDict_Size(n.extra->pre_hooks) == 0) return;
    Owned tuple(to_tuple(grads));
    call_all(n.extra->pre_hooks, tuple.o, nullptr, grads);
}

void run_post_hooks(Node& n, const Tensors& grads_in, Tensors& grads_out) {
    if (PyDict_Size(n.extra->post_hooks) == 0) return;
    // PyTorch's names: the gradients of the node's inputs come first.
    Owned outs(to_tuple(grads_out)), ins(to_tuple(grads_in));
    call_all(n.extra->post_hooks, outs.o, ins.o, grads_out);
}

}  // namespace pb
