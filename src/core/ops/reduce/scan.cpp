// Scans: cumsum, cumprod, cummax, cummin, logcumsumexp.
//
// All derivatives that are not themselves sums come from one operator, the linear recurrence
//
//     r[i] = b[i] + a[i] * r[i - 1]
//
// whose own derivatives are linear recurrences again. It never divides, so a zero among the factors of a product
// is an ordinary value at every order of derivative, and with factors exp(y[i-1] - y[i]) <= 1 it is stable for
// logarithms of sums.
#include "compute/scan.h"

#include <limits>

#include "compute/lines.h"
#include "ops/reduce/reduction.h"
#include "ops/shape/shape.h"

namespace pb::ops {

namespace {

struct CumSum {
    static constexpr const char* name = "CumsumBackward0";
    static constexpr bool linear = true, leads = true;
    int64_t dim;
    bool reverse;
    MaybeDType dtype;
    std::array<int64_t, 1> flags() const { return {reverse}; }
    Tensor forward(const Tensors& x) {
        Array a = dtype ? converted(x[0].array(), *dtype) : x[0].array();
        return Tensor::make(running_sums(a, dim, reverse));
    }
    void pullback(Context&, const Tensors& g, Tensors& out) {
        out[0] = apply(CumSum{dim, !reverse, {}}, {g[0]});
    }
};

// y[i] = x[i - by], and `fill` where there is no such element.
struct Shift {
    static constexpr const char* name = "ShiftBackward0";
    static constexpr bool leads = true, holomorphic = true;
    int64_t dim, by;
    double fill;
    Tensor forward(const Tensors& x) { return Tensor::make(shifted(x[0].array(), dim, by, fill)); }
    void pullback(Context&, const Tensors& g, Tensors& out) { out[0] = apply(Shift{dim, -by, 0}, {g[0]}); }
    Tensors pushforward(Context&, const Tensors& t) { return {apply(Shift{dim, by, 0}, {t[0]})}; }
};
Tensor shift(const Tensor& x, int64_t dim, int64_t by, double fill) {
    return apply(Shift{dim, by, fill}, {x});
}

Tensor recurrence(const Tensor& a, const Tensor& b, int64_t dim, bool reverse);

struct LinearRecurrence {
    static constexpr const char* name = "LinearRecurrenceBackward0";
    static constexpr uint32_t saves = 1;
    static constexpr bool saves_output = true, leads = true, holomorphic = true;
    int64_t dim;
    bool reverse;

    std::array<int64_t, 1> flags() const { return {reverse}; }
    Tensor forward(const Tensors& x) {
        return Tensor::make(linear_recurrence(x[0].array(), x[1].array(), dim, reverse));
    }
    int64_t forth() const { return reverse ? -1 : 1; }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        Tensor adjoint = recurrence(shift(c.input(0), dim, -forth(), 0), g[0], dim, !reverse);
        if (c.wants(0)) out[0] = zmul(adjoint, shift(c.output(), dim, forth(), 0));
        if (c.wants(1)) out[1] = adjoint;
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        Tensor source = t[1];
        if (t[0]) {
            Tensor moved = zmul(t[0], shift(c.output(0), dim, forth(), 0));
            source = source ? add(source, moved) : moved;
        }
        return {source ? recurrence(c.input(0), source, dim, reverse) : Tensor()};
    }
};

Tensor recurrence(const Tensor& a, const Tensor& b, int64_t dim, bool reverse) {
    return apply(LinearRecurrence{dim, reverse}, {a, b});
}

struct CumProd {
    static constexpr const char* name = "CumprodBackward0";
    static constexpr uint32_t saves = 1;
    static constexpr bool saves_output = true, leads = true, holomorphic = true;
    int64_t dim;
    bool reverse;
    MaybeDType dtype;
    std::array<int64_t, 1> flags() const { return {reverse}; }
    Tensor forward(const Tensors& x) {
        return Tensor::make(running_products(typed(x[0], dtype).array(), dim, reverse));
    }
    Tensor before(Context& c) { return shift(c.output(), dim, reverse ? -1 : 1, 1); }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        Tensor after = shift(typed(c.input(0), dtype), dim, reverse ? 1 : -1, 0);
        out[0] = zmul(recurrence(after, g[0], dim, !reverse), before(c));
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        return {recurrence(typed(c.input(0), dtype), zmul(typed(t[0], dtype), before(c)), dim, reverse)};
    }
};

struct CumulativeExtreme {
    bool greatest;
    int64_t dim;
    static constexpr bool saves_output = true, leads = true;
    static constexpr uint8_t saved_output = 1;
    const char* node_name() const { return greatest ? "CummaxBackward0" : "CumminBackward0"; }
    Tensors forward(const Tensors& x) {
        RunningExtremes found = running_extremes(x[0].array(), dim, greatest);
        return {Tensor::make(std::move(found.value)), Tensor::make(std::move(found.index))};
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        out[0] = place_along(g[0], dim, c.output(1), c.input_shape(0));
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        return {pick_along(t[0], dim, c.output(1)), Tensor()};
    }
};

