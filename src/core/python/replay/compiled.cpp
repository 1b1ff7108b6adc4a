// Compiled: the callable that stands for a function, and Plan: one way to call it without running it.
//
// A plan is a guard, a program, and the modes that held when it was recorded. A call looks for the first plan whose guard
// passes, and runs that. Where there is none, or a program stops on its way, `slow` is called, which is Python: it runs the
// function, and records what it does or not. Inside of transforms, and wherever somebody watches operators, the function is
// called as it is; so it is inside of another one that is being recorded, which thereby sees what it does.
#include "python/replay/replay.h"

#include <structmember.h>

#include <algorithm>
#include <chrono>

#include "ops/elementwise/elementwise.h"
#include "python/bind/watch.h"
#include "python/replay/guard.h"
#include "python/replay/program.h"
#include "tensor/modes.h"

namespace pb::replay {

namespace {

PyTypeObject *plan_type = nullptr, *compiled_type = nullptr;

// ---- plans -------------------------------------------------------------------------------------------------------

struct Plan {
    Guard guard;
    Program program;
    bool grad;
    DType dtype;
    uint64_t calls = 0;  // that it answered
    // Of its first calls every other one is left to the function, and the fastest of either kind counts: what costs less as
    // it is, is called as it is.
    int trials = 0;                               // that are left
    bool idle = false;                            // the function costs less
    int64_t fastest[2] = {INT64_MAX, INT64_MAX};  // in nanoseconds: run, called
    Plan(PyObject* description, bool keeps_all, int trials)
        : guard(description), program(keeps_all), grad(modes.asked), dtype(default_dtype), trials(trials) {}
    bool is_for_now() const { return grad == modes.asked && dtype == default_dtype; }
};
struct PlanObject {
    PyObject_HEAD Plan* plan;
};
Plan& plan_of(PyObject* o) { return *reinterpret_cast<PlanObject*>(o)->plan; }

PyObject* make_plan(PyTypeObject* type, PyObject* args, PyObject*) {
    PyObject* description;
    int keeps_all, trials;
    if (!PyArg_ParseTuple(args, "O!pi", &PyTuple_Type, &description, &keeps_all, &trials)) return nullptr;
    try {
        auto plan = std::make_unique<Plan>(description, keeps_all, trials);
        auto* self = reinterpret_cast<PlanObject*>(checked(type->tp_alloc(type, 0)));
        self->plan = plan.release();
        return reinterpret_cast<PyObject*>(self);
    } catch (...) {
        return raise_current();
    }
}
int traverse_plan(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(self));
    const Plan* plan = reinterpret_cast<PlanObject*>(self)->plan;
    if (!plan) return 0;
    if (int stop = plan->guard.traverse(visit, arg)) return stop;
    return plan->program.traverse(visit, arg);
}
void free_plan(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    delete reinterpret_cast<PlanObject*>(self)->plan;
    type->tp_free(self);
    Py_DECREF(type);
}

// A call's arguments as a vector, from a tuple and a dict.
struct Arguments {
    Arguments(PyObject* args, PyObject* kwargs) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args); ++i) all.push_back(PyTuple_GET_ITEM(args, i));
        count = all.size();
        if (kwargs == Py_None) return;
        names.o = checked(PySequence_Tuple(kwargs));
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names.o); ++i)
            all.push_back(PyDict_GetItem(kwargs, PyTuple_GET_ITEM(names.o, i)));
    }
    std::vector<PyObject*> all;
    size_t count;
    Owned names;
};

