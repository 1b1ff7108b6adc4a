// What pullback.func.vmap asks of the core: axes, open levels, and the error that is raised where a mapped tensor is asked
// for its elements. An operator that meets that error is run entry by entry (`over_entries`): the last of the nets under
// operators, for those that look at elements before they have a rule. What a transform refuses is named there, as it was called.
#include "python/types/mapping.h"

#include "ops/operators.h"
#include "ops/rule/mapped.h"
#include "program/program.h"
#include "tensor/captured.h"
#include "tensor/mapped.h"
#include "tensor/refusal.h"

namespace pb {

PyObject* mapped_error = nullptr;

namespace {

// map_axis(tensor, level, dim): dimension `dim` becomes the axis of `level`.
PyObject* map_axis(PyObject*, PyObject* args) {
    PyObject* o;
    unsigned long long level;
    long long dim;
    if (!PyArg_ParseTuple(args, "O!KL", tensor_type, &o, &level, &dim)) return nullptr;
    try {
        Tensor t(o);
        return ops::map_axis(t, level, wrap_dim(dim, t.ndim())).release();
    } catch (...) {
        return raise_current();
    }
}

// unmap_axis(tensor, level, dim, size): the axis of `level` becomes dimension `dim` of the result.
PyObject* unmap_axis(PyObject*, PyObject* args) {
    PyObject* o;
    unsigned long long level;
    long long dim, size;
    if (!PyArg_ParseTuple(args, "O!KLL", tensor_type, &o, &level, &dim, &size)) return nullptr;
    try {
        Tensor t(o);
        return ops::unmap_axis(t, level, wrap_dim(dim, t.ndim() + 1), size).release();
    } catch (...) {
        return raise_current();
    }
}

// open_map(size, randomness): a new level; close_map(level) ends it.
PyObject* open_map_level(PyObject*, PyObject* args) {
    long long size;
    int randomness;
    if (!PyArg_ParseTuple(args, "Li", &size, &randomness)) return nullptr;
    try {
        return PyLong_FromUnsignedLongLong(open_map(size, static_cast<Randomness>(randomness)));
    } catch (...) {
        return raise_current();
    }
}
// open_maps(): (level, size, randomness) of each vmap around this code, the outermost first.
PyObject* open_map_levels(PyObject*, PyObject*) {
    try {
        const auto& all = open_maps();
        Owned levels(checked(PyTuple_New(static_cast<Py_ssize_t>(all.size()))));
        for (size_t i = 0; i < all.size(); ++i)
            PyTuple_SET_ITEM(levels.o, static_cast<Py_ssize_t>(i),
                             checked(Py_BuildValue("(KLi)", static_cast<unsigned long long>(all[i].level),
                                                   static_cast<long long>(all[i].size),
                                                   static_cast<int>(all[i].randomness))));
        return levels.release();
    } catch (...) {
        return raise_current();
    }
}
// reopen_map(level, size, randomness): one that was closed for a while.
PyObject* reopen_map_level(PyObject*, PyObject* args) {
    unsigned long long level;
    long long size;
    int randomness;
    if (!PyArg_ParseTuple(args, "KLi", &level, &size, &randomness)) return nullptr;
    reopen_map({level, static_cast<int64_t>(size), static_cast<Randomness>(randomness)});
    Py_RETURN_NONE;
}
// close_map(level), close_derivative(level): the end of what was opened.
template <void close(uint64_t)> PyObject* close_level(PyObject*, PyObject* level) {
    unsigned long long number = PyLong_AsUnsignedLongLong(level);
    if (PyErr_Occurred()) return nullptr;
    close(number);
    Py_RETURN_NONE;
}

// open_derivative(given): the level of a function whose arguments `given.tensors()` lists.
PyObject* open_derivative_level(PyObject*, PyObject* given) {
    return PyLong_FromUnsignedLongLong(open_derivative(given));
}
// check_captured(tensor, operation): for what is changed in place without an operator of the core.
PyObject* check_captured_tensor(PyObject*, PyObject* args) {
    PyObject* o;
    const char* operation;
    if (!PyArg_ParseTuple(args, "O!s", tensor_type, &o, &operation)) return nullptr;
    try {
        check_captured(Tensor(o), operation);
        Py_RETURN_NONE;
    } catch (...) {
        return raise_current();
    }
}

// mapped_axes(o): (level, size) of each axis, the outermost first; empty for what is no mapped tensor.
PyObject* mapped_axes(PyObject*, PyObject* o) {
    try {
        MappedAxes all;
        if (is_tensor(o)) all = Tensor(o).layout().axes();
        Owned axes(checked(PyTuple_New(static_cast<Py_ssize_t>(all.size()))));
        for (size_t i = 0; i < all.size(); ++i)
            PyTuple_SET_ITEM(axes.o, static_cast<Py_ssize_t>(i),
                             checked(Py_BuildValue("(KL)", static_cast<unsigned long long>(all[i].level),
                                                   static_cast<long long>(all[i].size))));
        return axes.release();
    } catch (...) {
        return raise_current();
    }
}

// spread_target(target, operands, operation): makes `target` of a write differ from entry to entry if the operands do, or
// raises PyTorch's error.
PyObject* spread(PyObject*, PyObject* args) {
    PyObject *target, *operands;
    const char* operation;
    if (!PyArg_ParseTuple(args, "O!O!s", tensor_type, &target, &PyTuple_Type, &operands, &operation))
        return nullptr;
    try {
        Tensors all;
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(operands); ++i)
            if (PyObject* o = PyTuple_GET_ITEM(operands, i); is_tensor(o)) all.push_back(Tensor(o));
        spread_target(Tensor(target), axes_of(all), operation);
        Py_RETURN_NONE;
    } catch (...) {
        return raise_current();
    }
}

// unit_vectors(like, start, length): rows `start` to `start + length` of the identity, each of the shape of `like`, and zeros
// where it has none. They overlap in a vector of zeros with a single one, so that they stay in the nearest cache, however many
// there are.
PyObject* unit_vectors(PyObject*, PyObject* args) {
    PyObject* o;
    long long start, length;
    if (!PyArg_ParseTuple(args, "O!LL", tensor_type, &o, &start, &length)) return nullptr;
    try {
        const Tensor like(o);
        Array base = Array::empty(like.dtype(), Dims{checked_add(like.numel(), length) - 1});
        fill_array(base, Scalar(0));
        Scalar(1).store(base.dtype,
                        base.data() + (length - 1 + start) * static_cast<int64_t>(item_size(base.dtype)));
        Dims shape = like.shape(), strides = Layout::contiguous(shape)->stride_dims();
        shape.insert(0, length);
        strides.insert(0, -1);
        return Tensor::make(base.view(Layout::strided(shape, strides), length - 1)).release();
    } catch (...) {
        return raise_current();
    }
}

// Whether nobody else has a tensor, which only a list holds, or its memory, or that of a tangent.
bool is_own(const Tensor& t, Py_ssize_t holders) {
    if (Py_REFCNT(t.py()) != holders || !t->cell->is_unique() || t->cell->buffer->holders() != 1 ||
        t->grad_fn || t->cell->buffer->is_shared() || !t.is_contiguous() || t->flags & kIsView)
        return false;
    if (!t.is_dual()) return true;
    for (const Tangent& x : t->extra->tangents)
        if (!is_own(x.value, 1)) return false;
    return true;
}
// as_rows([tensor, ...]): each behind a dimension of size 1, in memory of its own.
PyObject* as_rows(PyObject*, PyObject* list) {
    if (!PyList_CheckExact(list)) return PyErr_BadArgument(), nullptr;
    try {
        Owned rows(checked(PyList_New(PyList_GET_SIZE(list))));
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); ++i) {
            const Tensor t(PyList_GET_ITEM(list, i));
            PyList_SET_ITEM(rows.o, i, (is_own(t, 2) ? ops::unsqueeze(t, 0) : ops::stack({t}, 0)).release());
        }
        return rows.release();
    } catch (...) {
        return raise_current();
    }
}

