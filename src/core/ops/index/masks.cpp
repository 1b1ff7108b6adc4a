// Operators that take a Boolean mask, and those that find where one is true.
#include "compute/masks.h"

#include "array/limits.h"
#include "compute/join.h"
#include "ops/index/index.h"
#include "ops/operators.h"

namespace pb::ops {

namespace {

// Where the mask is true: the value (input 2, or a number), elsewhere x.
struct MaskedFill {
    static constexpr bool moves = true;
    static constexpr bool leads = true, aligned = true, holomorphic = true;
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

// The elements of the source, input 1, one after the other where the mask, input 2, is true.
struct ScatterMasked {
    static constexpr bool moves = true;
    static constexpr const char* name = "MaskedScatterBackward0";
    static constexpr bool linear = true, leads = true, row_major = true;
    static constexpr size_t decides_from = 2;
    static constexpr uint32_t saves = 4;
    Naming naming;
    std::array<Array, 1> write(const Tensors& x) {
        const Array target = x[0].array(), source = x[1].array();
        const Dims shape = target.layout->dims();
        const compute::Points p =
            compute::points(naming, shape, compute::number(naming, shape, {x[2].array()}));
        const int64_t n = source.size(source.ndim() - 1);
        if (p.count() > n)
            fail("Number of elements of source < number of ones in mask: {} values for {} elements.", n,
                 p.count());
        Dims first = source.layout->dims();
        first.back() = p.count();
        compute::put_points(p, compute::At::Write, target,
                            source.view(Layout::strided(first, source.layout->stride_dims()), source.offset));
        return {p.numbers};
    }
    void pullback(Context& c, const Tensors& g, Tensors& out);
};

// Its adjoint in the source: the elements where the mask is true, then zeros, `n` in all.
struct SelectMasked {
    static constexpr bool moves = true;
    static constexpr const char* name = "MaskedScatterBackwardBackward0";
    static constexpr bool linear = true, leads = true;
    static constexpr size_t decides_from = 1;
    static constexpr uint32_t saves = 2;
    Naming naming;
    int64_t n;
    Tensor forward(const Tensors& x) {
        const Array a = x[0].array();
        const Dims shape = a.layout->dims();
        const compute::Points p =
            compute::points(naming, shape, compute::number(naming, shape, {x[1].array()}));
        const Array read = compute::read_points(p, a);
        Dims before(static_cast<size_t>(read.ndim()), 0), after = before;
        after.back() = n - p.count();
        return Tensor::make(compute::pad(read, before, after, Scalar(0)));
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        Tensor nothing = zeros(g[0].dtype(), c.input_shape(0));
        out[0] = apply(ScatterMasked{naming}, {nothing, g[0], c.input(1)});
    }
};

void ScatterMasked::pullback(Context& c, const Tensors& g, Tensors& out) {
    const Tensor numbers = numbers_of(c, naming, 2);
    if (c.wants(0)) out[0] = fill_points(g[0], Scalar(0), naming.numbered(), numbers, {.node = name});
    if (c.wants(1)) out[1] = apply(SelectMasked{naming.numbered(), c.input_shape(1)[0]}, {g[0], numbers});
}

// Row by row, the positions where x is not zero.
struct NonZero {
    static constexpr const char* name = "Nonzero";
    static constexpr bool leads = true;
    int64_t rank;
    Tensor forward(const Tensors& x) {
        return Tensor::make(compute::nonzero(x[0].array(), x[0].ndim() - rank));
    }
};

Naming naming_of_mask(const Tensor& x) {
    Naming n;
    n.kind = Naming::Mask;
    n.rank = static_cast<uint16_t>(x.ndim());
    n.dims = 1;
    n.all = true;
    return n;
}

Tensor to_shape(const Tensor& t, const Dims& shape) { return t.shape() == shape ? t : expand(t, shape); }

}  // namespace

Tensor filling_of(const Tensor& x, const Tensor& value) {
    if (value.dtype() == x.dtype()) return value;
    if (!value.is_mapped()) check_fits(value.number(), x.dtype());
    return to_dtype(value, x.dtype());
}

Tensor masked_fill(Form form, const Tensor& given, const Tensor& mask, const Operand& value) {
    if (mask.dtype() != DType::Bool)
        fail("masked_fill_ only supports boolean masks, but got mask with dtype {}",
             dtype_name(mask.dtype()));
    if (value.tensor && value.tensor->ndim() > 0)
        fail("masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {} dimension(s).",
             value.tensor->ndim());
    Dims shape = broadcast_shapes(mask.layout(), given.layout());
    Tensor x = given;
    if (!(shape == given.shape())) {
        if (form == Form::InPlace)
            fail("output with shape {} doesn't match the broadcast shape {}", shape_text(given.layout()),
                 shape_text(shape));
        x = expand(given, shape);
    }
    // A number takes the tensor's type, whatever its own category.
    Scalar number = value.scalar;
    const Tensor converted = value.tensor ? filling_of(x, *value.tensor) : Tensor();
    if (!converted) check_fits(number, x.dtype());
    if (x.dtype() == DType::Bool) number = Scalar(number.to_bool());
    else if (is_integral(x.dtype())) number = number.to_whole(x.dtype());
    else if (!is_complex(x.dtype()) && number.kind == Scalar::Complex) number = Scalar(number.to_double());
    Tensors inputs{x, mask};
    if (converted) inputs.push_back(converted);
    MaskedFill rule{!value.tensor, number};
    return form == Form::InPlace ? apply_inplace(rule, inputs, "masked_fill_") : apply(rule, inputs);
}

Tensor masked_fill(const Tensor& x, const Tensor& mask, const Operand& value) {
    return masked_fill(Form::New, x, mask, value);
}

Tensor masked_select(const Tensor& x, const Tensor& mask) {
    if (mask.dtype() != DType::Bool) fail("masked_select: expected BoolTensor for mask");
    Dims shape = broadcast_shapes(mask.layout(), x.layout());
    const Tensor wide = to_shape(x, shape);
    return read_points(wide, naming_of_mask(wide), to_shape(mask, shape),
                       {"MaskedSelectBackward0", "MaskedScatterBackward0"});
}

Tensor masked_scatter(Form form, const Tensor& given, const Tensor& mask, const Tensor& source) {
    if (mask.dtype() != DType::Bool)
        fail("masked_scatter_ only supports boolean masks, but got mask with dtype {}",
             dtype_legacy_name(mask.dtype()));
    if (given.dtype() != source.dtype())
        fail("masked_scatter: expected self and source to have same dtypes but got {} and {}",
             dtype_legacy_name(given.dtype()), dtype_legacy_name(source.dtype()));
    Dims shape = broadcast_shapes(mask.layout(), given.layout());
    if (form == Form::InPlace && !(shape == given.shape()))
        fail("output with shape {} doesn't match the broadcast shape {}", shape_text(given.layout()),
             shape_text(shape));
    const Tensor x = to_shape(given, shape),
                 values = source.ndim() == 1 ? source : reshape(source, Dims{source.numel()});
    const ScatterMasked rule{naming_of_mask(x)};
    const Tensors inputs{x, values, to_shape(mask, shape)};
    return form == Form::InPlace ? apply_inplace(rule, inputs, "masked_scatter_") : apply(rule, inputs);
}

Tensor nonzero(const Tensor& x) { return apply(NonZero{x.ndim()}, {x}); }

}  // namespace pb::ops
