// The rules of reading and writing at points, and the operators along one dimension that are made of them.
#include "ops/index/index.h"

#include <algorithm>

#include "array/limits.h"
#include "ops/operators.h"

namespace pb::ops {

namespace {

struct ReadPoints {
    static constexpr bool linear = true;
    PointsRef p;
    PointNames names;
    const char* node_name() const { return names.read; }
    Tensor forward(const Tensors& x) {
        Array out = Array::empty(x[0].dtype(), p->result());
        visit_points(*p, At::Read, x[0].array(), out);
        if (!p->memory) return Tensor::make(out);
        Array laid = Array::empty(out.dtype, p->memory);
        copy_array(out, laid);
        return Tensor::make(laid);
    }
    bool add_to(Context&, const Tensors& g, const Array& whole) {
        before_write(whole);
        visit_points(*p, At::Add, whole, contiguous_array(g[0].array()));
        return true;
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) { out[0] = add_to_zeros(g[0], p, names); }
};

struct AddToZeros {
    static constexpr bool linear = true;
    PointsRef p;
    PointNames names;
    const char* node_name() const { return names.add; }
    Tensor forward(const Tensors& x) {
        Tensor out = zeros(x[0].dtype(), p->input);
        visit_points(*p, At::Add, out.array(), contiguous_array(x[0].array()));
        return out;
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) { out[0] = read_points(g[0], p, names); }
};

// The values of a write as the loops want them: contiguous of the result's shape, or one element; and never memory
// that is being written.
Array spread(const Array& values, const Dims& shape, const Array& target) {
    bool apart = values.buffer.get() != target.buffer.get();
    bool as_is = values.layout->is_contiguous() && (values.numel() == 1 || values.layout->dims() == shape);
    if (apart && as_is) return values;
    Array out = Array::empty(values.dtype, values.numel() == 1 ? values.layout->dims() : shape);
    if (out.numel()) copy_array(values, out);
    return out;
}

// Forgets what was at the points of a gradient that nobody else sees.
void clear_points(const Tensor& g, const Points& p) {
    before_write(g.array());
    Array zero = Array::empty(g.dtype(), Layout::scalar());
    Scalar(0).store(zero.dtype, zero.data());
    visit_points(p, At::Write, g.array(), zero);
}

struct WritePoints {
    static constexpr bool linear = true;
    PointsRef p;
    bool add;
    const char* node;
    bool row_major = false;
    const char* node_name() const { return node; }
    void write(const Tensors& x) {
        Array target = x[0].array();
        visit_points(*p, add ? At::Add : At::Write, target, spread(x[1].array(), p->result(), target));
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        if (c.wants(0)) out[0] = add ? g[0] : fill_points(g[0], Scalar(0), p, node);
        if (c.wants(1)) out[1] = of_values(g[0]);
    }
    void pullback_over(Context& c, Tensors& g, Tensors& out) {
        if (c.wants(1)) out[1] = of_values(g[0]);
        if (!c.wants(0)) return;
        if (!add) clear_points(g[0], *p);
        out[0] = std::move(g[0]);
    }
    // Where several values go to one place, the last one stays: only it gets the gradient.
    Tensor of_values(const Tensor& g) {
        Tensor at = read_points(g, p);
        Tensor last = add ? Tensor() : survivors(*p);
        return last ? where(against_result(last, *p), at, Scalar(0)) : at;
    }
};

struct FillPoints {
    PointsRef p;
    Scalar value;
    const char* node;
    bool row_major = false;
    const char* node_name() const { return node; }
    void write(const Tensors& x) {
        Array one = Array::empty(x[0].dtype(), Layout::scalar());
        value.store(one.dtype, one.data());
        visit_points(*p, At::Write, x[0].array(), one);
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        out[0] = fill_points(g[0], Scalar(0), p, node);
    }
    void pullback_over(Context&, Tensors& g, Tensors& out) {
        clear_points(g[0], *p);
        out[0] = std::move(g[0]);
    }
    Tensors pushforward(Context&, const Tensors& t) { return {fill_points(t[0], Scalar(0), p, node)}; }
};

void index_out_of_bounds(int64_t i, int64_t dim, int64_t size) {
    fail_as(ErrorKind::Index, "index {} is out of bounds for dimension {} with size {}", i, dim, size);
}
[[noreturn]] void fail_bounds(const char* operation, ErrorKind kind, int64_t i, int64_t dim, int64_t size) {
    fail_as(kind,
            "{}index {} is out of bounds for dimension {} with size {}. Negative indices do not count from "
            "the end here.",
            operation, i, dim, size);
}

}  // namespace

Tensor read_points(const Tensor& x, const PointsRef& p, PointNames names) {
    return apply(ReadPoints{p, names}, {x});
}
Tensor add_to_zeros(const Tensor& values, const PointsRef& p, PointNames names) {
    return apply(AddToZeros{p, names}, {values});
}
Tensor write_points(const Tensor& x, const Tensor& values, const PointsRef& p, bool add, const char* node) {
    return apply(WritePoints{p, add, node}, {x, values});
}
Tensor write_points_(const Tensor& x, const Tensor& values, const PointsRef& p, bool add, const char* node,
                     const char* operation) {
    return apply_inplace(WritePoints{p, add, node}, {x, values}, operation);
}
Tensor fill_points(const Tensor& x, Scalar value, const PointsRef& p, const char* node) {
    check_fits(value, x.dtype());
    return apply(FillPoints{p, value, node}, {x});
}
Tensor fill_points_(const Tensor& x, Scalar value, const PointsRef& p, const char* node,
                    const char* operation) {
    check_fits(value, x.dtype());
    return apply_inplace(FillPoints{p, value, node}, {x}, operation);
}

Tensor put(Place place, const Tensor& x, const Tensor& values, const PointsRef& p, bool add, const char* node,
           const char* operation, Lies lies) {
    if (place == Place::Here) return write_points_(x, values, p, add, node, operation);
    return apply(WritePoints{p, add, node, lies == Lies::RowMajor}, {x, values});
}
Tensor fill(Place place, const Tensor& x, Scalar value, const PointsRef& p, const char* node,
            const char* operation, Lies lies) {
    if (place == Place::Here) return fill_points_(x, value, p, node, operation);
    check_fits(value, x.dtype());
    return apply(FillPoints{p, value, node, lies == Lies::RowMajor}, {x});
}

// ---- x[indices] ----

Tensor index(const Tensor& x, const Tensors& indices) {
    return read_points(x, points_of_indices(x, indices));
}

void index_fill_at(const Tensor& x, const Tensors& indices, Scalar value) {
    fill_points_(x, value, points_of_indices(x, indices), "IndexPutBackward0", "index_put_");
}

Tensor index_put(Place place, const Tensor& x, const Tensors& indices, const Tensor& values,
                 bool accumulate) {
    if (values.dtype() != x.dtype())
        fail(
            "Index put requires the source and destination dtypes match, got {} for the destination and {} "
            "for the source. Convert the values: values.to(x.dtype).",
            dtype_legacy_name(x.dtype()), dtype_legacy_name(values.dtype()));
    PointsRef p = points_of_indices(x, indices);
    Dims result = p->result();
    Ref<Layout> target = Layout::contiguous(result);
    if (!can_sum_to(*target, values.layout()))
        fail("shape mismatch: value tensor of shape {} cannot be broadcast to indexing result of shape {}",
             shape_text(values.layout()), shape_text(result));
    return put(place, x, values, p, accumulate, "IndexPutBackward0", "index_put_", Lies::LikeInput);
}

// ---- along one dimension ----

Tensor index_select(const Tensor& x, int64_t dim, const Tensor& index) {
    dim = wrap_dim(dim, x.ndim());
    if (index.ndim() > 1) fail_as(ErrorKind::Index, "index_select(): Index is supposed to be a vector");
    if (!is_index(index.dtype())) fail("index_select(): Expected dtype int32 or int64 for index");
    if (x.ndim() == 0 && index.numel() != 1)
        fail("index_select(): Index to scalar can have only 1 value, got {} value(s)", index.numel());
    auto outside = [](int64_t i, int64_t dim, int64_t size) {
        if (i < 0)
            fail(
                "INDICES element is out of DATA bounds, id={} axis_dim={}. Negative indices do not count "
                "from the end here.",
                i, size);
        fail_as(ErrorKind::Index,
                "index out of range in self: index {} is out of bounds for dimension {} with size {}", i, dim,
                size);
    };
    return read_points(x, points_of_dim(x, dim, index, false, outside),
                       {"IndexSelectBackward0", "IndexAddBackward0"});
}

Tensor index_add(Place place, const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source,
                 Scalar alpha) {
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
    PointsRef p = points_of_dim(x, dim, index, false, [](int64_t i, int64_t dim, int64_t size) {
        fail_bounds("", ErrorKind::Runtime, i, dim, size);
    });
    if (source.ndim() != x.ndim() || !(source.shape() == p->result()))
        fail(
            "source tensor shape must match self tensor shape, excluding the specified dimension. Got "
            "self.shape = {} source.shape = {}",
            shape_text(x.layout()), shape_text(source.layout()));
    bool one = alpha.to_double() == 1;
    if (alpha.kind == Scalar::Float && !is_differentiable(x.dtype()))
        fail("For integral input tensors, argument alpha must not be a floating point number.");
    check_fits(alpha, x.dtype());
    return put(place, x, one ? source : mul(source, alpha), p, true, "IndexAddBackward0", "index_add_");
}

Tensor index_copy(Place place, const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source) {
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
    PointsRef p = points_of_dim(x, dim, index, false, [](int64_t i, int64_t dim, int64_t size) {
        fail_bounds("index_copy_(): ", ErrorKind::Index, i, dim, size);
    });
    Dims result = p->result();
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
    return put(place, x, values, p, false, "IndexCopyBackward0", "index_copy_");
}

Tensor index_fill(Place place, const Tensor& x, int64_t dim, const Tensor& index, const Operand& value) {
    dim = wrap_dim(dim, x.ndim());
    if (value.tensor && value.tensor->ndim() > 0)
        fail("index_fill_ only supports a 0-dimensional value tensor, but got tensor with {} dimension(s).",
             value.tensor->ndim());
    if (index.dtype() != DType::Int64)
        fail_as(ErrorKind::Index, "index_fill_(): Expected dtype int64 for index.");
    if (index.ndim() > 1) fail("Index has to be a vector/scalar");
    PointsRef p = points_of_dim(x, dim, index, true, index_out_of_bounds);
    if (!value.tensor)
        return fill(place, x, value.scalar, p, "IndexFillBackward0", "index_fill_", Lies::LikeInput);
    return put(place, x, to_dtype(*value.tensor, x.dtype()), p, false, "IndexFillBackward1", "index_fill_",
               Lies::LikeInput);
}

// ---- the tensor as a row ----

Tensor take(const Tensor& x, const Tensor& index) {
    if (index.dtype() != DType::Int64)
        fail("take(): Expected a long tensor for index, but got {}", dtype_legacy_name(index.dtype()));
    if (x.numel() == 0 && index.numel() != 0)
        fail_as(ErrorKind::Index, "take(): tried to take from an empty tensor");
    return read_points(x, points_of_all(x, index), {"TakeBackward0", "PutBackward0"});
}

Tensor put_flat(Place place, const Tensor& x, const Tensor& index, const Tensor& source, bool accumulate) {
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
    return put(place, x, values, points_of_all(x, index), accumulate, "PutBackward0", "put_",
               Lies::LikeInput);
}

}  // namespace pb::ops
