// Compiled: the callable that stands for a function.
//
// It knows traces (trace.h). Where none of them answers a call, nothing has happened yet, and `slow` is called, which is
// Python: it runs the function, and may record it. Inside of transforms, and wherever somebody watches operators, the function
// is called as it is.
#include "python/replay/replay.h"

#include <structmember.h>

#include "python/bind/overriding.h"
#include "python/bind/watch.h"
#include "python/replay/trace.h"

namespace pb::replay {

namespace {

constexpr size_t kMostTraces = 64;  // of one function
PyTypeObject* trace_type = nullptr;

// ---- traces ------------------------------------------------------------------------------------------------------

struct TraceObject {
    PyObject_HEAD Trace* trace;
};
Trace& trace_of(PyObject* o) { return *reinterpret_cast<TraceObject*>(o)->trace; }

// Trace(guard, steps, count of those before the first loud one, result, state, set_state).
PyObject* make_trace(PyTypeObject* type, PyObject* args, PyObject*) {
    PyObject *guard, *steps, *result, *state, *set_state;
    Py_ssize_t quiet;
    if (!PyArg_ParseTuple(args, "O!O!nO!OO", &PyTuple_Type, &guard, &PyTuple_Type, &steps, &quiet,
                          &PyTuple_Type, &result, &state, &set_state))
        return nullptr;
    try {
        auto trace =
            std::make_unique<Trace>(guard, steps, static_cast<size_t>(quiet), result, state, set_state);
        auto* self = reinterpret_cast<TraceObject*>(checked(type->tp_alloc(type, 0)));
        self->trace = trace.release();
        return reinterpret_cast<PyObject*>(self);
    } catch (...) {
        return raise_current();
    }
}
int traverse_trace(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(self));
    const Trace* trace = reinterpret_cast<TraceObject*>(self)->trace;
    if (!trace) return 0;
    if (int stop = trace->guard.traverse(visit, arg)) return stop;
    return trace->program.traverse(visit, arg);
}
void free_trace(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    delete reinterpret_cast<TraceObject*>(self)->trace;
    type->tp_free(self);
    Py_DECREF(type);
}

// A call's arguments as a vector, from a pair of a tuple and a dict.
struct Arguments {
    explicit Arguments(PyObject* given) {
        PyObject *args, *kwargs;
        if (!PyArg_ParseTuple(given, "O!O!", &PyTuple_Type, &args, &PyDict_Type, &kwargs))
            throw PythonError();
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args); ++i) all.push_back(PyTuple_GET_ITEM(args, i));
        count = all.size();
        if (!PyDict_GET_SIZE(kwargs)) return;
        names.o = checked(PySequence_Tuple(kwargs));
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names.o); ++i)
            all.push_back(PyDict_GetItem(kwargs, PyTuple_GET_ITEM(names.o, i)));
    }
    Call call() const { return {all.data(), count, names.o}; }
    std::vector<PyObject*> all;
    size_t count;
    Owned names;
};

// run(args, kwargs): what the trace gives in a tuple, or None where it does not answer.
PyObject* run_trace(PyObject* self, PyObject* given) {
    try {
        const Arguments a(given);
        Trace* const alone[] = {&trace_of(self)};
        PyObject* result = answer(alone, a.call());
        return result ? Py_BuildValue("(N)", result) : none();
    } catch (...) {
        return raise_current();
    }
}
// answers(args, kwargs): whether the call is one of those that it can be run for.
PyObject* answers(PyObject* self, PyObject* given) {
    try {
        const Arguments a(given);
        Found found;
        return boolean(trace_of(self).answers(a.call(), found));
    } catch (...) {
        return raise_current();
    }
}
// join(other): whether the two part somewhere; then a call may go from one to the other.
PyObject* join(PyObject* self, PyObject* other) {
    if (Py_TYPE(other) != trace_type) return PyErr_Format(PyExc_TypeError, "expected a trace");
    try {
        return boolean(trace_of(self).join(trace_of(other)));
    } catch (...) {
        return raise_current();
    }
}
// condense(args, kwargs): None, or why not.
PyObject* condense(PyObject* self, PyObject* given) {
    try {
        const Arguments a(given);
        std::string why;
        if (trace_of(self).condense(a.call(), why)) return none();
        return PyUnicode_FromString(why.c_str());
    } catch (...) {
        return raise_current();
    }
}
PyObject* figures(PyObject* self, PyObject*) {
    const Trace& t = trace_of(self);
    const Condensed* c = t.condensed.get();
    return Py_BuildValue("{s:n,s:n,s:K,s:n,s:n}", "checks", static_cast<Py_ssize_t>(t.guard.size()), "steps",
                         static_cast<Py_ssize_t>(t.program.size()), "calls",
                         static_cast<unsigned long long>(t.calls), "kernels",
                         static_cast<Py_ssize_t>(c ? c->kernels() : 0), "bytes",
                         static_cast<Py_ssize_t>(c ? c->bytes() : 0));
}

