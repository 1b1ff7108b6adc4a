// Types: conversion between dtypes, promotion, subclasses, and what a tensor's memory is.
#include <cstring>

#include "ops/operators.h"
#include "python/bind/options.h"
#include "python/read/from_data.h"
#include "tape/history.h"

namespace pb {

namespace {

// Another dtype, or a copy in any case.
Tensor to_dtype(const Tensor& x, MaybeDType dtype, bool copy, MemoryFormat format) {
    DType d = dtype.value_or(x.dtype());
    warn_of_parts(x.dtype(), d);
    if (format.given.value_or(Format::Preserve) == Format::Preserve)
        return copy ? ops::to_copy(x, d) : ops::to_dtype(x, d);
    if (!copy && d == x.dtype() && suggested_format(x.layout()) == format.given) return x;
    return ops::as_layout(ops::to_dtype(x, d), format.of(x), "ToCopyBackward0");
}
template <DType d> Tensor to(const Tensor& x, MemoryFormat format) { return to_dtype(x, d, false, format); }

DType result_type(const Operand& a, const Operand& b) {
    Operand operands[] = {a, b};
    return pb::result_type(operands, 2);
}
bool can_cast(DType from, DType to) { return category(from) <= category(to); }

bool equal(const Tensor& x, const Tensor& y) {
    if (!x.layout().same_shape(y.layout())) return false;
    DType d = promote(x.dtype(), y.dtype());
    auto as = [&](const Tensor& t) {
        if (t.dtype() == d) return contiguous_array(t.array());
        Array out = Array::empty(d, t.shape());
        copy_array(t.array(), out);
        return out;
    };
    Array u = as(x), v = as(y);
    int64_t n = u.numel();
    if (is_differentiable(d))
        return visit<Family::Elements>(d, "equal", [&](auto zero) {
            using T = decltype(zero);
            return std::equal(u.as<T>(), u.as<T>() + n, v.as<T>());
        });
    return std::memcmp(u.data(), v.data(), static_cast<size_t>(n) * item_size(d)) == 0;
}

// A number that tensors over the same buffer have in common, while it lives.
PyObject* storage(const Tensor& x) { return checked(PyLong_FromVoidPtr(x->cell->buffer.get())); }

// A new tensor over the whole buffer, without history.
Tensor flat_storage(const Tensor& x) {
    if (x.is_mapped())
        fail_as(ErrorKind::NotImplemented,
                "Cannot access storage of BatchedTensorImpl. Inside of a vmap this memory is that of all "
                "entries: save, or "
                "pickle, outside.");
    Array whole = x.array();
    int64_t n = static_cast<int64_t>(whole.buffer->bytes() / item_size(whole.dtype));
    return Tensor::make(whole.view(Layout::contiguous({n}), 0));
}
// A tensor of its own (not a view) over the same buffer.
Tensor over_storage(const Tensor& flat, const Dims& size, const Dims& stride, int64_t offset) {
    Array whole = flat.array();
    Ref<Layout> l = Layout::strided(size, stride);
    int64_t low, high, n = static_cast<int64_t>(whole.buffer->bytes() / item_size(whole.dtype));
    l->extent(&low, &high);
    if (offset < 0 || low < 0 || (l->numel() && high > n - offset))
        fail(
            "setStorage: sizes {}, strides {}, storage offset {} require more than the {} elements of the "
            "storage",
            shape_text(*l), shape_text(l->stride_dims()), offset, n);
    return Tensor::make(whole.view(l, offset));
}

// ---- subclasses ----

PyTypeObject* subclass(const Argument& given) {
    if (!PyType_Check(given.object())) given.fail_type("type");
    auto* type = reinterpret_cast<PyTypeObject*>(given.object());
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

// An alias that gradients flow through.
Tensor as_subclass(const Tensor& x, const Argument& cls) {
    PyTypeObject* type = subclass(cls);
    return in_type(ops::alias(x), type);
}

// A leaf over the data's value.
Tensor make_subclass(const Argument& cls, const Tensor& data, bool requires_grad) {
    PyTypeObject* type = subclass(cls);
    Options o;
    o.requires_grad = requires_grad;
    return in_type(o.finish(ops::detach(data)), type);
}

const Binding bindings[] = {
    bind<&to_dtype>("to_dtype"),
    bind<&to<DType::Float32>>("float"),
    bind<&to<DType::Float64>>("double"),
    bind<&to<DType::Int32>>("int"),
    bind<&to<DType::Int64>>("long"),
    bind<&to<DType::UInt8>>("byte"),
    bind<&to<DType::Bool>>("bool"),
    bind<&to<DType::Float16>>("half"),
    bind<&to<DType::BFloat16>>("bfloat16"),
    bind<&to<DType::Int16>>("short"),
    bind<&to<DType::Int8>>("char"),
    bind<&to<DType::Complex32>>("chalf"),
    bind<&to<DType::Complex64>>("cfloat"),
    bind<&to<DType::Complex128>>("cdouble"),
    bind<&promote>("promote_types"),
    bind<&result_type>("result_type"),
    bind<&can_cast>("can_cast"),
    bind<&equal>("equal"),
    bind<&storage>("storage"),
    bind<&flat_storage>("flat_storage"),
    bind<&over_storage>("over_storage"),
    bind<&as_subclass>("as_subclass"),
    bind<&make_subclass>("make_subclass"),
};

}  // namespace

void bind_types() { add_bindings(bindings); }

}  // namespace pb
