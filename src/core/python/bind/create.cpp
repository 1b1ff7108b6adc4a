// Making tensors: the C++ halves of operators/creation.py.
#include "ops/shape/create.h"
#include "ops/random/overwrite.h"
#include "python/bind/options.h"
#include "python/read/from_data.h"

namespace pb {

namespace {

void warn_copy(PyObject* data, const char* name) {
    if (!is_tensor(data)) return;
    std::string text =
        "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
        "sourceTensor.detach().clone().requires_grad_(True), rather than ";
    if (PyErr_WarnEx(PyExc_UserWarning, (text + name + "(sourceTensor).").c_str(), 1) < 0)
        throw PythonError();
}

PyObject* tensor(const Args& a) {
    warn_copy(a.raw(0), "pullback.tensor");
    Options o = read_short_options(a, 1);
    return finish(tensor_from_data(a.raw(0), o.dtype_given ? &o.dtype : nullptr), o);
}

// Of given sizes: (size, out, options).
PyObject* sized(const Args& a, const Scalar* value) {
    Dims shape = a.dims(0);
    Options o = read_options(a, 2);
    DType d = o.dtype_or(default_dtype);
    return finish(value ? ops::full(d, Layout::contiguous(shape), *value) : ops::empty(d, shape), o);
}
PyObject* zeros(const Args& a) {
    for (int64_t n : a.dims(0))
        if (n < 0)
            fail("zeros: Dimension size must be non-negative. The sizes asked for are {}.",
                 shape_text(a.dims(0)));
    Scalar v(0);
    return sized(a, &v);
}
PyObject* ones(const Args& a) {
    Scalar v(1);
    return sized(a, &v);
}
PyObject* empty(const Args& a) { return sized(a, nullptr); }

DType number_dtype(Scalar s) {
    return s.kind == Scalar::Bool ? DType::Bool : s.kind == Scalar::Int ? DType::Int64 : default_dtype;
}

PyObject* full(const Args& a) {
    Dims shape = a.dims(0);
    Scalar v = a.scalar(1);
    Options o = read_options(a, 3);
    DType d = o.dtype_or(number_dtype(v));
    check_fits(v, d);
    return finish(ops::full(d, Layout::contiguous(shape), v), o);
}

PyObject* empty_strided(const Args& a) {
    Options o = read_options(a, 2);
    return finish(ops::empty_strided(o.dtype_or(default_dtype), a.dims(0), a.dims(1)), o);
}

// Of the shape and strides of another: (input, options, memory_format).
Tensor like(const Args& a, size_t options, Options* o) {
    Tensor x = a.tensor(0);
    *o = read_options(a, options);
    bool preserve = !a.given(options + 5) || keeps_strides(a.raw(options + 5));
    return Tensor::make(o->dtype_or(x.dtype()),
                        preserve ? x.layout().packed() : Layout::contiguous(x.shape()));
}
PyObject* filled_like(const Args& a, Scalar v) {
    Options o;
    Tensor t = like(a, 1, &o);
    fill_array(t.array(), v);
    return finish(std::move(t), o);
}
PyObject* zeros_like(const Args& a) { return filled_like(a, Scalar(0)); }
PyObject* ones_like(const Args& a) { return filled_like(a, Scalar(1)); }
PyObject* empty_like(const Args& a) {
    Options o;
    Tensor t = like(a, 1, &o);
    return finish(std::move(t), o);
}
PyObject* full_like(const Args& a) {
    Options o;
    Tensor t = like(a, 2, &o);
    Scalar v = a.scalar(1);
    check_fits(v, t.dtype());
    fill_array(t.array(), v);
    return finish(std::move(t), o);
}

// Of the dtype of another: (self, size, options).
Tensor new_sized(const Args& a, size_t options, Options* o) {
    Tensor x = a.tensor(0);
    Dims shape = a.dims(1);
    *o = read_options(a, options);
    return ops::empty(o->dtype_or(x.dtype()), shape);
}
PyObject* new_filled(const Args& a, Scalar v) {
    Options o;
    Tensor t = new_sized(a, 2, &o);
    fill_array(t.array(), v);
    return finish(std::move(t), o);
}
PyObject* new_zeros(const Args& a) { return new_filled(a, Scalar(0)); }
PyObject* new_ones(const Args& a) { return new_filled(a, Scalar(1)); }
PyObject* new_empty(const Args& a) {
    Options o;
    Tensor t = new_sized(a, 2, &o);
    return finish(std::move(t), o);
}
PyObject* new_full(const Args& a) {
    Options o;
    Tensor t = new_sized(a, 3, &o);
    Scalar v = a.scalar(2);
    check_fits(v, t.dtype());
    fill_array(t.array(), v);
    return finish(std::move(t), o);
}
PyObject* new_tensor(const Args& a) {
    Tensor x = a.tensor(0);
    warn_copy(a.raw(1), "tensor.new_tensor");
    Options o = read_short_options(a, 2);
    DType d = o.dtype_or(is_tensor(a.raw(1)) ? as_tensor(a.raw(1))->dtype : x.dtype());
    return finish(tensor_from_data(a.raw(1), &d), o);
}

// arange(end), arange(start, end), arange(start, end, step): (start, end, step, out, options)
PyObject* arange(const Args& a) {
    bool one = !a.given(1);
    if (one && !a.given(0))
        fail_as(ErrorKind::Type, "arange() missing 1 required positional arguments: \"end\"");
    Scalar start = one || !a.given(0) ? Scalar(0) : a.scalar(0), end = a.scalar(one ? 0 : 1);
    Scalar step = a.given(2) ? a.scalar(2) : Scalar(1);
    Options o = read_options(a, 4);
    bool whole = start.kind != Scalar::Float && end.kind != Scalar::Float && step.kind != Scalar::Float;
    DType d = o.dtype_given ? o.dtype : whole ? DType::Int64 : default_dtype;
    return finish(ops::arange(start, end, step, d), o);
}

PyObject* linspace(const Args& a) {
    Options o = read_options(a, 4);
    return finish(ops::linspace(a.number(0), a.number(1), a.integer(2), o.dtype_or(default_dtype)), o);
}
PyObject* logspace(const Args& a) {
    Options o = read_options(a, 5);
    return finish(
        ops::logspace(a.number(0), a.number(1), a.integer(2), a.number(3), o.dtype_or(default_dtype)), o);
}
PyObject* eye(const Args& a) {
    Options o = read_options(a, 3);
    int64_t n = a.integer(0);
    return finish(ops::eye(n, a.given(1) ? a.integer(1) : n, o.dtype_or(default_dtype)), o);
}
PyObject* scalar_tensor(const Args& a) {
    Options o = read_options(a, 1);
    DType d = o.dtype_or(default_dtype);
    Scalar v = a.scalar(0);
    check_fits(v, d);
    return finish(ops::scalar_tensor(v, d), o);
}

PyObject* returned(const Args& a) {
    Py_INCREF(a.raw(0));
    return a.raw(0);
}
PyObject* fill_(const Args& a) {
    Tensor x = a.tensor(0);
    if (a.is_tensor(1)) {
        ops::fill_with(x, a.tensor(1));
    } else {
        Scalar v = a.scalar(1);
        check_fits(v, x.dtype());
        ops::overwrite(x, "FillBackward2", "fill_", [v](const Array& to) { fill_array(to, v); });
    }
    return returned(a);
}
PyObject* zero_(const Args& a) {
    ops::overwrite(a.tensor(0), "ZeroBackward0", "zero_", [](const Array& to) { fill_array(to, Scalar(0)); });
    return returned(a);
}
PyObject* copy_(const Args& a) {
    Tensor hold, x = a.tensor(0);
    Operand from = a.operand(1, hold);
    ops::copy_(x, from.tensor ? hold : ops::scalar_tensor(from.scalar, number_dtype(from.scalar)));
    return returned(a);
}

const OperatorEntry entries[] = {
    {"tensor", tensor},
    {"zeros", zeros},
    {"ones", ones},
    {"empty", empty},
    {"full", full},
    {"empty_strided", empty_strided},
    {"zeros_like", zeros_like},
    {"ones_like", ones_like},
    {"empty_like", empty_like},
    {"full_like", full_like},
    {"new_zeros", new_zeros},
    {"new_ones", new_ones},
    {"new_empty", new_empty},
    {"new_full", new_full},
    {"new_tensor", new_tensor},
    {"arange", arange},
    {"linspace", linspace},
    {"logspace", logspace},
    {"eye", eye},
    {"scalar_tensor", scalar_tensor},
    {"fill_", fill_},
    {"zero_", zero_},
    {"copy_", copy_},
};

}  // namespace

void bind_create() { register_operators(entries, sizeof entries / sizeof *entries); }

}  // namespace pb
