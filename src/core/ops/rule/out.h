// out=: results written into tensors that the caller brings. The rules are here once, for every operator.
//
// Nothing is recorded and no tangent is carried: where the result would have either, or the target has, the call is
// refused. The target keeps its dtype; what dtypes of results it takes is a property of the operator. It gets the
// result's shape: a warning says so unless it was empty. The result is computed before the target is touched, so that
// it may be an operand, and a call that fails leaves it alone.
#pragma once
#include "tensor/tensor.h"

namespace pb::ops {

// Which results a target takes.
enum class OutRule : uint8_t {
    Cast,   // whatever PyTorch's `can_cast` lets into its dtype
    Join,   // the same, with a TypeError: cat and its kin
    Exact,  // its own dtype only
    Truth,  // likewise, of any and all
    Own,    // its dtype is the one that the operator computes in
    Made,   // likewise, of functions that make tensors
    Any,    // everything
};

// Raises where an operand or a target has a tangent, or is mapped.
void refuse_levels(const char* operation, const Tensor& t);
// Raises where the call would have to be recorded.
void refuse_recording(const char* operation);

// Raises unless `out` takes a result of this dtype.
void check_out_dtype(const char* operation, OutRule rule, const Tensor& out, DType result);
// Makes `out` ready for a result that is about to be written: of this layout, if its shape is another.
void fit_out(const Tensor& out, const Ref<Layout>& layout);

// Raises unless `out` takes this result.
void check_out(const char* operation, OutRule rule, const Tensor& out, const Tensor& result);
// Checks `result`, computed without knowing of `out`, and writes it there.
void write_out(const char* operation, OutRule rule, const Tensor& out, const Tensor& result);

}  // namespace pb::ops
