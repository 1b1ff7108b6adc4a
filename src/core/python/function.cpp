// The node of a user's Function, and its context.
//
// The node owns the context (a Python object with what forward left); the context knows its node weakly, for
// `saved_tensors`. Saved inputs and outputs are kept by number like those of any node, so that saving an output
// is no cycle.
#include "python/autograd.h"

#include <structmember.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "ops/operators.h"
#include "tape/history.h"
#include "tape/saved.h"

namespace pb {

namespace {

class FunctionNode;

struct ContextObject {
    PyObject_HEAD
    FunctionNode* node;  // weak
    PyObject* to_save;
    PyObject* dirty;
    PyObject* non_differentiable;
    PyObject* needs_input_grad;
    PyObject* dict;
    PyObject* weakrefs;
    char materialize;
};

PyTypeObject* context_type = nullptr;
PyObject* caller = nullptr;  // autograd.function._call_backward

ContextObject* context(PyObject* o) { return reinterpret_cast<ContextObject*>(o); }

class FunctionNode : public Node {
  public:
    FunctionNode(uint16_t edges, PyObject* ctx) : Node(edges), context_(ctx) {
        Py_INCREF(ctx);
        context(ctx)->node = this;
        name_ = Py_TYPE(ctx)->tp_name;
    }
    ~FunctionNode() override {
        context(context_)->node = nullptr;
        Py_DECREF(context_);
    }
    const char* name() const override { return name_; }
    PyObject* context_object() const { return context_; }

    void pull(Tensors& grads, Tensors& out) override {
        Owned tuple(checked(PyTuple_New(static_cast<Py_ssize_t>(grads.size()))));
        for (size_t i = 0; i < grads.size(); ++i) {
            PyObject* g = Py_None;
            Tensor zero;
            if (grads[i]) {
                g = grads[i].py();
            } else if (context(context_)->materialize && output(i).layout) {
                zero = ops::zeros(output(i).dtype, output(i).layout->dims());
                g = zero.py();
            }
            Py_INCREF(g);
            PyTuple_SET_ITEM(tuple.o, static_cast<Py_ssize_t>(i), g);
        }
        Owned cls(checked(PyObject_GetAttrString(context_, "_forward_cls")));
        Owned result(checked(PyObject_CallFunctionObjArgs(caller, cls.o, context_, tuple.o, nullptr)));
        Py_ssize_t n = PyTuple_GET_SIZE(result.o), expected = static_cast<Py_ssize_t>(arguments.size());
        bool only_none = true;
        for (Py_ssize_t i = expected; i < n; ++i) only_none = only_none && PyTuple_GET_ITEM(result.o, i) == Py_None;
        if (n < expected || !only_none)
            fail("function %s returned an incorrect number of gradients (expected %zd, got %zd). backward() returns one for each argument of "
                 "forward(), None for those without.", name_, expected, n);
        for (Py_ssize_t i = 0; i < expected; ++i) {
            PyObject* g = PyTuple_GET_ITEM(result.o, i);
            int edge = arguments[static_cast<size_t>(i)];
            if (g == Py_None) continue;
            if (edge < 0)
                fail("function %s returned a gradient different from None at position %zd, but the corresponding forward input was not a "
                     "Variable", name_, i + 1);
            if (!is_tensor(g))
                fail_as(ErrorKind::Type, "function %s returned a gradient of type %s at position %zd: expected a Tensor or None", name_,
                        Py_TYPE(g)->tp_name, i + 1);
            out[static_cast<size_t>(edge)] = Tensor(g);
        }
    }
    void release_saved() override {
        if (!saved_count) return;
        for (size_t i = 0; i < saved_count; ++i) saved[i].reset();
        released_ = true;
    }
    bool was_released() const override { return released_; }
    int traverse(visitproc visit, void* arg) override {
        Py_VISIT(context_);
        return 0;
    }
    PyObject* attribute(const char* key) override {
        PyObject* found = PyObject_GetAttrString(context_, key);
        if (!found) {
            if (!PyErr_ExceptionMatches(PyExc_AttributeError)) throw PythonError();
            PyErr_Clear();
        }
        return found;
    }
    PyObject* saved_tensors() {
        if (released_) fail_released(*this);
        Owned tuple(checked(PyTuple_New(static_cast<Py_ssize_t>(saved_count))));
        for (size_t i = 0; i < saved_count; ++i) {
            PyObject* t = saved[i].holds_tensor() ? (constants[i] ? constant(i) : saved[i].unpack(*this).release()) : none();
            PyTuple_SET_ITEM(tuple.o, static_cast<Py_ssize_t>(i), t);
        }
        return tuple.release();
    }
    void save(PyObject* list, PyObject* args, const Tensors& inputs, const Tensors& outputs) {
        Py_ssize_t n = list ? PyTuple_GET_SIZE(list) : 0;
        saved = std::make_unique<Saved[]>(static_cast<size_t>(n) + 1);
        constants.resize(static_cast<size_t>(n));
        saved_count = static_cast<size_t>(n);
        for (Py_ssize_t i = 0; i < n; ++i) {
            PyObject* o = PyTuple_GET_ITEM(list, i);
            if (o == Py_None) continue;
            Tensor t(o);
            int number = -1;
            for (size_t k = 0; k < outputs.size(); ++k)
                if (outputs[k] && outputs[k].is(t)) number = static_cast<int>(k);
            if (number >= 0 && t->grad_fn == this) {
                saved[i].save(t, Saved::kOutput, static_cast<uint8_t>(number));
                continue;
            }
            number = -1;
            for (size_t k = 0; k < inputs.size(); ++k)
                if (inputs[k].is(t)) number = static_cast<int>(k);
            if (number >= 0) {
                saved[i].save(t, Saved::kInput, static_cast<uint8_t>(number));
                continue;
            }
            // An intermediate value, or a tensor from elsewhere with a history of its own.
            saved[i].save(t, Saved::kConstant, 0);
            if (t.requires_grad()) constants[static_cast<size_t>(i)] = t;
        }
    }

