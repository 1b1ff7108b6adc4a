// Nested Python sequences into tensors and back.
//
// Three walks over the data, as in PyTorch: the shape is read off the first element of every level, the dtype off
// every number (unless it is given), and the numbers are then written, which finds the ragged rows. Lists and
// tuples are walked in place; other sequences are made into lists once a level.
#include "python/read/from_data.h"

#include <algorithm>
#include <cstring>

#include "array/limits.h"
#include "ops/operators.h"
#include "python/bind/options.h"
#include "python/hints.h"

namespace pb {

namespace {

constexpr size_t kMaxDims = 64;

bool is_text(PyObject* o) { return PyUnicode_Check(o) || PyBytes_Check(o); }
// A number of NumPy's, or its type by name; NumPy itself is never imported for this.
bool is_numpy_scalar(PyObject* o) {
    return std::strncmp(Py_TYPE(o)->tp_name, "numpy.", 6) == 0 && !is_numpy_array(o);
}
bool is_sequence(PyObject* o) {
    return PyList_Check(o) || PyTuple_Check(o) || (!is_tensor(o) && PySequence_Check(o));
}

// Series, data frames and other libraries' arrays: what says how to become an array of NumPy's.
bool is_array_like(PyObject* o) {
    if (PyFloat_CheckExact(o) || PyLong_CheckExact(o) || PyList_CheckExact(o) || PyTuple_CheckExact(o) ||
        PyBool_Check(o) || is_text(o) || is_tensor(o) || is_numpy_scalar(o) || is_numpy_array(o))
        return false;
    return PyObject_HasAttrString(reinterpret_cast<PyObject*>(Py_TYPE(o)), "__array__");
}
PyObject* to_array(PyObject* o) {
    Owned numpy(checked(PyImport_ImportModule("numpy")));
    return checked(PyObject_CallMethod(numpy.o, "asarray", "O", o));
}

bool numpy_scalar_dtype(PyObject* o, DType* out) {
    const char* name = Py_TYPE(o)->tp_name + 6;
    if (!std::strcmp(name, "bool_")) name = "bool";
    return dtype_named(name, out);
}

Dims shape_of(PyObject* data) {
    Dims shape;
    Owned hold;
    while (is_sequence(data) && !PyUnicode_Check(data) && !PyBytes_Check(data)) {
        Py_ssize_t n = PySequence_Size(data);
        if (n < 0) {
            PyErr_Clear();
            break;
        }
        shape.push_back(n);
        if (shape.size() > kMaxDims)
            fail_as(ErrorKind::Value, "too many dimensions '{}'", Py_TYPE(data)->tp_name);
        if (n == 0) break;
        PyObject* first = checked(PySequence_GetItem(data, 0));
        if (is_array_like(first)) first = to_array(Owned(first).o);
        Py_XDECREF(std::exchange(hold.o, first));
        // A text is a sequence of texts for ever: only the outermost may be one, and is no number either.
        if (is_text(first))
            fail_as(ErrorKind::Value,
                    "too many dimensions '{}'. Tensors hold numbers; texts have to become numbers first.",
                    Py_TYPE(first)->tp_name);
        data = first;
    }
    return shape;
}

// To be called before item i of n of a sequence: Ctrl-C ends the reading and writing of long ones.
void hear_signals(int64_t i, int64_t n) {
    constexpr int64_t kChunk = 1 << 12, kOften = 1 << 20;
    static int64_t met = 0;
    if (i % kChunk || (met += std::min(n - i, kChunk)) < kOften) return;
    met = 0;
    if (PyErr_CheckSignals() < 0) throw PythonError();
}

struct Inferred {
    bool any = false;
    DType dtype = DType::Float32;
    void meet(DType d) {
        dtype = any ? promote(dtype, d) : d;
        any = true;
    }
};

void infer(PyObject* o, Inferred& found, int depth = 0) {
    if (PyFloat_CheckExact(o)) return found.meet(default_dtype);
    if (PyBool_Check(o)) return found.meet(DType::Bool);
    if (PyLong_Check(o)) return found.meet(DType::Int64);
    if (is_tensor(o)) return found.meet(as_tensor(o)->dtype);
    if (is_numpy_array(o)) return found.meet(array_from_numpy(o).dtype);
    if (is_numpy_scalar(o)) {
        DType d;
        if (numpy_scalar_dtype(o, &d)) return found.meet(d);
    }
    if (PyFloat_Check(o)) return found.meet(default_dtype);
    if (PyComplex_Check(o)) return found.meet(complex_of(default_dtype));
    if (is_text(o))
        fail_as(ErrorKind::Type,
                "new(): invalid data type '{}'. Tensors hold numbers; texts have to become numbers first.",
                Py_TYPE(o)->tp_name);
    if (depth > static_cast<int>(kMaxDims))
        fail_as(ErrorKind::Value, "too many dimensions '{}'", Py_TYPE(o)->tp_name);
    if (is_array_like(o)) return infer(Owned(to_array(o)).o, found, depth);
    if (is_sequence(o)) {
        Owned fast(PySequence_Fast(o, "not a sequence"));
        if (!fast) throw PythonError();
        Py_ssize_t n = PySequence_Fast_GET_SIZE(fast.o);
        if (n == 0) return found.meet(default_dtype);
        for (Py_ssize_t i = 0; i < n; ++i) infer(PySequence_Fast_GET_ITEM(fast.o, i), found, depth + 1);
        return;
    }
    fail("Could not infer dtype of {}{}", Py_TYPE(o)->tp_name, hint("number", {o}));
}

double real_number(PyObject* o) {
    if (PyFloat_CheckExact(o)) return PyFloat_AS_DOUBLE(o);
    double v = PyFloat_AsDouble(o);
    if (v == -1 && PyErr_Occurred()) throw PythonError();
    return v;
}

[[noreturn]] void fail_overflow(DType d) {
    fail("value cannot be converted to type {} without overflow", dtype_name(d));
}

// Of uint64, as PyTorch reads it: no float, and no negative number.
Scalar unsigned_number(PyObject* o) {
    Owned index;
    if (PyFloat_Check(o))
        fail_as(ErrorKind::Type,
                "an integer is required. pullback.tensor([{}]).to(pullback.uint64) converts floats.",
                PyFloat_AS_DOUBLE(o));
    if (!PyLong_Check(o)) o = index.o = checked(PyNumber_Index(o));
    const unsigned long long v = PyLong_AsUnsignedLongLong(o);
    if (v == static_cast<unsigned long long>(-1) && PyErr_Occurred()) throw PythonError();
    return Scalar(static_cast<uint64_t>(v));
}

Scalar whole_number(PyObject* o, DType d) {
    if (takes_wide(d)) return unsigned_number(o);
    int64_t v;
    if (PyFloat_Check(o)) {
        double f = PyFloat_AS_DOUBLE(o);
        if (!(f >= -9223372036854775808.0 && f < 9223372036854775808.0)) fail_overflow(d);
        v = static_cast<int64_t>(f);
    } else {
        Owned index;
        if (!PyLong_Check(o)) o = index.o = checked(PyNumber_Index(o));
        int overflow = 0;
        v = PyLong_AsLongLongAndOverflow(o, &overflow);
        if (overflow) fail_as(ErrorKind::Value, "Overflow when unpacking long long");
    }
    if (!fits(Scalar(v), d)) fail_overflow(d);
    return Scalar(v);
}

void store(PyObject* o, DType d, char* out) {
    if (is_tensor(o)) {
        if (as_tensor(o)->layout->numel() != 1)
            fail_as(ErrorKind::Value, "only one element tensors can be converted to Python scalars{}",
                    hint("list_of_tensors", {o}));
        Owned item(item_object(Tensor(o)));
        return store(item.o, d, out);
    }
    if (d == DType::Bool) {
        int v = PyObject_IsTrue(o);
        if (v < 0) throw PythonError();
        Scalar(v != 0).store(d, out);
    } else if (is_complex(d)) {
        Scalar s;
        if (!to_number(o, &s)) s = Scalar(real_number(o));
        s.store(d, out);
    } else if (is_float(d)) {
        Scalar(real_number(o)).store(d, out);
    } else {
        whole_number(o, d).store(d, out);
    }
}

void fill(PyObject* o, const Dims& shape, size_t dim, DType d, char*& out) {
    if (dim == shape.size()) {
        store(o, d, out);
        out += item_size(d);
        return;
    }
    if (is_tensor(o)) fail_as(ErrorKind::Type, "not a sequence");
    if (is_array_like(o)) return fill(Owned(to_array(o)).o, shape, dim, d, out);
    Owned fast(PySequence_Fast(o, "not a sequence"));
    if (!fast) throw PythonError();
    Py_ssize_t n = PySequence_Fast_GET_SIZE(fast.o);
    if (n != shape[dim])
        fail_as(ErrorKind::Value,
                "expected sequence of length {} at dim {} (got {}). Rows of different lengths do not make a "
                "tensor: pad them, or keep them in a list.",
                shape[dim], dim, n);
    // Numbers may run Python code (__float__), which may shorten the list under our feet.
    for (Py_ssize_t i = 0; i < n; ++i) {
        hear_signals(i, n);
        if (PySequence_Fast_GET_SIZE(fast.o) != n) fail("the sequence changed its length while it was read");
        Owned item(PySequence_Fast_GET_ITEM(fast.o, i));
        Py_INCREF(item.o);
        fill(item.o, shape, dim + 1, d, out);
    }
}

}  // namespace

Tensor tensor_from_data(PyObject* data, const DType* given) {
    if (given) require_kernels("tensor", *given);
    // The shortest way for the commonest case; whether a float fits an integer type is seen further down.
    if (PyFloat_CheckExact(data) && (!given || is_float(*given)))
        return ops::scalar_tensor(Scalar(PyFloat_AS_DOUBLE(data)), given ? *given : default_dtype);
    bool array = !is_tensor(data) && is_numpy_array(data);
    if (is_tensor(data) || array) {
        Array from = array ? array_from_numpy(data) : Tensor(data).array();
        DType d = given ? *given : from.dtype;
        Ref<Layout> l = from.layout->packed();
        Array out = Array::empty(d, l);
        copy_array(from, out);
        return Tensor::make(out);
    }
    if (is_text(data))
        fail_as(ErrorKind::Type,
                "new(): invalid data type '{}'. Tensors hold numbers; texts have to become numbers first.",
                Py_TYPE(data)->tp_name);
    if (is_array_like(data)) return tensor_from_data(Owned(to_array(data)).o, given);
    Dims shape = shape_of(data);
    DType d;
    if (given) {
        d = *given;
    } else {
        Inferred found;
        infer(data, found);
        d = found.any ? found.dtype : default_dtype;
        require_kernels("tensor", d);
    }
    Tensor t = Tensor::make(d, Layout::contiguous(shape));
    if (t.numel() == 0) return t;
    char* out = t.data();
    fill(data, shape, 0, d, out);
    return t;
}

namespace {
PyObject* list_level(const Array& a, int64_t dim, const char* at) {
    if (dim == a.ndim()) return checked(scalar_object(Scalar::load(a.dtype, at)));
    int64_t n = a.size(dim), step = a.stride(dim) * static_cast<int64_t>(a.item());
    Owned list(checked(PyList_New(n)));
    for (int64_t i = 0; i < n; ++i) {
        hear_signals(i, n);
        PyList_SET_ITEM(list.o, i, list_level(a, dim + 1, at + i * step));
    }
    return list.release();
}
}  // namespace

PyObject* list_from_array(const Array& a) { return list_level(a, 0, a.data()); }

namespace {
bool dtype_named(PyObject* text, DType* out) {
    const char* name = PyUnicode_AsUTF8(text);
    if (!name) PyErr_Clear();
    return name && dtype_named(name, out);
}

// NumPy's types (numpy.float64) and dtypes, which give their name.
bool numpy_dtype_code(PyObject* o, DType* out) {
    const char* name = PyType_Check(o) ? reinterpret_cast<PyTypeObject*>(o)->tp_name : Py_TYPE(o)->tp_name;
    if (std::strncmp(name, "numpy.", 6) != 0 || is_numpy_array(o)) return false;
    Owned numpy(PyImport_ImportModule("numpy"));
    Owned dtype(numpy ? PyObject_CallMethod(numpy.o, "dtype", "O", o) : nullptr);
    Owned text(dtype ? PyObject_GetAttrString(dtype.o, "name") : nullptr);
    PyErr_Clear();
    return text && dtype_named(text.o, out);
}
}  // namespace

bool to_dtype_code(PyObject* o, DType* out) {
    if (is_dtype(o)) *out = dtype_of(o);
    else if (o == reinterpret_cast<PyObject*>(&PyFloat_Type)) *out = DType::Float64;
    else if (o == reinterpret_cast<PyObject*>(&PyLong_Type)) *out = DType::Int64;
    else if (o == reinterpret_cast<PyObject*>(&PyBool_Type)) *out = DType::Bool;
    else if (o == reinterpret_cast<PyObject*>(&PyComplex_Type)) *out = DType::Complex128;
    else if (PyUnicode_Check(o)) return dtype_named(o, out);
    else return numpy_dtype_code(o, out);
    return true;
}

namespace {
// A checking function of pullback.device; loaded on first use, because most calls name no device.
PyObject* checker(const char* name) {
    Owned module(checked(PyImport_ImportModule("pullback.device")));
    return checked(PyObject_GetAttrString(module.o, name));
}
}  // namespace

void check_device(PyObject* device) {
    static PyObject *cpu = nullptr, *check = nullptr;
    if (!device || device == Py_None || device == cpu) return;
    if (!check) {
        cpu = checker("CPU");
        check = checker("check_device");
    }
    if (device != cpu) Owned done(checked(PyObject_CallOneArg(check, device)));
}

void check_layout(PyObject* layout) {
    static PyObject *strided = nullptr, *check = nullptr;
    if (!layout || layout == Py_None || layout == strided) return;
    if (!check) {
        strided = checker("strided");
        check = checker("check_layout");
    }
    if (layout != strided) Owned done(checked(PyObject_CallOneArg(check, layout)));
}

void fail_pinning() {
    fail(
        "pin_memory=True requires a CUDA or other accelerator backend; no pinned memory allocator is "
        "available on this system.");
}

}  // namespace pb