// map_level(): that of the innermost vmap around this code; 0 outside.
PyObject* map_level(PyObject*, PyObject*) { return PyLong_FromUnsignedLongLong(modes.map_level); }

// set_loops(mode): 0 warns of operators that run once for each entry, 1 does not, 2 forbids it. Gives the mode before.
PyObject* set_loops_mode(PyObject*, PyObject* mode) {
    const long number = PyLong_AsLong(mode);
    if (number == -1 && PyErr_Occurred()) return nullptr;
    const auto before = static_cast<long>(loops());
    set_loops(static_cast<Loops>(number));
    return PyLong_FromLong(before);
}
// note_loop(operation, stack_level): to be called before an operator runs once for each entry.
PyObject* note_loop_of(PyObject*, PyObject* args) {
    const char* operation;
    int stack_level;
    if (!PyArg_ParseTuple(args, "si", &operation, &stack_level)) return nullptr;
    try {
        note_loop(operation, stack_level);
        Py_RETURN_NONE;
    } catch (...) {
        return raise_current();
    }
}
// looped(): the operators that have run so since set_loops.
PyObject* looped_operators(PyObject*, PyObject*) {
    try {
        Owned names(checked(PyList_New(0)));
        for (const std::string& name : looped())
            if (PyList_Append(names.o, Owned(checked(PyUnicode_FromString(name.c_str()))).o) < 0)
                return nullptr;
        return names.release();
    } catch (...) {
        return raise_current();
    }
}

