// Scans: cumsum, cumprod, cummax, cummin, logcumsumexp.
//
// All derivatives that are not themselves sums come from one operator, the linear recurrence
//
//     r[i] = b[i] + a[i] * r[i - 1]
//
// whose own derivatives are linear recurrences again. It never divides, so a zero among the factors of a product
// is an ordinary value at every order of derivative, and with factors exp(y[i-1] - y[i]) <= 1 it is stable for
// logarithms of sums.
#include "ops/reduce/reduction.h"

#include <cmath>
#include <limits>
#include <vector>

#include "compute/wrapping.h"

namespace pb::ops {

namespace {

// A contiguous array seen as (outer, n, inner) around one of its dimensions.
struct Split {
    int64_t outer = 1, n = 1, inner = 1;
    Split(const Layout& l, int64_t dim) {
        if (l.ndim() == 0) return;
        outer = checked_product(l.shape(), l.shape() + dim);
        n = l.size(dim);
        inner = checked_product(l.shape() + dim + 1, l.shape() + l.ndim());
    }
};

// Runs `step(from, to, state, first)` over each line along `dim`; the state of neighbouring lines lies side by side.
template <class T, class State, class Step>
void scan(const Array& x, Array& y, int64_t dim, bool reverse, Step step) {
    Split s(*x.layout, dim);
    if (s.inner == 1) {  // the state of a single line stays in a register
        int64_t forth = reverse ? -1 : 1;
        for (int64_t o = 0; o < s.outer; ++o) {
            int64_t at = o * s.n + (reverse ? s.n - 1 : 0);
            State state{};
            for (int64_t k = 0; k < s.n; ++k, at += forth) step(x.as<T>()[at], y.as<T>()[at], state, k == 0);
        }
        return;
    }
    std::vector<State> state(static_cast<size_t>(s.inner));
    for (int64_t o = 0; o < s.outer; ++o)
        for (int64_t k = 0; k < s.n; ++k) {
            int64_t at = (o * s.n + (reverse ? s.n - 1 - k : k)) * s.inner;
            const T* from = x.as<T>() + at;
            T* to = y.as<T>() + at;
            for (int64_t i = 0; i < s.inner; ++i) step(from[i], to[i], state[static_cast<size_t>(i)], k == 0);
        }
}

Array cumulated(const Array& given, int64_t dim, bool reverse, bool product) {
    Array x = contiguous_array(given), y = Array::empty(x.dtype, x.layout->dims());
    visit<Family::All>(x.dtype, product ? "cumprod_cpu" : "cumsum_cpu", [&](auto zero) {
        using T = decltype(zero);
        using W = Running<T>;
        if (product)
            scan<T, W>(x, y, dim, reverse, [](T v, T& out, W& s, bool first) {
                out = static_cast<T>(s = first ? v : wrapping_product<W>(s, v));
            });
        else
            scan<T, W>(x, y, dim, reverse, [](T v, T& out, W& s, bool first) {
                out = static_cast<T>(s = first ? v : wrapping_sum<W>(s, v));
            });
    });
    return y;
}

struct CumSum {
    static constexpr const char* name = "CumsumBackward0";
    static constexpr bool linear = true;
    int64_t dim;
    bool reverse;
    MaybeDType dtype;
    Tensor forward(const Tensors& x) {
        Array a = dtype ? converted(x[0].array(), *dtype) : x[0].array();
        return Tensor::make(cumulated(a, dim, reverse, false));
    }
    void pullback(Context&, const Tensors& g, Tensors& out) {
        out[0] = apply(CumSum{dim, !reverse, {}}, {g[0]});
    }
};

// y[i] = x[i - by], and `fill` where there is no such element.
struct Shift {
    static constexpr const char* name = "ShiftBackward0";
    int64_t dim, by;
    double fill;
    Tensor forward(const Tensors& x) {
        Array from = x[0].array(), to = Array::empty(from.dtype, from.layout->dims());
        fill_array(to, Scalar(fill));
        int64_t n = from.ndim() ? from.size(dim) : 1, kept = n - std::abs(by);
        if (kept > 0 && from.ndim()) {
            Dims shape = from.layout->dims();
            shape[static_cast<size_t>(dim)] = kept;
            auto part = [&](const Array& a, int64_t start) {
                return a.view(Layout::strided(shape, a.layout->stride_dims()),
                              a.offset + start * a.stride(dim));
            };
            copy_array(part(from, by < 0 ? -by : 0), part(to, by > 0 ? by : 0));
        }
        return Tensor::make(to);
    }
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
    static constexpr bool saves_output = true;
    int64_t dim;
    bool reverse;

