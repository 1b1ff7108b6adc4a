// The engine's door, the modes, hooks and tangents, for the Python half of autograd.
#include "python/types/autograd.h"

#include "ops/operators.h"
#include "python/types/node_object.h"
#include "tape/engine.h"
#include "tape/hooks.h"
#include "tape/variables.h"
#include "tensor/captured.h"

namespace pb {

namespace {

Tensors tensors_of(PyObject* tuple, bool none_allowed) {
    Tensors out;
    Py_ssize_t n = PyTuple_GET_SIZE(tuple);
    for (Py_ssize_t i = 0; i < n; ++i) {
        PyObject* o = PyTuple_GET_ITEM(tuple, i);
        if (o == Py_None && none_allowed) out.push_back(Tensor());
        else if (is_tensor(o)) out.push_back(Tensor(o));
        else fail_as(ErrorKind::Type, "element {} of tensors must be Tensor, not {}", i, Py_TYPE(o)->tp_name);
    }
    return out;
}

// Tensors, or (node, output number) pairs.
GraphPoints points_of(PyObject* tuple) {
    GraphPoints out;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); ++i) {
        PyObject* o = PyTuple_GET_ITEM(tuple, i);
        if (is_tensor(o)) {
            out.push_back({Tensor(o), Ref<Node>(), 0});
        } else if (PyTuple_Check(o) && PyTuple_GET_SIZE(o) >= 2 && is_node_object(PyTuple_GET_ITEM(o, 0))) {
            Node* n = node_of(PyTuple_GET_ITEM(o, 0));
            unsigned long nr = PyLong_AsUnsignedLong(PyTuple_GET_ITEM(o, 1));
            if (nr >= n->output_count())
                fail("the gradient edge names output {} of {}, which has {}", nr, n->name(),
                     n->output_count());
            out.push_back({Tensor(), Ref<Node>(n), static_cast<uint32_t>(nr)});
        } else {
            fail_as(ErrorKind::Type, "element {} of tensors must be Tensor, not {}", i, Py_TYPE(o)->tp_name);
        }
    }
    return out;
}

// run_backward(outputs, grads, inputs, retain_graph, create_graph, allow_unused, accumulate, hooks=True, own=None, goes_on=False):
// with a tuple `own`, for a transform, the gradients and whether the run reached beyond; options.goes_on.
PyObject* backward(PyObject*, PyObject* args) {
    PyObject *outputs, *grads, *inputs, *own = nullptr;
    int retain, create, unused, accumulate, hooks = 1, goes_on = 0;
    if (!PyArg_ParseTuple(args, "O!O!O!pppp|pO!p", &PyTuple_Type, &outputs, &PyTuple_Type, &grads,
                          &PyTuple_Type, &inputs, &retain, &create, &unused, &accumulate, &hooks,
                          &PyTuple_Type, &own, &goes_on))
        return nullptr;
    try {
        BackwardOptions options;
        options.retain_graph = retain;
        options.create_graph = create;
        options.allow_unused = unused;
        options.accumulate = accumulate;
        options.hooks = hooks;
        options.goes_on = goes_on;
        bool beyond = false;
        if (own) options.beyond = &beyond;
        Tensors results = run_backward(points_of(outputs), tensors_of(grads, true), points_of(inputs),
                                       options, own ? points_of(own) : GraphPoints());
        if (accumulate) Py_RETURN_NONE;
        if (own) return Py_BuildValue("(NN)", tuple_of(results), boolean(beyond));
        return tuple_of(results);
    } catch (...) {
        return raise_current();
    }
}

