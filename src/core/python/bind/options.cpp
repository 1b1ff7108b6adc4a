#include "python/bind/options.h"

namespace pb {

namespace {

void read_dtype(const Args& a, size_t i, Options& o) {
    if (!a.given(i)) return;
    if (!to_dtype_code(a.raw(i), &o.dtype)) a.fail_type(i, "pullback.dtype");
    require_kernels(a.operation, o.dtype);
    o.dtype_given = true;
}

void read_requires_grad(const Args& a, size_t i, Options& o) {
    PyObject* v = a.raw(i);
    if (v != Py_True && v != Py_False) a.fail_type(i, "bool");
    o.requires_grad = v == Py_True;
}

}  // namespace

void require_kernels(const char* operation, DType d) {
    if (!is_supported(d)) fail_unsupported(operation, d);
}

bool keeps_strides(PyObject* memory_format) {
    static PyObject* check = nullptr;
    if (!check) {
        Owned module(checked(PyImport_ImportModule("pullback.device")));
        check = checked(PyObject_GetAttrString(module.o, "keeps_strides"));
    }
    Owned answer(checked(PyObject_CallOneArg(check, memory_format)));
    return answer.o == Py_True;
}

Options read_options(const Args& a, size_t first) {
    Options o;
    read_dtype(a, first, o);
    if (a.given(first + 1)) check_layout(a.raw(first + 1));
    check_device(a.raw(first + 2));
    if (a.given(first + 3) && a.flag(first + 3)) fail_pinning();
    read_requires_grad(a, first + 4, o);
    return o;
}

Options read_short_options(const Args& a, size_t first) {
    Options o;
    read_dtype(a, first, o);
    check_device(a.raw(first + 1));
    if (a.given(first + 2) && a.flag(first + 2)) fail_pinning();
    read_requires_grad(a, first + 3, o);
    return o;
}

PyObject* finish(Tensor t, const Options& o) {
    if (o.requires_grad) {
        if (!is_differentiable(t.dtype()))
            fail(
                "Only Tensors of floating point and complex dtype can require gradients. This one would have "
                "dtype pullback.{}: give dtype=pullback.float32, or write its numbers with a point.",
                dtype_name(t.dtype()));
        t->flags |= kRequiresGrad;
    }
    if (modes.inference) t->flags |= kInference;
    return t.release();
}

}  // namespace pb
