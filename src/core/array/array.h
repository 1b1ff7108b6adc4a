// Array: a strided view of a buffer. What kernels and structured operators compute on; it knows nothing of
// autograd.
#pragma once
#include "array/buffer.h"
#include "array/dtype.h"
#include "array/layout.h"
#include "array/scalar.h"

namespace pb {

using MaybeDType = std::optional<DType>;  // as a parameter: one that is asked for, or none

struct Array {
    Ref<Buffer> buffer;
    Ref<Layout> layout;
    int64_t offset = 0;  // in elements
    DType dtype = DType::Float32;

    static Array empty(DType dtype, Ref<Layout> layout) {
        Array a;
        // Memory for all entries is asked for as such: an array has no axes that nobody sees.
        if (__builtin_expect(layout->is_mapped(), 0)) layout = layout->plain();
        // A layout with holes (never made for results) still needs room for its last element.
        int64_t n = layout->numel();
        a.buffer = Buffer::allocate(static_cast<size_t>(n) * item_size(dtype));
        a.layout = std::move(layout);
        a.dtype = dtype;
        return a;
    }
    static Array empty(DType dtype, const Dims& shape) { return empty(dtype, Layout::contiguous(shape)); }

    char* data() const { return buffer->data() + offset * static_cast<int64_t>(item_size(dtype)); }
    template <class T> T* as() const { return reinterpret_cast<T*>(data()); }
    int64_t numel() const { return layout->numel(); }
    int64_t ndim() const { return layout->ndim(); }
    int64_t size(int64_t d) const { return layout->size(d); }
    int64_t stride(int64_t d) const { return layout->stride(d); }
    size_t item() const { return item_size(dtype); }
    size_t bytes() const { return static_cast<size_t>(numel()) * item(); }
    bool is_contiguous() const { return layout->is_contiguous(); }
    Array view(Ref<Layout> l, int64_t new_offset) const {
        Array a(*this);
        a.layout = std::move(l);
        a.offset = new_offset;
        return a;
    }
};

}  // namespace pb
