// Memory shared with NumPy and others, both ways, through the buffer protocol.
//
// In: `from_buffer` makes a tensor over the bytes of any object that exports them; the export is held until the
// last tensor over it is gone. Out: `_core.Memory` exports the elements of a tensor and holds its buffer, and a
// NumPy array made of it holds the Memory: whoever lives longest keeps the bytes.
#include <cstring>

#include "ops/operators.h"
#include "program/expression.h"
#include "python/bind/bind.h"
#include "python/read/from_data.h"
#include "tensor/write_site.h"

namespace pb {

namespace {

// What goes on in `dtype.type.__name__` of a NumPy array, for errors only.
std::string element_type(PyObject* o) {
    Owned dtype(PyObject_GetAttrString(o, "dtype"));
    Owned type(dtype ? PyObject_GetAttrString(dtype.o, "type") : nullptr);
    PyErr_Clear();
    return type && PyType_Check(type.o) ? reinterpret_cast<PyTypeObject*>(type.o)->tp_name
                                        : Py_TYPE(o)->tp_name;
}

[[noreturn]] void fail_element_type(PyObject* o) {
    fail_as(ErrorKind::Type,
            "can't convert np.ndarray of type {}. The only supported types are: {}. Convert it with "
            "array.astype first.",
            element_type(o), supported_dtypes());
}

bool dtype_from_format(const char* f, Py_ssize_t itemsize, DType* out) {
    if (*f == '>' || *f == '!')
        fail_as(ErrorKind::Value,
                "given numpy array has byte order different from the native byte order. Conversion between "
                "byte orders is currently not supported. array.astype(array.dtype.newbyteorder('=')) makes a "
                "native copy.");
    while (*f == '@' || *f == '=' || *f == '<') ++f;
    if (f[0] == 0 || (f[1] != 0 && *f != 'Z')) return false;
    // C has several letters for integers, large ones for unsigned; the size tells which they are.
    const bool whole = std::strchr("bhilqBHILQ", *f), with_sign = *f >= 'a';
    for (int i = 0; i < kDTypes; ++i) {
        auto d = static_cast<DType>(i);
        bool same = whole ? is_integral(d) && is_signed(d) == with_sign &&
                                item_size(d) == static_cast<size_t>(itemsize)
                          : std::strcmp(f, dtype_format(d)) == 0;
        if (!same || !is_supported(d)) continue;
        *out = d;
        return true;
    }
    return false;
}

void release_view(void* p) {
    auto* view = static_cast<Py_buffer*>(p);
    PyGILState_STATE state = PyGILState_Ensure();
    PyBuffer_Release(view);
    delete view;
    PyGILState_Release(state);
}

Array array_over(PyObject* o) {
    auto* view = new Py_buffer;
    // Writable where it can be, so that NumPy refuses to make it read-only meanwhile.
    if (PyObject_GetBuffer(o, view, PyBUF_FULL_RO) < 0) {
        delete view;
        if (PyErr_ExceptionMatches(PyExc_ValueError) || PyErr_ExceptionMatches(PyExc_BufferError)) {
            PyErr_Clear();
            fail_element_type(o);  // NumPy has no format for dates and the like
        }
        throw PythonError();
    }
    try {
        Array a;
        if (!dtype_from_format(view->format ? view->format : "B", view->itemsize, &a.dtype))
            fail_element_type(o);
        Dims shape, strides;
        int64_t numel = 1;
        for (int i = 0; i < view->ndim; ++i) numel = checked_mul(numel, view->shape[i]);
        for (int i = 0; i < view->ndim; ++i) {
            shape.push_back(view->shape[i]);
            int64_t stride = view->strides ? view->strides[i] : 0;
            if (stride % view->itemsize)
                fail_as(ErrorKind::Value,
                        "given numpy array strides not a multiple of the element byte size. Copy the numpy "
                        "array to reallocate the memory.");
            if (stride < 0 && numel > 0)
                fail_as(ErrorKind::Value,
                        "At least one stride in the given numpy array is negative, and tensors with negative "
                        "strides are not currently supported. (You can probably work around this by making a "
                        "copy of your array  with array.copy().) ");
            strides.push_back(stride / view->itemsize);
        }
        if (numel > 0 && reinterpret_cast<uintptr_t>(view->buf) % item_size(a.dtype))
            fail_as(ErrorKind::Value,
                    "given numpy array is not aligned to its element size. Copy the numpy array to "
                    "reallocate the memory.");
        a.layout = Layout::strided(shape, strides);
        int64_t low, high;
        a.layout->extent(&low, &high);
        a.buffer = Buffer::foreign(view->buf, static_cast<size_t>(high) * item_size(a.dtype), view,
                                   release_view, !view->readonly);
        return a;
    } catch (...) {
        PyBuffer_Release(view);
        delete view;
        throw;
    }
}

PyObject* from_buffer(PyObject*, PyObject* o) {
    try {
        return Tensor::make(array_over(o)).release();
    } catch (...) {
        return raise_current();
    }
}

// ---- out: the bytes of a tensor, for NumPy ----

struct MemoryObject {
    PyObject_HEAD Array* array;
    Py_ssize_t* dims;  // shape, then strides in bytes
};

int export_buffer(PyObject* self, Py_buffer* view, int flags) {
    auto* m = reinterpret_cast<MemoryObject*>(self);
    const Array& a = *m->array;
    if ((flags & PyBUF_WRITABLE) && !a.buffer->is_writable()) {
        view->obj = nullptr;
        PyErr_SetString(PyExc_BufferError, "the memory is read-only");
        return -1;
    }
    view->buf = a.data();
    view->len = static_cast<Py_ssize_t>(a.numel() * static_cast<int64_t>(a.item()));
    view->readonly = !a.buffer->is_writable();
    view->itemsize = static_cast<Py_ssize_t>(a.item());
    view->format = const_cast<char*>(dtype_format(a.dtype));
    view->ndim = static_cast<int>(a.ndim());
    view->shape = m->dims;
    view->strides = m->dims + a.ndim();
    view->suboffsets = nullptr;
    view->internal = nullptr;
    Py_INCREF(self);
    view->obj = self;
    return 0;
}

void destroy_memory(PyObject* self) {
    auto* m = reinterpret_cast<MemoryObject*>(self);
    PyTypeObject* type = Py_TYPE(self);
    m->array->buffer->unshare();
    delete m->array;
    delete[] m->dims;
    type->tp_free(self);
    Py_DECREF(type);
}

PyType_Slot memory_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(destroy_memory)},
    {Py_bf_getbuffer, reinterpret_cast<void*>(export_buffer)},
    {0, nullptr},
};
PyType_Spec memory_spec = {"pullback._core.Memory", sizeof(MemoryObject), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, memory_slots};
PyTypeObject* memory_type = nullptr;

