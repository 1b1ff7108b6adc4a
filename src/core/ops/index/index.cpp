// x[indices], the operators along one dimension, and those that see the tensor as a vector: what is asked of their
// arguments. The rules are in points.cpp.
#include "ops/index/index.h"

#include <algorithm>

#include "array/limits.h"
#include "ops/operators.h"

namespace pb::ops {

namespace {

[[noreturn]] void index_out_of_bounds(int64_t i, int64_t dim, int64_t size) {
    fail_as(ErrorKind::Index, "index {} is out of bounds for dimension {} with size {}", i, dim, size);
}
[[noreturn]] void fail_bounds(const char* operation, ErrorKind kind, int64_t i, int64_t dim, int64_t size) {
    fail_as(kind,
            "{}index {} is out of bounds for dimension {} with size {}. Negative indices do not count from "
            "the end here.",
            operation, i, dim, size);
}

void warn_of_bytes() {
    if (PyErr_WarnEx(PyExc_UserWarning,
                     "indexing with dtype pullback.uint8 is now deprecated, please use a dtype "
                     "pullback.bool instead.",
                     1) < 0)
        throw PythonError();
}

// What x[indices] names, as far as shapes tell: one entry a dimension, undefined for `:`. Boolean masks cover as many
// dimensions as they have. `given` takes those that are defined.
Naming naming_of_indices(const Tensor& x, const Tensors& indices, Tensors* given) {
    if (static_cast<int64_t>(indices.size()) > x.ndim())
        fail_as(ErrorKind::Index, "too many indices for tensor of dimension {} (got {})", x.ndim(),
                indices.size());
    Naming n;
    n.kind = Naming::Each;
    n.rank = static_cast<uint16_t>(x.ndim());
    int64_t dim = 0, first = 0;
    for (const Tensor& t : indices) {
        if (!t) {
            ++dim;
            continue;
        }
        DType d = t.dtype();
        const bool mask = is_mask(d);
        if (!mask && !is_index(d))
            fail_as(ErrorKind::Index,
                    "tensors used as indices must be long, int, byte or bool tensors. This one is {}.",
                    dtype_name(d));
        if (d == DType::UInt8) warn_of_bytes();
        if (n.covered.empty()) first = dim;
        for (int64_t k = 0; k < (mask ? t.ndim() : 1); ++k) {
            if (dim + k >= x.ndim())
                fail_as(ErrorKind::Index, "too many indices for tensor of dimension {}", x.ndim());
            if (mask && t.size(k) != x.size(dim + k))
                fail_as(ErrorKind::Index,
                        "The shape of the mask {} at index {} does not match the shape of the indexed "
                        "tensor {} at index {}. A mask selects elements, so it has the size of each "
                        "dimension that it covers.",
                        shape_text(t.layout()), k, shape_text(x.layout()), dim + k);
            n.covered.push_back(dim + k - x.ndim());
        }
        n.dims = std::max(n.dims, static_cast<uint16_t>(mask ? 1 : t.ndim()));
        dim += mask ? t.ndim() : 1;
        given->push_back(t);
    }
    // The points' shape stands where the indices stood if those are neighbours, else in front.
    const auto covered = static_cast<int64_t>(n.covered.size());
    bool neighbours = covered == 0 || n.covered.back() - n.covered[0] + 1 == covered;
    n.after = static_cast<uint16_t>(x.ndim() - covered - (neighbours ? first : 0));
    return n;
}

// One dimension, by a vector of indices. Of a 0-d tensor it is a vector of one element.
Naming naming_along(const Tensor& x, int64_t dim, Tensor* index, compute::Outside outside,
                    bool wraps = false) {
    Naming n;
    n.kind = Naming::Along;
    n.wraps = wraps;
    n.outside = outside;
    n.rank = static_cast<uint16_t>(x.ndim());
    n.dims = x.ndim() || index->numel() != 1 ? 1 : 0;
    if (x.ndim()) {
        n.covered.push_back(dim - x.ndim());
        n.after = static_cast<uint16_t>(x.ndim() - 1 - dim);
    }
    if (index->ndim() != n.dims)  // one number
        *index = index->alias(n.dims ? Layout::contiguous(Dims{1}) : Layout::scalar(), (*index)->offset);
    return n;
}

// The shape of what such an index names.
Dims shape_along(const Tensor& x, int64_t dim, const Tensor& index) {
    Dims shape = x.shape();
    if (x.ndim()) shape[static_cast<size_t>(dim)] = index.numel();
    else if (index.ndim()) shape.push_back(index.numel());
    return shape;
}

// The tensor as a vector.
Naming naming_flat(const Tensor& x, const Tensor& index) {
    Naming n;
    n.kind = Naming::Flat;
    n.rank = static_cast<uint16_t>(x.ndim());
    n.dims = static_cast<uint16_t>(index.ndim());
    n.all = true;
    return n;
}

}  // namespace

// ---- masks that differ from entry to entry of a vmap ----

// Such a mask may name another number of elements in each. What is written is chosen element by element, unless there is
// a value for each of them.
namespace {

bool is_one_mapped_mask(const Tensors& given) {
    return given.size() == 1 && given[0].is_mapped() && is_mask(given[0].dtype());
}

// The mask over the whole of x: dimensions that it does not cover have size 1.
[[gnu::cold, gnu::noinline]] Tensor mask_over(const Tensor& x, const Tensor& mask, const Naming& n) {
    Dims shape = mask.shape();
    while (static_cast<int64_t>(shape.size()) < -n.covered[0]) shape.push_back(1);
    return reshape(to_dtype(mask, DType::Bool), shape);
}

// The values as they meet x, all of one element's; undefined where there are several.
[[gnu::cold, gnu::noinline]] Tensor values_over(const Tensor& values, const Tensor& mask, const Naming& n) {
    const int64_t after = -n.covered[0] - mask.ndim(), points = values.ndim() - after - 1;
    if (points < 0) return values;
    if (values.size(points) != 1) return Tensor();
    Dims shape = values.shape();
    for (int64_t k = 1; k < mask.ndim(); ++k) shape.insert(static_cast<size_t>(points), 1);
    if (!mask.ndim()) shape.erase(static_cast<size_t>(points));
    return reshape(values, shape);
}

}  // namespace

// ---- x[indices] ----

Tensor index(const Tensor& x, const Tensors& indices) {
    Tensors given;
    const Naming n = naming_of_indices(x, indices, &given);
    return read_points(x, n, given);
}

void index_fill_at(const Tensor& x, const Tensors& indices, Scalar value) {
    Tensors given;
    const Naming n = naming_of_indices(x, indices, &given);
    if (is_one_mapped_mask(given)) masked_fill(Form::InPlace, x, mask_over(x, given[0], n), value);
    else fill_points(x, value, n, given, {.form = Form::InPlace});
}

// One number at the places of one mask, which is what masked_fill writes: in the tensor's dtype, whatever its own is.
static bool fills_mask(const Tensor& x, const Tensors& indices, const Tensor& values) {
    if (values.numel() != 1) return false;
    int masks = 0, others = 0;
    for (const Tensor& t : indices)
        if (t) ++(is_mask(t.dtype()) ? masks : others);
    return masks == 1 && !others;
}

Tensor index_put(Form form, const Tensor& x, const Tensors& indices, const Tensor& given_values,
                 bool accumulate) {
    const Tensor values =
        given_values.dtype() != x.dtype() && !accumulate && fills_mask(x, indices, given_values)
            ? filling_of(x, given_values)
            : given_values;
    if (values.dtype() != x.dtype())
        fail(
            "Index put requires the source and destination dtypes match, got {} for the destination and {} "
            "for the source. Convert the values: values.to(x.dtype).",
            dtype_legacy_name(x.dtype()), dtype_legacy_name(values.dtype()));
    Tensors given;
    const Naming n = naming_of_indices(x, indices, &given);
    if (is_one_mapped_mask(given))
        if (const Tensor v = values_over(values, given[0], n); v && can_sum_to(x.layout(), v.layout())) {
            const Tensor mask = mask_over(x, given[0], n);
            const Tensor y = accumulate ? add(x, where(mask, v, Scalar(0))) : where(mask, v, x);
            return form == Form::InPlace ? copy_(x, y) : y;
        }
    return put_points(x, values, n, given, accumulate, {.form = form, .row_major = false});
}

// ---- along one dimension ----

Tensor index_select(const Tensor& x, int64_t dim, const Tensor& given) {
    Tensor index = given;
    dim = wrap_dim(dim, x.ndim());
    if (index.ndim() > 1) fail_as(ErrorKind::Index, "index_select(): Index is supposed to be a vector");
    if (!is_index(index.dtype())) fail("index_select(): Expected dtype int32 or int64 for index");
    if (x.ndim() == 0 && index.numel() != 1)
        fail("index_select(): Index to scalar can have only 1 value, got {} value(s)", index.numel());
    auto outside = [](int64_t i, int64_t dim, int64_t size) {
        if (dim != 0)
            fail(
                "INDICES element is out of DATA bounds, id={} axis_dim={}. Negative indices do not count "
                "from the end here.",
                i, size);
        fail_as(
            ErrorKind::Index,
            "index out of range in self: index {} is out of bounds for dimension {} with size {}. Negative "
            "indices do not count from the end here.",
            i, dim, size);
    };
    const Naming n = naming_along(x, dim, &index, outside);
    return read_points(x, n, index, {"IndexSelectBackward0", "IndexAddBackward0"});
}

Tensor index_add(Form form, const Tensor& x, int64_t dim, const Tensor& given, const Tensor& source,
                 Scalar alpha) {
    Tensor index = given;
    dim = wrap_dim(dim, x.ndim());
    if (!is_index(index.dtype()))
        fail("index_add_(): Expected dtype int32/int64 for index but got: {}",
             dtype_legacy_name(index.dtype()));
    if (x.dtype() != source.dtype())
        fail("index_add_(): self ({}) and source ({}) must have the same scalar type",
             dtype_legacy_name(x.dtype()), dtype_legacy_name(source.dtype()));
    if (index.ndim() > 1)
        fail_as(ErrorKind::Index,
                "index_add_(): Index is supposed to be a vector, but got dim: {} with type: {} and size: {}",
                index.ndim(), dtype_legacy_name(index.dtype()), shape_text(index.layout()));
    int64_t along = source.ndim() > dim ? source.size(dim) : 1;
    if (index.numel() != along)
        fail("index_add_(): Number of indices ({}) should be equal to source.size(dim): ({}), for dim: {}",
             index.numel(), along, dim);
    compute::Outside outside = [](int64_t i, int64_t dim, int64_t size) {
        fail_bounds("", ErrorKind::Runtime, i, dim, size);
    };
    if (x.ndim() == 1)
        outside = [](int64_t i, int64_t dim, int64_t size) {
            fail_bounds("index out of range in self: ", ErrorKind::Index, i, dim, size);
        };
    const Naming n = naming_along(x, dim, &index, outside);
    if (source.ndim() != x.ndim() || !(source.shape() == shape_along(x, dim, index)))
        fail(
            "source tensor shape must match self tensor shape, excluding the specified dimension. Got "
            "self.shape = {} source.shape = {}",
            shape_text(x.layout()), shape_text(source.layout()));
    bool one = alpha.is(1);
    if (alpha.kind == Scalar::Float && !is_differentiable(x.dtype()))
        fail("For integral input tensors, argument alpha must not be a floating point number.");
    check_fits(alpha, x.dtype());
    return put_points(x, one ? source : mul(source, alpha), n, index, true,
                      {form, "IndexAddBackward0", "index_add_"});
}

Tensor index_copy(Form form, const Tensor& x, int64_t dim, const Tensor& given, const Tensor& source) {
    Tensor index = given;
    dim = wrap_dim(dim, x.ndim());
    if (index.ndim() > 1)
        fail_as(ErrorKind::Index, "index_copy_(): Index should have dimension 1 or 0 (got {})", index.ndim());
    if (source.ndim() == 0 && index.numel() != 1)
        fail_as(ErrorKind::Index,
                "index_copy_(): When source is scalar, index should have one element (got {})",
                index.numel());
    if (source.ndim() != x.ndim() && source.ndim() != 0 && x.ndim() != 0)
        fail_as(ErrorKind::Index,
                "index_copy_(): When source and destination are not scalars, their dimensionality must "
                "match. Source dimensionality ({}), destination dimensionality ({})",
                source.ndim(), x.ndim());
    if (index.dtype() != DType::Int64)
        fail("index_copy_(): Expected a long tensor for index, but got {}", dtype_legacy_name(index.dtype()));
    if (x.dtype() != source.dtype())
        fail(
            "index_copy_(): self and source expected to have the same dtype, but got (self) {} and (source) "
            "{}",
            dtype_legacy_name(x.dtype()), dtype_legacy_name(source.dtype()));
    if (source.ndim() && index.numel() != source.size(source.ndim() > dim ? dim : 0))
        fail_as(ErrorKind::Index,
                "index_copy_(): Number of indices ({}) should be equal to source.size(dim) ({})",
                index.numel(), source.size(source.ndim() > dim ? dim : 0));
    const Naming n = naming_along(x, dim, &index, [](int64_t i, int64_t dim, int64_t size) {
        fail_bounds("index_copy_(): ", ErrorKind::Index, i, dim, size);
    });
    const Dims result = shape_along(x, dim, index);
    if (source.ndim() && x.ndim() && !(source.shape() == result)) {
        auto slice_text = [dim](const Tensor& t) {
            std::string s;
            for (int64_t d = 0; d < t.ndim(); ++d)
                if (d != dim) s += (s.empty() ? "" : " ") + std::to_string(t.size(d));
            return s;
        };
        fail(
            "index_copy_(): Source/destination tensor must have same slice shapes. Destination slice shape: "
            "{} at dimension {} and source slice shape: {} at dimension {}.",
            slice_text(x), dim, slice_text(source), dim);
    }
    Tensor values = source.shape() == result || source.ndim() == 0 ? source : reshape(source, result);
    return put_points(x, values, n, index, false, {form, "IndexCopyBackward0", "index_copy_"});
}

Tensor index_fill(Form form, const Tensor& x, int64_t dim, const Tensor& given, const Operand& value) {
    Tensor index = given;
    dim = wrap_dim(dim, x.ndim());
    if (value.tensor && value.tensor->ndim() > 0)
        fail("index_fill_ only supports a 0-dimensional value tensor, but got tensor with {} dimension(s).",
             value.tensor->ndim());
    if (index.dtype() != DType::Int64)
        fail_as(ErrorKind::Index, "index_fill_(): Expected dtype int64 for index.");
    if (index.ndim() > 1) fail("Index has to be a vector/scalar");
    const DType of = value.tensor ? value.tensor->dtype() : number_dtype(value.scalar.cat());
    if (is_complex(of) && !is_complex(x.dtype()))
        fail(
            "index_fill_(): Converting complex Scalar to non-complex type is not supported. The tensor is of "
            "{}.",
            dtype_name(x.dtype()));
    const Naming n = naming_along(x, dim, &index, index_out_of_bounds, true);
    if (!value.tensor)
        return fill_points(x, value.scalar, n, index, {form, "IndexFillBackward0", "index_fill_", false});
    return put_points(x, filling_of(x, *value.tensor), n, index, false,
                      {form, "IndexFillBackward1", "index_fill_", false});
}

// ---- the tensor as a vector ----

Tensor take(const Tensor& x, const Tensor& index) {
    if (index.dtype() != DType::Int64)
        fail("take(): Expected a long tensor for index, but got {}", dtype_legacy_name(index.dtype()));
    if (x.numel() == 0 && index.numel() != 0)
        fail_as(ErrorKind::Index, "take(): tried to take from an empty tensor");
    return read_points(x, naming_flat(x, index), index, {"TakeBackward0", "PutBackward0"});
}

Tensor put_flat(Form form, const Tensor& x, const Tensor& index, const Tensor& source, bool accumulate) {
    if (index.dtype() != DType::Int64)
        fail("put_(): Expected a long tensor for index, but got {}", dtype_legacy_name(index.dtype()));
    if (x.dtype() != source.dtype())
        fail(
            "put_(): self and source expected to have the same dtype, but got self.dtype = {} and "
            "source.dtype = {}",
            dtype_legacy_name(x.dtype()), dtype_legacy_name(source.dtype()));
    if (index.numel() != source.numel())
        fail_as(ErrorKind::Index,
                "put_(): Expected source and index to have the same number of elements, but got "
                "source.numel() = {}, index.numel() = {}",
                source.numel(), index.numel());
    if (x.numel() == 0 && index.numel() != 0)
        fail_as(ErrorKind::Index, "put_(): tried to put elements into an empty tensor");
    Tensor values = source.shape() == index.shape() ? source : reshape(source, index.shape());
    return put_points(x, values, naming_flat(x, index), index, accumulate,
                      {form, "PutBackward0", "put_", false});
}

}  // namespace pb::ops