// inputs(args, kwargs): the tensors that the guard finds, or where it fails, in words.
PyObject* plan_inputs(PyObject* self, PyObject* given) {
    PyObject *args, *kwargs;
    if (!PyArg_ParseTuple(given, "O!O", &PyTuple_Type, &args, &kwargs)) return nullptr;
    try {
        const Arguments a(args, kwargs);
        Found found;
        if (!plan_of(self).is_for_now())
            return PyUnicode_FromString("the mode of gradients or the default dtype");
        if (!plan_of(self).guard.check(a.all.data(), a.count, a.names.o, found))
            return found.failed ? Py_NewRef(found.failed->path) : PyUnicode_FromString("the arguments");
        PyObject* all = checked(PyTuple_New(static_cast<Py_ssize_t>(found.inputs.size())));
        for (size_t i = 0; i < found.inputs.size(); ++i)
            PyTuple_SET_ITEM(all, static_cast<Py_ssize_t>(i), Py_NewRef(found.inputs[i]));
        return all;
    } catch (...) {
        return raise_current();
    }
}
// extend(node, step, outcome, steps, result).
PyObject* plan_extend(PyObject* self, PyObject* given) {
    int node, step;
    PyObject *outcome, *steps, *result;
    if (!PyArg_ParseTuple(given, "iiOO!O", &node, &step, &outcome, &PyTuple_Type, &steps, &result))
        return nullptr;
    try {
        plan_of(self).program.extend(node, step, outcome, steps, result);
        Py_RETURN_NONE;
    } catch (...) {
        return raise_current();
    }
}
PyObject* plan_figures(PyObject* self, PyObject*) {
    const Plan& p = plan_of(self);
    return Py_BuildValue("{s:n,s:n,s:n,s:n,s:K,s:O}", "checks", static_cast<Py_ssize_t>(p.guard.checks()),
                         "steps", static_cast<Py_ssize_t>(p.program.steps()), "branches",
                         static_cast<Py_ssize_t>(p.program.branches()), "looks",
                         static_cast<Py_ssize_t>(p.program.looks()), "calls",
                         static_cast<unsigned long long>(p.calls), "idle", p.idle ? Py_True : Py_False);
}

PyMethodDef plan_methods[] = {
    {"inputs", plan_inputs, METH_VARARGS, nullptr},
    {"extend", plan_extend, METH_VARARGS, nullptr},
    {"figures", plan_figures, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyType_Slot plan_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(make_plan)},
    {Py_tp_dealloc, reinterpret_cast<void*>(free_plan)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse_plan)},
    {Py_tp_methods, plan_methods},
    {0, nullptr},
};
PyType_Spec plan_spec = {"pullback._core.Plan", sizeof(PlanObject), 0,
                         Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, plan_slots};

// ---- the callable ------------------------------------------------------------------------------------------------

struct CompiledObject {
    PyObject_HEAD vectorcallfunc vectorcall;
    PyObject* function;
    PyObject* slow;
    PyObject* dict;
    PyObject* weakrefs;
    std::vector<PyObject*>* plans;  // references, the one that was used last first
    bool off;
};

// Whether nothing is about that a recorded call does not know of.
bool is_ordinary() {
    return !modes.scope && !modes.watched && !modes.inference && !modes.in_function && watchers.all.empty() &&
           !watchers.inside && !profile;
}

PyObject* stopped(Stop& stop, PyObject* plan) {
    Owned numbers(checked(PyTuple_New(static_cast<Py_ssize_t>(stop.numbers.size())))),
        results(checked(PyTuple_New(static_cast<Py_ssize_t>(stop.results.size())))),
        inputs(checked(PyTuple_New(static_cast<Py_ssize_t>(stop.inputs.size()))));
    for (size_t i = 0; i < stop.numbers.size(); ++i)
        PyTuple_SET_ITEM(numbers.o, static_cast<Py_ssize_t>(i), checked(PyLong_FromLong(stop.numbers[i])));
    for (size_t i = 0; i < stop.results.size(); ++i)
        PyTuple_SET_ITEM(results.o, static_cast<Py_ssize_t>(i), Py_NewRef(stop.results[i]));
    for (size_t i = 0; i < stop.inputs.size(); ++i)
        PyTuple_SET_ITEM(inputs.o, static_cast<Py_ssize_t>(i), Py_NewRef(stop.inputs[i]));
    // The last outcome in a tuple of one; None where the step raised.
    Owned last(stop.value ? checked(PyTuple_Pack(1, stop.value)) : none());
    return checked(Py_BuildValue("(OiiNNNN)", plan, stop.node, stop.step, numbers.release(),
                                 results.release(), inputs.release(), last.release()));
}

