// Memory shared with NumPy, both ways, through the buffer protocol.
#include <cstring>

#include "ops/operators.h"
#include "python/convert.h"

namespace pb {

namespace {

DType dtype_from_format(const char* f, Py_ssize_t itemsize) {
    while (*f == '@' || *f == '=' || *f == '<') ++f;
    switch (*f) {
        case 'f': return DType::Float32;
        case 'd': return DType::Float64;
        case '?': return DType::Bool;
        case 'B': return DType::UInt8;
        case 'i':
        case 'l':
        case 'q': return itemsize == 8 ? DType::Int64 : DType::Int32;
        default: break;
    }
    fail_as(ErrorKind::Type, "can't convert np.ndarray of type with format '%s'. The supported types are: float64, float32, int64, int32, uint8, "
            "and bool.", f);
}

void release_view(void* p) {
    auto* view = static_cast<Py_buffer*>(p);
    PyBuffer_Release(view);
    delete view;
}

// from_buffer(object): a tensor over the memory of an object with the buffer protocol.
PyObject* from_buffer(PyObject*, PyObject* o) {
    auto* view = new Py_buffer;
    if (PyObject_GetBuffer(o, view, PyBUF_FULL_RO) < 0) {
        delete view;
        return nullptr;
    }
    try {
        DType d = dtype_from_format(view->format ? view->format : "B", view->itemsize);
        Dims shape, strides;
        for (int i = 0; i < view->ndim; ++i) {
            shape.push_back(view->shape[i]);
            if (view->strides[i] % view->itemsize) fail_as(ErrorKind::Value, "given numpy array strides not a multiple of the element byte size. Copy the numpy array to reallocate the memory.");
            if (view->strides[i] < 0)
                fail_as(ErrorKind::Value, "At least one stride in the given numpy array is negative, and tensors with negative strides are not currently "
                        "supported. (You can probably work around this by making a copy of your array  with array.copy().) ");
            strides.push_back(view->strides[i] / view->itemsize);
        }
        Array a;
        a.dtype = d;
        a.layout = Layout::strided(shape, strides);
        int64_t low, high;
        a.layout->extent(&low, &high);
        a.buffer = Buffer::foreign(view->buf, static_cast<size_t>(high) * item_size(d), view, release_view, !view->readonly);
        return Tensor::make(a).release();
    } catch (...) {
        PyBuffer_Release(view);
        delete view;
        return raise_current();
    }
}

PyMethodDef functions[] = {{"from_buffer", from_buffer, METH_O, nullptr}, {nullptr, nullptr, 0, nullptr}};

}  // namespace

void bind_interop(PyObject* module) {
    if (PyModule_AddFunctions(module, functions) < 0) throw PythonError();
}

}  // namespace pb