PyMethodDef functions[] = {
    {"map_axis", map_axis, METH_VARARGS, nullptr},
    {"unmap_axis", unmap_axis, METH_VARARGS, nullptr},
    {"open_map", open_map_level, METH_VARARGS, nullptr},
    {"open_maps", open_map_levels, METH_NOARGS, nullptr},
    {"reopen_map", reopen_map_level, METH_VARARGS, nullptr},
    {"close_map", close_level<close_map>, METH_O, nullptr},
    {"mapped_axes", mapped_axes, METH_O, nullptr},
    {"open_derivative", open_derivative_level, METH_O, nullptr},
    {"close_derivative", close_level<close_derivative>, METH_O, nullptr},
    {"check_captured", check_captured_tensor, METH_VARARGS, nullptr},
    {"spread_target", spread, METH_VARARGS, nullptr},
    {"set_loops", set_loops_mode, METH_O, nullptr},
    {"note_loop", note_loop_of, METH_VARARGS, nullptr},
    {"looped", looped_operators, METH_NOARGS, nullptr},
    {"unit_vectors", unit_vectors, METH_VARARGS, nullptr},
    {"as_rows", as_rows, METH_O, nullptr},
    {"map_level", map_level, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

PyObject* over_entries(PyObject* callable, PyObject* const* args, size_t n, PyObject* keywords) {
    const bool refused = take_refusal();
    if (!refused && !PyErr_ExceptionMatches(mapped_error)) return nullptr;
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    Owned error_type(type), error(value), error_trace(trace);
    try {
        Owned module(
            checked(PyImport_ImportModule(refused ? "pullback.messages.captured" : "pullback.func.entries")));
        Owned loop(checked(PyObject_GetAttrString(module.o, refused ? "raise_named" : "over_entries")));
        Owned positional(checked(PyTuple_New(static_cast<Py_ssize_t>(n))));
        for (size_t i = 0; i < n; ++i) {
            Py_INCREF(args[i]);
            PyTuple_SET_ITEM(positional.o, static_cast<Py_ssize_t>(i), args[i]);
        }
        Owned named(checked(PyDict_New()));
        for (Py_ssize_t j = 0; keywords && j < PyTuple_GET_SIZE(keywords); ++j)
            if (PyDict_SetItem(named.o, PyTuple_GET_ITEM(keywords, j), args[n + static_cast<size_t>(j)]) < 0)
                return nullptr;
        return PyObject_CallFunctionObjArgs(loop.o, callable, positional.o, named.o, error.o, nullptr);
    } catch (...) {
        return raise_current();
    }
}

void init_mapping(PyObject* module) {
    mapped_error = checked(PyErr_NewExceptionWithDoc(
        "builtins.RuntimeError",  // as what leaves is shown, and as PyTorch raises it
        "A tensor that differs from entry to entry of a vmap was asked for its elements.", PyExc_RuntimeError,
        nullptr));
    if (PyModule_AddObjectRef(module, "MappedError", mapped_error) < 0) throw PythonError();
    if (PyModule_AddFunctions(module, functions) < 0) throw PythonError();
}

}  // namespace pb