// variable(tensor, recording), close_variables(own), settled(tensor, own, closed=False): tape/variables.h.
PyObject* variable_of(PyObject*, PyObject* args) {
    PyObject* x;
    int recording;
    if (!PyArg_ParseTuple(args, "O!p", tensor_type, &x, &recording)) return nullptr;
    try {
        return variable(Tensor(x), recording).release();
    } catch (...) {
        return raise_current();
    }
}
PyObject* close_variables(PyObject*, PyObject* own) {
    if (!PyTuple_Check(own)) Py_RETURN_NONE;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(own); ++i)
        if (PyObject* v = PyTuple_GET_ITEM(own, i); is_tensor(v)) close_variable(Tensor(v));
    Py_RETURN_NONE;
}
PyObject* settle(PyObject*, PyObject* args) {
    PyObject *t, *own;
    int closed = 0;
    if (!PyArg_ParseTuple(args, "O!O!|p", tensor_type, &t, &PyTuple_Type, &own, &closed)) return nullptr;
    try {
        return settled(Tensor(t), points_of(own), closed).release();
    } catch (...) {
        return raise_current();
    }
}

// name_last_step(tensor, name): Note [Functions made of others], of a function that chooses the name itself.
PyObject* name_step(PyObject*, PyObject* args) {
    PyObject *t, *name;
    if (!PyArg_ParseTuple(args, "O!U", tensor_type, &t, &name)) return nullptr;
    name_last_step(Tensor(t), lasting_name(name), 0);
    return Py_NewRef(t);
}

// recorded() is where the tape is now; captures(outputs, own, since): tape/variables.h.
PyObject* recorded(PyObject*, PyObject*) { return PyLong_FromUnsignedLongLong(Node::next_sequence); }
PyObject* captured(PyObject*, PyObject* args) {
    PyObject *outputs, *own;
    unsigned long long since;
    if (!PyArg_ParseTuple(args, "O!O!K", &PyTuple_Type, &outputs, &PyTuple_Type, &own, &since))
        return nullptr;
    try {
        return tuple_of(captures(tensors_of(outputs, false), points_of(own), since));
    } catch (...) {
        return raise_current();
    }
}

// in_transform(): whether a function that vmap or a derivative transforms is running, and no rule of a Function in it.
PyObject* in_transform(PyObject*, PyObject*) { return boolean(modes.scope && !modes.in_function); }
// require_grad(tensor, on=True): requires_grad_, which the library itself may call inside of transforms.
PyObject* require_grad(PyObject*, PyObject* args) {
    PyObject *o, *value = Py_True;
    if (!PyArg_ParseTuple(args, "O!|O", tensor_type, &o, &value)) return nullptr;
    const int on = PyObject_IsTrue(value);
    if (on < 0) return nullptr;
    try {
        Tensor t(o);
        if (on && !is_differentiable(t.dtype()))
            fail(
                "only Tensors of floating point dtype can require gradients. This one has dtype pullback.{}: "
                "convert "
                "it first.",
                dtype_name(t.dtype()));
        const bool sets = !on || !current_grad_fn(t);
        if (sets && PyObject_SetAttrString(o, "requires_grad", on ? Py_True : Py_False) < 0) return nullptr;
        return t.release();
    } catch (...) {
        return raise_current();
    }
}

PyObject* run_number(PyObject*, PyObject*) { return PyLong_FromUnsignedLong(current_run()); }
PyObject* run_visits(PyObject*, PyObject* t) { return boolean(is_tensor(t) && will_run(Tensor(t))); }

PyObject* accumulates(PyObject*, PyObject*) { return boolean(run_accumulates()); }
PyObject* retains(PyObject*, PyObject*) { return boolean(run_retains()); }

