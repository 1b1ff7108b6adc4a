// The node of a user's Function, and its context.
//
// The node owns the context (a Python object with what forward left); the context knows its node weakly, for
// `saved_tensors`, and the node's wrapper (`grad_fn`) shows the context's attributes as its own. Saved inputs and
// outputs are kept by number like those of any node, so that saving an output is no cycle.
//
// What forward returns becomes outputs of the node: new tensors as they are; an input handed through as a view of
// that input, so that the argument keeps its own history; an input that was written (`mark_dirty`) with its history
// re-based; a view with a mark that forbids writing through it, because the write would go around the user's rule.
#include "python/types/autograd.h"

#include <structmember.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "ops/operators.h"
#include "python/types/node_object.h"
#include "tape/history.h"
#include "tape/packing.h"
#include "tape/saved.h"

namespace pb {

namespace {

class FunctionNode;

struct ContextObject {
    PyObject_HEAD FunctionNode* node;  // weak
    PyObject* to_save;
    PyObject* pushed;  // what `saved_tensors` is while `jvp` runs, if forward called save_for_forward
    PyObject* dirty;
    PyObject* non_differentiable;
    PyObject* needs_input_grad;
    PyObject* dict;
    PyObject* weakrefs;
    char materialize;
};

PyTypeObject* context_type = nullptr;
PyObject* caller = nullptr;  // autograd.function._call_backward

ContextObject* context_of(PyObject* o) { return reinterpret_cast<ContextObject*>(o); }

class FunctionNode : public Node {
  public:
    FunctionNode(uint16_t edges, PyObject* ctx) : Node(edges), context_(ctx) {
        Py_INCREF(ctx);
        context_of(ctx)->node = this;
        name_ = Py_TYPE(ctx)->tp_name;
    }
    ~FunctionNode() override {
        context_of(context_)->node = nullptr;
        Py_DECREF(context_);
    }
    const char* name() const override { return name_; }
    PyObject* context() override { return context_; }
    bool pulls_nothing() const override { return true; }

