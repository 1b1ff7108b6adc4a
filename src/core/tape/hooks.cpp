#include "tape/hooks.h"

#include <algorithm>
#include <cstring>

#include "array/visit.h"
#include "program/program.h"
#include "tape/operations.h"
#include "tensor/extra.h"
#include "tensor/mapped.h"

namespace pb {

NodeExtra::~NodeExtra() {
    for (auto& h : tensor_hooks) Py_XDECREF(h.hooks);
    for (auto& r : retained) Py_XDECREF(r.tensor);
    Py_XDECREF(pre_hooks);
    Py_XDECREF(post_hooks);
    Py_XDECREF(metadata);
}

void free_node_extra(NodeExtra* x) { delete x; }

NodeExtra& extra(Node& n) {
    if (!n.extra) n.extra = new NodeExtra;
    return *n.extra;
}

const char* shown_name(const Node& n) { return n.extra && n.extra->ends ? n.extra->ends : n.name(); }

void name_last_step(const Tensor& t, const char* name, uint64_t since) {
    Node* n = t->grad_fn;
    if (!n || n->sequence() <= since || n->is_accumulate()) return;
    if (std::strcmp(n->name(), name)) extra(*n).ends = name;
    else if (n->extra) n->extra->ends = nullptr;
}

const char* lasting_name(PyObject* text) {
    Py_INCREF(text);  // once and for all
    PyUnicode_InternInPlace(&text);
    return PyUnicode_AsUTF8(text);
}

bool has_hooks(const Node& n) {
    if (!n.extra) return false;
    const NodeExtra& x = *n.extra;
    return !x.tensor_hooks.empty() || !x.retained.empty() || x.pre_hooks || x.post_hooks;
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

// The tensor whose gradient is kept, if it still lives.
static Tensor living(const NodeExtra::Retained& kept) {
#if PY_VERSION_HEX >= 0x030D0000
    PyObject* o = nullptr;
    if (PyWeakref_GetRef(kept.tensor, &o) < 0) throw PythonError();
    return o ? Tensor::steal(as_tensor(o)) : Tensor();
#else
    PyObject* o = PyWeakref_GetObject(kept.tensor);
    return o && o != Py_None ? Tensor(o) : Tensor();
#endif
}

void move_retained(const Tensor& t, Node* from, uint32_t from_nr) {
    if (!from->extra) return;
    auto& list = from->extra->retained;
    for (size_t i = 0; i < list.size(); ++i) {
        if (list[i].nr != from_nr || living(list[i]).py() != t.py()) continue;
        NodeExtra::Retained entry = list[i];
        list.erase(list.begin() + static_cast<long>(i));
        entry.nr = t->output_nr;
        extra(*t->grad_fn).retained.push_back(entry);
        return;
    }
}

namespace {

struct Owned {
    explicit Owned(PyObject* o) : o(o) {
        if (!o) throw PythonError();
    }
    Owned(const Owned&) = delete;
    ~Owned() { Py_DECREF(o); }
    PyObject* o;
};

std::string name_of(PyObject* hook) {
    PyObject* name = PyObject_GetAttrString(hook, "__name__");
    const char* text = name && PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : nullptr;
    std::string result = text ? text : "<unknown>";
    PyErr_Clear();
    Py_XDECREF(name);
    return result;
}

const char* type_name(PyObject* o) {
    const char* name = Py_TYPE(o)->tp_name;
    const char* dot = std::strrchr(name, '.');
    return dot ? dot + 1 : name;
}

// What a hook returned instead of `grad`: None leaves it, a tensor of its shape and dtype replaces it.
void replace(Tensor& grad, PyObject* returned, PyObject* hook) {
    if (returned == Py_None) return;
    if (!grad)
        fail(
            "can't replace a None gradient with a non-None value. The gradient is None because nothing "
            "depends on this value; hook '{}' should return None then.",
            name_of(hook));
    if (!is_tensor(returned))
        fail_as(ErrorKind::Type,
                "expected Variable, but hook returned '{}'. A gradient hook returns a tensor, or None to "
                "leave the gradient as it is.",
                type_name(returned));
    Tensor t(returned);
    if (t.dtype() != grad.dtype())
        fail("hook '{}' has changed the type of value (was pullback.{}Tensor got pullback.{}Tensor)",
             name_of(hook), dtype_legacy_name(grad.dtype()), dtype_legacy_name(t.dtype()));
    if (!t.layout().same_shape(grad.layout()))
        fail("hook '{}' has changed the size of value. The gradient has shape {}, the hook returned {}.",
             name_of(hook), shape_text(grad.layout()), shape_text(t.layout()));
    grad = t;
}

}  // namespace

void run_hook_dict(PyObject* hooks, Tensor& grad) {
    if (!hooks || PyDict_Size(hooks) == 0) return;
    Owned values(PyMapping_Values(hooks));  // a copy: a hook may remove itself
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(values.o); ++i) {
        PyObject* hook = PyList_GET_ITEM(values.o, i);
        Owned returned(PyObject_CallFunctionObjArgs(hook, grad ? grad.py() : Py_None, nullptr));
        replace(grad, returned.o, hook);
    }
}

void run_post_accumulate_hooks(const Tensor& leaf) {
    Owned values(PyMapping_Values(leaf->extra->post_hooks));
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(values.o); ++i) {
        Owned returned(PyObject_CallFunctionObjArgs(PyList_GET_ITEM(values.o, i), leaf.py(), nullptr));
        if (is_tensor(returned.o))
            fail(
                "Tensor post accumulate grad hooks should return None. They may change the tensor and its "
                ".grad "
                "in place.");
        if (returned.o != Py_None)
            fail_as(ErrorKind::Type,
                    "expected Variable, but hook returned '{}'. A hook that runs after the gradient was "
                    "accumulated returns None: it may change the tensor and its .grad in place.",
                    type_name(returned.o));
    }
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
        const Tensor t = living(list[i]);
        if (!t || !grads[list[i].nr]) continue;
        const Tensor& g = grads[list[i].nr];
        Tensor kept;
        if (t->grad) kept = ops::add(Tensor(t->grad), g);
        else kept = modes.grad ? g : ops::detached_copy(g);
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

// Calls every hook on two tuples (or one) of gradients; `grads` are those that a returned tuple replaces.
void call_all(PyObject* hooks, const Tensors& grads_first, const Tensors* second, Tensors& grads) {
    Owned values(PyMapping_Values(hooks));
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(values.o); ++i) {
        PyObject* hook = PyList_GET_ITEM(values.o, i);
        Owned a(to_tuple(grads_first)), b(second ? to_tuple(*second) : PyTuple_New(0));
        Owned returned(PyObject_CallFunctionObjArgs(hook, a.o, second ? b.o : nullptr, nullptr));
        if (returned.o == Py_None) continue;
        if (!PyTuple_Check(returned.o))
            fail_as(ErrorKind::Type,
                    "expected tuple, but hook returned '{}'. The hook of a node returns one gradient for "
                    "each that it was given, or None to leave them.",
                    type_name(returned.o));
        if (static_cast<size_t>(PyTuple_GET_SIZE(returned.o)) != grads.size())
            fail("hook '{}' has returned an incorrect number of values (got {}, but expected {})",
                 name_of(hook), PyTuple_GET_SIZE(returned.o), grads.size());
        for (size_t k = 0; k < grads.size(); ++k) {
            PyObject* given = PyTuple_GET_ITEM(returned.o, static_cast<Py_ssize_t>(k));
            if (given == Py_None) grads[k] = Tensor();  // here it means that there is no gradient
            else replace(grads[k], given, hook);
        }
    }
}

}  // namespace

