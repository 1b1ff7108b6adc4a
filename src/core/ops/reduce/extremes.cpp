// Extremes: max, min, amax, amin, aminmax, argmax, argmin.
//
// Over a dimension, the index that is returned gets all of the gradient; full reductions, amax, amin and aminmax
// share it evenly among ties, as PyTorch does. Either way the value is piecewise linear: which elements take part
// is a constant of the derivative, found anew from the values when it is needed.
#include "compute/lines.h"
#include "ops/reduce/reduction.h"

namespace pb::ops {

namespace {

// 1 / (number of ties) where x equals the extreme y, else 0; NaN equals NaN.
struct Shares {
    static constexpr bool leads = true;
    Dims dims;
    bool keepdim;
    Tensor forward(const Tensors& in) {
        Tensor x = Tensor::make(in[0].array()), y = Tensor::make(in[1].array());
        Tensor ties = eq(x, expand_back(y, x.layout(), dims, keepdim));
        Tensor nan = elementwise(*rows.ne, {y, y});
        if (any_true(nan.array()))
            ties = where(expand_back(nan, x.layout(), dims, keepdim), elementwise(*rows.ne, {x, x}), ties);
        Tensor share = div(1.0, to_dtype(count_like(ties, dims, keepdim), x.dtype()));
        return where(ties, expand_back(share, x.layout(), dims, keepdim), 0.0);
    }
};

}  // namespace

Tensor shared_pull(const Tensor& g, const Tensor& x, const Tensor& y, const Dims& dims, bool keepdim) {
    Tensor wide = expand_back(g, x.layout(), dims, keepdim);
    return zmul(wide, apply(Shares{dims, keepdim}, {x, y}));
}
Tensor shared_push(const Tensor& t, const Tensor& x, const Tensor& y, const Dims& dims, bool keepdim) {
    return sum_like(zmul(t, apply(Shares{dims, keepdim}, {x, y})), dims, keepdim);
}

namespace {

struct Extreme {
    const char* node;
    static constexpr uint32_t saves = 1;
    static constexpr bool saves_output = true, leads = true;
    bool greatest;
    Dims dims;
    bool keepdim;
    const char* node_name() const { return node; }
    Tensor forward(const Tensors& x) {
        return Tensor::make(reduced(greatest ? Reduction::max : Reduction::min, x[0].value(), dims, keepdim));
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
    static constexpr bool leads = true;
    Dims dims;
    bool keepdim;
    Tensors forward(const Tensors& x) {
        return {Tensor::make(reduced(Reduction::min, x[0].value(), dims, keepdim)),
                Tensor::make(reduced(Reduction::max, x[0].value(), dims, keepdim))};
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        const Tensor &x = c.input(0), plain = x.alias();  // the extremes are constants
        for (size_t j = 0; j < 2; ++j) {
            if (!g[j]) continue;
            Tensor y = apply(Extreme{"AminmaxBackward0", j == 1, dims, keepdim}, {plain});
            Tensor part = shared_pull(g[j], x, y, dims, keepdim);
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
    static constexpr bool saves_output = true, leads = true;
    static constexpr uint8_t saved_output = 1;
    const char* node_name() const { return greatest ? "MaxBackward0" : "MinBackward0"; }
    Tensors forward(const Tensors& x) {
        Array a = x[0].array();
        Array at = index_of_extreme(greatest, a, dim, true);
        Array values = pick_array(a, dim, at);
        Ref<Layout> shape = Layout::contiguous(reduced_shape(*a.layout, dims_of(dim), keepdim));
        return {Tensor::make(values.view(shape, 0)), Tensor::make(at.view(shape, 0))};
    }
    bool squeezed() const { return dim && !keepdim; }
    Tensor wide(const Tensor& t) const { return squeezed() ? unsqueeze(t, dim) : t; }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        out[0] = place_along(wide(g[0]), dim, wide(c.output(1)), c.input_shape(0));
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        Tensor values = pick_along(t[0], dim, wide(c.output(1)));
        return {squeezed() ? squeeze(values, Dims{dim}) : values, Tensor()};
    }
};

// argmax and argmin: along a dimension, or of the last `rank` dimensions together.
struct ExtremeIndex {
    static constexpr bool leads = true;
    bool greatest;
    MaybeDim dim;
    bool keepdim;
    int64_t rank;
    Tensor forward(const Tensors& x) {
        Array a = x[0].array();
        if (dim) return Tensor::make(index_of_extreme(greatest, a, *dim, keepdim));
        Array index = index_of_extreme(greatest, flattened(a, rank), -1, false);
        if (!keepdim) return Tensor::make(index);
        Dims shape = index.layout->dims();
        for (int64_t d = 0; d < rank; ++d) shape.push_back(1);
        return Tensor::make(index.view(Layout::contiguous(shape), 0));
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
        if (d && x.size(x.ndim() + d) == 0)
            fail_as(ErrorKind::Index,
                    "{}(): Expected reduction dim {} to have non-zero size. The extreme of no elements is "
                    "not defined; the input has shape {}.",
                    name, x.ndim() + d, shape_text(x.layout()));
}

void check_order(const Tensor& x, const char* kernel) {
    if (is_bare(x.dtype())) fail_unsupported(kernel, x.dtype());
}

Tensor extreme_of(const Tensor& x, bool greatest, const Dims& given, bool keepdim) {
    check_order(x, greatest ? "max_values_cpu" : "min_values_cpu");
    const char* name = greatest ? "amax" : "amin";
    Dims dims = reduced_dims(x, given);
    check_not_empty(x, dims, name, given.empty());
    return apply(Extreme{greatest ? "AmaxBackward0" : "AminBackward0", greatest, dims, keepdim}, {x});
}

}  // namespace

Tensor extreme(const Tensor& x, bool greatest) {
    check_order(x, greatest ? "max_all" : "min_all");
    check_not_empty(x, {}, greatest ? "max" : "min", true);
    return apply(Extreme{greatest ? "MaxBackward1" : "MinBackward1", greatest, reduced_dims(x, {}), false},
                 {x});
}

Tensors extreme_along(const Tensor& x, bool greatest, int64_t dim, bool keepdim) {
    check_order(x, greatest ? "max_cpu" : "min_cpu");
    dim = from_end(dim, x.ndim());
    check_not_empty(x, Dims{dim}, greatest ? "max" : "min", false);
    return apply_all(ExtremeAlong{greatest, dim, keepdim}, {x});
}

Tensor amax(const Tensor& x, DimsOrAll dims, bool keepdim) { return extreme_of(x, true, dims, keepdim); }
Tensor amin(const Tensor& x, DimsOrAll dims, bool keepdim) { return extreme_of(x, false, dims, keepdim); }

Tensors aminmax(const Tensor& x, MaybeDim dim, bool keepdim) {
    check_order(x, "aminmax_cpu");
    Dims dims = reduced_dims(x, dim ? Dims{*dim} : Dims{});
    if (!dim && !x.numel())
        fail("aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity.");
    if (!x.numel() && x.size(x.ndim() + dims[0]) == 0)
        fail_as(ErrorKind::Index, "aminmax: Expected reduction dim {} to have non-zero size.",
                x.ndim() + dims[0]);
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
        return apply(ExtremeIndex{greatest, {}, keepdim, x.ndim()}, {x});
    }
    int64_t dim = from_end(*given, x.ndim());
    check_not_empty(x, Dims{dim}, name, false);
    return apply(ExtremeIndex{greatest, dim, keepdim, x.ndim()}, {x});
}
Tensor argmax(const Tensor& x, MaybeDim dim, bool keepdim) { return place_of_extreme(true, x, dim, keepdim); }
Tensor argmin(const Tensor& x, MaybeDim dim, bool keepdim) {
    return place_of_extreme(false, x, dim, keepdim);
}

}  // namespace pb::ops