    void pull(Tensors& grads, Tensors& out) override {
        Owned tuple(checked(PyTuple_New(static_cast<Py_ssize_t>(grads.size()))));
        for (size_t i = 0; i < grads.size(); ++i) {
            PyObject* g = Py_None;
            Tensor zero;
            if (grads[i]) {
                g = grads[i].py();
            } else if (context_of(context_)->materialize && output(i).layout) {
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
        for (Py_ssize_t i = expected; i < n; ++i)
            only_none = only_none && PyTuple_GET_ITEM(result.o, i) == Py_None;
        if (n < expected || !only_none)
            fail(
                "function {} returned an incorrect number of gradients (expected {}, got {}). backward() "
                "returns one for each argument of forward(), None for those without.",
                name_, expected, n);
        for (Py_ssize_t i = 0; i < expected; ++i) {
            PyObject* g = PyTuple_GET_ITEM(result.o, i);
            int edge = arguments[static_cast<size_t>(i)];
            if (g == Py_None) continue;
            if (edge < 0)
                fail(
                    "function {} returned a gradient different than None at position {}, but the "
                    "corresponding forward input was not a Variable",
                    name_, i + 1);
            if (!is_tensor(g))
                fail("expected Variable or None (got {}). It is what {} returned at position {}.",
                     Py_TYPE(g)->tp_name, name_, i + 1);
            out[static_cast<size_t>(edge)] = Tensor(g);
        }
    }
    void release_saved() override {
        if (!saved_count) return;
        for (size_t i = 0; i < saved_count; ++i) saved[i].reset();
        released_ = true;
    }
    bool was_released() const override { return released_; }
    std::span<Saved> saved_values() override { return {saved.get(), saved_count}; }
    int traverse(visitproc visit, void* arg) override {
        Py_VISIT(context_);
        for (const Elsewhere& c : constants) Py_VISIT(c.tensor.py());
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
    PyObject* operand(size_t i) override {
        for (size_t k = 0; k < saved_count; ++k)
            if (saved[k].origin() == Saved::kInput && saved[k].number() == i)
                return saved[k].unpack(*this).release();
        return nullptr;
    }
    PyObject* saved_tensors() {
        if (released_) fail_released(*this);
        Owned tuple(checked(PyTuple_New(static_cast<Py_ssize_t>(saved_count))));
        for (size_t i = 0; i < saved_count; ++i) {
            PyObject* t = saved[i].holds_tensor() ? constant(i) : none();
            PyTuple_SET_ITEM(tuple.o, static_cast<Py_ssize_t>(i), t);
        }
        return tuple.release();
    }
    // `originals` are the outputs as forward returned them, which is what it saved; `outputs` what became of them.
    void save(PyObject* list, const Tensors& inputs, const Tensors& originals, const Tensors& outputs) {
        constexpr size_t kNumbers = 256;  // what Saved can count; the rest is held as a tensor
        Py_ssize_t n = list ? PyTuple_GET_SIZE(list) : 0;
        saved = std::make_unique<Saved[]>(static_cast<size_t>(n) + 1);
        constants.resize(static_cast<size_t>(n));
        saved_count = static_cast<size_t>(n);
        for (Py_ssize_t i = 0; i < n; ++i) {
            PyObject* o = PyTuple_GET_ITEM(list, i);
            if (o == Py_None) continue;
            Tensor t(o);
            size_t output = position(originals, t), input = position(inputs, t);
            bool is_output = output < std::min(kNumbers, outputs.size()) && outputs[output]->grad_fn == this;
            bool is_input = input < std::min(kNumbers, inputs.size());
            if (is_output && (!is_input || t->grad_fn == this)) {
                saved[i].save(outputs[output], Saved::kOutput,
                              static_cast<uint8_t>(outputs[output]->output_nr));
                if (modes.packing) pack_saved(saved[i], outputs[output]);
            } else if (is_input) {
                saved[i].save(t, Saved::kInput, static_cast<uint8_t>(input));
            } else {  // an intermediate value, or a tensor from elsewhere with a history of its own
                saved[i].save(t, Saved::kConstant, 0);
                if (t.requires_grad()) constants[static_cast<size_t>(i)].keep(t, saved[i].is_packed());
            }
        }
    }

    // The outputs have got their tangents: those that were saved keep them.
    void keep_output_tangents(const Tensors& outputs) {
        for (size_t i = 0; i < saved_count; ++i)
            if (saved[i].origin() == Saved::kOutput && saved[i].number() < outputs.size() &&
                outputs[saved[i].number()])
                saved[i].keep_tangents(outputs[saved[i].number()]);
    }

    std::vector<int> arguments;  // the edge of each argument of forward, -1 where it is no tensor
    std::unique_ptr<Saved[]> saved;
    // A tensor of another history than inputs and outputs have; of a packed one the history alone.
    struct Elsewhere {
        Tensor tensor;
        Ref<Node> node;
        uint32_t nr = 0;
        void keep(const Tensor& t, bool is_packed) {
            if (!is_packed) {
                tensor = t;
                return;
            }
            Edge e = gradient_edge(t);
            node = Ref<Node>::steal(e.node);
            nr = e.nr;
        }
    };
    std::vector<Elsewhere> constants;
    size_t saved_count = 0;

  private:
    static size_t position(const Tensors& all, const Tensor& t) {
        size_t at = 0;
        while (at < all.size() && !all[at].is(t)) ++at;
        return at;
    }
    PyObject* constant(size_t i) {
        const Elsewhere& c = constants[i];
        if (c.tensor) {
            saved[i].check(*this);
            return Tensor(c.tensor).release();
        }
        Tensor t = saved[i].unpack(*this);
        if (c.node) {
            t = t.alias();
            set_history(t, c.node.get(), c.nr);
        }
        return t.release();
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

// ---- recording a call ----

// A tensor of its own over the same memory, for an input that forward handed through.
Tensor handed_through(const Tensor& input) {
    Tensor t = input.alias();
    t->flags |= input->flags & kInference;
    if (!(input->flags & kInference)) mark_view(t, input, ViewOrigin::Custom);
    return t;
}

void check_dirty(ContextObject* c, PyObject* given, PyObject* outputs, bool record) {
    if (!c->dirty) return;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(c->dirty); ++i) {
        PyObject* o = PyTuple_GET_ITEM(c->dirty, i);
        if (!contains(outputs, o))
            fail(
                "Some elements marked as dirty during the forward method were not returned as output. The "
                "inputs that are modified inplace must all be outputs of the Function.");
        if (!contains(given, o) &&
            PyErr_WarnEx(
                PyExc_UserWarning,
                "Only input Tensors should be given to ctx.mark_dirty(). If a Tensor is not an input, there "
                "is no need to pass it to mark_dirty().",
                3) < 0)
            throw PythonError();
        Tensor t(o);
        if (record && t->flags & kRequiresGrad && !current_grad_fn(t))
            fail(
                "a leaf Variable that requires grad has been used in an in-place operation. The leaf is what "
                "backward() fills the gradient of: give the function a clone() to write into.");
        t->cell->written();
    }
}

// Makes `t`, which forward returned and which is not written in place, output `nr` of the node.
void make_output(const Tensor& t, FunctionNode* node, uint32_t nr, bool alone) {
    if (t->flags & kIsView) t->extra->view->origin = alone ? ViewOrigin::Custom : ViewOrigin::MultiOutput;
    t->flags &= static_cast<uint8_t>(~kRequiresGrad);
    set_history(t, node, nr);
}

// record_function(context, arguments, outputs) -> outputs, with history.
PyObject* record_function(PyObject*, PyObject* args) {
    PyObject *ctx, *given, *outputs;
    if (!PyArg_ParseTuple(args, "O!O!O!", context_type, &ctx, &PyTuple_Type, &given, &PyTuple_Type, &outputs))
        return nullptr;
    try {
        ContextObject* c = context_of(ctx);
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
        check_dirty(c, given, outputs, record);
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
        Tensors returned(static_cast<size_t>(n)), originals(static_cast<size_t>(n));
        size_t count = 0;
        for (Py_ssize_t i = 0; i < n; ++i) {
            PyObject* o = PyTuple_GET_ITEM(outputs, i);
            Tensor t(is_tensor(o) ? o : nullptr);
            if (t) {
                ++count;
                originals[static_cast<size_t>(i)] = t;
                bool differentiable = is_differentiable(t.dtype()) && !contains(c->non_differentiable, o);
                if (contains(c->dirty, o)) {
                    if (!differentiable && t.requires_grad()) t = ops::detach(t);
                } else {
                    if (contains(given, o))
                        t = differentiable || !t.requires_grad() ? handed_through(t) : ops::detach(t);
                    else if (t.requires_grad() && !(t->flags & kIsView))
                        t = t.alias();  // made under enable_grad, or a parameter: its own history is not this call's
                }
                returned[static_cast<size_t>(i)] = t;
            }
            PyObject* out = t ? Tensor(t).release() : (Py_INCREF(o), o);
            PyTuple_SET_ITEM(result.o, i, out);
        }
        if (record) {
            function->set_outputs(returned);
            for (uint32_t i = 0; i < returned.size(); ++i) {
                const Tensor& t = returned[i];
                if (!t || !is_differentiable(t.dtype()) || contains(c->non_differentiable, originals[i].py()))
                    continue;
                if (!contains(c->dirty, originals[i].py())) {
                    make_output(t, function, i, count == 1);
                } else if (t->flags & kIsView) {
                    if (count > 1)
                        fail(
                            "If your Function modifies inplace an input that is a view of another Tensor, "
                            "your Function cannot return more than one Tensor. This is not supported by the "
                            "current autograd engine. You should either make sure the input is not a view "
                            "(using .clone() for example) or make your Function only return one Tensor "
                            "(potentially splitting it into two Functions: one doing the inplace that "
                            "returns a single Tensor and a second one that does the other operations).");
                    rebase_history(t, function);
                } else {
                    Py_CLEAR(t->grad);
                    set_history(t, function, i);
                }
            }
            function->save(c->to_save, inputs, originals, returned);
            Py_CLEAR(c->to_save);  // otherwise the context lives only as long as the call
        }
        Py_CLEAR(c->dirty);
        Py_CLEAR(c->non_differentiable);
        return result.release();
    } catch (...) {
        return raise_current();
    }
}

// keep_tangents(context, outputs), after a dual call.
PyObject* keep_tangents(PyObject*, PyObject* args) {
    PyObject *ctx, *outputs;
    if (!PyArg_ParseTuple(args, "O!O!", context_type, &ctx, &PyTuple_Type, &outputs)) return nullptr;
    try {
        Tensors all;
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(outputs); ++i) {
            PyObject* o = PyTuple_GET_ITEM(outputs, i);
            all.push_back(Tensor(is_tensor(o) ? o : nullptr));
        }
        if (FunctionNode* node = context_of(ctx)->node) node->keep_output_tangents(all);
        Py_RETURN_NONE;
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
            if (is_tensor(o)) level = std::max(level, highest_level(Tensor(o)));
        }
    return PyLong_FromUnsignedLongLong(level);
}

// ---- the context's type ----

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

PyMethodDef functions[] = {
    {"record_function", record_function, METH_VARARGS, nullptr},
    {"keep_tangents", keep_tangents, METH_VARARGS, nullptr},
    {"set_function_caller", set_caller, METH_O, nullptr},
    {"highest_level", level_of, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void init_function(PyObject* module) {
    context_type = reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)));
    if (PyModule_AddObjectRef(module, "FunctionContext", reinterpret_cast<PyObject*>(context_type)) < 0)
        throw PythonError();
    if (PyModule_AddFunctions(module, functions) < 0) throw PythonError();
}

}  // namespace pb
