// Reading, writing and adding at points, as recorded operations. The operators of the family are these few rules under
// the names that PyTorch gives their nodes.
//
// The tensors that say where are inputs like others, the last ones: the rules make numbers of them (`compute::number`),
// which their derivatives read again. A write into one of them between the forward pass and the derivative is an error.
#pragma once
#include "compute/groups.h"
#include "compute/points.h"
#include "ops/rule/apply.h"

namespace pb::ops {

using compute::Naming;

// The node names of an operator: of itself, and of the operation that its pullback applies.
struct PointNames {
    const char* read = "IndexBackward0";
    const char* add = "IndexPutImplBackward0";
};

// One tensor of indices, or several.
struct Indices {
    Indices(const Tensor& t) : first(&t), count(1) {}
    Indices(const Tensors& ts) : first(ts.data()), count(ts.size()) {}
    const Tensor* first;
    size_t count;
};

// x[indices]. Where `last`, with zeros for points that another one follows.
Tensor read_points(const Tensor& x, const Naming& n, Indices indices, PointNames names = {},
                   bool last = false);
// Zeros of shape `whole` with `values` added at the points: what reading pulls back to. The naming is by numbers.
Tensor add_to_zeros(const Tensor& values, const Naming& n, const Tensor& numbers, const Dims& whole,
                    PointNames names = {});

// Whether the write happens in x itself: the operators with an in-place form take it as an argument.
enum class Form { New, InPlace };
// Where, how and under which name something is written.
struct Writing {
    Form form = Form::New;
    const char* node = "IndexPutBackward0";
    const char* operation = "index_put_";  // in place
    bool row_major = true;                 // a new result; else it lies as x does
};
// x with `values`, of the result's shape or one that broadcasts to it, written or added at the points.
Tensor put_points(const Tensor& x, const Tensor& values, const Naming& n, Indices indices, bool add,
                  const Writing& w = {});
Tensor fill_points(const Tensor& x, Scalar value, const Naming& n, Indices indices, const Writing& w = {});

// What a derivative knows of the points: the numbers that the forward pass made, its residual. The indices are inputs
// from `first` on, and have not been written since. As a tensor, the numbers are the index where that holds just them.
Array number_array(Context& c, size_t first);
Tensor numbers_of(Context& c, const Naming& n, size_t first);

// x[indices], undefined entries being `:`. What is written has the shape of that, or broadcasts to it.
Tensor index_put(Form form, const Tensor& x, const Tensors& indices, const Tensor& values, bool accumulate);
void index_fill_at(const Tensor& x, const Tensors& indices, Scalar value);  // x[indices] = number

Tensor index_add(Form form, const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source,
                 Scalar alpha);
Tensor index_copy(Form form, const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source);
Tensor index_fill(Form form, const Tensor& x, int64_t dim, const Tensor& index, const Operand& value);
Tensor take(const Tensor& x, const Tensor& index);
Tensor put_flat(Form form, const Tensor& x, const Tensor& index, const Tensor& source, bool accumulate);

// scatter.cpp
// How the index of a scatter names elements, checked, and the part of src that is scattered.
Naming scatter_naming(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src, Tensor* part);
Tensor scatter(Form form, const Tensor& x, int64_t dim, const Tensor& index, const Operand& src);
Tensor scatter_add(Form form, const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src);
// scatter_reduce.cpp
using compute::Reduce;
Tensor scatter_reduce(Form form, const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src,
                      Reduce reduce, bool include_self);

// masks.cpp
// One number, which is to become elements of x, in x's dtype. Raises where it does not fit.
Tensor filling_of(const Tensor& x, const Tensor& value);
Tensor masked_fill(Form form, const Tensor& x, const Tensor& mask, const Operand& value);
Tensor masked_scatter(Form form, const Tensor& x, const Tensor& mask, const Tensor& source);

}  // namespace pb::ops