PyMethodDef trace_methods[] = {
    {"run", run_trace, METH_VARARGS, nullptr},     {"answers", answers, METH_VARARGS, nullptr},
    {"condense", condense, METH_VARARGS, nullptr}, {"join", join, METH_O, nullptr},
    {"figures", figures, METH_NOARGS, nullptr},    {nullptr, nullptr, 0, nullptr},
};
PyType_Slot trace_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(make_trace)},
    {Py_tp_dealloc, reinterpret_cast<void*>(free_trace)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse_trace)},
    {Py_tp_methods, trace_methods},
    {0, nullptr},
};
PyType_Spec trace_spec = {"pullback._core.Trace", sizeof(TraceObject), 0,
                          Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, trace_slots};

// ---- the callable ------------------------------------------------------------------------------------------------

struct CompiledObject {
    PyObject_HEAD vectorcallfunc vectorcall;
    PyObject* function;
    PyObject* slow;
    PyObject* dict;
    PyObject* weakrefs;
    PyObject* traces;  // a tuple, which is replaced as a whole: other threads may be in the middle of it
    bool off;
};

// Whether nothing is about that a recorded call does not know of.
bool is_ordinary() {
    return !modes.scope && !modes.watched && !modes.inference && !modes.in_function && watchers.all.empty() &&
           !watchers.inside && !profile && overriding == Overriding::Everybody;
}

PyObject* ask_slow(const CompiledObject* c, PyObject* const* args, size_t count, PyObject* keywords) {
    Owned positions(checked(PyTuple_New(static_cast<Py_ssize_t>(count)))), named(checked(PyDict_New()));
    for (size_t i = 0; i < count; ++i)
        PyTuple_SET_ITEM(positions.o, static_cast<Py_ssize_t>(i), Py_NewRef(args[i]));
    for (Py_ssize_t i = 0; keywords && i < PyTuple_GET_SIZE(keywords); ++i)
        if (PyDict_SetItem(named.o, PyTuple_GET_ITEM(keywords, i), args[count + static_cast<size_t>(i)]) < 0)
            throw PythonError();
    return PyObject_CallFunctionObjArgs(c->slow, positions.o, named.o, nullptr);
}

PyObject* call_compiled(PyObject* self, PyObject* const* args, size_t nargsf, PyObject* keywords) {
    auto* c = reinterpret_cast<CompiledObject*>(self);
    if (c->off || !is_ordinary()) return PyObject_Vectorcall(c->function, args, nargsf, keywords);
    const size_t count = static_cast<size_t>(PyVectorcall_NARGS(nargsf));
    try {
        const Owned traces(Py_NewRef(c->traces));
        Trace* all[kMostTraces];
        const auto n = static_cast<size_t>(PyTuple_GET_SIZE(traces.o));
        for (size_t i = 0; i < n; ++i)
            all[i] = &trace_of(PyTuple_GET_ITEM(traces.o, static_cast<Py_ssize_t>(i)));
        if (PyObject* result = answer({all, n}, {args, count, keywords})) return result;
        return ask_slow(c, args, count, keywords);
    } catch (...) {
        return raise_current();
    }
}

