// All that the tape asks of the floor above: the few operations that it differentiates by, since somebody may
// differentiate what it computes. It declares them, and ops/ defines them: nothing else of ops/ is seen from here.
#pragma once
#include "tape/node.h"

namespace pb::ops {

Tensor add(const Tensor& a, const Tensor& b);
Tensor add_owned(Tensor a, const Tensor& b);                // a + b, reusing a where it is owned
void accumulate_into(const Tensor& grad, const Tensor& g);  // grad += g, in place
Tensor zeros(DType dtype, Ref<Layout> layout);
Tensor ones(DType dtype, Ref<Layout> layout);

// With exactly those axes of vmaps that are over which `like` has: the gradient of what is the same for all entries is their
// sum. Axes of open vmaps stay.
Tensor settle_axes(const Tensor& x, const Layout& like);
Tensor sum_to(const Tensor& x, const Layout& shape);  // undoes broadcasting
Tensor to_dtype(const Tensor& x, DType dtype);        // undoes promotion; x itself when it has the dtype

Tensor copy_(const Tensor& target, const Tensor& source);
Tensor detached_copy(const Tensor& x);  // a copy without history or tangents
// A differentiable copy with exactly these strides, gaps included; contiguous where they overlap.
Tensor as_layout(const Tensor& x, const Ref<Layout>& layout, const char* node = "CloneBackward0");

Tensor view(const Tensor& x, const Dims& shape);
// Views of any geometry; an offset counts elements of the storage.
// `geometry` says how `x` lies but for further axes around it; axes of it that `layout` lacks are dimensions of the result.
Tensor as_strided(const Tensor& x, const Ref<Layout>& geometry, const Ref<Layout>& layout, int64_t offset);
// as_strided of what `x` would be if it lay in memory as `geometry` says; `offset` counts from its beginning.
Tensor as_strided_of(const Tensor& x, const Ref<Layout>& geometry, const Ref<Layout>& layout, int64_t offset);
Tensor as_strided_scatter(const Tensor& x, const Ref<Layout>& geometry, const Tensor& part,
                          const Ref<Layout>& layout, int64_t offset);
Node* as_strided_node(const Tensor& base, const Ref<Layout>& layout,
                      int64_t offset);  // its node alone; caller owns it

}  // namespace pb::ops
