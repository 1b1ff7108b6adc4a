// Lists and arrays that stand as an index: to int64 or Boolean tensors.
#include <vector>

#include "ops/operators.h"
#include "python/convert.h"

namespace pb {

namespace {

bool is_nested(PyObject* o) { return PySequence_Check(o) && !is_tensor(o) && !PyUnicode_Check(o) && !PyBytes_Check(o); }

// A tensor over the object's memory, or null with the error set.
PyObject* from_buffer(PyObject* o) {
    static PyObject* function = nullptr;
    if (!function) {
        Owned module(PyImport_ImportModule("pullback._core"));
        if (!module || !(function = PyObject_GetAttrString(module.o, "from_buffer"))) return nullptr;
    }
    return PyObject_CallOneArg(function, o);
}

struct Reader {
    Dims shape;
    std::vector<int64_t> numbers;
    bool truth = true;  // all of them Boolean

    void measure(PyObject* o, int depth) {
        if (depth > 64) fail_as(ErrorKind::Value, "too many dimensions 'list'");
        if (is_tensor(o)) {
            Tensor t(o);
            for (int64_t d = 0; d < t.ndim(); ++d) shape.push_back(t.size(d));
            return;
        }
        if (!is_nested(o)) return;
        Py_ssize_t n = PySequence_Size(o);
        if (n < 0) {  // a 0-d array
            PyErr_Clear();
            return;
        }
        shape.push_back(n);
        if (n == 0) return;
        Owned first(checked(PySequence_GetItem(o, 0)));
        measure(first.o, depth + 1);
    }

    void read(PyObject* o, size_t d) {
        if (d == shape.size()) return read_number(o);
        bool tensor = is_tensor(o);
        if (!tensor && !is_nested(o)) fail_as(ErrorKind::Type, "not a sequence");
        Py_ssize_t n = PyObject_Size(o);
        if (n < 0) throw PythonError();
        if (n != shape[d])
            fail_as(ErrorKind::Value, "expected sequence of length %lld at dim %zu (got %zd)", static_cast<long long>(shape[d]), d, n);
        for (Py_ssize_t i = 0; i < n; ++i) {
            Owned item(checked(PySequence_GetItem(o, i)));
            read(item.o, d + 1);
        }
    }

    void read_number(PyObject* o) {
        Scalar s;
        if (is_tensor(o)) {
            Tensor t(o);
            if (t.numel() != 1) fail_as(ErrorKind::Value, "only one element tensors can be converted to Python scalars");
            s = Scalar::load(t.dtype(), t.data());
        } else if (!to_scalar(o, &s)) {
            fail_as(ErrorKind::Type, "new(): invalid data type '%s'. An index is made of integers or of truth values.", Py_TYPE(o)->tp_name);
        }
        truth = truth && s.kind == Scalar::Bool;
        numbers.push_back(s.to_int());
    }
};

}  // namespace

Tensor index_from_sequence(PyObject* o) {
    Reader r;
    r.measure(o, 0);
    if (r.shape.empty()) fail_as(ErrorKind::Type, "an index is made of integers or of truth values");
    r.read(o, 0);
    bool mask = r.truth && !r.numbers.empty();
    Array a = Array::empty(mask ? DType::Bool : DType::Int64, r.shape);
    for (size_t i = 0; i < r.numbers.size(); ++i) {
        if (mask)
            a.as<uint8_t>()[i] = static_cast<uint8_t>(r.numbers[i]);
        else
            a.as<int64_t>()[i] = r.numbers[i];
    }
    return Tensor::make(a);
}

// The array's memory itself where its type and strides allow it, else NumPy's copy as int64 or float64.
Tensor index_from_array(PyObject* o) {
    PyObject* t = from_buffer(o);
    if (t) return Tensor::steal(reinterpret_cast<TensorObject*>(t));
    PyErr_Clear();
    Owned copy(PyObject_CallMethod(o, "copy", nullptr));
    if (copy) {
        if ((t = from_buffer(copy.o))) return Tensor::steal(reinterpret_cast<TensorObject*>(t));
        PyErr_Clear();
        Owned kind(PyObject_GetAttrString(o, "dtype"));
        Owned letter(kind ? PyObject_GetAttrString(kind.o, "kind") : nullptr);
        const char* k = letter ? PyUnicode_AsUTF8(letter.o) : nullptr;
        if (k && (*k == 'i' || *k == 'u' || *k == 'f')) {
            Owned cast(PyObject_CallMethod(copy.o, "astype", "s", *k == 'f' ? "float64" : "int64"));
            if (cast && (t = from_buffer(cast.o))) return Tensor::steal(reinterpret_cast<TensorObject*>(t));
        }
    }
    PyErr_Clear();
    fail_as(ErrorKind::Type, "can't convert a %s of this type to a tensor. The supported types are: float64, float32, int64, int32, uint8, and bool.",
            Py_TYPE(o)->tp_name);
}

}  // namespace pb
