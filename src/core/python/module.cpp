// pullback._core: puts the parts together. Names are re-exported, documented and given signatures in Python.
#include <climits>
#include <cstdlib>
#include <cstring>

#include "array/buffer.h"
#include "kernels/kernels.h"
#include "ops/elementwise/elementwise.h"
#include "program/threads.h"
#include "python/bind/operator_object.h"
#include "python/bind/table.h"
#include "python/read/convert.h"
#include "python/read/from_data.h"
#include "python/replay/replay.h"
#include "python/types/autograd.h"
#include "python/types/mapping.h"
#include "python/types/node_object.h"
#include "python/types/return_types.h"
#include "python/types/saved_object.h"
#include "python/types/tensor_type.h"

namespace pb {

void init_dtypes(PyObject* module);
void init_layouts();
void init_sites();
void init_bindings(PyObject* module);
void init_kernel_hooks(PyObject* module);
void init_coloring(PyObject* module);
void init_decompositions(PyObject* module);
extern PyObject* out_of_memory_error;

namespace {

PyObject* dtype_from_name(PyObject*, PyObject* name) {
    const char* text = PyUnicode_AsUTF8(name);
    if (!text) return nullptr;
    DType d;
    if (dtype_named(text, &d)) {
        PyObject* o = dtype_object(d);
        Py_INCREF(o);
        return o;
    }
    PyErr_Format(PyExc_ValueError, "no dtype is named '%s'", text);
    return nullptr;
}

// The package's own classes that the core makes instances of or raises.
PyObject* set_classes(PyObject*, PyObject* args) {
    PyObject *size, *memory;
    if (!PyArg_ParseTuple(args, "OO", &size, &memory)) return nullptr;
    Py_INCREF(size);
    Py_INCREF(memory);
    size_type = reinterpret_cast<PyTypeObject*>(size);
    out_of_memory_error = memory;
    Py_RETURN_NONE;
}

// Parameter, whose instances are as plain as tensors are.
PyObject* set_parameter_class(PyObject*, PyObject* parameter) {
    parameter_type = reinterpret_cast<PyTypeObject*>(Py_NewRef(parameter));
    Py_RETURN_NONE;
}

// as_dtype(o): the dtype that `o` stands for where a dtype is asked for, or `o` itself.
PyObject* as_dtype(PyObject*, PyObject* o) {
    DType d;
    PyObject* found = to_dtype_code(o, &d) ? dtype_object(d) : o;
    Py_INCREF(found);
    return found;
}

PyObject* get_default_dtype(PyObject*, PyObject*) {
    PyObject* o = dtype_object(default_dtype);
    Py_INCREF(o);
    return o;
}
PyObject* set_default_dtype(PyObject*, PyObject* d) {
    if (!is_dtype(d) || !is_float(dtype_of(d))) {
        PyErr_SetString(PyExc_TypeError, "only floating-point types are supported as the default type");
        return nullptr;
    }
    default_dtype = dtype_of(d);
    Py_RETURN_NONE;
}
PyObject* memory(PyObject*, PyObject*) {
    MemoryFigures f = memory_figures();
    return Py_BuildValue("(nnnn)", static_cast<Py_ssize_t>(f.in_use), static_cast<Py_ssize_t>(f.cached),
                         static_cast<Py_ssize_t>(f.peak), static_cast<Py_ssize_t>(f.total));
}
PyObject* empty_cache(PyObject*, PyObject*) {
    release_cached_memory();
    Py_RETURN_NONE;
}
PyObject* get_num_threads(PyObject*, PyObject*) { return PyLong_FromLong(thread_count()); }
PyObject* set_num_threads(PyObject*, PyObject* n) {
    int overflow;
    long value = PyLong_AsLongAndOverflow(n, &overflow);
    if (value == -1 && PyErr_Occurred()) return nullptr;
    set_thread_count(overflow > 0 || value > INT_MAX ? INT_MAX : value < 1 ? 1 : static_cast<int>(value));
    Py_RETURN_NONE;
}
PyObject* isa(PyObject*, PyObject*) { return PyUnicode_FromString(kernels_isa()); }

// document(object, text): gives a C-level attribute, method or function the documentation written in Python.
PyObject* document(PyObject*, PyObject* args) {
    PyObject* o;
    const char* text;
    if (!PyArg_ParseTuple(args, "Os", &o, &text)) return nullptr;
    char* kept = strdup(text);  // for the life of the process, like the definitions it belongs to
    if (!kept) return PyErr_NoMemory();
    if (Py_IS_TYPE(o, &PyGetSetDescr_Type)) {
        reinterpret_cast<PyGetSetDescrObject*>(o)->d_getset->doc = kept;
    } else if (Py_IS_TYPE(o, &PyMethodDescr_Type)) {
        reinterpret_cast<PyMethodDescrObject*>(o)->d_method->ml_doc = kept;
    } else if (PyCFunction_Check(o)) {
        reinterpret_cast<PyCFunctionObject*>(o)->m_ml->ml_doc = kept;
    } else {
        free(kept);
        PyErr_Format(PyExc_TypeError, "cannot document a %s", Py_TYPE(o)->tp_name);
        return nullptr;
    }
    Py_RETURN_NONE;
}

PyMethodDef functions[] = {
    {"document", document, METH_VARARGS, nullptr},
    {"define_row", define_row, METH_VARARGS, nullptr},
    {"table_installed", table_installed, METH_VARARGS, nullptr},
    {"dtype_from_name", dtype_from_name, METH_O, nullptr},
    {"as_dtype", as_dtype, METH_O, nullptr},
    {"set_classes", set_classes, METH_VARARGS, nullptr},
    {"set_parameter_class", set_parameter_class, METH_O, nullptr},
    {"get_default_dtype", get_default_dtype, METH_NOARGS, nullptr},
    {"set_default_dtype", set_default_dtype, METH_O, nullptr},
    {"memory", memory, METH_NOARGS, nullptr},
    {"empty_cache", empty_cache, METH_NOARGS, nullptr},
    {"get_num_threads", get_num_threads, METH_NOARGS, nullptr},
    {"set_num_threads", set_num_threads, METH_O, nullptr},
    {"kernels_isa", isa, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "pullback._core", nullptr, -1, functions, nullptr, nullptr, nullptr, nullptr};

}  // namespace
}  // namespace pb

PyMODINIT_FUNC PyInit__core() {
    using namespace pb;
    PyObject* module = PyModule_Create(&definition);
    if (!module) return nullptr;
    try {
        init_layouts();
        init_sites();
        init_dtypes(module);
        init_tensor_type(module);
        init_node_type(module);
        init_return_types(module);
        init_operator_type(module);
        init_autograd(module);
        init_function(module);
        init_saved_type(module);
        init_mapping(module);
        init_decompositions(module);
        init_bindings(module);
        init_kernel_hooks(module);
        init_coloring(module);
        init_replay(module);
    } catch (...) {
        raise_current();
        Py_DECREF(module);
        return nullptr;
    }
    return module;
}
