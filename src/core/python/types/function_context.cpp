// The type of `ctx`, what a user's Function sees of its node.
#include "python/types/function_node.h"

#include <structmember.h>

#include "python/read/convert.h"
#include "python/types/node_object.h"

namespace pb {

PyTypeObject* context_type = nullptr;

namespace {

PyObject* make_context(PyTypeObject* type, PyObject*, PyObject*) {
    PyObject* o = type->tp_alloc(type, 0);
    if (o) context_of(o)->materialize = 1;
    return o;
}
void destroy_context(PyObject* self) {
    ContextObject* c = context_of(self);
    PyTypeObject* type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (c->weakrefs) PyObject_ClearWeakRefs(self);
    Py_XDECREF(c->to_save);
    Py_XDECREF(c->pushed);
    Py_XDECREF(c->dirty);
    Py_XDECREF(c->non_differentiable);
    Py_XDECREF(c->needs_input_grad);
    Py_XDECREF(c->dict);
    type->tp_free(self);
    Py_DECREF(type);
}
int traverse_context(PyObject* self, visitproc visit, void* arg) {
    ContextObject* c = context_of(self);
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(c->to_save);
    Py_VISIT(c->pushed);
    Py_VISIT(c->dirty);
    Py_VISIT(c->non_differentiable);
    Py_VISIT(c->dict);
    return 0;
}
int clear_context(PyObject* self) {
    ContextObject* c = context_of(self);
    Py_CLEAR(c->to_save);
    Py_CLEAR(c->pushed);
    Py_CLEAR(c->dirty);
    Py_CLEAR(c->non_differentiable);
    Py_CLEAR(c->dict);
    return 0;
}
PyObject* get_saved(PyObject* self, void*) {
    try {
        ContextObject* c = context_of(self);
        if (c->pushed && c->pushed != Py_None) {
            Py_INCREF(c->pushed);
            return c->pushed;
        }
        if (c->node) return c->node->saved_tensors();
        if (c->to_save) {
            Py_INCREF(c->to_save);
            return c->to_save;
        }
        return checked(PyTuple_New(0));
    } catch (...) {
        return raise_current();
    }
}
// The node's wrapper while the graph is alive, else None.
PyObject* get_node(PyObject* self, void*) {
    try {
        return node_object(context_of(self)->node);
    } catch (...) {
        return raise_current();
    }
}
// Lets go of what was saved, as the engine does after a rule.
PyObject* release_saved(PyObject* self, PyObject*) {
    if (FunctionNode* node = context_of(self)->node) node->release_saved();
    Py_RETURN_NONE;
}
PyMethodDef methods[] = {{"_release", release_saved, METH_NOARGS, nullptr}, {nullptr, nullptr, 0, nullptr}};
PyMemberDef members[] = {
    {"to_save", T_OBJECT, offsetof(ContextObject, to_save), 0, nullptr},
    {"pushed", T_OBJECT, offsetof(ContextObject, pushed), 0, nullptr},
    {"dirty_tensors", T_OBJECT, offsetof(ContextObject, dirty), 0, nullptr},
    {"non_differentiable", T_OBJECT, offsetof(ContextObject, non_differentiable), 0, nullptr},
    {"needs_input_grad", T_OBJECT, offsetof(ContextObject, needs_input_grad), 0, nullptr},
    {"materialize_grads", T_BOOL, offsetof(ContextObject, materialize), 0, nullptr},
    {"__dictoffset__", T_PYSSIZET, offsetof(ContextObject, dict), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(ContextObject, weakrefs), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};
PyGetSetDef getset[] = {
    {"_node", get_node, nullptr, nullptr, nullptr},
    {"saved_tensors", get_saved, nullptr, nullptr, nullptr},
    {"saved_variables", get_saved, nullptr, nullptr, nullptr},
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("FunctionContext()\n--\n\n")},  // the text is autograd/function.py's
    {Py_tp_new, reinterpret_cast<void*>(make_context)},
    {Py_tp_dealloc, reinterpret_cast<void*>(destroy_context)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse_context)},
    {Py_tp_clear, reinterpret_cast<void*>(clear_context)},
    {Py_tp_members, members},
    {Py_tp_methods, methods},
    {Py_tp_getset, getset},
    {0, nullptr},
};
PyType_Spec spec = {"pullback._core.FunctionContext", sizeof(ContextObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE, slots};

}  // namespace

void init_context_type(PyObject* module) {
    context_type = reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)));
    if (PyModule_AddObjectRef(module, "FunctionContext", reinterpret_cast<PyObject*>(context_type)) < 0)
        throw PythonError();
}

}  // namespace pb