PyObject* set_grad_enabled(PyObject*, PyObject* on) {
    bool before = modes.asked;
    set_grad_mode(on == Py_True);
    return boolean(before);
}
PyObject* is_grad_enabled(PyObject*, PyObject*) { return boolean(modes.asked); }
// enter_function(quietly): a user's rule begins, and nothing is recorded if it runs quietly; returns what
// leave_function puts back.
PyObject* enter_function(PyObject*, PyObject* quietly) {
    int before = modes.asked | modes.in_function << 1;
    modes.in_function = true;
    if (quietly == Py_True) set_grad_mode(false);
    return PyLong_FromLong(before);
}
PyObject* leave_function(PyObject*, PyObject* before) {
    long bits = PyLong_AsLong(before);
    modes.in_function = bits >> 1 & 1;
    set_grad_mode(bits & 1);
    Py_RETURN_NONE;
}
// Whether values may leave the graph although they require grad: what a user's rule computes is not recorded.
PyObject* in_quiet_function(PyObject*, PyObject*) { return boolean(modes.in_function && !modes.grad); }
PyObject* set_inference(PyObject*, PyObject* on) {
    bool before = modes.inference;
    modes.inference = on == Py_True;
    set_grad_mode(modes.asked);
    return boolean(before);
}
PyObject* is_inference(PyObject*, PyObject*) { return boolean(modes.inference); }
PyObject* set_anomaly(PyObject*, PyObject* args) {
    int on, nan;
    if (!PyArg_ParseTuple(args, "pp", &on, &nan)) return nullptr;
    PyObject* before = Py_BuildValue("(OO)", modes.anomaly ? Py_True : Py_False,
                                     modes.anomaly_check_nan ? Py_True : Py_False);
    set_anomaly_mode(on);
    modes.anomaly_check_nan = nan;
    return before;
}
PyObject* anomaly(PyObject*, PyObject*) {
    return Py_BuildValue("(OO)", modes.anomaly ? Py_True : Py_False,
                         modes.anomaly_check_nan ? Py_True : Py_False);
}

PyObject* hooks(PyObject*, PyObject* t) {
    try {
        if (!is_tensor(t)) fail_as(ErrorKind::Type, "expected a Tensor");
        PyObject* d = tensor_hooks(Tensor(t));
        Py_INCREF(d);
        return d;
    } catch (...) {
        return raise_current();
    }
}
PyObject* post_hooks(PyObject*, PyObject* t) {
    try {
        if (!is_tensor(t)) fail_as(ErrorKind::Type, "expected a Tensor");
        TensorExtra& x = extra(Tensor(t));
        if (!x.post_hooks) x.post_hooks = new_ordered_dict();
        Py_INCREF(x.post_hooks);
        return x.post_hooks;
    } catch (...) {
        return raise_current();
    }
}
PyObject* retain(PyObject*, PyObject* t) {
    try {
        if (!is_tensor(t)) fail_as(ErrorKind::Type, "expected a Tensor");
        retain_grad(Tensor(t));
        Py_RETURN_NONE;
    } catch (...) {
        return raise_current();
    }
}
PyObject* detach_in_place(PyObject*, PyObject* o) {
    try {
        if (!is_tensor(o)) fail_as(ErrorKind::Type, "expected a Tensor");
        Tensor t(o);
        check_captured(t, "detach_");
        if (t->flags & kIsView)
            fail(
                "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel "
                "(DDP) for training, and gradient_as_bucket_view is set as True, gradients are views of DDP "
                "buckets, and hence detach_() cannot be called on these gradients.");
        clear_history(t);
        t->flags &= static_cast<uint8_t>(~(kRequiresGrad | kRetainsGrad));
        Py_INCREF(o);
        return o;
    } catch (...) {
        return raise_current();
    }
}
PyObject* gradient_edge_of(PyObject*, PyObject* o) {
    try {
        if (!is_tensor(o)) fail_as(ErrorKind::Type, "expected a Tensor");
        Edge e = gradient_edge(Tensor(o));
        if (!e.node)
            fail(
                "It is not possible to get the gradient edge for a Tensor that does not require gradients. "
                "Call requires_grad_() on it, or on what it is computed from, first.");
        PyObject* pair = Py_BuildValue("(NI)", node_object(e.node), e.nr);
        e.node->release();
        return pair;
    } catch (...) {
        return raise_current();
    }
}

