// dtype: one object for each element type, compared by identity.

#include "array/limits.h"
#include "python/read/convert.h"

#include <structmember.h>

namespace pb {

namespace {

struct DTypeObject {
    PyObject_HEAD int code;
};
PyObject* objects[kDTypes];

int code_of(PyObject* o) { return reinterpret_cast<DTypeObject*>(o)->code; }
DType of(PyObject* o) { return static_cast<DType>(code_of(o)); }

// With the name that the package has, or goes by (interop/alias.py).
PyObject* repr(PyObject* self) {
    Owned package(PyObject_GetAttrString(reinterpret_cast<PyObject*>(Py_TYPE(self)), "__module__"));
    return package.o ? PyUnicode_FromFormat("%U.%s", package.o, dtype_name(of(self))) : nullptr;
}
PyObject* reduce(PyObject* self, PyObject*) {
    Owned module(PyImport_ImportModule("pullback._core"));
    if (!module) return nullptr;
    PyObject* make = PyObject_GetAttrString(module.o, "dtype_from_name");
    if (!make) return nullptr;
    return Py_BuildValue("N(s)", make, dtype_name(of(self)));
}
PyObject* get_name(PyObject* self, void*) { return PyUnicode_FromString(dtype_name(of(self))); }
PyObject* get_legacy(PyObject* self, void*) { return PyUnicode_FromString(dtype_legacy_name(of(self))); }
PyObject* get_c_name(PyObject* self, void*) { return PyUnicode_FromString(dtype_c_name(of(self))); }
PyObject* get_itemsize(PyObject* self, void*) { return PyLong_FromSize_t(item_size(of(self))); }
PyObject* get_supported(PyObject* self, void*) { return boolean(is_supported(of(self))); }
PyObject* get_format(PyObject* self, void*) { return PyUnicode_FromString(dtype_format(of(self))); }
PyObject* get_largest(PyObject* self, void*) {
    DType d = of(self);
    if (is_integral(d) && takes_wide(d)) return PyLong_FromUnsignedLongLong(UINT64_MAX);
    if (!is_float(d)) return PyLong_FromLongLong(integer_range(d).most);
    return PyFloat_FromDouble(largest_float(d));
}
PyObject* get_code(PyObject* self, void*) { return PyLong_FromLong(code_of(self)); }
PyObject* get_float(PyObject* self, void*) { return boolean(is_float(of(self))); }
PyObject* get_complex(PyObject* self, void*) { return boolean(is_complex(of(self))); }
PyObject* get_signed(PyObject* self, void*) { return boolean(is_signed(of(self))); }

PyMethodDef methods[] = {{"__reduce__", reduce, METH_NOARGS, nullptr}, {nullptr, nullptr, 0, nullptr}};
PyGetSetDef getset[] = {
    {"name", get_name, nullptr, nullptr, nullptr},
    {"_legacy_name", get_legacy, nullptr, nullptr, nullptr},
    {"_c_name", get_c_name, nullptr, nullptr, nullptr},
    {"itemsize", get_itemsize, nullptr, nullptr, nullptr},
    {"_supported", get_supported, nullptr, nullptr, nullptr},
    {"_format", get_format, nullptr, nullptr, nullptr},
    {"_largest", get_largest, nullptr, nullptr, nullptr},
    {"_code", get_code, nullptr, nullptr, nullptr},
    {"is_floating_point", get_float, nullptr, nullptr, nullptr},
    {"is_complex", get_complex, nullptr, nullptr, nullptr},
    {"is_signed", get_signed, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyObject* refuse(PyTypeObject*, PyObject*, PyObject*) {
    PyErr_SetString(PyExc_TypeError, "cannot create 'pullback.dtype' instances");
    return nullptr;
}
PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(refuse)},
    {Py_tp_repr, reinterpret_cast<void*>(repr)},
    {Py_tp_methods, methods},
    {Py_tp_getset, getset},
    {0, nullptr},
};
PyType_Spec spec = {"pullback.dtype", sizeof(DTypeObject), 0, Py_TPFLAGS_DEFAULT, slots};

}  // namespace

PyObject* dtype_object(DType d) { return objects[static_cast<int>(d)]; }
bool is_dtype(PyObject* o) { return Py_TYPE(o) == dtype_type; }
DType dtype_of(PyObject* o) { return of(o); }

void init_dtypes(PyObject* module) {
    if (PyModule_AddStringConstant(module, "supported_dtypes", supported_dtypes()) < 0) throw PythonError();
    dtype_type = reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)));
    if (PyModule_AddObjectRef(module, "dtype", reinterpret_cast<PyObject*>(dtype_type)) < 0)
        throw PythonError();
    for (int i = 0; i < kDTypes; ++i) {
        auto* o = PyObject_New(DTypeObject, dtype_type);
        if (!o) throw PythonError();
        o->code = i;
        objects[i] = reinterpret_cast<PyObject*>(o);
        if (PyModule_AddObjectRef(module, dtype_name(static_cast<DType>(i)), objects[i]) < 0)
            throw PythonError();
    }
}

}  // namespace pb