void run_pre_hooks(Node& n, Tensors& grads) {
    PyObject* hooks = n.extra->pre_hooks;
    if (hooks && PyDict_Size(hooks)) call_all(hooks, grads, nullptr, grads);
}

void run_post_hooks(Node& n, const Tensors& grads_in, Tensors& grads_out) {
    // PyTorch's order of arguments: the gradients of the node's inputs, which a hook may replace, come first.
    if (PyDict_Size(n.extra->post_hooks)) call_all(n.extra->post_hooks, grads_out, &grads_in, grads_out);
}

// ---- anomaly mode ----

void keep_trace(Node& n) {
    PyObject *type, *value, *back;
    PyErr_Fetch(&type, &value, &back);
    PyObject* module = PyImport_ImportModule("traceback");
    PyObject* lines = module ? PyObject_CallMethod(module, "format_stack", nullptr) : nullptr;
    NodeExtra& x = extra(n);
    if (lines && !x.metadata) x.metadata = PyDict_New();
    if (lines && x.metadata) PyDict_SetItemString(x.metadata, "traceback_", lines);
    Py_XDECREF(module);
    Py_XDECREF(lines);
    PyErr_Restore(type, value, back);
}

void warn_of_anomaly(Node& n) {
    PyObject *type, *value, *back;
    PyErr_Fetch(&type, &value, &back);
    PyObject* lines =
        n.extra && n.extra->metadata ? PyDict_GetItemString(n.extra->metadata, "traceback_") : nullptr;
    PyObject* empty = PyUnicode_FromString("");
    PyObject* text = lines && empty ? PyUnicode_Join(empty, lines) : nullptr;
    int raised =
        text ? PyErr_WarnFormat(PyExc_UserWarning, 1,
                                "Error detected in %s. Traceback of forward call that caused the error:\n%U",
                                n.name(), text)
             : PyErr_WarnFormat(
                   PyExc_UserWarning, 1,
                   "Error detected in %s. No forward pass information available. Enable detect anomaly "
                   "during forward pass for more information.",
                   n.name());
    if (raised < 0) PyErr_Clear();  // the error itself matters more
    Py_XDECREF(text);
    Py_XDECREF(empty);
    PyErr_Restore(type, value, back);
}

void check_anomaly(Node& n, const Tensors& grads) {
    for (size_t i = 0; i < grads.size(); ++i) {
        if (!grads[i] || !is_differentiable(grads[i].dtype())) continue;
        Array a = contiguous_array(reveal_value(grads[i], grads[i].layout().axes()));
        bool nan = visit<Family::Elements>(a.dtype, "isnan", [&](auto zero) {
            const auto* x = a.as<decltype(zero)>();
            return std::any_of(x, x + a.numel(), [](auto v) { return v != v; });
        });
        if (nan) fail("Function '{}' returned nan values in its {}th output.", n.name(), i);
    }
}

}  // namespace pb
