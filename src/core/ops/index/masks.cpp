// Operators that take a Boolean mask, and those that find where one is true.
#include "ops/index/index.h"

#include "ops/operators.h"

namespace pb::ops {

namespace {

// Where the mask is true: the value (input 2, or a number), elsewhere x.
struct MaskedFill {
    static constexpr uint32_t saves = 2;
    bool number;
    Scalar value;
    static constexpr bool row_major = true;
    const char* node_name() const { return number ? "MaskedFillBackward0" : "MaskedFillBackward1"; }
    void write(const Tensors& x) {
        Row& row = *rows.where;
        Operand operands[3] = {x[1], number ? Operand(value) : Operand(x[2]), x[0]};
        copy_array(elementwise(row, operands, 3).array(), x[0].array());
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        if (c.wants(0)) out[0] = masked_fill(g[0], c.input(1), Scalar(0));
        if (!number && c.wants(2)) out[2] = sum(where(c.input(1), g[0], Scalar(0)), {}, false);
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        Tensor x = t[0] ? t[0] : zeros(c.output().dtype(), c.output().layout_ref());
        if (number || !t[2]) return {masked_fill(x, c.input(1), Scalar(0))};
        return {masked_fill(x, c.input(1), t[2])};
    }
};

Tensor to_shape(const Tensor& t, const Dims& shape) { return t.shape() == shape ? t : expand(t, shape); }

}  // namespace

Tensor masked_fill(Place place, const Tensor& given, const Tensor& mask, const Operand& value) {
    if (mask.dtype() != DType::Bool)
        fail("masked_fill_ only supports boolean masks, but got mask with dtype {}",
             dtype_name(mask.dtype()));
    if (value.tensor && value.tensor->ndim() > 0)
        fail("masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {} dimension(s).",
             value.tensor->ndim());
    Dims shape = broadcast_shapes(mask.layout(), given.layout());
    Tensor x = given;
    if (!(shape == given.shape())) {
        if (place == Place::Here)
            fail("output with shape {} doesn't match the broadcast shape {}", shape_text(given.layout()),
                 shape_text(shape));
        x = expand(given, shape);
    }
    Tensor converted = value.tensor ? to_dtype(*value.tensor, x.dtype()) : Tensor();
    // A number takes the tensor's type, whatever its own category.
    Scalar number = value.scalar;
    if (x.dtype() == DType::Bool) number = Scalar(number.to_bool());
    else if (is_integral(x.dtype())) number = Scalar(number.to_int());
    Tensors inputs{x, mask};
    if (converted) inputs.push_back(converted);
    MaskedFill rule{!value.tensor, number};
    return place == Place::Here ? apply_inplace(rule, inputs, "masked_fill_") : apply(rule, inputs);
}

Tensor masked_fill(const Tensor& x, const Tensor& mask, const Operand& value) {
    return masked_fill(Place::New, x, mask, value);
}

Tensor masked_select(const Tensor& x, const Tensor& mask) {
    if (mask.dtype() != DType::Bool) fail("masked_select: expected BoolTensor for mask");
    Dims shape = broadcast_shapes(mask.layout(), x.layout());
    return read_points(to_shape(x, shape), points_of_mask(to_shape(mask, shape)),
                       {"MaskedSelectBackward0", "MaskedScatterBackward0"});
}

Tensor masked_scatter(Place place, const Tensor& given, const Tensor& mask, const Tensor& source) {
    if (mask.dtype() != DType::Bool)
        fail("masked_scatter_ only supports boolean masks, but got mask with dtype {}",
             dtype_legacy_name(mask.dtype()));
    if (given.dtype() != source.dtype())
        fail("masked_scatter: expected self and source to have same dtypes but got {} and {}",
             dtype_legacy_name(given.dtype()), dtype_legacy_name(source.dtype()));
    Dims shape = broadcast_shapes(mask.layout(), given.layout());
    if (place == Place::Here && !(shape == given.shape()))
        fail("output with shape {} doesn't match the broadcast shape {}", shape_text(given.layout()),
             shape_text(shape));
    PointsRef p = points_of_mask(to_shape(mask, shape));
    if (p->count() > source.numel())
        fail("Number of elements of source < number of ones in mask: {} values for {} elements.",
             source.numel(), p->count());
    Tensor values = source.ndim() == 1 ? source : reshape(source, Dims{source.numel()});
    if (values.numel() != p->count()) values = slice(values, 0, 0, p->count(), 1);
    return put(place, to_shape(given, shape), values, p, false, "MaskedScatterBackward0", "masked_scatter_");
}

// One row an element, stored column by column as PyTorch does: each column is one index tensor.
Tensor nonzero(const Tensor& x) {
    Array rows = nonzero_rows(x.array());
    int64_t n = rows.numel(), dims = x.ndim();
    Array columns = Array::empty(DType::Int64, Dims{dims, n});
    const int64_t* from = rows.as<int64_t>();
    int64_t* to = columns.as<int64_t>();
    // The numbers increase: mostly the last position moves on and nothing has to be divided.
    Dims index(static_cast<size_t>(dims), 0);
    int64_t last = dims ? x.size(dims - 1) : 1, before = 0;
    for (int64_t i = 0; dims && i < n; before = from[i++]) {
        int64_t& inner = index.back();
        inner += from[i] - before;
        if (inner >= last) {
            int64_t rest = from[i];
            for (size_t d = index.size(); d-- > 0;) {
                index[d] = rest % x.size(static_cast<int64_t>(d));
                rest /= x.size(static_cast<int64_t>(d));
            }
        }
        for (int64_t d = 0; d < dims; ++d) to[d * n + i] = index[static_cast<size_t>(d)];
    }
    return Tensor::make(columns.view(Layout::strided(Dims{n, dims}, Dims{1, n}), 0));
}

}  // namespace pb::ops