    std::vector<int> arguments;  // the edge of each argument of forward, -1 where it is no tensor
    std::unique_ptr<Saved[]> saved;
    std::vector<Tensor> constants;
    size_t saved_count = 0;

  private:
    PyObject* constant(size_t i) {
        saved[i].check(*this);
        return Tensor(constants[i]).release();
    }
    PyObject* context_;
    const char* name_;
    bool released_ = false;
};

bool contains(PyObject* tuple, PyObject* o) {
    if (!tuple) return false;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); ++i)
        if (PyTuple_GET_ITEM(tuple, i) == o) return true;
    return false;
}

// record_function(context, arguments, outputs) -> outputs, with history.
PyObject* record_function(PyObject*, PyObject* args) {
    PyObject *ctx, *given, *outputs;
    if (!PyArg_ParseTuple(args, "O!O!O!", context_type, &ctx, &PyTuple_Type, &given, &PyTuple_Type, &outputs)) return nullptr;
    try {
        ContextObject* c = context(ctx);
        Tensors inputs;
        std::vector<int> arguments;
        bool record = false;
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(given); ++i) {
            PyObject* a = PyTuple_GET_ITEM(given, i);
            arguments.push_back(is_tensor(a) ? static_cast<int>(inputs.size()) : -1);
            if (is_tensor(a)) {
                inputs.push_back(Tensor(a));
                record = record || should_record(inputs.back());
            }
        }
        if (c->dirty)
            for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(c->dirty); ++i) {
                if (!contains(outputs, PyTuple_GET_ITEM(c->dirty, i)))
                    fail("Some elements marked as dirty during the forward method were not returned as output. The inputs that are modified "
                         "inplace must all be outputs of the Function.");
                if (record) check_inplace(Tensor(PyTuple_GET_ITEM(c->dirty, i)));
            }
        Ref<Node> node;
        FunctionNode* function = nullptr;
        if (record) {
            function = Placed<FunctionNode>::make(static_cast<uint16_t>(inputs.size()), ctx);
            node = Ref<Node>::steal(function);
            function->arguments = arguments;
            for (size_t i = 0; i < inputs.size(); ++i)
                if (inputs[i].requires_grad()) function->take_edge(i, gradient_edge(inputs[i]));
        }
        Py_ssize_t n = PyTuple_GET_SIZE(outputs);
        Owned result(checked(PyTuple_New(n)));
        Tensors finished, metas;
        std::vector<bool> is_dirty;
        for (Py_ssize_t i = 0; i < n; ++i) {
            PyObject* o = PyTuple_GET_ITEM(outputs, i);
            if (!is_tensor(o)) {
                Py_INCREF(o);
                PyTuple_SET_ITEM(result.o, i, o);
                finished.push_back(Tensor());
                is_dirty.push_back(false);
                continue;
            }
            Tensor t(o);
            bool input = contains(given, o), dirty = contains(c->dirty, o);
            bool differentiable = is_differentiable(t.dtype()) && !contains(c->non_differentiable, o);
            if (input && !dirty) {
                t = t.alias();  // handing an input through: a tensor of its own
            } else if (!dirty && record && (t.requires_grad() || t->flags & kIsView)) {
                if (t->grad_fn || t->flags & kRequiresGrad) t = t.alias();
            }
            is_dirty.push_back(dirty);
            finished.push_back(differentiable ? t : Tensor());
            PyTuple_SET_ITEM(result.o, i, Tensor(t).release());
        }
        if (record) {
            for (Py_ssize_t i = 0; i < n; ++i)
                metas.push_back(is_tensor(PyTuple_GET_ITEM(result.o, i)) ? Tensor(PyTuple_GET_ITEM(result.o, i)) : Tensor());
            function->set_outputs(metas);
            for (size_t i = 0; i < finished.size(); ++i) {
                if (!finished[i]) continue;
                if (is_dirty[i] && finished[i]->flags & kIsView) {
                    if (finished.size() > 1)
                        fail("If your Function modifies inplace an input that is a view of another Tensor, your Function cannot return more than one "
                             "Tensor.");
                    rebase_history(finished[i], function);
                } else {
                    if (is_dirty[i]) finished[i]->flags &= static_cast<uint8_t>(~kRequiresGrad);
                    finished[i]->flags &= static_cast<uint8_t>(~kIsView);
                    set_history(finished[i], function, static_cast<uint32_t>(i));
                }
            }
            // What was saved is among the given and returned objects, before they were wrapped.
            Tensors originals;
            for (Py_ssize_t i = 0; i < n; ++i)
                originals.push_back(is_tensor(PyTuple_GET_ITEM(outputs, i)) ? Tensor(PyTuple_GET_ITEM(outputs, i)) : Tensor());
            function->save(c->to_save, given, inputs, originals);
        }
        if (record) Py_CLEAR(c->to_save);  // otherwise the context lives only as long as the call
        Py_CLEAR(c->dirty);
        Py_CLEAR(c->non_differentiable);
        return result.release();
    } catch (...) {
        return raise_current();
    }
}

