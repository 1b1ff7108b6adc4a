// Products of matrices and vectors: the C++ halves of operators/linear.py.
#include "ops/linear/linear.h"
#include "library/blas.h"
#include "python/read/convert.h"

namespace pb {

namespace {

// name(input, other, *, out=None)
template <Tensor (*F)(const Tensor&, const Tensor&)> PyObject* two(const Args& a) {
    return wrap(F(a.tensor(0), a.tensor(1)));
}

// name(input, first, second, *, beta=1, alpha=1, out=None), and in place
using AddedProduct = Tensor (*)(const Tensor&, const Tensor&, const Tensor&, Scalar, Scalar);
template <AddedProduct F> PyObject* added(const Args& a) {
    return wrap(F(a.tensor(0), a.tensor(1), a.tensor(2), a.scalar(3), a.scalar(4)));
}

// linear(input, weight, bias=None)
PyObject* linear(const Args& a) { return wrap(ops::linear(a.tensor(0), a.tensor(1), a.tensor_or_none(2))); }

// contract(a, order_a, shape_a, b, order_b, shape_b, shape, order)
PyObject* contract(const Args& a) {
    return wrap(ops::contract(a.tensor(0), a.dims(1), a.dims(2), a.tensor(3), a.dims(4), a.dims(5), a.dims(6),
                              a.dims(7)));
}

// tensordot(a, b, dims_a, dims_b)
PyObject* tensordot(const Args& a) {
    return wrap(ops::tensordot(a.tensor(0), a.tensor(1), a.dims(2), a.dims(3)));
}

// Where the package says that OpenBLAS is (pullback/runtime/blas.py); its ImportError passes through.
std::string library_path() {
    Owned module(checked(PyImport_ImportModule("pullback.runtime.blas")));
    Owned found(checked(PyObject_CallMethod(module.o, "library_path", nullptr)));
    const char* text = PyUnicode_AsUTF8(found.o);
    if (!text) throw PythonError();
    return text;
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
    {"addmm_", added<ops::addmm_>},
    {"addmv_", added<ops::addmv_>},
    {"addr_", added<ops::addr_>},
    {"addbmm_", added<ops::addbmm_>},
    {"baddbmm_", added<ops::baddbmm_>},
};

}  // namespace

void bind_linear() {
    blas::library_path = library_path;
    register_operators(entries, sizeof entries / sizeof *entries);
}

}  // namespace pb
