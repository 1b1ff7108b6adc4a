// Types: conversion between dtypes, promotion, subclasses, and what a tensor's memory is.
#include <cstring>

#include "ops/operators.h"
#include "python/bind/options.h"
#include "python/read/from_data.h"
#include "tape/history.h"

namespace pb {

namespace {

DType dtype_at(const Args& a, size_t i) {
    DType d;
    if (!a.raw(i) || !to_dtype_code(a.raw(i), &d)) a.fail_type(i, "pullback.dtype");
    return d;
}

// (input, dtype or None, copy)
PyObject* to_dtype(const Args& a) {
    Tensor x = a.tensor(0);
    DType d = a.given(1) ? dtype_at(a, 1) : x.dtype();
    return wrap(a.flag(2) ? ops::to_copy(x, d) : ops::to_dtype(x, d));
}
template <DType d> PyObject* to(const Args& a) { return wrap(ops::to_dtype(a.tensor(0), d)); }

PyObject* promote_types(const Args& a) {
    PyObject* d = dtype_object(promote(dtype_at(a, 0), dtype_at(a, 1)));
    Py_INCREF(d);
    return d;
}
PyObject* result_type(const Args& a) {
    Tensor hold[2];
    Operand operands[2] = {a.operand(0, hold[0]), a.operand(1, hold[1])};
    PyObject* d = dtype_object(pb::result_type(operands, 2));
    Py_INCREF(d);
    return d;
}
PyObject* can_cast(const Args& a) { return boolean(category(dtype_at(a, 0)) <= category(dtype_at(a, 1))); }

PyObject* equal(const Args& a) {
    Tensor x = a.tensor(0), y = a.tensor(1);
    if (!x.layout().same_shape(y.layout())) Py_RETURN_FALSE;
    DType d = promote(x.dtype(), y.dtype());
    auto as = [&](const Tensor& t) {
        if (t.dtype() == d) return contiguous_array(t.array());
        Array out = Array::empty(d, t.shape());
        copy_array(t.array(), out);
        return out;
    };
    Array u = as(x), v = as(y);
    int64_t n = u.numel();
    if (is_float(d))
        return boolean(visit<Family::Floats>(d, "equal", [&](auto zero) {
            using T = decltype(zero);
            return std::equal(u.as<T>(), u.as<T>() + n, v.as<T>());
        }));
    return boolean(std::memcmp(u.data(), v.data(), static_cast<size_t>(n) * item_size(d)) == 0);
}

// storage(input): a number that tensors over the same buffer have in common, while it lives.
PyObject* storage(const Args& a) { return checked(PyLong_FromVoidPtr(a.tensor(0)->cell->buffer.get())); }

// flat_storage(input): a new tensor over the whole buffer, without history.
PyObject* flat_storage(const Args& a) {
    Tensor x = a.tensor(0);
    Array whole = x.array();
    int64_t n = static_cast<int64_t>(whole.buffer->bytes() / item_size(whole.dtype));
    return wrap(Tensor::make(whole.view(Layout::contiguous({n}), 0)));
}
// over_storage(flat, size, stride, offset): a tensor of its own (not a view) over the same buffer.
PyObject* over_storage(const Args& a) {
    Array whole = a.tensor(0).array();
    Ref<Layout> l = Layout::strided(a.dims(1), a.dims(2));
    int64_t low, high, offset = a.integer(3),
                       n = static_cast<int64_t>(whole.buffer->bytes() / item_size(whole.dtype));
    l->extent(&low, &high);
    if (offset < 0 || low < 0 || (l->numel() && high > n - offset))
        fail(
            "setStorage: sizes {}, strides {}, storage offset {} require more than the {} elements of the "
            "storage",
            shape_text(*l), shape_text(l->stride_dims()), offset, n);
    return wrap(Tensor::make(whole.view(l, offset)));
}

PyTypeObject* subclass_at(const Args& a, size_t i) {
    PyObject* o = a.raw(i);
    if (!o || !PyType_Check(o)) a.fail_type(i, "type");
    auto* type = reinterpret_cast<PyTypeObject*>(o);
    if (!PyType_IsSubtype(type, tensor_type))
        fail_as(ErrorKind::Type,
                "Creating a Tensor subclass from a class that does not inherit from Tensor is not possible. "
                "Make sure your class inherits from Tensor.");
    return type;
}

// The state of a fresh tensor that nobody else holds, in an object of another type.
Tensor in_type(Tensor from, PyTypeObject* type) {
    if (type == tensor_type) return from;
    PyObject* made = checked(type->tp_alloc(type, 0));
    Tensor t = Tensor::steal(as_tensor(made));
    TensorObject *to = t.get(), *o = from.get();
    to->cell = std::exchange(o->cell, nullptr);
    to->layout = std::exchange(o->layout, nullptr);
    to->offset = o->offset;
    to->dtype = o->dtype;
    to->flags = std::exchange(o->flags, uint8_t(0));
    to->exceptional = o->exceptional;
    if (type != parameter_type) to->exceptional |= kSubclass;
    to->output_nr = o->output_nr;
    to->grad_fn = std::exchange(o->grad_fn, nullptr);
    to->extra = std::exchange(o->extra, nullptr);
    return t;
}

// as_subclass(input, cls): an alias that gradients flow through.
PyObject* as_subclass(const Args& a) {
    PyTypeObject* type = subclass_at(a, 1);
    return wrap(in_type(ops::alias(a.tensor(0)), type));
}

// make_subclass(cls, data, requires_grad): a leaf over the data's value.
PyObject* make_subclass(const Args& a) {
    PyTypeObject* type = subclass_at(a, 0);
    Tensor data = a.tensor(1);
    Options o;
    o.requires_grad = a.flag(2);
    Tensor leaf = Tensor::steal(as_tensor(finish(ops::detach(data), o)));
    return wrap(in_type(std::move(leaf), type));
}

const OperatorEntry entries[] = {
    {"to_dtype", to_dtype},
    {"float", to<DType::Float32>},
    {"double", to<DType::Float64>},
    {"int", to<DType::Int32>},
    {"long", to<DType::Int64>},
    {"byte", to<DType::UInt8>},
    {"bool", to<DType::Bool>},
    {"half", to<DType::Float16>},
    {"bfloat16", to<DType::BFloat16>},
    {"short", to<DType::Int16>},
    {"char", to<DType::Int8>},
    {"cfloat", to<DType::Complex64>},
    {"cdouble", to<DType::Complex128>},
    {"promote_types", promote_types},
    {"result_type", result_type},
    {"can_cast", can_cast},
    {"equal", equal},
    {"storage", storage},
    {"flat_storage", flat_storage},
    {"over_storage", over_storage},
    {"as_subclass", as_subclass},
    {"make_subclass", make_subclass},
};

}  // namespace

void bind_types() { register_operators(entries, sizeof entries / sizeof *entries); }

}  // namespace pb
