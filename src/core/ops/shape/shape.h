// Making, copying, viewing, cutting and joining. Those that the tape calls too are in tape/operations.h.
#pragma once
#include "ops/rule/apply.h"

namespace pb::ops {

// What a rule with `leads` makes where its entry alone makes `entry`: the same behind the first `lead` dimensions of `x`.
inline Ref<Layout> behind(const Layout& x, int64_t lead, const Ref<Layout>& entry) {
    if (lead == 0) return entry;
    Dims shape(x.shape(), x.shape() + lead);
    for (int64_t n : entry->dims()) shape.push_back(n);
    return Layout::contiguous(shape);
}

// create.cpp
Tensor empty(DType dtype, const Dims& shape);
Tensor full(DType dtype, Ref<Layout> layout, Scalar value);
Tensor scalar_tensor(Scalar value, DType dtype);
inline Tensor zeros(DType dtype, const Dims& shape) { return zeros(dtype, Layout::contiguous(shape)); }

// copy.cpp
Tensor clone(const Tensor& x);  // same strides where dense
Tensor contiguous(const Tensor& x);
Tensor to_copy(const Tensor& x, DType dtype);  // a copy in any case
Tensor fill_(const Tensor& target, Scalar value, const char* node = "FillBackward0",
             const char* operation = "fill_");
Tensor fill_(const Tensor& target, const Tensor& value);  // of no dimensions: it gets the sum of the gradient
Tensor detach(const Tensor& x);                           // shares the cell

// views.cpp
Tensor expand(const Tensor& x, const Dims& shape);
Tensor view(const Tensor& x, const Dims& shape);  // raises when strides do not allow it
Tensor reshape(const Tensor& x, const Dims& shape);
Tensor flatten(const Tensor& x, int64_t start, int64_t end);
Tensor unflatten(const Tensor& x, int64_t dim, const Dims& sizes);
Tensor atleast(const Tensor& x, int64_t ndim);  // 1, 2 or 3
Tensors broadcast(const Tensors& xs);           // to their common shape; those that have it stay as they are
Tensor permute(const Tensor& x, const Dims& order);
Tensor transpose(const Tensor& x, int64_t a, int64_t b);
Tensor t(const Tensor& x);  // of a matrix; vectors stay
Tensor movedim(const Tensor& x, const Dims& source, const Dims& destination);
Tensor squeeze(const Tensor& x);  // every dimension of size one
Tensor squeeze(const Tensor& x, int64_t dim);
Tensor squeeze(const Tensor& x, const Dims& dims);  // those of size one among `dims`
Tensor unsqueeze(const Tensor& x, int64_t dim);
Tensor view_dtype(const Tensor& x, DType dtype);  // the same bytes, read as another type; not differentiable
Tensor alias(const Tensor& x);
// In place: the tensor itself gets the new geometry, its memory stays.
const Tensor& squeeze_(const Tensor& x);
const Tensor& squeeze_(const Tensor& x, int64_t dim);
const Tensor& squeeze_(const Tensor& x, const Dims& dims);
const Tensor& unsqueeze_(const Tensor& x, int64_t dim);
const Tensor& transpose_(const Tensor& x, int64_t a, int64_t b, const char* operation = "transpose_");
const Tensor& t_(const Tensor& x);

// parts.cpp
Tensor select(const Tensor& x, int64_t dim, int64_t index);
Tensor slice(const Tensor& x, int64_t dim, int64_t start, int64_t stop, int64_t step);
Tensor narrow(const Tensor& x, int64_t dim, int64_t start, int64_t length);
Tensor diagonal(const Tensor& x, int64_t offset, int64_t dim1, int64_t dim2);
Tensor diagonal_copy(const Tensor& x, int64_t offset);  // of a matrix
Tensor unfold(const Tensor& x, int64_t dim, int64_t size, int64_t step);
Tensor diag_embed(const Tensor& x, int64_t offset, int64_t dim1, int64_t dim2);
Tensor select_scatter(const Tensor& x, const Tensor& source, int64_t dim, int64_t index);
Tensor slice_scatter(const Tensor& x, const Tensor& source, int64_t dim, int64_t start, int64_t stop,
                     int64_t step);
Tensor diagonal_scatter(const Tensor& x, const Tensor& source, int64_t offset, int64_t dim1, int64_t dim2);
Tensors unbind(const Tensor& x, int64_t dim);
Tensors split(const Tensor& x, int64_t size, int64_t dim);
Tensors split_with_sizes(const Tensor& x, const Dims& sizes, int64_t dim);
Tensors chunk(const Tensor& x, int64_t chunks, int64_t dim);
Tensors tensor_split(const Tensor& x, int64_t sections, int64_t dim);
Tensors tensor_split(const Tensor& x, const Dims& indices, int64_t dim);

// mapping.cpp: enters and leaves a vmap. Dimension `dim` becomes the axis of `level`, and the other way round; what lacks
// the axis is the same for `size` entries.
Tensor map_axis(const Tensor& x, uint64_t level, int64_t dim);
Tensor unmap_axis(const Tensor& x, uint64_t level, int64_t dim, int64_t size);
// `t`, copied for each entry of `like` if that is mapped.
Tensor for_each_entry(const Tensor& t, const Tensor& like);

// strided.cpp; an offset counts elements of the storage
Tensor as_strided(const Tensor& x, const Dims& size, const Dims& stride, int64_t offset);  // checked
Ref<Layout> as_strided_layout(const Tensor& x, const Dims& size, const Dims& stride,
                              int64_t offset);  // checked

// join.cpp
Tensor cat(const Tensors& parts, int64_t dim);
Tensor stack(const Tensors& parts, int64_t dim);
// pad.cpp: pairs (before, after) from the last dimension backwards.
Tensor constant_pad(const Tensor& x, const Dims& pad, Scalar value);

// complex.cpp: complex numbers as pairs of real ones, along a last dimension of two, in one memory; and of parts
Tensor view_as_real(const Tensor& x);
Tensor view_as_complex(const Tensor& x);
Tensor real(const Tensor& x);  // a view; of a real tensor itself
Tensor imag(const Tensor& x);
Tensor complex(const Tensor& re, const Tensor& im);
Tensor polar(const Tensor& length, const Tensor& angle);
Tensor angle(const Tensor& x);

// rearrange.cpp
Tensor repeat(const Tensor& x, const Dims& repeats);
Tensor flip(const Tensor& x, const Dims& dims);
Tensor roll(const Tensor& x, const Dims& shifts, DimsOrAll dims);
Tensor rot90(const Tensor& x, int64_t k, const Dims& dims);
// How often each index along a dimension is repeated; an output size of -1 is not known.
Tensor repeat_interleave(const Tensor& x, int64_t repeats, int64_t dim, std::optional<int64_t> output_size);
Tensor repeat_interleave(const Tensor& x, const Tensor& repeats, int64_t dim,
                         std::optional<int64_t> output_size);
Tensor repeat_interleave(const Tensor& repeats,
                         std::optional<int64_t> output_size);  // the indices themselves: [2, 1] -> [0, 0, 1]
Tensor tril(const Tensor& x, int64_t diagonal);
Tensor triu(const Tensor& x, int64_t diagonal);
Tensor tril_(const Tensor& x, int64_t diagonal);
Tensor triu_(const Tensor& x, int64_t diagonal);
Tensor tril_indices(int64_t rows, int64_t columns, int64_t offset, DType dtype, bool upper);
Tensor trace(const Tensor& x);

}  // namespace pb::ops