void check_size(const Tensor& primal, const Tensor& tangent) {
    if (!primal.layout().same_shape(tangent.layout()))
        fail(
            "Trying to set a forward gradient that has a different size than that of the original Tensor, "
            "this "
            "is not supported. Tensor is of size {} while the given forward gradient is of size {}. A "
            "tangent "
            "has the shape of its primal.",
            shape_text(primal.layout()), shape_text(tangent.layout()));
}

// A view of the primal that can be given tangents besides those that the primal has.
Tensor dual_of(const Tensor& primal) {
    if (!is_differentiable(primal.dtype()))
        fail_as(ErrorKind::Value, "Expected primal to be floating point or complex, but got: pullback.{}",
                dtype_name(primal.dtype()));
    Tensor dual = ops::view(primal, primal.shape());
    if (dual->extra) dual->extra->tangents.clear();
    if (dual->flags & kIsView) dual->extra->view->is_dual_root = true;
    dual->exceptional &= static_cast<uint8_t>(~kDual);
    if (primal.is_dual())
        for (const Tangent& x : primal->extra->tangents) set_tangent(dual, x.level, x.value);
    return dual;
}

// Forward mode: make_dual(primal, tangent, level, depth), unpack_dual(tensor, level). Errors count levels from the outermost
// that is open, as `depth`.
PyObject* make_dual(PyObject*, PyObject* args) {
    PyObject *p, *t;
    unsigned long long level, depth;
    if (!PyArg_ParseTuple(args, "O!O!KK", tensor_type, &p, tensor_type, &t, &level, &depth)) return nullptr;
    try {
        Tensor primal(p), tangent(t);
        Tensor dual = dual_of(primal);
        if (!is_differentiable(tangent.dtype()))
            fail_as(ErrorKind::Value,
                    "Expected tangent to be floating point or complex, but got: pullback.{}",
                    dtype_name(tangent.dtype()));
        check_size(primal, tangent);
        auto has_level = [level](const Tensor& x) {
            return x.is_dual() && std::any_of(x->extra->tangents.begin(), x->extra->tangents.end(),
                                              [level](const Tangent& other) { return other.level == level; });
        };
        if (has_level(primal))
            fail(
                "Making a dual Tensor based on a Tensor that already has a forward gradient at the same "
                "level {} is "
                "not supported. Take its primal, unpack_dual(x).primal, or enter another dual_level().",
                depth);
        if (has_level(tangent))
            fail(
                "Setting a forward grad that itself has a forward gradient at the same level{} is not "
                "supported. "
                "Take its primal, unpack_dual(tangent).primal, or enter another dual_level().",
                depth);
        if (is_complex(tangent.dtype()) && !is_complex(primal.dtype()))
            fail(
                "Expected a real tangent of a real Tensor, but got: pullback.{}. Along complex directions a "
                "function "
                "of real numbers has no derivative: take the real and the imaginary part one by one.",
                dtype_name(tangent.dtype()));
        if (primal.dtype() != tangent.dtype()) tangent = ops::to_dtype(tangent, primal.dtype());
        set_tangent(dual, level, tangent);
        return dual.release();
    } catch (...) {
        return raise_current();
    }
}
PyObject* unpack_dual(PyObject*, PyObject* args) {
    PyObject* o;
    unsigned long long level;
    if (!PyArg_ParseTuple(args, "O!K", tensor_type, &o, &level)) return nullptr;
    try {
        Tensor t(o);
        Tensor tangent = tangent_at(t, level);
        Tensor primal = strip_level(t, level);
        return Py_BuildValue("(NN)", primal.release(), tangent ? tangent.release() : none());
    } catch (...) {
        return raise_current();
    }
}

