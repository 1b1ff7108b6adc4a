// Making tensors out of nothing.
#include "ops/operators.h"

namespace pb::ops {

Tensor empty(DType dtype, const Dims& shape) { return Tensor::make(dtype, Layout::contiguous(shape)); }

Tensor full(DType dtype, Ref<Layout> layout, Scalar value) {
    // Callers pass the layout of what the result is like; with gaps or overlaps it is no layout for fresh memory.
    if (!layout->is_dense()) layout = Layout::contiguous(layout->dims());
    Tensor t = Tensor::make(dtype, std::move(layout));
    fill_array(t.array(), value);
    return t;
}

Tensor scalar_tensor(Scalar value, DType dtype) {
    Tensor t = Tensor::make(dtype, Layout::scalar());
    value.store(dtype, t.data());
    return t;
}

Tensor zeros(DType dtype, Ref<Layout> layout) { return full(dtype, std::move(layout), Scalar(0)); }
Tensor ones(DType dtype, Ref<Layout> layout) { return full(dtype, std::move(layout), Scalar(1)); }

}  // namespace pb::ops
