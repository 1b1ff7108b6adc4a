#include "python/bind/options.h"

namespace pb {

namespace {

void read_dtype(const Args& a, size_t i, Options& o) {
    if (!a.given(i)) return;
    o.dtype = a.dtype(i);
    require_kernels(a.of.operation, *o.dtype);
}

void refuse_pinning(const Args& a, size_t i) {
    if (a.given(i) && a.flag(i)) fail_pinning();
}

void read_requires_grad(const Args& a, size_t i, Options& o) {
    PyObject* v = a.raw(i);
    if (v != Py_True && v != Py_False) a.fail_type(i, "bool");
    o.requires_grad = v == Py_True;
}

Format read_format(const Args& a, size_t i) {
    static PyObject* number = nullptr;
    if (!number) {
        Owned module(checked(PyImport_ImportModule("pullback.device")));
        number = checked(PyObject_GetAttrString(module.o, "number_of_format"));
    }
    Owned answer(checked(PyObject_CallOneArg(number, a.raw(i))));
    if (answer.o == Py_None) a.fail_type(i, "pullback.memory_format");
    return static_cast<Format>(PyLong_AsLong(answer.o));
}

}  // namespace

void require_kernels(const char* operation, DType d) {
    if (!is_supported(d)) fail_unsupported(operation, d);
}

Reading<Options>::Reading(const Args& a, size_t first) {
    read_dtype(a, a.at(first), value);
    if (a.given(a.at(first + 1))) check_layout(a.raw(a.at(first + 1)));
    check_device(a.raw(a.at(first + 2)));
    refuse_pinning(a, a.at(first + 3));
    read_requires_grad(a, a.at(first + 4), value);
}

Reading<ShortOptions>::Reading(const Args& a, size_t first) {
    read_dtype(a, a.at(first), value);
    check_device(a.raw(a.at(first + 1)));
    refuse_pinning(a, a.at(first + 2));
    read_requires_grad(a, a.at(first + 3), value);
}

Reading<MemoryFormat>::Reading(const Args& a, size_t i) {
    if (a.given(a.at(i))) value.given = read_format(a, a.at(i));
}

Tensor Options::finish(Tensor t) const {
    if (requires_grad) {
        if (!is_differentiable(t.dtype()))
            fail(
                "Only Tensors of floating point and complex dtype can require gradients. This one would have "
                "dtype pullback.{}: give dtype=pullback.float32, or write its numbers with a point.",
                dtype_name(t.dtype()));
        t->flags |= kRequiresGrad;
    }
    if (modes.inference) t->flags |= kInference;
    return t;
}

}  // namespace pb