// Compiled(function, slow).
PyObject* make_compiled(PyTypeObject* type, PyObject* args, PyObject*) {
    PyObject *function, *slow;
    if (!PyArg_ParseTuple(args, "OO", &function, &slow)) return nullptr;
    PyObject* nothing = PyTuple_New(0);
    auto* c = nothing ? reinterpret_cast<CompiledObject*>(type->tp_alloc(type, 0)) : nullptr;
    if (!c) return nullptr;
    c->vectorcall = call_compiled;
    c->function = Py_NewRef(function);
    c->slow = Py_NewRef(slow);
    c->traces = nothing;
    return reinterpret_cast<PyObject*>(c);
}
int traverse(PyObject* self, visitproc visit, void* arg) {
    auto* c = reinterpret_cast<CompiledObject*>(self);
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(c->function);
    Py_VISIT(c->slow);
    Py_VISIT(c->dict);
    Py_VISIT(c->traces);
    return 0;
}
void free_compiled(PyObject* self) {
    auto* c = reinterpret_cast<CompiledObject*>(self);
    PyTypeObject* type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (c->weakrefs) PyObject_ClearWeakRefs(self);
    Py_CLEAR(c->function);
    Py_CLEAR(c->slow);
    Py_CLEAR(c->dict);
    Py_CLEAR(c->traces);
    type->tp_free(self);
    Py_DECREF(type);
}
// What is called meanwhile needs its function and its traces; so a cycle is cut at `slow`, which holds all the rest.
int clear(PyObject* self) {
    auto* c = reinterpret_cast<CompiledObject*>(self);
    c->off = true;
    PyObject* nothing = PyTuple_New(0);
    if (!nothing) return PyErr_Clear(), 0;
    Py_SETREF(c->traces, nothing);
    Py_SETREF(c->slow, Py_NewRef(Py_None));
    Py_SETREF(c->function, Py_NewRef(Py_None));
    Py_CLEAR(c->dict);
    return 0;
}
PyObject* bind_to(PyObject* self, PyObject* object, PyObject*) {
    return !object || object == Py_None ? Py_NewRef(self) : PyMethod_New(self, object);
}
PyObject* repr(PyObject* self) {
    return PyUnicode_FromFormat("<compiled %R>", reinterpret_cast<CompiledObject*>(self)->function);
}
// A copy of a function is the function; a pickle finds it by its name.
PyObject* reduce(PyObject* self, PyObject*) { return PyObject_GetAttrString(self, "__qualname__"); }
PyObject* copy(PyObject* self, PyObject*) { return Py_NewRef(self); }

// What the function has and this has not.
PyObject* get_attribute(PyObject* self, PyObject* name) {
    if (PyObject* found = PyObject_GenericGetAttr(self, name)) return found;
    if (!PyErr_ExceptionMatches(PyExc_AttributeError)) return nullptr;
    PyErr_Clear();
    return PyObject_GetAttr(reinterpret_cast<CompiledObject*>(self)->function, name);
}

PyObject* get_traces(PyObject* self, void*) {
    return Py_NewRef(reinterpret_cast<CompiledObject*>(self)->traces);
}
int set_traces(PyObject* self, PyObject* all, void*) {
    bool fits = all && PyTuple_CheckExact(all) && PyTuple_GET_SIZE(all) <= Py_ssize_t{kMostTraces};
    for (Py_ssize_t i = 0; fits && i < PyTuple_GET_SIZE(all); ++i)
        fits = Py_TYPE(PyTuple_GET_ITEM(all, i)) == trace_type;
    if (!fits) return PyErr_SetString(PyExc_TypeError, "expected a tuple of traces"), -1;
    Py_SETREF(reinterpret_cast<CompiledObject*>(self)->traces, Py_NewRef(all));
    return 0;
}

PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(CompiledObject, vectorcall), READONLY, nullptr},
    {"__dictoffset__", T_PYSSIZET, offsetof(CompiledObject, dict), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(CompiledObject, weakrefs), READONLY, nullptr},
    {"__wrapped__", T_OBJECT_EX, offsetof(CompiledObject, function), READONLY, nullptr},
    {"_slow", T_OBJECT_EX, offsetof(CompiledObject, slow), READONLY, nullptr},
    {"_off", T_BOOL, offsetof(CompiledObject, off), 0, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};