    Tensor forward(const Tensors& x) {
        Array a = contiguous_array(x[0].array()), b = contiguous_array(x[1].array());
        Array r = Array::empty(b.dtype, b.layout->dims());
        visit<Family::All>(b.dtype, "linear_recurrence", [&](auto zero) {
            using T = decltype(zero);
            Split s(*b.layout, dim);
            const T *as = a.as<T>(), *bs = b.as<T>();
            T* rs = r.as<T>();
            int64_t back = (reverse ? 1 : -1) * s.inner;
            for (int64_t o = 0; o < s.outer; ++o)
                for (int64_t k = 0; k < s.n; ++k) {
                    int64_t at = (o * s.n + (reverse ? s.n - 1 - k : k)) * s.inner;
                    for (int64_t i = at; i < at + s.inner; ++i) {
                        T before = k ? rs[i + back] : T(0);  // zero stays zero whatever a is
                        rs[i] = before == T(0) ? bs[i] : wrapping_sum(bs[i], wrapping_product(as[i], before));
                    }
                }
        });
        return Tensor::make(r);
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
    static constexpr bool saves_output = true;
    int64_t dim;
    bool reverse;
    MaybeDType dtype;
    Tensor typed(const Tensor& x) const { return dtype ? to_dtype(x, *dtype) : x; }
    Tensor forward(const Tensors& x) {
        return Tensor::make(cumulated(typed(x[0]).array(), dim, reverse, true));
    }
    Tensor before(Context& c) { return shift(c.output(), dim, reverse ? -1 : 1, 1); }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        Tensor after = shift(typed(c.input(0)), dim, reverse ? 1 : -1, 0);
        out[0] = zmul(recurrence(after, g[0], dim, !reverse), before(c));
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        return {recurrence(typed(c.input(0)), zmul(typed(t[0]), before(c)), dim, reverse)};
    }
};

struct CumulativeExtreme {
    bool greatest;
    int64_t dim;
    static constexpr bool saves_output = true;
    static constexpr uint8_t saved_output = 1;
    const char* node_name() const { return greatest ? "CummaxBackward0" : "CumminBackward0"; }
    template <class T> struct Best {
        T value;
        int64_t at;
    };
    Tensors forward(const Tensors& x) {
        Array a = contiguous_array(x[0].array()), index = Array::empty(DType::Int64, a.layout->dims());
        visit<Family::All>(a.dtype, greatest ? "cummax_cpu" : "cummin_cpu", [&](auto zero) {
            using T = decltype(zero);
            Split s(*a.layout, dim);
            std::vector<Best<T>> best(static_cast<size_t>(s.inner));
            const T* from = a.as<T>();
            auto* to = index.as<int64_t>();
            for (int64_t o = 0; o < s.outer; ++o)
                for (int64_t k = 0; k < s.n; ++k)
                    for (int64_t i = 0; i < s.inner; ++i) {
                        T v = *from++;
                        Best<T>& b = best[static_cast<size_t>(i)];
                        // The last of equal elements; NaN beats all.
                        if (k == 0 || v != v ||
                            (b.value == b.value && (greatest ? v >= b.value : v <= b.value)))
                            b = {v, k};
                        *to++ = b.at;
                    }
        });
        return {Tensor::make(pick_array(a, dim, index)), Tensor::make(index)};
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
    static constexpr bool saves_output = true;
    static constexpr uint8_t saved_output = 1;
    int64_t dim;

    struct State {
        double largest, sum;  // of exp(x - largest)
    };
    static double advance(State& s, double v, bool first) {
        constexpr double inf = std::numeric_limits<double>::infinity();
        if (first || v == inf || v != v || s.largest == -inf) s = {v, v == -inf ? 0.0 : 1.0};
        else if (v <= s.largest) s.sum += s.largest == inf ? 0 : std::exp(v - s.largest);
        else if (v > s.largest) s = {v, s.sum * std::exp(s.largest - v) + 1};
        return std::log(s.sum);
    }
    // The residual is m, 0 where it is -inf.
    Computed<1> forward(const Tensors& inputs) {
        Array x = contiguous_array(inputs[0].array()), y = Array::empty(x.dtype, x.layout->dims());
        Array r = Array::empty(x.dtype, x.layout->dims()), m = Array::empty(x.dtype, x.layout->dims());
        visit<Family::Floats>(x.dtype, "logcumsumexp_out_cpu", [&](auto zero) {
            using T = decltype(zero);
            T *ys = y.as<T>(), *ms = m.as<T>();
            scan<T, State>(x, r, dim, false, [&](const T& v, T& out, State& s, bool first) {
                double log = advance(s, static_cast<double>(v), first);
                int64_t at = &out - r.as<T>();
                out = static_cast<T>(log);
                ms[at] = log == -std::numeric_limits<double>::infinity() ? T(0) : static_cast<T>(s.largest);
                ys[at] = static_cast<T>(s.largest + log);
            });
        });
        return {{Tensor::make(y), Tensor::make(r)}, {m}};
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
    dim = wrap_dim(dim, x.ndim());
    DType d = scan_dtype(x, dtype, "cumsum_cpu");
    return apply(CumSum{dim, false, d == x.dtype() ? MaybeDType() : d}, {x});
}

Tensor cumprod(const Tensor& x, int64_t dim, MaybeDType dtype) {
    dim = wrap_dim(dim, x.ndim());
    DType d = scan_dtype(x, dtype, "cumprod_cpu");
    return apply(CumProd{dim, false, d == x.dtype() ? MaybeDType() : d}, {x});
}

Tensors cummax(const Tensor& x, int64_t dim) {
    return apply_all(CumulativeExtreme{true, wrap_dim(dim, x.ndim())}, {x});
}
Tensors cummin(const Tensor& x, int64_t dim) {
    return apply_all(CumulativeExtreme{false, wrap_dim(dim, x.ndim())}, {x});
}

Tensor logcumsumexp(const Tensor& x, int64_t dim) {
    dim = wrap_dim(dim, x.ndim());
    if (!is_float(x.dtype()) || !is_supported(x.dtype())) fail_unsupported("logcumsumexp_out_cpu", x.dtype());
    return std::move(apply_all(LogCumSumExp{dim}, {x})[0]);
}

}  // namespace pb::ops
