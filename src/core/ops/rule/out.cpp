#include "ops/rule/out.h"

#include <cstring>

#include "ops/operators.h"
#include "tape/history.h"
#include "tensor/write_site.h"

namespace pb::ops {

void refuse_levels(const char* operation, const Tensor& t) {
    if (t.is_dual())
        fail_as(ErrorKind::NotImplemented,
                "Trying to use forward AD with {}_out that does not support it because it is an out= "
                "function. Leave `out` away: the result then has a tangent.",
                operation);
    if (t.is_mapped())
        fail(
            "Batching rule not implemented for aten::{}.out; the fallback path doesn't work on out= or view "
            "ops. Leave `out` away inside of a vmap.",
            operation);
}

void refuse_recording(const char* operation) {
    fail(
        "{}(): functions with out=... arguments don't support automatic differentiation, but one of the "
        "arguments requires grad. Leave `out` away, or compute under no_grad().",
        operation);
}

void check_out_dtype(const char* operation, OutRule rule, const Tensor& out, DType result) {
    DType d = out.dtype();
    if (d == result) return;
    switch (rule) {
        case OutRule::Any: return;
        case OutRule::Cast:
            if (category(result) > category(d))
                fail("result type {} can't be cast to the desired output type {}", dtype_legacy_name(result),
                     dtype_legacy_name(d));
            return;
        case OutRule::Join:
            if (category(result) > category(d))
                fail_as(ErrorKind::Type,
                        "torch.{}(): input types can't be cast to the desired output type {}", operation,
                        dtype_legacy_name(d));
            return;
        case OutRule::Truth:
            fail("{} only supports bool tensor for result, got: {}", operation, dtype_legacy_name(d));
        case OutRule::Made:
            fail("dtype {} does not match dtype of out parameter ({})", dtype_legacy_name(result),
                 dtype_legacy_name(d));
        case OutRule::Exact:
        case OutRule::Own:
            fail("Expected out tensor to have dtype {}, but got {} instead", dtype_c_name(result),
                 dtype_c_name(d));
    }
}

// Like PyTorch: the memory stays where it suffices; otherwise all aliases get larger memory with the old contents.
void fit_out(const Tensor& out, const Ref<Layout>& layout) {
    {
        GradMode off(false);  // nothing is recorded: what requires grad may be written
        check_inplace(out);
    }
    if (out.layout().same_shape(*layout)) return check_no_overlap(out);
    if (out.numel() != 0) {
        std::string text = "An output with one or more elements was resized since it had shape " +
                           shape_text(out.layout()) + ", which does not match the required output shape " +
                           shape_text(*layout) + ". Give an `out` of that shape, or an empty one.";
        if (PyErr_WarnEx(PyExc_UserWarning, text.c_str(), 1) < 0) throw PythonError();
    }
    Ref<Buffer>& buffer = out->cell->buffer;
    auto item = static_cast<int64_t>(item_size(out.dtype()));
    auto bytes = static_cast<size_t>(checked_mul(checked_add(out->offset, layout->numel()), item));
    if (bytes > buffer->bytes()) {
        if (buffer->is_foreign() && buffer->bytes())
            fail(
                "Trying to resize storage that is not resizable. The memory of `out` belongs to somebody "
                "else: give an `out` of shape {}.",
                shape_text(*layout));
        Ref<Buffer> larger = Buffer::allocate(bytes);
        std::memcpy(larger->data(), buffer->data(), buffer->bytes());
        buffer = std::move(larger);
    }
    Layout* old = out->layout;
    out->layout = layout->packed().detach();
    old->release();
}

void check_out(const char* operation, OutRule rule, const Tensor& out, const Tensor& result) {
    refuse_levels(operation, result);
    if (modes.grad && (result.requires_grad() || (out.requires_grad() && is_differentiable(result.dtype()))))
        refuse_recording(operation);
    check_out_dtype(operation, rule, out, result.dtype());
}

void write_out(const char* operation, OutRule rule, const Tensor& out, const Tensor& result) {
    check_out(operation, rule, out, result);
    Array value = result.array();
    fit_out(out, result.layout_ref());
    Array target = out.array();
    before_write(target);
    copy_array(value, target);
    note_write(out, operation);
}

}  // namespace pb::ops
