// Contractions of tensors with any number of dimensions, as products of matrices.
//
// Each operand's dimensions are put into the order (batches, rows or columns, contracted) and merged into
// matrices; where strides allow, which they do for whole runs of dimensions in either order, that copies nothing.
#include "ops/matrix/products.h"

#include <algorithm>

namespace pb::ops {

namespace {

Tensor arranged(const Tensor& x, const Dims& order, const Dims& shape) {
    bool same = true;
    for (size_t i = 0; i < order.size(); ++i) same = same && order[i] == static_cast<int64_t>(i);
    Tensor t = same ? x : permute(x, order);
    return t.shape() == shape ? t : reshape(t, shape);
}

Dims wrapped(const Tensor& x, const Dims& dims) {
    Dims out;
    for (int64_t d : dims) {
        d = wrap_dim(d, x.ndim());
        if (std::find(out.begin(), out.end(), d) != out.end())
            fail("dim {} appears multiple times in the list of dims", d);
        out.push_back(d);
    }
    return out;
}

// Dimensions not in `dims`, and the product of their sizes.
Dims others(const Tensor& x, const Dims& dims, int64_t* count) {
    Dims out;
    *count = 1;
    for (int64_t d = 0; d < x.ndim(); ++d)
        if (std::find(dims.begin(), dims.end(), d) == dims.end()) {
            out.push_back(d);
            *count = checked_mul(*count, x.size(d));
        }
    return out;
}

}  // namespace

Tensor contract(const Tensor& a, const Dims& order_a, const Dims& shape_a, const Tensor& b,
                const Dims& order_b, const Dims& shape_b, const Dims& shape, const Dims& order) {
    check_same_scalar_type(a, b);
    return arranged(
        reshape(product_of(arranged(a, order_a, shape_a), arranged(b, order_b, shape_b), false, false),
                shape),
        order, [&] {
            Dims final_shape;
            for (int64_t d : order) final_shape.push_back(shape[static_cast<size_t>(d)]);
            return final_shape;
        }());
}

Tensor tensordot(const Tensor& first, const Tensor& second, const Dims& dims_a, const Dims& dims_b) {
    if (dims_a.size() != dims_b.size())
        fail("both dimension lists should have same length. They have {} and {} elements.", dims_a.size(),
             dims_b.size());
    if (first.dtype() != second.dtype())
        fail("both inputs should have same dtype. They have {} and {}: convert one of them with .to(...).",
             dtype_name(first.dtype()), dtype_name(second.dtype()));
    Tensor a = first, b = second;
    Dims ca = wrapped(a, dims_a), cb = wrapped(b, dims_b);
    int64_t k = 1, m, n;
    for (size_t i = 0; i < ca.size(); ++i) {
        int64_t sa = a.size(ca[i]), sb = b.size(cb[i]);
        // A size of one meets every element of the other.
        if (sa != sb && sb == 1) {
            a = sum(a, Dims{ca[i]}, true);
        } else if (sa != sb && sa == 1) {
            b = sum(b, Dims{cb[i]}, true);
        } else if (sa != sb) {
            fail(
                "contracted dimensions need to match, but first has size {} in dim {} and second has size {} "
                "in dim {}",
                sa, dims_a[i], sb, dims_b[i]);
        }
        k = checked_mul(k, a.size(ca[i]));
    }
    Dims rows = others(a, ca, &m), cols = others(b, cb, &n), shape;
    for (int64_t d : rows) shape.push_back(a.size(d));
    for (int64_t d : cols) shape.push_back(b.size(d));
    if (rows.empty() && cols.empty()) return dot(arranged(a, ca, Dims{k}), arranged(b, cb, Dims{k}));
    for (int64_t d : ca) rows.push_back(d);
    for (int64_t d : cols) cb.push_back(d);
    return reshape(product_of(arranged(a, rows, Dims{m, k}), arranged(b, cb, Dims{k, n}), false, false),
                   shape);
}

Tensor inner(const Tensor& a, const Tensor& b) {
    if (a.ndim() == 0 || b.ndim() == 0) return mul(a, b);
    if (a.size(a.ndim() - 1) != b.size(b.ndim() - 1))
        fail("inner() the last dimension must match on both input tensors but got shapes {} and {}",
             shape_text(a.layout()), shape_text(b.layout()));
    return tensordot(a, b, Dims{-1}, Dims{-1});
}

}  // namespace pb::ops