// Levels of series: make_series(primal, (coefficient or None, ...), level), unpack_series(tensor, level).
PyObject* make_series(PyObject*, PyObject* args) {
    PyObject *p, *given;
    unsigned long long level;
    if (!PyArg_ParseTuple(args, "O!O!K", tensor_type, &p, &PyTuple_Type, &given, &level)) return nullptr;
    try {
        Tensor primal(p), series = dual_of(primal);
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(given); ++i)
            if (PyObject* o = PyTuple_GET_ITEM(given, i); is_tensor(o))
                set_tangent(series, coefficient_key(level, static_cast<int>(i + 1)), Tensor(o));
        return series.release();
    } catch (...) {
        return raise_current();
    }
}
PyObject* unpack_series(PyObject*, PyObject* args) {
    PyObject* o;
    unsigned long long level;
    if (!PyArg_ParseTuple(args, "O!K", tensor_type, &o, &level)) return nullptr;
    try {
        Tensor t(o), primal = strip_level(t, level);
        Tensors all;
        for (int n = 1; n <= series_order(level); ++n) all.push_back(coefficient(t, level, n));
        return Py_BuildValue("(NN)", primal.release(), tuple_of(all));
    } catch (...) {
        return raise_current();
    }
}
// series_derivative(tensor, level): that of its series, one order shorter; None if it is zero.
PyObject* derivative_of_series(PyObject*, PyObject* args) {
    PyObject* o;
    unsigned long long level;
    if (!PyArg_ParseTuple(args, "O!K", tensor_type, &o, &level)) return nullptr;
    try {
        Tensor d = series_derivative(Tensor(o), level, series_order(level));
        return d ? d.release() : none();
    } catch (...) {
        return raise_current();
    }
}
// series_order(level): 0, an ordinary level. set_series_order(level, order).
PyObject* order_of_series(PyObject*, PyObject* level) {
    return PyLong_FromLong(series_order(PyLong_AsUnsignedLongLong(level)));
}
PyObject* change_order(PyObject*, PyObject* args) {
    unsigned long long level;
    int order;
    if (!PyArg_ParseTuple(args, "Ki", &level, &order)) return nullptr;
    set_series_order(level, order);
    Py_RETURN_NONE;
}
// tangents(tensor): ((level, or key of a coefficient; tangent), ...), of levels that are open.
PyObject* tangents_of(PyObject*, PyObject* o) {
    try {
        if (!is_tensor(o) || !highest_level(Tensor(o))) return PyTuple_New(0);
        const Small<Tangent, 1> found(Tensor(o)->extra->tangents);
        Owned all(checked(PyTuple_New(static_cast<Py_ssize_t>(found.size()))));
        for (size_t i = 0; i < found.size(); ++i)
            PyTuple_SET_ITEM(all.o, static_cast<Py_ssize_t>(i),
                             checked(Py_BuildValue("(KN)", static_cast<unsigned long long>(found[i].level),
                                                   Tensor(found[i].value).release())));
        return all.release();
    } catch (...) {
        return raise_current();
    }
}

// replace_tangents(tensor, ((level, tangent), ...)): these and no others.
PyObject* replace_tangents(PyObject*, PyObject* args) {
    PyObject *o, *pairs;
    if (!PyArg_ParseTuple(args, "O!O!", tensor_type, &o, &PyTuple_Type, &pairs)) return nullptr;
    try {
        Tensor t(o);
        if (t->extra) t->extra->tangents.clear();
        t->exceptional &= static_cast<uint8_t>(~kDual);
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(pairs); ++i) {
            unsigned long long level;
            PyObject* tangent;
            if (!PyArg_ParseTuple(PyTuple_GET_ITEM(pairs, i), "KO!", &level, tensor_type, &tangent))
                return nullptr;
            check_size(t, Tensor(tangent));
            set_tangent(t, level, Tensor(tangent));
        }
        if (t->flags & kIsView) t->extra->tangents_at = t->cell->version;
        Py_RETURN_NONE;
    } catch (...) {
        return raise_current();
    }
}

