// Extremes: max, min, amax, amin, aminmax, argmax, argmin.
//
// Over a dimension, the index that is returned gets all of the gradient; full reductions, amax, amin and aminmax
// share it evenly among ties, as PyTorch does. Either way the value is piecewise linear: which elements take part
// is a constant of the derivative, found anew from the values when it is needed.
#include "ops/reduce/reduction.h"

namespace pb::ops {

namespace {

// 1 / (number of ties) where x equals the extreme y, else 0; NaN equals NaN.
Tensor shares(const Tensor& x, const Tensor& y, const Dims& dims, bool keepdim) {
    GradMode off(false);
    Tensor a = Tensor::make(x.array()), b = Tensor::make(y.array());
    Tensor ties = eq(a, expand_back(b, x.layout(), dims, keepdim));
    Tensor nan = elementwise(*rows.ne, {b, b});
    Array some = reduce_array(Reduction::any, nan.array(), reduced_dims(nan, {}), false);
    if (Scalar::load(DType::Bool, some.data()).to_bool())
        ties = where(expand_back(nan, x.layout(), dims, keepdim), elementwise(*rows.ne, {a, a}), ties);
    Array count = reduce_value(Reduction::count_nonzero, ties.value(), dims, keepdim);
    Tensor share = div(1.0, to_dtype(Tensor::make(count), x.dtype()));
    return where(ties, expand_back(share, x.layout(), dims, keepdim), 0.0);
}

Tensor shared_pull(const Tensor& g, const Tensor& x, const Tensor& y, const Dims& dims, bool keepdim) {
    Tensor wide = expand_back(g, x.layout(), dims, keepdim);
    return zmul(wide, shares(x, y, dims, keepdim));
}
Tensor shared_push(const Tensor& t, const Tensor& x, const Tensor& y, const Dims& dims, bool keepdim) {
    return sum_like(zmul(t, shares(x, y, dims, keepdim)), dims, keepdim);
}

struct Extreme {
    const char* node;
    static constexpr uint32_t saves = 1;
    static constexpr bool saves_output = true;
    bool greatest;
    Dims dims;
    bool keepdim;
    const char* node_name() const { return node; }
    Tensor forward(const Tensors& x) {
        return Tensor::make(
            reduce_value(greatest ? Reduction::max : Reduction::min, x[0].value(), dims, keepdim));
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        out[0] = shared_pull(g[0], c.input(0), c.output(), dims, keepdim);
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        return {shared_push(t[0], c.input(0), c.output(), dims, keepdim)};
    }
};

struct BothExtremes {
    static constexpr const char* name = "AminmaxBackward0";
    static constexpr uint32_t saves = 1;
    Dims dims;
    bool keepdim;
    Array of(const Tensor& x, bool greatest) {
        return reduce_value(greatest ? Reduction::max : Reduction::min, x.value(), dims, keepdim);
    }
    Tensors forward(const Tensors& x) {
        return {Tensor::make(of(x[0], false)), Tensor::make(of(x[0], true))};
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        const Tensor& x = c.input(0);
        for (int j = 0; j < 2; ++j) {
            if (!g[static_cast<size_t>(j)]) continue;
            Tensor part =
                shared_pull(g[static_cast<size_t>(j)], x, Tensor::make(of(x, j == 1)), dims, keepdim);
            out[0] = out[0] ? add(out[0], part) : part;
        }
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        const Tensor& x = c.input(0);
        return {shared_push(t[0], x, c.output(0), dims, keepdim),
                shared_push(t[0], x, c.output(1), dims, keepdim)};
    }
};

struct ExtremeAlong {
    bool greatest;
    int64_t dim;
    bool keepdim;
    static constexpr bool saves_output = true;
    static constexpr uint8_t saved_output = 1;
    const char* node_name() const { return greatest ? "MaxBackward0" : "MinBackward0"; }
    Tensors forward(const Tensors& x) {
        Array a = x[0].array();
        Array at = index_of_extreme(greatest, a, dim, true);
        Array values = pick_array(a, dim, at);
        Ref<Layout> shape =
            Layout::contiguous(reduced_shape(*a.layout, a.ndim() ? Dims{dim} : Dims{}, keepdim));
        return {Tensor::make(values.view(shape, 0)), Tensor::make(at.view(shape, 0))};
    }
    Tensor index(Context& c, const Layout& input) {
        GradMode off(false);
        const Tensor& at = c.output(1);
        return input.ndim() == 0 || keepdim ? at : unsqueeze(at, dim);
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        const Layout& input = c.input_layout(0);
        Tensor wide = input.ndim() == 0 || keepdim ? g[0] : unsqueeze(g[0], dim);
        out[0] = place_along(wide, dim, index(c, input), input.dims());
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        const Layout& input = c.input_layout(0);
        Tensor values = pick_along(t[0], dim, index(c, input));
        return {input.ndim() == 0 || keepdim ? values : squeeze(values, Dims{dim}), Tensor()};
    }
};

// A value found elsewhere (a median) whose ties share the gradient.
struct SharedChoice {
    const char* node;
    static constexpr uint32_t saves = 1;
    static constexpr bool saves_output = true;
    Array value;
    Dims dims;
    const char* node_name() const { return node; }
    Tensor forward(const Tensors&) { return Tensor::make(value); }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        out[0] = shared_pull(g[0], c.input(0), c.output(), dims, false);
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        return {shared_push(t[0], c.input(0), c.output(), dims, false)};
    }
};

void check_not_empty(const Tensor& x, const Dims& dims, const char* name, bool all) {
    if (x.numel()) return;
    if (all)
        fail(
            "{}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim "
            "with the 'dim' argument.",
            name);
    for (int64_t d : dims)
        if (x.ndim() && x.size(d) == 0)
            fail_as(ErrorKind::Index,
                    "{}(): Expected reduction dim {} to have non-zero size. The extreme of no elements is "
                    "not defined; the input has shape {}.",
                    name, d, shape_text(x.layout()));
}

Tensor extreme_of(const Tensor& x, bool greatest, const Dims& given, bool keepdim) {
    const char* name = greatest ? "amax" : "amin";
    Dims dims = reduced_dims(x, given);
    check_not_empty(x, dims, name, given.empty());
    return apply(Extreme{greatest ? "AmaxBackward0" : "AminBackward0", greatest, dims, keepdim}, {x});
}

}  // namespace

