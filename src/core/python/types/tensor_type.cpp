// The tensor type: how it is made, kept and freed, its items, and the slots and attributes that its other rooms give it
// (tensor_parts.h). Everything else a tensor can do is attached by the package, as operators (operator_object.cpp) or in
// Python.
#include "python/types/tensor_type.h"

#include <structmember.h>

#include <vector>

#include "python/bind/overriding.h"
#include "python/types/mapping.h"
#include "python/types/node_object.h"
#include "python/types/tensor_parts.h"
#include "tape/node.h"
#include "tensor/extra.h"
#include "tensor/mapped.h"

namespace pb {

namespace {

void destroy(PyObject* self) {
    auto* o = as_tensor(self);
    PyTypeObject* type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (o->weakrefs) PyObject_ClearWeakRefs(self);
    Py_CLEAR(o->dict);
    Node* node = std::exchange(o->grad_fn, nullptr);
    if (o->accumulator) free_idle(o->accumulator);
    PyObject* grad = std::exchange(o->grad, nullptr);
    TensorExtra* extra = std::exchange(o->extra, nullptr);
    Cell* cell = std::exchange(o->cell, nullptr);
    Layout* layout = std::exchange(o->layout, nullptr);
    free_tensor_object(o);
    Py_DECREF(type);
    // Last, because these may free other tensors in turn.
    if (cell) cell->release();
    if (layout) layout->release();
    delete extra;
    Py_XDECREF(grad);
    if (node) node->release();
}

int traverse(PyObject* self, visitproc visit, void* arg) {
    auto* o = as_tensor(self);
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(o->dict);
    Py_VISIT(o->grad);
    if (o->extra) {
        Py_VISIT(o->extra->hooks);
        Py_VISIT(o->extra->post_hooks);
        if (o->extra->view) {
            Py_VISIT(o->extra->view->base.py());
            Py_VISIT(o->extra->view->dual.py());
        }
    }
    return o->grad_fn ? traverse_owned(o->grad_fn, visit, arg) : 0;
}

int clear(PyObject* self) {
    auto* o = as_tensor(self);
    Py_CLEAR(o->dict);
    Py_CLEAR(o->grad);
    if (o->extra) {
        Py_CLEAR(o->extra->hooks);
        Py_CLEAR(o->extra->post_hooks);
    }
    if (Node* n = std::exchange(o->grad_fn, nullptr)) n->release();
    return 0;
}

Py_ssize_t length(PyObject* a) {
    if (may_override(a)) {
        Owned answer(answered([&] { return ask_about_slot("__len__", &a, 1); }));
        return answer.o ? PyNumber_AsSsize_t(answer.o, PyExc_OverflowError) : -1;
    }
    const Layout* l = as_tensor(a)->layout;
    if (l->ndim() == 0) {
        PyErr_SetString(PyExc_TypeError, "len() of a 0-d tensor. It is a single number: item() gives it.");
        return -1;
    }
    return l->size(0);
}

Py_hash_t hash(PyObject* self) { return static_cast<Py_hash_t>(reinterpret_cast<uintptr_t>(self) >> 4); }

// ---- items ----

// What an index that differs from entry to entry of a vmap reads or writes, entry by entry.
[[gnu::cold, gnu::noinline]] PyObject* item_over_entries(const char* function, PyObject* const* args,
                                                         size_t n) {
    if (!PyErr_ExceptionMatches(mapped_error)) return nullptr;
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyObject* module = PyImport_ImportModule("operator");
    PyObject* callable = module ? PyObject_GetAttrString(module, function) : nullptr;
    Py_XDECREF(module);
    PyErr_Restore(type, value, trace);
    PyObject* result = over_entries(callable, args, n, nullptr);
    Py_XDECREF(callable);
    return result;
}
PyObject* get_item_slot(PyObject* self, PyObject* index) {
    if (may_override(self) || may_override(index)) {
        PyObject* args[] = {self, index};
        return answered([&] { return ask_about_slot("__getitem__", args, 2); });
    }
    if (PyObject* part = get_item(self, index)) return part;
    PyObject* args[2] = {self, index};
    return item_over_entries("getitem", args, 2);
}
int set_item_slot(PyObject* self, PyObject* index, PyObject* value) {
    if (value && (may_override(self) || may_override(index) || may_override(value))) {
        PyObject* args[] = {self, index, value};
        Owned answer(answered([&] { return ask_about_slot("__setitem__", args, 3); }));
        return answer.o ? 0 : -1;
    }
    int failed = set_item(self, index, value);
    if (!failed || !value) return failed;
    PyObject* args[3] = {self, index, value};
    PyObject* done = item_over_entries("setitem", args, 3);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

PyObject* create(PyTypeObject* type, PyObject* args, PyObject* keywords) {
    // Tensor(...) is PyTorch's legacy constructor; the package provides it.
    static PyObject* legacy = nullptr;
    if (!legacy) {
        PyObject* module = PyImport_ImportModule("pullback.construct");
        if (!module) return nullptr;
        legacy = PyObject_GetAttrString(module, "legacy_tensor");
        Py_DECREF(module);
        if (!legacy) return nullptr;
    }
    PyObject* made = PyObject_Call(legacy, args, keywords);
    if (!made || type == tensor_type) return made;
    PyObject* cast = PyObject_CallMethod(made, "as_subclass", "O", type);
    Py_DECREF(made);
    return cast;
}

PyObject* is_view(PyObject* self, PyObject*) { return boolean(as_tensor(self)->flags & kIsView); }
PyObject* is_inference(PyObject* self, PyObject*) { return boolean(as_tensor(self)->flags & kInference); }

PyMemberDef members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(TensorObject, dict), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(TensorObject, weakrefs), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};
PyMethodDef methods[] = {
    {"_is_view", is_view, METH_NOARGS, nullptr},
    {"is_inference", is_inference, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
#define F(f) reinterpret_cast<void*>(f)
const PyType_Slot own_slots[] = {
    {Py_tp_doc, const_cast<char*>("Tensor(*data, device=None)\n--\n\n")},  // the text is attributes.py's
    {Py_tp_new, F(create)},
    {Py_tp_dealloc, F(destroy)},
    {Py_tp_traverse, F(traverse)},
    {Py_tp_clear, F(clear)},
    {Py_tp_members, members},
    {Py_tp_methods, methods},
    {Py_tp_getset, tensor_attributes},
    {Py_tp_hash, F(hash)},
    {Py_mp_length, F(length)},
    {Py_mp_subscript, F(get_item_slot)},
    {Py_mp_ass_subscript, F(set_item_slot)},
};
#undef F

}  // namespace

void init_tensor_type(PyObject* module) {
    std::vector<PyType_Slot> slots(std::begin(own_slots), std::end(own_slots));
    slots.insert(slots.end(), number_slots.begin(), number_slots.end());
    slots.push_back({0, nullptr});
    PyType_Spec spec = {"pullback.Tensor", sizeof(TensorObject), 0,
                        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE, slots.data()};
    tensor_type = reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)));
    if (PyModule_AddObjectRef(module, "Tensor", reinterpret_cast<PyObject*>(tensor_type)) < 0)
        throw PythonError();
}

}  // namespace pb
