#include "python/read/convert.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "python/hints.h"
#include "python/read/from_data.h"
#include "python/types/mapping.h"

namespace pb {

PyTypeObject* dtype_type = nullptr;
PyTypeObject* size_type = nullptr;

PyObject* linalg_error = nullptr;
PyObject* out_of_memory_error = nullptr;  // pullback.OutOfMemoryError, set by the package

PyObject* raise_current() noexcept {
    try {
        throw;
    } catch (const PythonError&) {
    } catch (const Error& e) {
        PyObject* type = PyExc_RuntimeError;
        switch (e.kind) {
            case ErrorKind::Runtime: type = PyExc_RuntimeError; break;
            case ErrorKind::Type: type = PyExc_TypeError; break;
            case ErrorKind::Value: type = PyExc_ValueError; break;
            case ErrorKind::Index: type = PyExc_IndexError; break;
            case ErrorKind::NotImplemented: type = PyExc_NotImplementedError; break;
            case ErrorKind::OutOfMemory:
                type = out_of_memory_error ? out_of_memory_error : PyExc_MemoryError;
                break;
            case ErrorKind::Overflow: type = PyExc_OverflowError; break;
            case ErrorKind::ZeroDivision: type = PyExc_ZeroDivisionError; break;
            case ErrorKind::Import: type = PyExc_ImportError; break;
            case ErrorKind::LinAlg: type = linalg_error ? linalg_error : PyExc_RuntimeError; break;
            case ErrorKind::Mapped: type = mapped_error ? mapped_error : PyExc_RuntimeError; break;
        }
        PyErr_SetString(type, e.what());
    } catch (const std::bad_alloc&) {
        PyErr_SetString(out_of_memory_error ? out_of_memory_error : PyExc_MemoryError, "out of memory");
    } catch (const std::exception& e) {
        PyErr_SetString(PyExc_RuntimeError, e.what());
    }
    return nullptr;
}

PyObject* shape_object(const int64_t* dims, int64_t n) {
    // A Size is a tuple with another type: its items are written directly, without its constructor.
    PyTypeObject* type = size_type ? size_type : &PyTuple_Type;
    Owned tuple(checked(n == 0 && !size_type ? PyTuple_New(0) : type->tp_alloc(type, n)));
    for (int64_t i = 0; i < n; ++i) PyTuple_SET_ITEM(tuple.o, i, checked(PyLong_FromLongLong(dims[i])));
    return tuple.release();
}

PyObject* scalar_object(Scalar s) {
    switch (s.kind) {
        case Scalar::Bool: return PyBool_FromLong(s.i != 0);
        case Scalar::Int:
            return s.wide ? PyLong_FromUnsignedLongLong(s.to_unsigned()) : PyLong_FromLongLong(s.i);
        case Scalar::Float: return PyFloat_FromDouble(s.f);
        case Scalar::Complex: return PyComplex_FromDoubles(s.f, s.im);
    }
    return nullptr;
}

PyObject* item_object(const Tensor& t) {
    if (t.is_mapped()) fail_mapped(t.get());
    if (t.numel() != 1)
        fail("a Tensor with {} elements cannot be converted to Scalar{}", t.numel(),
             hint("one_number", {t.py()}));
    return checked(scalar_object(t.number()));
}

// Python's, and NumPy's, only one of which is Python's as well.
bool is_complex_number(PyObject* o) {
    return PyComplex_Check(o) || std::strncmp(Py_TYPE(o)->tp_name, "numpy.complex", 13) == 0;
}

void warn_of_parts(DType from, DType to) {
    if (is_complex(from) && !is_complex(to) && to != DType::Bool &&
        PyErr_WarnEx(PyExc_UserWarning, "Casting complex values to real discards the imaginary part", 1) < 0)
        throw PythonError();
}

bool to_number(PyObject* o, Scalar* out) {
    if (__builtin_expect(!is_complex_number(o), 1)) return to_scalar(o, out);
    const Py_complex z = PyComplex_AsCComplex(o);
    if (z.real == -1 && PyErr_Occurred()) throw PythonError();
    *out = Scalar(Complex<double>(z.real, z.imag));
    return true;
}

bool to_whole(PyObject* o, Scalar* out) {
    int overflow = 0;
    const long long v = PyLong_AsLongLongAndOverflow(o, &overflow);
    if (v == -1 && PyErr_Occurred()) throw PythonError();
    if (!overflow) {
        *out = Scalar(static_cast<int64_t>(v));
        return true;
    }
    const unsigned long long wide = PyLong_AsUnsignedLongLong(o);
    if (PyErr_Occurred()) {
        PyErr_Clear();
        return false;
    }
    *out = Scalar(static_cast<uint64_t>(wide));
    return true;
}

bool to_scalar(PyObject* o, Scalar* out) {
    if (PyFloat_CheckExact(o)) {
        *out = Scalar(PyFloat_AS_DOUBLE(o));
        return true;
    }
    if (PyBool_Check(o)) {
        *out = Scalar(o == Py_True);
        return true;
    }
    if (PyLong_Check(o)) {
        if (!to_whole(o, out))
            fail_as(
                ErrorKind::Overflow,
                "int too big to convert. Whole numbers lie between -2^63 and 2^64 - 1; a float takes any.");
        return true;
    }
    if (PyFloat_Check(o)) {
        *out = Scalar(PyFloat_AS_DOUBLE(o));
        return true;
    }
    if (is_tensor(o) || PyUnicode_Check(o) || is_complex_number(o)) return false;
    // NumPy's scalars and other numbers that say what they are.
    PyNumberMethods* number = Py_TYPE(o)->tp_as_number;
    if (!number || PySequence_Check(o)) return false;
    if (std::strcmp(Py_TYPE(o)->tp_name, "numpy.bool") == 0 ||
        std::strcmp(Py_TYPE(o)->tp_name, "numpy.bool_") == 0) {
        int truth = PyObject_IsTrue(o);
        if (truth < 0) throw PythonError();
        *out = Scalar(truth != 0);
        return true;
    }
    if (number->nb_index) {
        Owned i(PyNumber_Index(o));
        if (!i) {
            PyErr_Clear();
            return false;
        }
        return to_scalar(i.o, out);
    }
    if (number->nb_float) {
        double v = PyFloat_AsDouble(o);
        if (v == -1 && PyErr_Occurred()) {
            PyErr_Clear();
            return false;
        }
        *out = Scalar(v);
        return true;
    }
    return false;
}

// A tensor that stands for a number: of no dimensions, and without a gradient, which would end here unseen.
static bool is_number_tensor(PyObject* o) {
    if (!is_tensor(o)) return false;
    Tensor t(o);
    return t.ndim() == 0 && !t.requires_grad();
}

bool to_int(PyObject* o, int64_t* out) {
    if (PyBool_Check(o)) return false;
    if (PyLong_Check(o)) {
        long long v = PyLong_AsLongLong(o);
        if (v == -1 && PyErr_Occurred()) {
            PyErr_Clear();
            fail_as(ErrorKind::Value,
                    "Overflow when unpacking long long. An integer lies between -2^63 and 2^63 - 1.");
        }
        *out = v;
        return true;
    }
    if (PyFloat_Check(o) || PyUnicode_Check(o)) return false;
    if (is_tensor(o)) {
        Tensor t(o);
        if (t.numel() != 1 || !is_integral(t.dtype())) return false;
        *out = t.number().to_int();
        return true;
    }
    if (!PyIndex_Check(o)) return false;
    Owned i(PyNumber_Index(o));
    if (!i) {
        PyErr_Clear();
        return false;
    }
    return to_int(i.o, out);
}

static std::string argument(const Args& a, size_t i) {
    const char* name = PyUnicode_AsUTF8(a.of.names[i]);
    std::string operation = a.of.operation;
    std::replace(operation.begin(), operation.end(), '.', '_');  // linalg_solve, as PyTorch calls it
    return operation + "(): argument '" + name + "'" +
           (i < 9 ? " (position " + std::to_string(i + 1) + ")" : std::string());
}

void Args::fail_type(size_t i, const char* expected) const {
    const char* got = values[i] == Py_None ? "NoneType"
                      : is_tensor(i)       ? "Tensor"
                                           : Py_TYPE(values[i])->tp_name;
    Owned wanted(checked(PyUnicode_FromString(expected))),
        called(checked(PyUnicode_FromString(of.operation)));
    fail_as(ErrorKind::Type, "{} must be {}, not {}{}", argument(*this, i), expected, got,
            hint("argument", {wanted.o, values[i], called.o}));
}

void Args::fail_element(size_t i, Py_ssize_t k) const {
    fail_as(ErrorKind::Type, "{} must be tuple of ints, but found element of type {} at pos {}",
            argument(*this, i), Py_TYPE(PySequence_Fast_GET_ITEM(values[i], k))->tp_name, k);
}

Operand Args::operand(size_t i, Tensor& hold) const {
    if (is_tensor(i)) {
        hold = Tensor(values[i]);
        return hold;
    }
    if (is_numpy_array(values[i])) {
        hold = Tensor::make(array_from_numpy(values[i]));
        return hold;
    }
    Scalar s;
    if (!to_number(values[i], &s)) fail_type(i, "Tensor");
    return s;
}

Scalar Args::scalar(size_t i) const {
    Scalar s;
    if (is_number_tensor(values[i])) {
        Tensor t(values[i]);
        return t.number();
    }
    if (!to_number(values[i], &s)) fail_type(i, "Number");
    return s;
}

int64_t Args::integer(size_t i) const {
    int64_t v;
    if (!to_int(values[i], &v)) fail_type(i, "int");
    return v;
}

double Args::number(size_t i) const {
    Scalar s;
    if (is_number_tensor(values[i])) {
        Tensor t(values[i]);
        if (!is_complex(t.dtype())) return t.number().to_double();
    }
    if (!to_scalar(values[i], &s)) fail_type(i, "float");
    return s.to_double();
}

bool Args::flag(size_t i) const {
    PyObject* o = values[i];
    if (o == Py_True) return true;
    if (o == Py_False) return false;
    if (std::strncmp(Py_TYPE(o)->tp_name, "numpy.bool", 10) != 0) fail_type(i, "bool");
    int truth = PyObject_IsTrue(o);
    if (truth < 0) throw PythonError();
    return truth;
}

DType Args::dtype(size_t i) const {
    DType d;
    if (!to_dtype_code(values[i], &d)) fail_type(i, "pullback.dtype");
    return d;
}

const char* Args::text(size_t i) const {
    if (!PyUnicode_Check(values[i])) fail_type(i, "str");
    const char* text = PyUnicode_AsUTF8(values[i]);
    if (!text) throw PythonError();
    return text;
}

Dims Args::dims(size_t i) const {
    Dims out;
    PyObject* o = values[i];
    int64_t v;
    if (PyTuple_Check(o) || PyList_Check(o)) {
        Py_ssize_t n = PySequence_Fast_GET_SIZE(o);
        for (Py_ssize_t k = 0; k < n; ++k) {
            PyObject* item = PySequence_Fast_GET_ITEM(o, k);
            try {
                // PyTorch looks at the first, and takes truth values behind it.
                if (k && PyBool_Check(item)) v = item == Py_True;
                else if (!to_int(item, &v)) fail_element(i, k);
            } catch (const Error& e) {
                if (e.kind != ErrorKind::Value) throw;
                fail_as(ErrorKind::Type, "{} failed to unpack the object at pos {} with error \"{}\"",
                        argument(*this, i), k + 1, e.what());
            }
            out.push_back(v);
        }
        return out;
    }
    if (!to_int(o, &v)) fail_type(i, "tuple of ints");
    out.push_back(v);
    return out;
}

Tensors Args::tensors(size_t i) const {
    PyObject* o = values[i];
    if (!(PyTuple_Check(o) || PyList_Check(o))) fail_type(i, "tuple of Tensors");
    Tensors out;
    Py_ssize_t n = PySequence_Fast_GET_SIZE(o);
    for (Py_ssize_t k = 0; k < n; ++k) {
        PyObject* item = PySequence_Fast_GET_ITEM(o, k);
        if (pb::is_tensor(item)) {
            out.push_back(Tensor(item));
        } else if (is_numpy_array(item)) {
            out.push_back(Tensor::make(array_from_numpy(item)));
        } else {
            fail_as(ErrorKind::Type, "expected Tensor as element {} in argument {}, but got {}{}", k, i,
                    Py_TYPE(item)->tp_name, hint("element", {item}));
        }
    }
    return out;
}

PyObject* tuple_of(const Tensors& ts) {
    PyObject* tuple = checked(PyTuple_New(static_cast<Py_ssize_t>(ts.size())));
    for (size_t i = 0; i < ts.size(); ++i) {
        PyObject* o = ts[i] ? ts[i].py() : Py_None;
        Py_INCREF(o);
        PyTuple_SET_ITEM(tuple, static_cast<Py_ssize_t>(i), o);
    }
    return tuple;
}

}  // namespace pb
