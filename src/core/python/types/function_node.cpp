#include "python/types/function_node.h"

#include <algorithm>

#include "ops/operators.h"
#include "python/read/convert.h"
#include "tape/history.h"
#include "tape/packing.h"

namespace pb {

PyObject* FunctionNode::caller = nullptr;

FunctionNode::FunctionNode(uint16_t edges, PyObject* ctx) : Node(edges), context_(ctx) {
    Py_INCREF(ctx);
    context_of(ctx)->node = this;
    name_ = Py_TYPE(ctx)->tp_name;
}

FunctionNode::~FunctionNode() {
    context_of(context_)->node = nullptr;
    Py_DECREF(context_);
}

void FunctionNode::pull(Tensors& grads, Tensors& out) {
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

void FunctionNode::release_saved() {
    if (!saved_count_) return;
    for (size_t i = 0; i < saved_count_; ++i) saved_[i].reset();
    released_ = true;
}

int FunctionNode::traverse(visitproc visit, void* arg) {
    Py_VISIT(context_);
    for (const Elsewhere& c : constants_) Py_VISIT(c.tensor.py());
    return 0;
}

PyObject* FunctionNode::attribute(const char* key) {
    PyObject* found = PyObject_GetAttrString(context_, key);
    if (!found) {
        if (!PyErr_ExceptionMatches(PyExc_AttributeError)) throw PythonError();
        PyErr_Clear();
    }
    return found;
}

PyObject* FunctionNode::operand(size_t i) {
    for (size_t k = 0; k < saved_count_; ++k)
        if (saved_[k].origin() == Saved::kInput && saved_[k].number() == i)
            return saved_[k].unpack(*this).release();
    return nullptr;
}

PyObject* FunctionNode::saved_tensors() {
    if (released_) fail_released(*this);
    Owned tuple(checked(PyTuple_New(static_cast<Py_ssize_t>(saved_count_))));
    for (size_t i = 0; i < saved_count_; ++i) {
        PyObject* t = saved_[i].holds_tensor() ? constant(i) : none();
        PyTuple_SET_ITEM(tuple.o, static_cast<Py_ssize_t>(i), t);
    }
    return tuple.release();
}

PyObject* FunctionNode::constant(size_t i) {
    const Elsewhere& c = constants_[i];
    if (c.tensor) {
        saved_[i].check(*this);
        return Tensor(c.tensor).release();
    }
    Tensor t = saved_[i].unpack(*this);
    if (c.node) {
        t = t.alias();
        set_history(t, c.node.get(), c.nr);
    }
    return t.release();
}

void FunctionNode::Elsewhere::keep(const Tensor& t, bool is_packed) {
    if (!is_packed) {
        tensor = t;
        return;
    }
    Edge e = gradient_edge(t);
    node = Ref<Node>::steal(e.node);
    nr = e.nr;
}

static size_t position(const Tensors& all, const Tensor& t) {
    size_t at = 0;
    while (at < all.size() && !all[at].is(t)) ++at;
    return at;
}

void FunctionNode::save(PyObject* list, const Tensors& inputs, const Tensors& originals,
                        const Tensors& outputs) {
    constexpr size_t kNumbers = 256;  // what Saved can count; the rest is held as a tensor
    Py_ssize_t n = list ? PyTuple_GET_SIZE(list) : 0;
    saved_ = std::make_unique<Saved[]>(static_cast<size_t>(n) + 1);
    constants_.resize(static_cast<size_t>(n));
    saved_count_ = static_cast<size_t>(n);
    for (Py_ssize_t i = 0; i < n; ++i) {
        PyObject* o = PyTuple_GET_ITEM(list, i);
        if (o == Py_None) continue;
        Tensor t(o);
        size_t output = position(originals, t), input = position(inputs, t);
        bool is_output = output < std::min(kNumbers, outputs.size()) && outputs[output]->grad_fn == this;
        bool is_input = input < std::min(kNumbers, inputs.size());
        if (is_output && (!is_input || t->grad_fn == this)) {
            saved_[i].save(outputs[output], Saved::kOutput, static_cast<uint8_t>(outputs[output]->output_nr));
            if (modes.packing) pack_saved(saved_[i], outputs[output]);
        } else if (is_input) {
            saved_[i].save(t, Saved::kInput, static_cast<uint8_t>(input));
        } else {  // an intermediate value, or a tensor from elsewhere with a history of its own
            saved_[i].save(t, Saved::kConstant, 0);
            if (t.requires_grad()) constants_[static_cast<size_t>(i)].keep(t, saved_[i].is_packed());
        }
    }
}

void FunctionNode::keep_output_tangents(const Tensors& outputs) {
    for (size_t i = 0; i < saved_count_; ++i)
        if (saved_[i].origin() == Saved::kOutput && saved_[i].number() < outputs.size() &&
            outputs[saved_[i].number()])
            saved_[i].keep_tangents(outputs[saved_[i].number()]);
}

}  // namespace pb
