// Sums, means, products, counts: the reductions that combine all elements alike.
#include "compute/lines.h"
#include "ops/reduce/reduction.h"

namespace pb::ops {

namespace {

// dtype=... converts before summing. Without one integers are summed as int64.
Array in_dtype(const Tensor& x, MaybeDType dtype) { return dtype ? converted(x.array(), *dtype) : x.value(); }

// The result is of the dtype that was asked for, though integers meet as int64.
Tensor reduced_as(Reduction r, const Array& a, const Dims& dims, bool keepdim, MaybeDType dtype) {
    Array found = reduced(r, a, dims, keepdim);
    return Tensor::make(dtype ? converted(found, *dtype) : found);
}

void check_differentiable(const Tensor& x, MaybeDType dtype, const char* kernel) {
    if (!dtype) return;
    if (!is_supported(*dtype) || is_bare(*dtype)) fail_unsupported(kernel, *dtype);
    check_recordable(x, *dtype);
}

// In bool a reduction is one of truth values, which are counted as integers.
template <class F> Tensor of_truth_values(const Tensor& x, F reduce) {
    return to_dtype(reduce(to_dtype(x, DType::Bool)), DType::Bool);
}

// A reduced value against the input's shape: the dimensions that went come back with stride 0.
struct ExpandBack {
    static constexpr const char* name = "ExpandBackward0";
    static constexpr bool view = true, linear = true;
    Ref<Layout> layout;
    Dims dims;
    bool keepdim;
    Tensor forward(const Tensors& x) {
        const Layout& from = x[0].layout();
        Dims strides;
        size_t at = 0;
        int64_t source = 0;
        for (int64_t d = 0; d < layout->ndim(); ++d) {
            bool gone = at < dims.size() && dims[at] == d - layout->ndim();
            if (gone) ++at;
            strides.push_back(gone ? 0 : from.stride(source));
            if (!gone || keepdim) ++source;
        }
        return x[0].alias(Layout::strided(layout->dims(), strides), x[0]->offset);
    }
    void pullback(Context&, const Tensors& g, Tensors& out) { out[0] = sum_like(g[0], dims, keepdim); }
};

struct Sum {
    static constexpr bool noted = true;
    static constexpr bool linear = true, leads = true;
    Dims dims;
    bool keepdim, all;
    MaybeDType dtype = {};
    const char* node_name() const { return all ? "SumBackward0" : "SumBackward1"; }
    Tensor forward(const Tensors& x) {
        return reduced_as(Reduction::sum, in_dtype(x[0], dtype), dims, keepdim, dtype);
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        if (c.wants(0)) out[0] = expand_back(g[0], c.input_layout(0), dims, keepdim);
    }
};

struct Mean {
    static constexpr bool noted = true;
    static constexpr bool linear = true, leads = true;
    Dims dims;
    bool keepdim, all;
    MaybeDType dtype = {};
    const char* node_name() const { return all ? "MeanBackward0" : "MeanBackward1"; }
    Tensor forward(const Tensors& x) {
        Tensor s = Tensor::make(reduced(Reduction::sum, in_dtype(x[0], dtype), dims, keepdim));
        if (s.numel() == 0) return s;
        return div(s, static_cast<double>(reduced_count(x[0].layout(), dims)));
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        auto n = static_cast<double>(reduced_count(c.input_layout(0), dims));
        out[0] = expand_back(div(g[0], n), c.input_layout(0), dims, keepdim);
    }
};

// NaN counts as zero, and so does what it would send back.
struct NanSum {
    static constexpr const char* name = "NansumBackward0";
    static constexpr uint32_t saves = 1;
    static constexpr bool leads = true;
    Dims dims;
    bool keepdim;
    MaybeDType dtype = {};
    Tensor forward(const Tensors& x) {
        Array a = in_dtype(x[0], dtype);
        if (is_float(a.dtype)) {
            Tensor t = Tensor::make(a);
            a = where(eq(t, t), t, 0.0).value();
        }
        return reduced_as(Reduction::sum, a, dims, keepdim, dtype);
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        const Tensor& x = c.input(0);
        out[0] = where(eq(x, x), expand_back(g[0], c.input_layout(0), dims, keepdim), 0.0);
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        const Tensor& x = c.input(0);
        Tensor kept = where(eq(x, x), t[0], 0.0);
        return {sum_like(typed(kept, dtype), dims, keepdim)};
    }
};

// The derivative is the product of the others. It is computed from both sides, without dividing, so that zeros are
// ordinary values at every order.
struct Prod {
    static constexpr uint32_t saves = 1;
    static constexpr bool leads = true, holomorphic = true;
    Dims dims;
    bool keepdim, all;
    MaybeDType dtype = {};
    const char* node_name() const { return all ? "ProdBackward0" : "ProdBackward1"; }
    Tensor forward(const Tensors& x) {
        return reduced_as(Reduction::prod, in_dtype(x[0], dtype), dims, keepdim, dtype);
    }
    Tensor others(Context& c) {
        Tensor x = c.input(0);
        if (dtype) x = to_dtype(x, *dtype);
        Dims shape = x.shape();
        if (x.ndim() == 0) return ones(x.dtype(), Layout::scalar());
        if (all) x = reshape(x, Dims{-1});
        int64_t dim = all ? -1 : dims[0];
        Tensor p = mul(products_before(x, dim, false), products_before(x, dim, true));
        return all ? reshape(p, shape) : p;
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        if (c.input_layout(0).numel() == 0) {
            out[0] = zeros(g[0].dtype(), c.input_shape(0));
            return;
        }
        out[0] = zmul(expand_back(g[0], c.input_layout(0), dims, keepdim), others(c));
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        const Tensor moved = dtype ? to_dtype(t[0], *dtype) : t[0];
        Tensor p = c.input_layout(0).numel() ? zmul(moved, others(c)) : moved;
        return {sum_like(p, dims, keepdim)};
    }
};

// any, all and counts have no derivative.
struct Truth {
    static constexpr bool leads = true;
    Reduction reduction;
    Dims dims;
    bool keepdim;
    Tensor forward(const Tensors& x) {
        Array a = reduced(reduction, x[0].value(), dims, keepdim);
        if (x[0].dtype() == DType::UInt8) a.dtype = DType::UInt8;  // as PyTorch: what was uint8 stays uint8
        return Tensor::make(a);
    }
};
struct CountNonzero {
    static constexpr bool leads = true;
    Dims dims;
    bool keepdim;
    Tensor forward(const Tensors& x) {
        return Tensor::make(reduced(Reduction::count_nonzero, x[0].value(), dims, keepdim));
    }
};

}  // namespace

Tensor expand_back(const Tensor& g, const Layout& input, const Dims& dims, bool keepdim) {
    if (dims.empty()) return g;
    return apply(ExpandBack{Ref<Layout>(const_cast<Layout*>(&input)), dims, keepdim}, {g});
}

Tensor sum_like(const Tensor& x, const Dims& dims, bool keepdim) {
    if (dims.empty()) return x;
    return apply(Sum{dims, keepdim, false}, {x});
}

Tensor count_like(const Tensor& x, const Dims& dims, bool keepdim) {
    return apply(CountNonzero{dims, keepdim}, {x});
}

Tensor sum(const Tensor& x, DimsOrAll dims, bool keepdim, MaybeDType dtype) {
    if (dtype == DType::Bool)
        return of_truth_values(x, [&](const Tensor& truth) { return sum(truth, dims, keepdim); });
    check_differentiable(x, dtype, "sum_cpu");
    if (!is_supported(x.dtype())) fail_unsupported("sum_cpu", x.dtype());
    const bool own = dtype == x.dtype() && is_float(x.dtype()), all = !dims.given() && !keepdim;
    return apply(Sum{reduced_dims(x, dims), keepdim, all, own ? MaybeDType() : dtype}, {x});
}

Tensor mean(const Tensor& x, DimsOrAll dims, bool keepdim, MaybeDType dtype) {
    const DType d = dtype.value_or(x.dtype());
    const bool all = !dims.given() && !keepdim;
    if (!is_differentiable(d))
        fail(
            "mean(): could not infer output dtype. {} dtype must be either a floating point or complex "
            "dtype. Got: {}. The mean of integers is rarely one: x.float().mean() or x.mean(dtype=...).",
            dtype ? "Optional" : "Input", dtype_legacy_name(d));
    if (!is_supported(d)) fail_unsupported("mean_cpu", d);
    return apply(Mean{reduced_dims(x, dims), keepdim, all, dtype == x.dtype() ? MaybeDType() : dtype}, {x});
}

Tensor nansum(const Tensor& x, DimsOrAll dims, bool keepdim, MaybeDType dtype) {
    check_differentiable(x, dtype, "nansum_cpu");
    return apply(NanSum{reduced_dims(x, dims), keepdim, dtype}, {x});
}

Tensor prod(const Tensor& x, MaybeDim dim, bool keepdim, MaybeDType dtype) {
    if (dtype == DType::Bool)
        return of_truth_values(x, [&](const Tensor& truth) { return prod(truth, dim, keepdim, {}); });
    check_differentiable(x, dtype, "prod_out_cpu");
    Dims dims = reduced_dims(x, dim ? Dims{*dim} : Dims{});
    return apply(Prod{dims, dim && keepdim, !dim, dtype}, {x});
}

Tensor any(const Tensor& x, DimsOrAll dims, bool keepdim) {
    return apply(Truth{Reduction::any, reduced_dims(x, dims), keepdim}, {x});
}
Tensor all(const Tensor& x, DimsOrAll dims, bool keepdim) {
    return apply(Truth{Reduction::all, reduced_dims(x, dims), keepdim}, {x});
}
Tensor count_nonzero(const Tensor& x, DimsOrAll dims) {
    return apply(CountNonzero{reduced_dims(x, dims), false}, {x});
}

Tensor sum_to(const Tensor& x, const Layout& shape) {
    if (x.layout().same_shape(shape)) return x;
    int64_t lead = x.ndim() - shape.ndim();
    Dims dims;
    bool kept = false;  // a dimension of size one stays
    for (int64_t d = 0; d < x.ndim(); ++d) {
        bool one = d >= lead && shape.size(d - lead) == 1;
        if (d < lead || (one && x.size(d) != 1)) dims.push_back(d - x.ndim());
        if (one) kept = true;
    }
    if (shape.ndim() == 0) return sum(x, {}, false);
    if (!kept) return apply(Sum{dims, false, false}, {x});
    Tensor s = dims.empty() ? x : sum(x, dims, true);
    return reshape(s, shape.dims());
}

// As PyTorch does it, also in the names of the nodes.
Tensor sum_to_size(const Tensor& x, const Dims& size) {
    const int64_t lead = x.ndim() - static_cast<int64_t>(size.size());
    bool fits = lead >= 0;
    Dims dims;
    for (int64_t d = 0; fits && d < x.ndim(); ++d) {
        const int64_t n = d < lead ? 1 : size[static_cast<size_t>(d - lead)];
        fits = n == x.size(d) || n == 1;
        if (d < lead || n != x.size(d)) dims.push_back(d);
    }
    if (!fits)
        fail(
            "size {{{}}} is not expandable to size {{{}}}. Only sizes of 1, and those in front, are summed "
            "over.",
            shape_text(size), shape_text(x.layout()));
    if (size.empty()) return sum(x, {}, false);
    Tensor s = dims.empty() ? x : sum(x, dims, true);
    return lead > 0 ? reshape(s, size) : s;
}

}  // namespace pb::ops
