// What forward of a user's Function returns becomes outputs of its node (function_node.h): new tensors as they are; an
// input handed through as a view of that input, so that the argument keeps its own history; an input that was written
// (`mark_dirty`) with its history re-based; a view with a mark that forbids writing through it, because the write would
// go around the user's rule.
#include "python/types/autograd.h"

#include <algorithm>
#include <vector>

#include "ops/operators.h"
#include "python/types/function_node.h"
#include "tape/history.h"

namespace pb {

namespace {

bool contains(PyObject* tuple, PyObject* o) {
    if (!tuple) return false;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); ++i)
        if (PyTuple_GET_ITEM(tuple, i) == o) return true;
    return false;
}

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
    Py_XSETREF(FunctionNode::caller, o);
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

PyMethodDef functions[] = {
    {"record_function", record_function, METH_VARARGS, nullptr},
    {"keep_tangents", keep_tangents, METH_VARARGS, nullptr},
    {"set_function_caller", set_caller, METH_O, nullptr},
    {"highest_level", level_of, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void init_function(PyObject* module) {
    init_context_type(module);
    if (PyModule_AddFunctions(module, functions) < 0) throw PythonError();
}

}  // namespace pb
