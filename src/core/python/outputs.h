// out=: results written into tensors that the caller brings.
#pragma once
#include "ops/operators.h"
#include "python/convert.h"

namespace pb {

// Writes `result` into the tensor given as argument i and returns that.
inline Tensor into_out(const Args& a, const Tensor& out, const Tensor& result) {
    if (modes.grad && (result.requires_grad() || out.requires_grad()))
        fail(
            "%s(): functions with out=... arguments don't support automatic differentiation, but one of the "
            "arguments requires grad. "
            "Leave `out` away, or compute under no_grad().",
            a.operation);
    if (out.dtype() != result.dtype() && category(result.dtype()) > category(out.dtype()))
        fail("result type %s can't be cast to the desired output type %s", dtype_legacy_name(result.dtype()),
             dtype_legacy_name(out.dtype()));
    if (!out.layout().same_shape(result.layout())) ops::resize_output(out, result.layout());
    ops::copy_(out, result);
    return out;
}
inline PyObject* wrap_out(const Args& a, size_t i, Tensor result) {
    if (!a.given(i)) return result.release();
    return into_out(a, a.tensor(i), result).release();
}
// out=(values, indices)
inline Tensors into_pair(const Args& a, size_t i, const Tensors& results) {
    Tensors outs = a.tensors(i);
    if (outs.size() != results.size())
        fail_as(ErrorKind::Type, "%s(): argument 'out' must be tuple of Tensors with %zu elements",
                a.operation, results.size());
    for (size_t k = 1; k < outs.size(); ++k)
        if (DType d = outs[k].dtype(); d != DType::Int64)
            fail(
                "Expected out tensor to have dtype long int, but got %s instead. Indices are int64: "
                "pullback.empty(0, dtype=pullback.int64).",
                d == DType::Float32   ? "float"
                : d == DType::Float64 ? "double"
                : d == DType::Int32   ? "int"
                : d == DType::UInt8   ? "unsigned char"
                                      : dtype_name(d));
    for (size_t k = 0; k < outs.size(); ++k) into_out(a, outs[k], results[k]);
    return outs;
}

}  // namespace pb
