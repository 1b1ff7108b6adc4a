// Between Python objects and the core's types; errors name the operator and the argument, as PyTorch's do.
#pragma once
#include "ops/elementwise/elementwise.h"
#include "tensor/tensor.h"

namespace pb {

extern PyTypeObject* dtype_type;
extern PyTypeObject* size_type;   // pullback.Size, a tuple
PyObject* dtype_object(DType d);  // borrowed, one object a dtype
bool is_dtype(PyObject* o);
DType dtype_of(PyObject* o);                             // checked
PyObject* shape_object(const int64_t* dims, int64_t n);  // a Size; new reference
PyObject* scalar_object(Scalar s);
PyObject* item_object(const Tensor& t);  // the Python number of a tensor with one element

// A Python or NumPy number. False when it is none.
bool to_scalar(PyObject* o, Scalar* out);
bool is_complex_number(PyObject* o);
bool to_number(PyObject* o, Scalar* out);  // the same, complex numbers too
void warn_of_parts(DType from, DType to);  // where a conversion leaves imaginary parts out
// Of a Python int; one from 2^63 on is wide. False where it has more than 64 bits.
bool to_whole(PyObject* o, Scalar* out);
bool to_int(PyObject* o, int64_t* out);  // ints, __index__, integer tensors of one element; no truth values

extern PyObject* linalg_error;  // pullback.linalg.LinAlgError, a RuntimeError

// Exceptions on their way out: call in a catch block, returns nullptr.
PyObject* raise_current() noexcept;

struct Owned {  // a new reference for a scope
    Owned() = default;
    explicit Owned(PyObject* p) : o(p) {}
    Owned(const Owned&) = delete;
    Owned& operator=(const Owned&) = delete;
    ~Owned() { Py_XDECREF(o); }
    PyObject* release() { return std::exchange(o, nullptr); }
    explicit operator bool() const { return o != nullptr; }
    PyObject* o = nullptr;
};
inline PyObject* checked(PyObject* o) {
    if (!o) throw PythonError();
    return o;
}
inline PyObject* none() { Py_RETURN_NONE; }
inline PyObject* boolean(bool v) { return PyBool_FromLong(v); }

// What an operator says of itself, the same for all its calls.
struct Signature {
    PyObject* const* names;      // of the parameters
    const char* operation;       // its own
    size_t out = SIZE_MAX;       // which parameter is `out`
    bool in_place = false;       // it writes into its first argument
    PyObject* result = nullptr;  // the type of several results that have names
};

// The arguments of one call of an operator, in the order of its signature; none is null.
struct Args {
    PyObject* const* values;
    const Signature& of;

    // Where parameter i lies, counted without `out`, which no operator reads.
    size_t at(size_t i) const { return i + (i >= of.out); }
    PyObject* raw(size_t i) const { return values[i]; }
    bool given(size_t i) const { return values[i] != Py_None; }
    bool is_tensor(size_t i) const { return pb::is_tensor(values[i]); }
    PyObject* tensor_object(size_t i) const {  // of a tensor, or TypeError; borrowed
        if (!is_exact_tensor(values[i]) && !is_tensor(i)) fail_type(i, "Tensor");
        return values[i];
    }
    Tensor tensor(size_t i) const { return Tensor(tensor_object(i)); }
    // A tensor or a number; `hold` keeps what had to be made.
    Operand operand(size_t i, Tensor& hold) const;
    Scalar scalar(size_t i) const;
    int64_t integer(size_t i) const;
    double number(size_t i) const;
    bool flag(size_t i) const;
    DType dtype(size_t i) const;
    const char* text(size_t i) const;
    Dims dims(size_t i) const;        // an int, or a sequence of ints
    Tensors tensors(size_t i) const;  // a sequence of tensors
    [[noreturn]] void fail_type(size_t i, const char* expected) const;
    [[noreturn]] void fail_element(size_t i, Py_ssize_t k) const;  // of a sequence of ints
};
using OperatorFunction = PyObject* (*)(const Args&);

PyObject* tuple_of(const Tensors& ts);

}  // namespace pb
