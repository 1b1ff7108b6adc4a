// gather and scatter: points named element by element along one dimension.
#include "ops/index/index.h"

#include <algorithm>

#include "ops/operators.h"

namespace pb::ops {

namespace {

void check_index_dtype(const char* operation, const Tensor& index) {
    if (!is_index(index.dtype()))
        fail("{}(): Expected dtype int32/int64 for index. This one is {}.", operation,
             dtype_name(index.dtype()));
}

int64_t dims_at_least_one(const Tensor& t) { return std::max<int64_t>(t.ndim(), 1); }
int64_t size_or_one(const Tensor& t, int64_t d) { return t.ndim() ? t.size(d) : 1; }

Naming naming_of_gather(const Tensor& x, int64_t dim, const Tensor& index) {
    Naming n;
    n.kind = Naming::Gather;
    n.rank = static_cast<uint16_t>(x.ndim());
    n.dims = static_cast<uint16_t>(index.ndim());
    n.along = static_cast<int16_t>(dim - x.ndim());
    n.all = true;
    return n;
}

// PyTorch's rules for the shapes of a scatter; a number has no src.
Naming checked_naming(const Tensor& x, int64_t dim, const Tensor& index, const Tensor* src) {
    check_index_dtype("scatter", index);
    if (src && src->dtype() != x.dtype())
        fail("scatter(): Expected self.dtype to be equal to src.dtype. They are {} and {}.",
             dtype_name(x.dtype()), dtype_name(src->dtype()));
    if (index.numel() == 0) return naming_of_gather(x, dim, index);  // none: what follows is a copy
    if (dims_at_least_one(index) != dims_at_least_one(x))
        fail("Index tensor must have the same number of dimensions as self tensor. They have {} and {}.",
             index.ndim(), x.ndim());
    if (src && dims_at_least_one(index) != dims_at_least_one(*src))
        fail("Index tensor must have the same number of dimensions as src tensor. They have {} and {}.",
             index.ndim(), src->ndim());
    bool fits = true;
    for (int64_t d = 0; d < dims_at_least_one(x); ++d) {
        int64_t n = size_or_one(index, d);
        fits = fits && (d == dim || n <= size_or_one(x, d)) && (!src || n <= size_or_one(*src, d));
    }
    if (!fits && src)
        fail(
            "Expected index {} to be no larger than self {} apart from dimension {} and to be no larger size "
            "than src {}",
            shape_text(index.layout()), shape_text(x.layout()), dim, shape_text(src->layout()));
    if (!fits)
        fail("Expected index {} to be no larger than self {} apart from dimension {}",
             shape_text(index.layout()), shape_text(x.layout()), dim);
    return naming_of_gather(x, dim, index);
}

// The corner of src that the index covers.
Tensor corner(const Tensor& src, const Tensor& index) {
    Tensor t = src;
    for (int64_t d = 0; d < std::min(src.ndim(), dims_at_least_one(index)); ++d)
        if (const int64_t n = size_or_one(index, d); t.size(d) != n) t = slice(t, d, 0, n, 1);
    return t.ndim() == index.ndim() ? t : reshape(t, index.shape());
}

Tensor gather(const Tensor& x, int64_t dim, const Tensor& index, bool wraps) {
    dim = wrap_dim(dim, x.ndim());
    check_index_dtype("gather", index);
    PointNames names{"GatherBackward0", "ScatterAddBackward0"};
    if (index.numel() != 0) {
        if (dims_at_least_one(index) != dims_at_least_one(x))
            fail("Index tensor must have the same number of dimensions as input tensor. They have {} and {}.",
                 index.ndim(), x.ndim());
        for (int64_t d = 0; d < x.ndim(); ++d)
            if (d != dim && size_or_one(index, d) > x.size(d))
                fail(
                    "Size does not match at dimension {} expected index {} to be no larger than self {} "
                    "apart from dimension {}",
                    d, shape_text(index.layout()), shape_text(x.layout()), dim);
    }
    Naming n = naming_of_gather(x, dim, index);
    n.wraps = wraps;
    return read_points(x, n, index, names);
}

}  // namespace

Naming scatter_naming(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src, Tensor* part) {
    const Naming n = checked_naming(x, wrap_dim(dim, x.ndim()), index, &src);
    *part = corner(src, index);
    return n;
}

Tensor gather(const Tensor& x, int64_t dim, const Tensor& index) { return gather(x, dim, index, false); }
Tensor gather_wrapped(const Tensor& x, int64_t dim, const Tensor& index) {
    return gather(x, dim, index, true);
}

Tensor scatter(Form form, const Tensor& x, int64_t dim, const Tensor& index, const Operand& src) {
    dim = wrap_dim(dim, x.ndim());
    const Naming n = checked_naming(x, dim, index, src.tensor);
    if (!src.tensor) return fill_points(x, src.scalar, n, index, {form, "ScatterBackward1", "scatter_"});
    return put_points(x, corner(*src.tensor, index), n, index, false, {form, "ScatterBackward0", "scatter_"});
}

Tensor scatter_add(Form form, const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src) {
    Tensor part;
    const Naming n = scatter_naming(x, dim, index, src, &part);
    return put_points(x, part, n, index, true, {form, "ScatterAddBackward0", "scatter_add_"});
}

Tensor scatter_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src) {
    return scatter_add(Form::New, x, dim, index, src);
}

}  // namespace pb::ops