PyObject* ask_slow(const CompiledObject* c, PyObject* const* args, size_t count, PyObject* keywords,
                   PyObject* stop) {
    Owned positions(checked(PyTuple_New(static_cast<Py_ssize_t>(count)))), named(checked(PyDict_New()));
    for (size_t i = 0; i < count; ++i)
        PyTuple_SET_ITEM(positions.o, static_cast<Py_ssize_t>(i), Py_NewRef(args[i]));
    for (Py_ssize_t i = 0; keywords && i < PyTuple_GET_SIZE(keywords); ++i)
        if (PyDict_SetItem(named.o, PyTuple_GET_ITEM(keywords, i), args[count + static_cast<size_t>(i)]) < 0)
            throw PythonError();
    return PyObject_CallFunctionObjArgs(c->slow, positions.o, named.o, stop, nullptr);
}

[[gnu::cold]] PyObject* fail_varied() {
    PyErr_SetString(PyExc_RuntimeError,
                    "pb.compile: an operator gave a result of another geometry than at calls that were "
                    "recorded, although "
                    "nothing differs that they had looked at. Call this function without pb.compile.");
    return nullptr;
}

int64_t now() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}
void judge(CompiledObject* c, Plan& plan, int kind, int64_t time) {
    plan.fastest[kind] = std::min(plan.fastest[kind], time);
    if (--plan.trials > 0) return;
    plan.idle = plan.fastest[0] > plan.fastest[1];
    c->off = c->off || (plan.idle && c->plans->size() == 1);
}

PyObject* call_compiled(PyObject* self, PyObject* const* args, size_t nargsf, PyObject* keywords) {
    auto* c = reinterpret_cast<CompiledObject*>(self);
    if (c->off || !is_ordinary()) return PyObject_Vectorcall(c->function, args, nargsf, keywords);
    const size_t count = static_cast<size_t>(PyVectorcall_NARGS(nargsf));
    try {
        for (size_t i = 0; i < c->plans->size(); ++i) {
            Owned held(Py_NewRef((*c->plans)[i]));
            Plan& plan = plan_of(held.o);
            static thread_local Found found;  // which nothing looks at any more once the program has begun
            if (!plan.is_for_now()) continue;
            const bool tried = __builtin_expect(plan.trials > 0, 0);
            int64_t begun = tried ? now() : 0;
            if (!plan.guard.check(args, count, keywords, found)) continue;
            if (i)
                std::rotate(c->plans->begin(), c->plans->begin() + static_cast<std::ptrdiff_t>(i),
                            c->plans->begin() + static_cast<std::ptrdiff_t>(i) + 1);
            if (plan.idle) return PyObject_Vectorcall(c->function, args, nargsf, keywords);
            if (tried && plan.trials % 2) {
                begun = now();
                PyObject* result = PyObject_Vectorcall(c->function, args, nargsf, keywords);
                judge(c, plan, 1, now() - begun);
                return result;
            }
            Stop stop;
            if (PyObject* result = plan.program.run(found.inputs, stop)) {
                ++plan.calls;
                if (tried) judge(c, plan, 0, now() - begun);
                return result;
            }
            if (PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_Exception)) return nullptr;  // Ctrl-C
            if (!stop.resumes) return PyErr_Occurred() ? nullptr : fail_varied();
            PyErr_Clear();
            const Owned state(stopped(stop, held.o));
            return ask_slow(c, args, count, keywords, state.o);
        }
        return ask_slow(c, args, count, keywords, Py_None);
    } catch (...) {
        return raise_current();
    }
}