PyObject* change_level(PyObject*, PyObject* args) {
    unsigned long long level;
    int open, order = 0;
    if (!PyArg_ParseTuple(args, "Kp|i", &level, &open, &order)) return nullptr;
    open ? open_level(level, order) : close_level(level);
    Py_RETURN_NONE;
}

PyObject* increment_version(PyObject*, PyObject* o) {
    if (!is_tensor(o)) {
        PyErr_SetString(PyExc_TypeError, "expected a Tensor");
        return nullptr;
    }
    as_tensor(o)->cell->written();
    Py_RETURN_NONE;
}

// Where a value lies: equal for tensors that share their first element. Looks at nothing that is pending.
PyObject* place(PyObject*, PyObject* o) {
    if (!is_tensor(o)) {
        PyErr_SetString(PyExc_TypeError, "expected a Tensor");
        return nullptr;
    }
    auto* t = as_tensor(o);
    return Py_BuildValue("(NL)", PyLong_FromVoidPtr(t->cell->buffer.get()),
                         static_cast<long long>(t->offset));
}

PyMethodDef functions[] = {
    {"run_backward", backward, METH_VARARGS, nullptr},
    {"variable", variable_of, METH_VARARGS, nullptr},
    {"close_variables", close_variables, METH_O, nullptr},
    {"settled", settle, METH_VARARGS, nullptr},
    {"name_last_step", name_step, METH_VARARGS, nullptr},
    {"recorded", recorded, METH_NOARGS, nullptr},
    {"captures", captured, METH_VARARGS, nullptr},
    {"in_transform", in_transform, METH_NOARGS, nullptr},
    {"require_grad", require_grad, METH_VARARGS, nullptr},
    {"current_run", run_number, METH_NOARGS, nullptr},
    {"run_accumulates", accumulates, METH_NOARGS, nullptr},
    {"run_retains", retains, METH_NOARGS, nullptr},
    {"will_run", run_visits, METH_O, nullptr},
    {"set_grad_enabled", set_grad_enabled, METH_O, nullptr},
    {"enter_function", enter_function, METH_O, nullptr},
    {"leave_function", leave_function, METH_O, nullptr},
    {"in_quiet_function", in_quiet_function, METH_NOARGS, nullptr},
    {"is_grad_enabled", is_grad_enabled, METH_NOARGS, nullptr},
    {"set_inference", set_inference, METH_O, nullptr},
    {"is_inference_mode_enabled", is_inference, METH_NOARGS, nullptr},
    {"set_anomaly", set_anomaly, METH_VARARGS, nullptr},
    {"anomaly", anomaly, METH_NOARGS, nullptr},
    {"tensor_hooks", hooks, METH_O, nullptr},
    {"post_accumulate_hooks", post_hooks, METH_O, nullptr},
    {"retain_grad", retain, METH_O, nullptr},
    {"detach_", detach_in_place, METH_O, nullptr},
    {"gradient_edge", gradient_edge_of, METH_O, nullptr},
    {"make_dual", make_dual, METH_VARARGS, nullptr},
    {"unpack_dual", unpack_dual, METH_VARARGS, nullptr},
    {"make_series", make_series, METH_VARARGS, nullptr},
    {"unpack_series", unpack_series, METH_VARARGS, nullptr},
    {"series_derivative", derivative_of_series, METH_VARARGS, nullptr},
    {"series_order", order_of_series, METH_O, nullptr},
    {"set_series_order", change_order, METH_VARARGS, nullptr},
    {"tangents", tangents_of, METH_O, nullptr},
    {"replace_tangents", replace_tangents, METH_VARARGS, nullptr},
    {"change_level", change_level, METH_VARARGS, nullptr},
    {"increment_version", increment_version, METH_O, nullptr},
    {"place", place, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void init_autograd(PyObject* module) {
    if (PyModule_AddFunctions(module, functions) < 0) throw PythonError();
}

}  // namespace pb
