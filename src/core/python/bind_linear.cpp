// Products of matrices and vectors: the C++ halves of operators/linear.py.
#include "ops/linear.h"
#include "python/convert.h"

namespace pb {

namespace {

// Puts a result into the tensor given as `out`, or returns it.
PyObject* deliver(const Args& a, size_t at, Tensor (*compute)(const Args&)) {
    if (!a.given(at)) return wrap(compute(a));
    Tensor out = a.tensor(at);
    bool graph = out.requires_grad();
    for (size_t i = 0; i < at; ++i) graph = graph || (a.is_tensor(i) && Tensor(a.raw(i)).requires_grad());
    if (modes.grad && graph)
        fail(
            "%s(): functions with out=... arguments don't support automatic differentiation, but one of the "
            "arguments requires grad. "
            "Leave out= away, or compute under pullback.no_grad().",
            a.operation);
    GradMode off(false);
    Tensor y = compute(a);
    if (y.dtype() != out.dtype())
        fail("Expected out tensor to have dtype %s, but got %s instead", ops::c_type_name(y.dtype()),
             ops::c_type_name(out.dtype()));
    if (!y.layout().same_shape(out.layout())) ops::resize_output(out, y.layout());
    ops::copy_(out, y);
    return out.release();
}

// name(input, other, *, out=None)
template <Tensor (*F)(const Tensor&, const Tensor&)> PyObject* two(const Args& a) {
    return deliver(a, 2, [](const Args& x) { return F(x.tensor(0), x.tensor(1)); });
}

// name(input, first, second, *, beta=1, alpha=1, out=None)
using AddedProduct = Tensor (*)(const Tensor&, const Tensor&, const Tensor&, Scalar, Scalar);
template <AddedProduct F> PyObject* added(const Args& a) {
    return deliver(a, 5, [](const Args& x) {
        return F(x.tensor(0), x.tensor(1), x.tensor(2), x.scalar(3), x.scalar(4));
    });
}

template <AddedProduct F> PyObject* added_in_place(const Args& x) {
    return wrap(F(x.tensor(0), x.tensor(1), x.tensor(2), x.scalar(3), x.scalar(4)));
}

// linear(input, weight, bias=None)
PyObject* linear(const Args& a) { return wrap(ops::linear(a.tensor(0), a.tensor(1), a.tensor_or_none(2))); }

// contract(a, order_a, shape_a, b, order_b, shape_b, shape, order)
PyObject* contract(const Args& a) {
    return wrap(ops::contract(a.tensor(0), a.dims(1), a.dims(2), a.tensor(3), a.dims(4), a.dims(5), a.dims(6),
                              a.dims(7)));
}

// tensordot(a, b, dims_a, dims_b, out=None)
PyObject* tensordot(const Args& a) {
    return deliver(
        a, 4, [](const Args& x) { return ops::tensordot(x.tensor(0), x.tensor(1), x.dims(2), x.dims(3)); });
}

const OperatorEntry entries[] = {
    {"matmul", two<ops::matmul>},
    {"mm", two<ops::mm>},
    {"bmm", two<ops::bmm>},
    {"mv", two<ops::mv>},
    {"dot", two<ops::dot>},
    {"vdot", two<ops::vdot>},
    {"outer", two<ops::outer>},
    {"addmm", added<ops::addmm>},
    {"addmv", added<ops::addmv>},
    {"addr", added<ops::addr>},
    {"addbmm", added<ops::addbmm>},
    {"baddbmm", added<ops::baddbmm>},
    {"linear", linear},
    {"contract", contract},
    {"tensordot", tensordot},
    {"inner", two<ops::inner>},
    {"addmm_", added_in_place<ops::addmm_>},
    {"addmv_", added_in_place<ops::addmv_>},
    {"addr_", added_in_place<ops::addr_>},
    {"addbmm_", added_in_place<ops::addbmm_>},
    {"baddbmm_", added_in_place<ops::baddbmm_>},
};

}  // namespace

void bind_linear() { register_operators(entries, sizeof entries / sizeof *entries); }

}  // namespace pb