Tensor extreme(const Tensor& x, bool greatest) {
    check_not_empty(x, {}, greatest ? "max" : "min", true);
    return apply(Extreme{greatest ? "MaxBackward1" : "MinBackward1", greatest, reduced_dims(x, {}), false},
                 {x});
}

Tensors extreme_along(const Tensor& x, bool greatest, int64_t dim, bool keepdim) {
    dim = wrap_dim(dim, x.ndim());
    check_not_empty(x, Dims{dim}, greatest ? "max" : "min", false);
    return apply_all(ExtremeAlong{greatest, dim, keepdim}, {x});
}

Tensor amax(const Tensor& x, DimsOrAll dims, bool keepdim) { return extreme_of(x, true, dims, keepdim); }
Tensor amin(const Tensor& x, DimsOrAll dims, bool keepdim) { return extreme_of(x, false, dims, keepdim); }

Tensor shared_choice(const char* node, const Tensor& x, const Array& value) {
    return apply(SharedChoice{node, value, reduced_dims(x, {})}, {x});
}

Tensors aminmax(const Tensor& x, MaybeDim dim, bool keepdim) {
    Dims dims = reduced_dims(x, dim ? Dims{*dim} : Dims{});
    if (!dim && !x.numel())
        fail("aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity.");
    if (!x.numel() && x.size(dims[0]) == 0)
        fail_as(ErrorKind::Index, "aminmax: Expected reduction dim {} to have non-zero size.", dims[0]);
    return apply_all(BothExtremes{dims, keepdim}, {x});
}

static Tensor place_of_extreme(bool greatest, const Tensor& x, MaybeDim given, bool keepdim) {
    const char* name = greatest ? "argmax" : "argmin";
    if (x.dtype() == DType::Bool) fail("{}(): does not support bool input. Convert it first: x.int().", name);
    if (!given) {
        if (!x.numel())
            fail_as(ErrorKind::Index,
                    "{}(): Expected reduction dim to be specified for input.numel() == 0. There is no "
                    "element whose index could be given.",
                    name);
        return Tensor::make(index_of_extreme(greatest, x.array(), -1, keepdim));
    }
    int64_t dim = wrap_dim(*given, x.ndim());
    check_not_empty(x, Dims{dim}, name, false);
    return Tensor::make(index_of_extreme(greatest, x.array(), dim, keepdim));
}
Tensor argmax(const Tensor& x, MaybeDim dim, bool keepdim) { return place_of_extreme(true, x, dim, keepdim); }
Tensor argmin(const Tensor& x, MaybeDim dim, bool keepdim) {
    return place_of_extreme(false, x, dim, keepdim);
}

}  // namespace pb::ops
