#include "python/types/node_object.h"

#include <structmember.h>

#include <cstring>
#include <string>
#include <unordered_map>

#include "python/types/saved_object.h"
#include "tape/hooks.h"
#include "tape/operations.h"
#include "tape/saved.h"

namespace pb {

namespace {

struct NodeObject {
    PyObject_HEAD Node* node;
    PyObject* weakrefs;
};

PyTypeObject* base_type = nullptr;
std::unordered_map<std::string, PyTypeObject*>& types() {
    static auto* all = new std::unordered_map<std::string, PyTypeObject*>;
    return *all;
}

Node* of(PyObject* o) { return reinterpret_cast<NodeObject*>(o)->node; }

void destroy(PyObject* self) {
    auto* o = reinterpret_cast<NodeObject*>(self);
    PyTypeObject* type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (o->weakrefs) PyObject_ClearWeakRefs(self);
    if (Node* n = o->node) {
        if (n->extra && n->extra->wrapper == self) n->extra->wrapper = nullptr;
        o->node = nullptr;
        n->release();
    }
    type->tp_free(self);
    Py_DECREF(type);
}

int traverse(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(self));
    return 0;
}

PyObject* refuse(PyTypeObject* type, PyObject*, PyObject*) {
    PyErr_Format(PyExc_TypeError, "cannot create '%s' instances: nodes are made by recording operations",
                 type->tp_name);
    return nullptr;
}

PyObject* name(PyObject* self, PyObject*) { return PyUnicode_FromString(shown_name(*of(self))); }
// What it computes: Note [Functions made of others].
PyObject* step(PyObject* self, void*) { return PyUnicode_FromString(of(self)->name()); }

PyObject* edge_pair(const Edge& e) { return checked(Py_BuildValue("(NI)", node_object(e.node), e.nr)); }

// Where the gradient of each operand goes, of those that have none, too.
PyObject* edges(PyObject* self, void*) {
    try {
        Node* n = of(self);
        Owned tuple(checked(PyTuple_New(n->edge_count())));
        for (uint16_t i = 0; i < n->edge_count(); ++i) PyTuple_SET_ITEM(tuple.o, i, edge_pair(n->edge(i)));
        return tuple.release();
    } catch (...) {
        return raise_current();
    }
}

// The edges of what PyTorch's node takes for variables, which is said by autograd/saved_names.py.
PyObject* next_functions(PyObject* self, void*) {
    try {
        Node* n = of(self);
        bool all = true;
        for (uint16_t i = 0; i < n->edge_count(); ++i) all = all && n->edge(i).node;
        Owned names(all || n->context() ? nullptr
                                        : checked(PyImport_ImportModule("pullback.autograd.saved_names")));
        if (!names) return edges(self, nullptr);
        Owned found(checked(PyObject_CallMethod(names.o, "constants", "s", n->name())));
        unsigned constants;
        int least;
        if (!PyArg_ParseTuple(found.o, "Ii", &constants, &least)) throw PythonError();
        Owned shown(checked(PyList_New(0)));
        for (uint16_t i = 0; i < n->edge_count(); ++i) {
            if (!n->edge(i).node && i < 32 && constants >> i & 1) continue;
            Owned pair(edge_pair(n->edge(i)));
            if (PyList_Append(shown.o, pair.o) < 0) throw PythonError();
        }
        while (PyList_GET_SIZE(shown.o) < least) {
            Owned pair(edge_pair(Edge()));
            if (PyList_Append(shown.o, pair.o) < 0) throw PythonError();
        }
        return checked(PyList_AsTuple(shown.o));
    } catch (...) {
        return raise_current();
    }
}

PyObject* sequence_nr(PyObject* self, PyObject*) { return PyLong_FromUnsignedLongLong(of(self)->sequence()); }
PyObject* requires_grad(PyObject*, void*) { Py_RETURN_TRUE; }

PyObject* metadata(PyObject* self, void*) {
    NodeExtra& x = extra(*of(self));
    if (!x.metadata && !(x.metadata = PyDict_New())) return nullptr;
    Py_INCREF(x.metadata);
    return x.metadata;
}

PyObject* written(PyObject* self, void*) { return node_object(of(self)->written()); }

PyObject* variable(PyObject* self, void*) {
    if (!of(self)->is_accumulate()) {
        PyErr_Format(PyExc_AttributeError, "'%s' object has no attribute 'variable'", of(self)->name());
        return nullptr;
    }
    return accumulated_variable(of(self)).release();
}

// The shape and dtype of each output, None where there is none.
PyObject* outputs(PyObject* self, void*) {
    try {
        Node* n = of(self);
        Owned list(checked(PyList_New(n->output_count())));
        for (uint16_t i = 0; i < n->output_count(); ++i) {
            const OutputMeta& m = n->output(i);
            PyObject* entry =
                m.layout ? checked(Py_BuildValue("(NO)", shape_object(m.layout->shape(), m.layout->ndim()),
                                                 dtype_object(m.dtype)))
                         : none();
            PyList_SET_ITEM(list.o, i, entry);
        }
        return list.release();
    } catch (...) {
        return raise_current();
    }
}

// What is known of an operand (parameters without an edge come last): a tensor, a number, a shape, or None. RuntimeError if it was freed or overwritten.
PyObject* operand(PyObject* self, PyObject* index) {
    try {
        Node* n = of(self);
        size_t i = PyLong_AsSize_t(index);
        if (PyErr_Occurred()) return nullptr;
        PyObject* found = i < 32 ? n->operand(i) : nullptr;
        return found ? found : none();
    } catch (...) {
        return raise_current();
    }
}

// Pulls gradients of the outputs (tensors of their shapes and dtypes, None for zero) back to the inputs, through this node
// alone, without hooks: a tuple with an entry for each edge, as the operator gives it, before broadcasting is undone.
PyObject* pull(PyObject* self, PyObject* given) {
    try {
        Node* n = of(self);
        if (!PyTuple_Check(given) || PyTuple_GET_SIZE(given) != n->output_count())
            fail_as(ErrorKind::Type,
                    "expected {} arguments, got {} instead. A node takes a gradient, or None, for each of "
                    "its outputs.",
                    n->output_count(), PyTuple_Check(given) ? PyTuple_GET_SIZE(given) : 1);
        Tensors grads(n->output_count()), out(n->edge_count());
        bool any = n->pulls_nothing();
        for (size_t i = 0; i < grads.size(); ++i) {
            PyObject* g = PyTuple_GET_ITEM(given, static_cast<Py_ssize_t>(i));
            if (g == Py_None) continue;
            if (!is_tensor(g))
                fail_as(ErrorKind::Type, "argument {} is not a Variable. It is of type {}.", i,
                        Py_TYPE(g)->tp_name);
            const OutputMeta& of = n->output(i);
            const Tensor grad(g);
            if (of.layout && !grad.layout().same_shape(*of.layout))
                fail("{} takes a gradient of shape {} as argument {}, and got one of shape {}.", n->name(),
                     shape_text(*of.layout), i, shape_text(grad.layout()));
            grads[i] = of.layout ? ops::to_dtype(grad, of.dtype) : grad;
            any = true;
        }
        if (any) n->pull(grads, out);
        return tuple_of(out);
    } catch (...) {
        return raise_current();
    }
}

// node(*gradients): the same, as PyTorch's nodes are called: what there is one of comes alone.
PyObject* call(PyObject* self, PyObject* given, PyObject*) {
    Owned found(pull(self, given));
    if (!found || PyTuple_GET_SIZE(found.o) != 1) return found.release();
    return Py_NewRef(PyTuple_GET_ITEM(found.o, 0));
}

// Output `nr` of a view: where it begins, in elements from its input, and its strides; None if this is no view of what lies
// row by row.
PyObject* viewed(PyObject* self, PyObject* number) {
    try {
        Node* n = of(self);
        const size_t nr = PyLong_AsSize_t(number);
        if (PyErr_Occurred()) return nullptr;
        const auto shift = nr < n->output_count() && n->edge_count() && n->edge(0).node
                               ? n->view_shift(static_cast<uint32_t>(nr))
                               : std::nullopt;
        if (!shift) return none();
        const Edge e = n->edge(0);
        const Layout &input = *e.node->output(e.nr).layout, &view = *n->output(nr).layout;
        if (!input.is_contiguous() || input.is_mapped() || view.is_mapped()) return none();
        return checked(
            Py_BuildValue("(LN)", static_cast<long long>(*shift), checked(numbers(view.stride_dims()))));
    } catch (...) {
        return raise_current();
    }
}

// The dictionaries behind register_hook and register_prehook (Python adds and removes).
PyObject* hooks_of(PyObject* self, PyObject* which) {
    try {
        NodeExtra& x = extra(*of(self));
        PyObject*& slot = PyUnicode_CompareWithASCIIString(which, "pre") == 0 ? x.pre_hooks : x.post_hooks;
        if (!slot) slot = new_ordered_dict();
        Py_INCREF(slot);
        return slot;
    } catch (...) {
        return raise_current();
    }
}

// `_saved_self`, and `_raw_saved_self`, which is the place where it is kept; null for other names. Which value is meant
// is said by autograd/saved_names.py.
PyObject* saved_attribute(PyObject* self, const char* key) {
    Node& n = *of(self);
    const bool raw = std::strncmp(key, "_raw_saved_", 11) == 0;
    if (!raw && std::strncmp(key, "_saved_", 7) != 0) return nullptr;
    if (n.context()) return std::strcmp(key, "_raw_saved_tensors") == 0 ? saved_objects(n) : nullptr;
    Owned names(checked(PyImport_ImportModule("pullback.autograd.saved_names")));
    Owned place(checked(PyObject_CallMethod(names.o, "place", "ss", n.name(), key + (raw ? 11 : 7))));
    if (place.o != Py_None) {
        const long number = PyLong_AsLong(place.o);
        if (n.was_released()) fail_released(n);
        const auto origin = number < 0 ? Saved::kOutput : Saved::kInput;
        std::span<Saved> all = n.saved_values();
        for (size_t i = 0; i < all.size(); ++i)
            if (all[i].origin() == origin && all[i].number() == (number < 0 ? -1 - number : number))
                return raw ? saved_object(n, i) : all[i].unpack(n).release();
    }
    if (raw) return nullptr;
    Owned known(checked(PyObject_CallMethod(names.o, "known", "Os", self, key + 7)));
    return PyTuple_GET_SIZE(known.o) ? Py_NewRef(PyTuple_GET_ITEM(known.o, 0)) : nullptr;
}

PyObject* getattro(PyObject* self, PyObject* key) {
    PyObject* found = PyObject_GenericGetAttr(self, key);
    if (found || !PyErr_ExceptionMatches(PyExc_AttributeError)) return found;
    const char* text = PyUnicode_AsUTF8(key);
    if (!text) return nullptr;
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    try {
        PyObject* saved = saved_attribute(self, text);
        if (!saved) saved = of(self)->attribute(text);
        if (saved) {
            Py_XDECREF(type);
            Py_XDECREF(value);
            Py_XDECREF(trace);
            return saved;
        }
    } catch (...) {
        Py_XDECREF(type);
        Py_XDECREF(value);
        Py_XDECREF(trace);
        return raise_current();
    }
    PyErr_Restore(type, value, trace);
    return nullptr;
}

// A Function's context keeps what is set on its grad_fn.
int setattro(PyObject* self, PyObject* key, PyObject* value) {
    PyObject* context = of(self)->context();
    return context ? PyObject_SetAttr(context, key, value) : PyObject_GenericSetAttr(self, key, value);
}

PyObject* represent(PyObject* self) {
    return PyUnicode_FromFormat("<%s object at %p>", shown_name(*of(self)), self);
}

PyMemberDef members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(NodeObject, weakrefs), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};
PyMethodDef methods[] = {
    {"name", name, METH_NOARGS, nullptr},  {"_sequence_nr", sequence_nr, METH_NOARGS, nullptr},
    {"_hooks", hooks_of, METH_O, nullptr}, {"_operand", operand, METH_O, nullptr},
    {"_pull", pull, METH_O, nullptr},      {"_viewed", viewed, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyGetSetDef getset[] = {
    {"next_functions", next_functions, nullptr, nullptr, nullptr},
    {"_edges", edges, nullptr, nullptr, nullptr},
    {"_step", step, nullptr, nullptr, nullptr},
    {"requires_grad", requires_grad, nullptr, nullptr, nullptr},
    {"metadata", metadata, nullptr, nullptr, nullptr},
    {"variable", variable, nullptr, nullptr, nullptr},
    {"_written", written, nullptr, nullptr, nullptr},
    {"_outputs", outputs, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(refuse)},
    {Py_tp_dealloc, reinterpret_cast<void*>(destroy)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_getattro, reinterpret_cast<void*>(getattro)},
    {Py_tp_setattro, reinterpret_cast<void*>(setattro)},
    {Py_tp_repr, reinterpret_cast<void*>(represent)},
    {Py_tp_call, reinterpret_cast<void*>(call)},
    {Py_tp_members, members},
    {Py_tp_methods, methods},
    {Py_tp_getset, getset},
    {0, nullptr},
};
PyType_Spec spec = {"pullback.autograd.graph.Node", sizeof(NodeObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE, slots};

// One Python class for each kind of node, so that type(y.grad_fn).__name__ tells it.
PyTypeObject* type_for(const char* name) {
    PyTypeObject*& type = types()[name];
    if (!type) {
        Owned made(
            checked(PyObject_CallFunction(reinterpret_cast<PyObject*>(&PyType_Type), "s(O){s:(),s:s}", name,
                                          base_type, "__slots__", "__module__", "pullback.autograd.graph")));
        type = reinterpret_cast<PyTypeObject*>(made.release());
    }
    return type;
}

}  // namespace

PyObject* node_object(Node* n) {
    if (!n) return none();
    NodeExtra& x = extra(*n);
    if (x.wrapper) {
        Py_INCREF(x.wrapper);
        return x.wrapper;
    }
    PyTypeObject* type = type_for(shown_name(*n));
    auto* o = reinterpret_cast<NodeObject*>(checked(type->tp_alloc(type, 0)));
    n->retain();
    o->node = n;
    x.wrapper = reinterpret_cast<PyObject*>(o);
    return x.wrapper;
}

bool is_node_object(PyObject* o) { return PyObject_TypeCheck(o, base_type); }
Node* node_of(PyObject* o) { return of(o); }

void init_node_type(PyObject* module) {
    base_type = reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)));
    if (PyModule_AddObjectRef(module, "Node", reinterpret_cast<PyObject*>(base_type)) < 0)
        throw PythonError();
}

}  // namespace pb
