// What is pending, for Python: running it and looking at it.
#include <unistd.h>

#include <cstring>

#include "code/code.h"
#include "kernels/kernels.h"
#include "program/expression.h"
#include "program/interrupt.h"
#include "program/unlocked.h"
#include "python/read/convert.h"

namespace pb {

namespace {

PyObject* run_pending(PyObject*, PyObject*) {
    try {
        synchronize();
        Py_RETURN_NONE;
    } catch (...) {
        return raise_current();
    }
}

// pending(): the number of pending expressions. pending(tensor): whether this one is.
PyObject* pending(PyObject*, PyObject* args) {
    PyObject* o = nullptr;
    if (!PyArg_ParseTuple(args, "|O!", tensor_type, &o)) return nullptr;
    if (!o) return PyLong_FromSize_t(pending_count());
    return PyBool_FromLong(as_tensor(o)->cell->buffer->is_pending());
}

// explain(tensor, code)
PyObject* explain_tensor(PyObject*, PyObject* args) {
    PyObject* o;
    int code;
    if (!PyArg_ParseTuple(args, "Op", &o, &code)) return nullptr;
    try {
        if (!is_tensor(o)) fail_as(ErrorKind::Type, "expected a Tensor, got {}", Py_TYPE(o)->tp_name);
        std::string text = explain(Tensor(o).value(), code != 0);
        return PyUnicode_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size()));
    } catch (...) {
        return raise_current();
    }
}

// counters(): work done so far.
PyObject* count_work(PyObject*, PyObject*) {
    const Counters& c = counters;
    return Py_BuildValue("{sKsKsKsKsK}", "expressions", c.expressions, "visits", c.visits, "runs", c.runs,
                         "recorded", c.recorded, "executed", c.executed);
}

// deferral(immediate, from): sets, for tests, what the environment says at the start; gives what it was.
PyObject* set_deferral(PyObject*, PyObject* args) {
    int immediate;
    long long from;
    if (!PyArg_ParseTuple(args, "pL", &immediate, &from)) return nullptr;
    Deferral before = deferral;
    deferral = {immediate != 0, from < 1 ? 1 : static_cast<int64_t>(from)};
    return Py_BuildValue("(NL)", PyBool_FromLong(before.immediate), static_cast<long long>(before.from));
}

// machine_code(): what there is of it. machine_code(use, refused, entries): sets, for tests, when steps become code
// ("never", "pays" or "always"), whether the system gives no memory for it, and how much is kept; forgets all there is.
PyObject* set_machine_code(PyObject*, PyObject* args) {
    const char* when = nullptr;
    int refused = 0;
    Py_ssize_t entries = static_cast<Py_ssize_t>(code::kMostKept);
    if (!PyArg_ParseTuple(args, "|spn", &when, &refused, &entries)) return nullptr;
    constexpr const char* names[] = {"never", "pays", "always"};
    const char* before = names[static_cast<int>(code::use)];
    if (when) {
        for (int k = 0; k < 3; ++k)
            if (!std::strcmp(when, names[k])) code::use = static_cast<code::Use>(k);
        if (!code::is_possible()) code::use = code::Use::never;
        code::Pages::refused = refused != 0;
        code::forget();
        code::set_bound(static_cast<size_t>(entries), code::kMostBytes);
    }
    const code::Statistics s = code::statistics();
    return Py_BuildValue("{sssssKsKsKsK}", "use", before, "isa", kernels_isa(), "kept", s.kept, "bytes",
                         s.bytes, "emitted", s.emitted, "refused", s.refused);
}

// A daemon thread that comes back when the interpreter has ended is unwound by it, through code that must not throw: it
// stays here until the process is gone.
void take_lock(void* state) {
    try {
        PyEval_RestoreThread(static_cast<PyThreadState*>(state));
    } catch (...) {
        for (;;) pause();
    }
}

PyMethodDef functions[] = {
    {"synchronize", run_pending, METH_NOARGS, nullptr},
    {"pending", pending, METH_VARARGS, nullptr},
    {"explain", explain_tensor, METH_VARARGS, nullptr},
    {"counters", count_work, METH_NOARGS, nullptr},
    {"deferral", set_deferral, METH_VARARGS, nullptr},
    {"machine_code", set_machine_code, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void bind_program(PyObject* module) {
    run_signal_handlers = [] {
        if (PyErr_CheckSignals() < 0) throw PythonError();
    };
    interpreter_lock = {[]() -> void* { return PyEval_SaveThread(); }, take_lock};
    if (PyModule_AddFunctions(module, functions) < 0) throw PythonError();
}

}  // namespace pb
