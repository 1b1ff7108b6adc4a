// The operators that C++ code calls, one header for all families. Each is differentiable in every mode.
#pragma once
#include "ops/apply.h"
#include "ops/elementwise.h"

namespace pb::ops {

// elementwise, by name (elementwise.h has the general door)
inline Tensor add(const Operand& a, const Operand& b) { return elementwise(*rows.add, {a, b}); }
inline Tensor sub(const Operand& a, const Operand& b) { return elementwise(*rows.sub, {a, b}); }
inline Tensor mul(const Operand& a, const Operand& b) { return elementwise(*rows.mul, {a, b}); }
inline Tensor div(const Operand& a, const Operand& b) { return elementwise(*rows.div, {a, b}); }
inline Tensor neg(const Tensor& a) { return elementwise(*rows.neg, {a}); }
inline Tensor zmul(const Operand& g, const Operand& p) { return elementwise(*rows.zmul, {g, p}); }
inline Tensor where(const Operand& c, const Operand& a, const Operand& b) { return elementwise(*rows.where, {c, a, b}); }
inline Tensor pow(const Operand& a, const Operand& b) { return elementwise(*rows.pow, {a, b}); }
inline Tensor eq(const Operand& a, const Operand& b) { return elementwise(*rows.eq, {a, b}); }
Tensor unary(const char* name, const Tensor& x);  // exp, log, ...: looked up by name

// create.cpp
Tensor empty(DType dtype, const Dims& shape);
Tensor full(DType dtype, Ref<Layout> layout, Scalar value);
Tensor scalar_tensor(Scalar value, DType dtype);
Tensor zeros(DType dtype, Ref<Layout> layout);
Tensor ones(DType dtype, Ref<Layout> layout);
inline Tensor zeros(DType dtype, const Dims& shape) { return zeros(dtype, Layout::contiguous(shape)); }

// copy.cpp
Tensor clone(const Tensor& x);                       // same strides where dense
Tensor detached_copy(const Tensor& x);               // a copy without history or tangents
Tensor contiguous(const Tensor& x);
Tensor to_dtype(const Tensor& x, DType dtype);       // x itself when it has the dtype
Tensor as_layout(const Tensor& x, const Ref<Layout>& layout);  // a differentiable copy with exactly these strides
const Tensor& copy_(const Tensor& target, const Tensor& source);
const Tensor& fill_(const Tensor& target, Scalar value);
Tensor detach(const Tensor& x);                      // shares the cell

// views.cpp
Tensor as_strided(const Tensor& x, const Ref<Layout>& layout, int64_t offset);
Tensor as_strided_scatter(const Tensor& x, const Tensor& part, const Ref<Layout>& layout, int64_t offset);
Node* as_strided_node(const Tensor& base, const Ref<Layout>& layout, int64_t offset);  // its node alone; caller owns it
Tensor expand(const Tensor& x, const Dims& shape);
Tensor view(const Tensor& x, const Dims& shape);     // raises when strides do not allow it
Tensor reshape(const Tensor& x, const Dims& shape);
Tensor permute(const Tensor& x, const Dims& order);
Tensor transpose(const Tensor& x, int64_t a, int64_t b);
Tensor squeeze(const Tensor& x, const Dims& dims);   // those of size one among `dims`
Tensor unsqueeze(const Tensor& x, int64_t dim);
Tensor select(const Tensor& x, int64_t dim, int64_t index);
Tensor slice(const Tensor& x, int64_t dim, int64_t start, int64_t stop, int64_t step);

// index.cpp, scatter.cpp, masks.cpp (index.h has the writing ones)
Tensor index(const Tensor& x, const Tensors& indices);  // x[indices], undefined entries being `:`
Tensor index_select(const Tensor& x, int64_t dim, const Tensor& index);
Tensor gather(const Tensor& x, int64_t dim, const Tensor& index);
Tensor scatter_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src);
Tensor masked_fill(const Tensor& x, const Tensor& mask, const Operand& value);
Tensor masked_select(const Tensor& x, const Tensor& mask);
Tensor nonzero(const Tensor& x);  // int64, one row an element

// reduce.cpp
Tensor sum(const Tensor& x, const Dims& dims, bool keepdim);  // no dims: all
Tensor sum_to(const Tensor& x, const Layout& shape);          // undoes broadcasting
bool can_sum_to(const Layout& from, const Layout& to);

// the engine's needs
void accumulate_into(const Tensor& grad, const Tensor& g);    // grad += g, in place
Tensor add_owned(Tensor a, const Tensor& b);                  // a + b, reusing a where nobody else sees it
void check_anomaly(Node& node, const Tensors& grads);
std::string why_no_grad(const Tensor& t);
void resize_output(const Tensor& out, const Layout& shape);

}  // namespace pb::ops