PyMethodDef methods[] = {
    {"__reduce__", reduce, METH_NOARGS, nullptr},
    {"__copy__", copy, METH_NOARGS, nullptr},
    {"__deepcopy__", copy, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyGetSetDef attributes[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
    {"_traces", get_traces, set_traces, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(make_compiled)},
    {Py_tp_dealloc, reinterpret_cast<void*>(free_compiled)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_descr_get, reinterpret_cast<void*>(bind_to)},
    {Py_tp_getattro, reinterpret_cast<void*>(get_attribute)},
    {Py_tp_repr, reinterpret_cast<void*>(repr)},
    {Py_tp_members, members},
    {Py_tp_methods, methods},
    {Py_tp_getset, attributes},
    {0, nullptr},
};
PyType_Spec spec = {
    "pullback._core.Compiled", sizeof(CompiledObject), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR,
    slots};

// ---- what recording asks -----------------------------------------------------------------------------------------

// is_plain_tensor(o): a Tensor or a Parameter, of no class of a user's, without levels, not born in inference mode.
PyObject* is_plain_tensor(PyObject*, PyObject* o) {
    return PyBool_FromLong(is_exact_tensor(o) && !as_tensor(o)->exceptional &&
                           !(as_tensor(o)->flags & kInference));
}
// is_bare_leaf(tensor): guard.h.
PyObject* bare_leaf(PyObject*, PyObject* o) {
    if (!is_tensor(o)) return PyErr_Format(PyExc_TypeError, "expected a tensor");
    return PyBool_FromLong(is_bare_leaf(as_tensor(o)));
}
// class_version(type): the number of its state, or 0.
PyObject* class_version(PyObject*, PyObject* o) {
    if (!PyType_Check(o)) return PyErr_Format(PyExc_TypeError, "expected a class");
    const Owned name(checked(PyUnicode_InternFromString("__hash__")));
    _PyType_Lookup(reinterpret_cast<PyTypeObject*>(o), name.o);  // classes get a number when somebody looks
    return PyLong_FromUnsignedLong(version_of(o));
}
PyObject* same(PyObject*, PyObject* args) {
    PyObject *a, *b;
    if (!PyArg_ParseTuple(args, "OO", &a, &b)) return nullptr;
    return PyBool_FromLong(same_value(a, b));
}
// buffer_of(tensor): a number that it has in common with those that lie in the same memory.
PyObject* buffer_of(PyObject*, PyObject* o) {
    if (!is_tensor(o)) return PyErr_Format(PyExc_TypeError, "expected a tensor");
    return PyLong_FromVoidPtr(as_tensor(o)->cell->buffer.get());
}
// numbers_taken(): how many numbers this thread has taken out of tensors.
PyObject* numbers(PyObject*, PyObject*) { return PyLong_FromUnsignedLongLong(numbers_taken); }
PyObject* ordinary(PyObject*, PyObject*) { return PyBool_FromLong(is_ordinary()); }

PyMethodDef functions[] = {
    {"is_plain_tensor", is_plain_tensor, METH_O, nullptr},
    {"is_bare_leaf", bare_leaf, METH_O, nullptr},
    {"class_version", class_version, METH_O, nullptr},
    {"are_same_constants", same, METH_VARARGS, nullptr},
    {"is_ordinary", ordinary, METH_NOARGS, nullptr},
    {"buffer_of", buffer_of, METH_O, nullptr},
    {"numbers_taken", numbers, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyTypeObject* add_type(PyObject* module, const char* name, PyType_Spec* of) {
    auto* type = reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(of)));
    if (PyModule_AddObjectRef(module, name, reinterpret_cast<PyObject*>(type)) < 0) throw PythonError();
    return type;
}

}  // namespace

}  // namespace pb::replay

namespace pb {

void init_replay(PyObject* module) {
    using namespace replay;
    trace_type = add_type(module, "Trace", &trace_spec);
    add_type(module, "Compiled", &spec);
    if (PyModule_AddFunctions(module, functions) < 0) throw PythonError();
}

}  // namespace pb