// memory_of(tensor): an object with the buffer protocol over the tensor's elements.
PyObject* memory_of(PyObject*, PyObject* o) {
    try {
        if (!is_tensor(o)) fail_as(ErrorKind::Type, "expected a Tensor, got {}", Py_TYPE(o)->tp_name);
        auto* m = PyObject_New(MemoryObject, memory_type);
        if (!m) return nullptr;
        m->array = new Array(Tensor(o).array());
        before_write(*m->array);  // whoever gets the address may write there
        m->array->buffer->share();
        int64_t n = m->array->ndim();
        m->dims = new Py_ssize_t[static_cast<size_t>(2 * n + 1)];
        for (int64_t i = 0; i < n; ++i) {
            m->dims[i] = static_cast<Py_ssize_t>(m->array->size(i));
            m->dims[n + i] =
                static_cast<Py_ssize_t>(m->array->stride(i) * static_cast<int64_t>(m->array->item()));
        }
        return reinterpret_cast<PyObject*>(m);
    } catch (...) {
        return raise_current();
    }
}

PyObject* tolist(const Tensor& x) { return list_from_array(x.array()); }

PyMethodDef functions[] = {
    {"from_buffer", from_buffer, METH_O, nullptr},
    {"memory_of", memory_of, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

const Binding bindings[] = {bind<&item_object>("item"), bind<&tolist>("tolist")};

}  // namespace

bool is_numpy_array(PyObject* o) {
    static PyTypeObject* ndarray = nullptr;
    PyTypeObject* type = Py_TYPE(o);
    if (ndarray) return type == ndarray || PyType_IsSubtype(type, ndarray);
    // Until NumPy is loaded nothing is an array of its.
    for (PyTypeObject* t = type; t; t = t->tp_base)
        if (!std::strcmp(t->tp_name, "numpy.ndarray")) {
            ndarray = t;
            return true;
        }
    return false;
}

Array array_from_numpy(PyObject* o) { return array_over(o); }

void bind_interop(PyObject* module) {
    memory_type = reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&memory_spec)));
    if (PyModule_AddFunctions(module, functions) < 0) throw PythonError();
    add_bindings(bindings);
}

}  // namespace pb