// Beside y its second output is r = y less the largest element so far, m: derivatives are exponentials of differences
// of y, which are taken in m and r each, before anything is rounded that is as large as x. m counts as constant, so the
// derivative of r is that of y.
struct LogCumSumExp {
    static constexpr const char* name = "LogcumsumexpBackward0";
    static constexpr uint32_t saves = 1;
    static constexpr bool saves_output = true, leads = true;
    static constexpr uint8_t saved_output = 1;
    int64_t dim;

    // The residual is m, 0 where it is -inf.
    Computed<1> forward(const Tensors& x) {
        RunningLogSum sum = running_logsumexp(x[0].array(), dim);
        return {{Tensor::make(sum.value), Tensor::make(sum.rest)}, {std::move(sum.largest)}};
    }
    // r with its -inf (nothing summed yet) replaced: differences with it are then -inf or harmless.
    static Tensor finite(const Tensor& r) {
        return where(eq(r, -std::numeric_limits<double>::infinity()), 0.0, r);
    }
    // x[i]'s share of exp y[i].
    Tensor own(Context& c) {
        return unary("exp", sub(sub(c.input(0), Tensor::make(c.residual())), finite(c.output(1))));
    }
    // exp(y[i] - y[i + 1]).
    Tensor kept(const Tensor& m, const Tensor& r) const {
        Tensor next = finite(shift(r, dim, -1, 0));
        return unary("exp", add(sub(m, shift(m, dim, -1, 0)), sub(r, next)));
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        Tensor u = g[0] && g[1] ? add(g[0], g[1]) : g[0] ? g[0] : g[1];
        // The sum over k >= i of u[k] exp(y[i] - y[k]).
        out[0] = zmul(recurrence(kept(Tensor::make(c.residual()), c.output(1)), u, dim, true), own(c));
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        Tensor before = shift(kept(Tensor::make(c.residual()), c.output(1)), dim, 1, 0);
        Tensor moved = recurrence(before, zmul(t[0], own(c)), dim, false);
        return {moved, moved};
    }
};

DType scan_dtype(const Tensor& x, MaybeDType dtype, const char* kernel) {
    const DType d = dtype.value_or(reduction_dtype(Reduction::sum, x.dtype()));
    if (!is_supported(d) || !is_supported(x.dtype()))
        fail_unsupported(kernel, is_supported(d) ? x.dtype() : d);
    check_recordable(x, d);
    return d;
}

}  // namespace

Tensor products_before(const Tensor& x, int64_t dim, bool reverse) {
    Tensor p = apply(CumProd{dim, reverse, {}}, {x});
    return shift(p, dim, reverse ? -1 : 1, 1);
}

Tensor cumsum(const Tensor& x, int64_t dim, MaybeDType dtype) {
    dim = from_end(dim, x.ndim());
    DType d = scan_dtype(x, dtype, "cumsum_out_cpu");
    return apply(CumSum{dim, false, d == x.dtype() ? MaybeDType() : d}, {x});
}

Tensor cumprod(const Tensor& x, int64_t dim, MaybeDType dtype) {
    dim = from_end(dim, x.ndim());
    DType d = scan_dtype(x, dtype, "cumprod_out_cpu");
    return apply(CumProd{dim, false, d == x.dtype() ? MaybeDType() : d}, {x});
}

Tensors cummax(const Tensor& x, int64_t dim) {
    return apply_all(CumulativeExtreme{true, from_end(dim, x.ndim())}, {x});
}
Tensors cummin(const Tensor& x, int64_t dim) {
    return apply_all(CumulativeExtreme{false, from_end(dim, x.ndim())}, {x});
}

// Of complex numbers, by doubling: after each step a result is that of twice as many elements.
static Tensor complex_logcumsumexp(const Tensor& x, int64_t dim) {
    const int64_t n = x.ndim() ? x.size(dim) : 1;
    Tensor y = n > 1 ? x : clone(x);
    for (int64_t step = 1; step < n; step *= 2) {
        const Tensor later = narrow(y, dim, step, n - step), sooner = narrow(y, dim, 0, n - step);
        y = cat({narrow(y, dim, 0, step), elementwise(*find_row("logaddexp"), {later, sooner})}, dim);
    }
    return y;
}

Tensor logcumsumexp(const Tensor& x, int64_t dim) {
    if (is_complex(x.dtype())) return complex_logcumsumexp(x, wrap_dim(dim, x.ndim()));
    dim = from_end(dim, x.ndim());
    if (!is_float(x.dtype()) || !is_supported(x.dtype())) fail_unsupported("logcumsumexp_out_cpu", x.dtype());
    return std::move(apply_all(LogCumSumExp{dim}, {x})[0]);
}

}  // namespace pb::ops
