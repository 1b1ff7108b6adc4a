// SavedTensor: one saved value as Python sees it (`grad_fn._raw_saved_self`), and the hooks of saved values.
//
// It holds the node, and knows the value by its place among what the node saved.
#include "python/types/saved_object.h"

#include <memory>

#include "ops/operators.h"
#include "tape/packing.h"

namespace pb {

namespace {

struct SavedObject {
    PyObject_HEAD Node* node;
    size_t place;
};

PyTypeObject* saved_type = nullptr;

SavedObject* of(PyObject* o) { return reinterpret_cast<SavedObject*>(o); }
Saved& value_of(PyObject* o) { return of(o)->node->saved_values()[of(o)->place]; }

void destroy(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (Node* n = std::exchange(of(self)->node, nullptr)) n->release();
    type->tp_free(self);
    Py_DECREF(type);
}
int traverse(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(self));
    return of(self)->node ? traverse_owned(of(self)->node, visit, arg) : 0;
}
PyObject* refuse(PyTypeObject*, PyObject*, PyObject*) {
    PyErr_SetString(PyExc_RuntimeError,
                    "Trying to create a SavedTensor object from Python is forbidden. It comes from a node: "
                    "y.grad_fn._raw_saved_self");
    return nullptr;
}

bool are_functions(PyObject* pack, PyObject* unpack, const char* what) {
    for (PyObject* hook : {pack, unpack})
        if (!PyCallable_Check(hook)) {
            PyErr_Format(
                PyExc_TypeError,
                "%s: incompatible function arguments. A hook is a function of one argument, not '%s'.", what,
                Py_TYPE(hook)->tp_name);
            return false;
        }
    return true;
}

PyObject* register_hooks(PyObject* self, PyObject* args) {
    PyObject *pack, *unpack;
    if (!PyArg_ParseTuple(args, "OO:register_hooks", &pack, &unpack) ||
        !are_functions(pack, unpack, "register_hooks()"))
        return nullptr;
    try {
        Saved& s = value_of(self);
        if (s.is_packed())
            fail(
                "Calling register_hooks on a saved tensor whose hooks have already been set. Hint: only one "
                "pair of hooks is allowed at a time.");
        if (!s.holds_tensor())
            fail(
                "Calling register_hooks on a saved tensor after it has been freed. Saved intermediate values "
                "of the graph are freed when you call .backward() or autograd.grad(). Specify "
                "retain_graph=True if you need to backward through the graph a second time or if you need to "
                "access saved variables after calling backward.");
        Ref<Node> alive(of(self)->node);
        s.pack(s.unpack(*alive), pack, unpack);
        Py_RETURN_NONE;
    } catch (...) {
        return raise_current();
    }
}

PyObject* unpack(PyObject* self, PyObject*) {
    try {
        Ref<Node> alive(of(self)->node);
        Saved& s = value_of(self);
        if (!s.holds_tensor()) fail_released(*alive);
        return s.unpack(*alive).release();
    } catch (...) {
        return raise_current();
    }
}

// What is kept: the value, or what a hook made of it.
PyObject* data(PyObject* self, void*) {
    try {
        Saved& s = value_of(self);
        if (s.is_packed()) {
            Py_INCREF(s.packed());
            return s.packed();
        }
        if (!s.holds_tensor()) fail_released(*of(self)->node);
        return s.unpack(*of(self)->node).alias().release();  // of a vmap that is over, perhaps
    } catch (...) {
        return raise_current();
    }
}
PyObject* hook(PyObject* self, void*) {
    Saved& s = value_of(self);
    if (!s.is_packed()) Py_RETURN_NONE;
    Py_INCREF(s.unpack_hook());
    return s.unpack_hook();
}

PyMethodDef methods[] = {
    {"register_hooks", register_hooks, METH_VARARGS, nullptr},
    {"unpack", unpack, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyGetSetDef getset[] = {
    {"data", data, nullptr, nullptr, nullptr},
    {"unpack_hook", hook, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(refuse)},
    {Py_tp_dealloc, reinterpret_cast<void*>(destroy)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_methods, methods},
    {Py_tp_getset, getset},
    {0, nullptr},
};
PyType_Spec spec = {"pullback._core.SavedTensor", sizeof(SavedObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, slots};

// ---- hooks of everything that is saved ----

PyObject* push(PyObject*, PyObject* args) {
    PyObject *pack, *unpack;
    if (!PyArg_ParseTuple(args, "OO:saved_tensors_hooks", &pack, &unpack) ||
        !are_functions(pack, unpack, "saved_tensors_hooks()"))
        return nullptr;
    try {
        push_packing(pack, unpack);
        Py_RETURN_NONE;
    } catch (...) {
        return raise_current();
    }
}
PyObject* pop(PyObject*, PyObject*) {
    try {
        pop_packing();
        Py_RETURN_NONE;
    } catch (...) {
        return raise_current();
    }
}
// disable_saved_hooks(message or None) -> the message before, or None.
PyObject* disable(PyObject*, PyObject* message) {
    try {
        std::unique_ptr<std::string> before;
        if (message == Py_None) {
            before.reset(disable_packing(nullptr));
        } else {
            const char* text = PyUnicode_Check(message) ? PyUnicode_AsUTF8(message) : nullptr;
            if (!text) {
                if (PyErr_Occurred()) return nullptr;
                fail_as(ErrorKind::Type, "disable_saved_tensors_hooks(): error_message must be str, not {}",
                        Py_TYPE(message)->tp_name);
            }
            std::string wanted(text);
            before.reset(disable_packing(&wanted));
        }
        if (!before) Py_RETURN_NONE;
        return PyUnicode_FromStringAndSize(before->data(), static_cast<Py_ssize_t>(before->size()));
    } catch (...) {
        return raise_current();
    }
}

// packing_hook() -> the function that packs what is saved now, or None.
PyObject* hook_now(PyObject*, PyObject*) {
    PyObject* hook = packing_hook();
    return Py_NewRef(hook ? hook : Py_None);
}

PyMethodDef functions[] = {
    {"packing_hook", hook_now, METH_NOARGS, nullptr},
    {"push_saved_hooks", push, METH_VARARGS, nullptr},
    {"pop_saved_hooks", pop, METH_NOARGS, nullptr},
    {"disable_saved_hooks", disable, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

PyObject* saved_object(Node& node, size_t place) {
    PyObject* o = checked(saved_type->tp_alloc(saved_type, 0));
    node.retain();
    of(o)->node = &node;
    of(o)->place = place;
    return o;
}

PyObject* saved_objects(Node& node) {
    const size_t n = node.saved_values().size();
    Owned tuple(checked(PyTuple_New(static_cast<Py_ssize_t>(n))));
    for (size_t i = 0; i < n; ++i)
        PyTuple_SET_ITEM(tuple.o, static_cast<Py_ssize_t>(i), saved_object(node, i));
    return tuple.release();
}

void init_saved_type(PyObject* module) {
    saved_type = reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)));
    if (PyModule_AddObjectRef(module, "SavedTensor", reinterpret_cast<PyObject*>(saved_type)) < 0 ||
        PyModule_AddFunctions(module, functions) < 0)
        throw PythonError();
}

}  // namespace pb