// Compiled(function, slow).
PyObject* make_compiled(PyTypeObject* type, PyObject* args, PyObject*) {
    PyObject *function, *slow;
    if (!PyArg_ParseTuple(args, "OO", &function, &slow)) return nullptr;
    auto* c = reinterpret_cast<CompiledObject*>(type->tp_alloc(type, 0));
    if (!c) return nullptr;
    c->vectorcall = call_compiled;
    c->function = Py_NewRef(function);
    c->slow = Py_NewRef(slow);
    c->plans = new std::vector<PyObject*>;
    return reinterpret_cast<PyObject*>(c);
}
int traverse(PyObject* self, visitproc visit, void* arg) {
    auto* c = reinterpret_cast<CompiledObject*>(self);
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(c->function);
    Py_VISIT(c->slow);
    Py_VISIT(c->dict);
    if (c->plans)
        for (PyObject* plan : *c->plans) Py_VISIT(plan);
    return 0;
}
int clear(PyObject* self) {
    auto* c = reinterpret_cast<CompiledObject*>(self);
    Py_CLEAR(c->function);
    Py_CLEAR(c->slow);
    Py_CLEAR(c->dict);
    const auto plans = std::move(*c->plans);
    c->plans->clear();
    c->off = true;
    for (PyObject* p : plans) Py_DECREF(p);
    return 0;
}
void free_compiled(PyObject* self) {
    auto* c = reinterpret_cast<CompiledObject*>(self);
    PyTypeObject* type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (c->weakrefs) PyObject_ClearWeakRefs(self);
    clear(self);
    delete c->plans;
    type->tp_free(self);
    Py_DECREF(type);
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

PyObject* keep(PyObject* self, PyObject* plan) {
    if (Py_TYPE(plan) != plan_type) return PyErr_Format(PyExc_TypeError, "expected a Plan");
    auto& plans = *reinterpret_cast<CompiledObject*>(self)->plans;
    plans.insert(plans.begin(), Py_NewRef(plan));
    Py_RETURN_NONE;
}
PyObject* forget(PyObject* self, PyObject*) {
    auto* c = reinterpret_cast<CompiledObject*>(self);
    const auto plans = std::move(*c->plans);
    c->plans->clear();
    for (PyObject* p : plans) Py_DECREF(p);
    Py_RETURN_NONE;
}
PyObject* all_plans(PyObject* self, PyObject*) {
    const auto& plans = *reinterpret_cast<CompiledObject*>(self)->plans;
    PyObject* all = PyTuple_New(static_cast<Py_ssize_t>(plans.size()));
    for (size_t i = 0; all && i < plans.size(); ++i)
        PyTuple_SET_ITEM(all, static_cast<Py_ssize_t>(i), Py_NewRef(plans[i]));
    return all;
}
PyObject* ordinary(PyObject*, PyObject*) { return PyBool_FromLong(is_ordinary()); }

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
    {"_keep", keep, METH_O, nullptr},
    {"_forget", forget, METH_NOARGS, nullptr},
    {"_plans", all_plans, METH_NOARGS, nullptr},
    {"__reduce__", reduce, METH_NOARGS, nullptr},
    {"__copy__", copy, METH_NOARGS, nullptr},
    {"__deepcopy__", copy, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyGetSetDef attributes[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
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

// is_exact(tensor): Tensor or Parameter, no class of a user's, without levels.
PyObject* is_exact(PyObject*, PyObject* o) {
    return PyBool_FromLong(is_exact_tensor(o) && !as_tensor(o)->exceptional);
}

PyMethodDef functions[] = {
    {"is_exact", is_exact, METH_O, nullptr},
    {"is_ordinary", ordinary, METH_NOARGS, nullptr},
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
    plan_type = add_type(module, "Plan", &plan_spec);
    compiled_type = add_type(module, "Compiled", &spec);
    if (PyModule_AddFunctions(module, functions) < 0) throw PythonError();
}

}  // namespace pb