PyObject* set_caller(PyObject*, PyObject* o) {
    Py_INCREF(o);
    Py_XSETREF(caller, o);
    Py_RETURN_NONE;
}

// The highest level of forward mode among the tensors of a tuple.
PyObject* level_of(PyObject*, PyObject* tuple) {
    uint64_t level = 0;
    if (PyTuple_Check(tuple))
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); ++i) {
            PyObject* o = PyTuple_GET_ITEM(tuple, i);
            if (is_tensor(o) && as_tensor(o)->exceptional & kDual) level = std::max(level, highest_level(Tensor(o)));
        }
    return PyLong_FromUnsignedLongLong(level);
}

// ---- the context's type ----

PyObject* make_context(PyTypeObject* type, PyObject*, PyObject*) {
    PyObject* o = type->tp_alloc(type, 0);
    if (o) context(o)->materialize = 1;
    return o;
}
void destroy_context(PyObject* self) {
    ContextObject* c = context(self);
    PyTypeObject* type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (c->weakrefs) PyObject_ClearWeakRefs(self);
    Py_XDECREF(c->to_save);
    Py_XDECREF(c->dirty);
    Py_XDECREF(c->non_differentiable);
    Py_XDECREF(c->needs_input_grad);
    Py_XDECREF(c->dict);
    type->tp_free(self);
    Py_DECREF(type);
}
int traverse_context(PyObject* self, visitproc visit, void* arg) {
    ContextObject* c = context(self);
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(c->to_save);
    Py_VISIT(c->dirty);
    Py_VISIT(c->non_differentiable);
    Py_VISIT(c->dict);
    return 0;
}
int clear_context(PyObject* self) {
    ContextObject* c = context(self);
    Py_CLEAR(c->to_save);
    Py_CLEAR(c->dirty);
    Py_CLEAR(c->non_differentiable);
    Py_CLEAR(c->dict);
    return 0;
}
PyObject* get_saved(PyObject* self, void*) {
    try {
        ContextObject* c = context(self);
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
PyMemberDef members[] = {
    {"to_save", T_OBJECT, offsetof(ContextObject, to_save), 0, nullptr},
    {"dirty", T_OBJECT, offsetof(ContextObject, dirty), 0, nullptr},
    {"non_differentiable", T_OBJECT, offsetof(ContextObject, non_differentiable), 0, nullptr},
    {"needs_input_grad", T_OBJECT, offsetof(ContextObject, needs_input_grad), 0, nullptr},
    {"materialize_grads", T_BOOL, offsetof(ContextObject, materialize), 0, nullptr},
    {"__dictoffset__", T_PYSSIZET, offsetof(ContextObject, dict), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(ContextObject, weakrefs), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};
PyGetSetDef getset[] = {
    {"saved_tensors", get_saved, nullptr, nullptr, nullptr},
    {"saved_variables", get_saved, nullptr, nullptr, nullptr},
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(make_context)},
    {Py_tp_dealloc, reinterpret_cast<void*>(destroy_context)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse_context)},
    {Py_tp_clear, reinterpret_cast<void*>(clear_context)},
    {Py_tp_members, members},
    {Py_tp_getset, getset},
    {0, nullptr},
};
PyType_Spec spec = {"pullback._core.FunctionContext", sizeof(ContextObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE, slots};

PyMethodDef functions[] = {
    {"record_function", record_function, METH_VARARGS, nullptr},
    {"set_function_caller", set_caller, METH_O, nullptr},
    {"highest_level", level_of, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void init_function(PyObject* module) {
    context_type = reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)));
    if (PyModule_AddObjectRef(module, "FunctionContext", reinterpret_cast<PyObject*>(context_type)) < 0) throw PythonError();
    if (PyModule_AddFunctions(module, functions) < 0) throw PythonError();
}

}  // namespace pb
