// softmax, log_softmax, logsumexp: exponentials of differences from the largest element of a row. Many short rows are
// taken together, so that the exponential sees whole blocks.
//
// Where one share p of a row is nearly 1, 1 - p is not to be had from it; but what is left is the sum of the others. So
// no derivative subtracts a share from 1. That of softmax, y * (u - sum(u * y)), does not change when a number is taken
// from all of u: the entry of u whose share exceeds kMajority, and then the sum is over the other shares. That of
// log_softmax, u - p * sum(u), is u * rest - p * others where the share exceeds kMajority, with the sums over those that
// do not.
#include <algorithm>
#include <cstring>

#include "ops/reduce/row_functions.h"

namespace pb::ops {

namespace {

// to = from (op) v for a row.
template <class T> inline void with_value(BlockKernel fn, const T* from, T v, T* to, int64_t n) {
    const void* in[2] = {from, &v};
    fn(in, to, n);
}
BlockKernel kernel_by_value(Primitive p, DType d) {
    return kernels().elementwise[static_cast<int>(p)][static_cast<int>(d)][2];
}

int64_t row_length(const Layout& l, int64_t dim) { return l.ndim() ? l.size(dim) : 1; }

Array softmax_array(const Array& a, int64_t dim, bool logarithm) {
    Array x = rows_along(a, dim), y = Array::empty(a.dtype, x.layout->dims());
    int64_t n = row_length(*a.layout, dim);
    if (x.numel())
        visit<Family::Floats>(a.dtype, "softmax_lastdim_kernel_impl", [&](auto zero) {
            using T = decltype(zero);
            T* out = y.as<T>();
            BlockKernel over = kernel_by_value(Primitive::div, a.dtype);
            auto less_both = row_kernels().less_both[static_cast<int>(dtype_of<T>())];
            exponentials(x.as<T>(), x.numel() / n, n, true,
                         [&](int64_t r, const T* from, const T* e, T shift, T rest, T log) {
                             T *to = out + r * n, sum = 1 + rest;
                             if (n >= kLongRow) {
                                 if (logarithm) {
                                     less_both(from, &shift, &log, to, n);
                                 } else {
                                     with_value(over, e, sum, to, n);
                                 }
                             } else if (logarithm)
                                 for (int64_t j = 0; j < n; ++j) to[j] = (from[j] - shift) - log;
                             else
                                 for (int64_t j = 0; j < n; ++j) to[j] = e[j] / sum;
                         });
        });
    return from_rows(y, *a.layout, dim);
}

template <class T> T total(const T* x, int64_t n) {
    T sum;
    reductions().reduce[static_cast<int>(Reduction::sum)][static_cast<int>(dtype_of<T>())](x, n, &sum);
    return sum;
}
template <class T> void pull_softmax(const T* y, const T* u, T* scratch, T* out, int64_t n) {
    const RowKernels& k = row_kernels();
    constexpr int f = static_cast<int>(dtype_of<T>());
    const int64_t winner = k.majority[f](y, n);
    const T centre = winner < 0 ? T(0) : u[winner];
    k.softmax_products[f](y, u, &centre, scratch, n);
    const T sum = total(scratch, n);
    k.softmax_pull[f](y, u, &centre, &sum, out, n);
}
// `p` is as before afterwards.
template <class T> void pull_log_softmax(T* p, const T* u, T* scratch, T* out, int64_t n) {
    const RowKernels& k = row_kernels();
    constexpr int f = static_cast<int>(dtype_of<T>());
    const int64_t winner = k.majority[f](p, n);
    if (winner < 0) {
        const T all = total(u, n);
        k.log_softmax_pull[f](p, u, &all, out, n);
        return;
    }
    const T share = p[winner], mine = u[winner];
    std::memcpy(scratch, u, static_cast<size_t>(n) * sizeof(T));
    scratch[winner] = p[winner] = 0;
    const T others = total(scratch, n), rest = total(p, n), all = others + mine;
    p[winner] = share;
    k.log_softmax_pull[f](p, u, &all, out, n);
    auto pulled = [](T g, T partial) { return g == 0 ? g : g * partial; };  // as zmul, also in a row of NaN
    out[winner] = pulled(mine, rest) - pulled(others, share);
}

// The pullbacks in one pass over each row. The results are those of the differentiable forms below, bit for bit.
Array softmax_pull_array(const Array& cotangent, const Array& output, int64_t dim, bool logarithm) {
    Array g = rows_along(cotangent, dim), y = rows_along(output, dim),
          out = Array::empty(y.dtype, y.layout->dims());
    int64_t n = row_length(*output.layout, dim);
    if (y.numel())
        visit<Family::Floats>(y.dtype, "softmax_lastdim_kernel_impl", [&](auto zero) {
            using T = decltype(zero);
            auto d = static_cast<int>(y.dtype);
            auto exp = kernels().elementwise[static_cast<int>(Primitive::exp)][d][0];
            constexpr int f = static_cast<int>(dtype_of<T>());
            const RowKernels& k = row_kernels();
            int64_t rows = y.numel() / n, together = std::max<int64_t>(1, std::min(rows, kRowBlock / n));
            Rooms<T> rooms(together * n + n);
            share_rows(rows, n, logarithm ? kExpWork : kExpWork / 2,
                       [&](int64_t first, int64_t count, int worker) {
                           T *p = rooms.of(worker), *scratch = p + together * n;
                           for (int64_t r = first; r < first + count; r += together) {
                               int64_t m = std::min(together, first + count - r);
                               const void* in = y.as<T>() + r * n;
                               if (logarithm) exp(&in, p, m * n);
                               if (n < 16) {
                                   (logarithm ? k.log_softmax_pull_short : k.softmax_pull_short)[f](
                                       logarithm ? p : in, g.as<T>() + r * n, out.as<T>() + r * n, m, n);
                                   continue;
                               }
                               for (int64_t i = r; i < r + m; ++i) {
                                   const T* u = g.as<T>() + i * n;
                                   if (logarithm)
                                       pull_log_softmax(p + (i - r) * n, u, scratch, out.as<T>() + i * n, n);
                                   else pull_softmax(y.as<T>() + i * n, u, scratch, out.as<T>() + i * n, n);
                               }
                           }
                       });
        });
    return from_rows(out, *output.layout, dim);
}

// Sums along the dimensions in which shares add up to 1.
Tensor along(const Tensor& u, const Dims& dims) { return u.ndim() ? sum_like(u, dims, true) : u; }
Tensor wins(const Tensor& share) { return elementwise(*rows.gt, {share, kMajority}); }
Tensor centred(const Tensor& u, const Tensor& share, const Dims& dims) {
    return sub(u, along(where(wins(share), u, 0.0), dims));
}
// The derivative of shares y, which is symmetric: u is a cotangent or a tangent.
Tensor shares_moved(const Tensor& u, const Tensor& y, const Dims& dims) {
    Tensor v = centred(u, y, dims);
    return zmul(sub(v, along(zmul(v, y), dims)), y);
}

struct Softmax {
    static constexpr bool saves_output = true;
    bool logarithm;
    int64_t dim;
    MaybeDType dtype;
    const char* node_name() const { return logarithm ? "LogSoftmaxBackward0" : "SoftmaxBackward0"; }
    Tensor forward(const Tensors& x) {
        Array a = dtype ? converted(x[0].array(), *dtype) : x[0].array();
        return Tensor::make(softmax_array(a, dim, logarithm));
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        const Tensor &u = g[0], &y = c.output();
        if (values_only(u, y) && u.dtype() == y.dtype()) {
            out[0] = Tensor::make(softmax_pull_array(u.array(), y.array(), dim, logarithm));
        } else if (logarithm) {
            Dims dims{dim};
            Tensor p = unary("exp", y), mask = wins(p);
            Tensor others = along(where(mask, 0.0, u), dims), rest = along(where(mask, 0.0, p), dims);
            Tensor all = add(others, along(where(mask, u, 0.0), dims));
            out[0] = where(mask, sub(zmul(u, rest), zmul(others, p)), sub(u, zmul(all, p)));
        } else {
            out[0] = shares_moved(u, y, Dims{dim});
        }
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        const Tensor& y = c.output();
        Tensor u = dtype ? to_dtype(t[0], *dtype) : t[0];
        if (!logarithm) return {shares_moved(u, y, Dims{dim})};
        Tensor p = unary("exp", y), v = centred(u, p, Dims{dim});
        return {sub(v, along(zmul(v, p), Dims{dim}))};
    }
};

// exp(x - shift) * inverse: the shares in a logarithm of a sum, from differences that are taken before anything is
// rounded that is as large as x. The last two inputs are constants.
struct Shares {
    static constexpr const char* name = "SoftmaxBackward0";
    static constexpr bool saves_output = true;
    Dims dims;
    Tensor forward(const Tensors& x) { return mul(unary("exp", sub(x[0], x[1])), x[2]); }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        out[0] = shares_moved(g[0], c.output(), dims);
    }
    Tensors pushforward(Context& c, const Tensors& t) { return {shares_moved(t[0], c.output(), dims)}; }
};

struct LogSumExp {
    static constexpr const char* name = "LogsumexpBackward0";
    static constexpr uint32_t saves = 1;
    Dims dims;
    bool keepdim;

    // The residuals are, by row, the largest element and 1 / sum(exp(x - shift)), which is 1 for a sum of 0.
    Computed<2> forward(const Tensors& x) {
        Array a = x[0].array();
        Array rows = reduced_last(a, dims);
        Array out = Array::empty(a.dtype, reduced_shape(*a.layout, dims, keepdim));
        Array shifts = Array::empty(a.dtype, reduced_shape(*a.layout, dims, true));
        Array inverses = Array::empty(a.dtype, shifts.layout);
        int64_t n = reduced_count(*a.layout, dims);
        if (n == 0) fill_array(out, Scalar(-std::numeric_limits<double>::infinity()));
        else if (out.numel())
            visit<Family::Floats>(a.dtype, "softmax_lastdim_kernel_impl", [&](auto zero) {
                using T = decltype(zero);
                T *o = out.as<T>(), *shift_of = shifts.as<T>(), *inverse_of = inverses.as<T>();
                exponentials(rows.as<T>(), out.numel(), n, false,
                             [&](int64_t r, const T*, const T*, T shift, T rest, T log) {
                                 o[r] = log + shift;
                                 shift_of[r] = shift;
                                 inverse_of[r] = rest == -1 ? T(1) : 1 / (1 + rest);
                             });
            });
        return {{Tensor::make(out)}, {shifts, inverses}};
    }
    // softmax over the reduced dimensions; 0 in rows of -inf, where there is no direction to follow.
    Tensor weights(Context& c) {
        return apply(Shares{dims}, {c.input(0), Tensor::make(c.residual(0)), Tensor::make(c.residual(1))});
    }
    // In one pass over the rows, where they lie one after the other. Shorter ones are better fused with what follows.
    Array pulled(const Array& x, const Array& shifts, const Array& inverses, const Array& cotangent) const {
        Array g = contiguous_array(cotangent), out = Array::empty(x.dtype, x.layout->dims());
        const int64_t n = reduced_count(*x.layout, dims), rows = g.numel();
        visit<Family::Floats>(x.dtype, "softmax_lastdim_kernel_impl", [&](auto zero) {
            using T = decltype(zero);
            auto scaled_exp = row_kernels().scaled_exp[static_cast<int>(dtype_of<T>())];
            share_rows(rows, n, kExpWork * sizeof(T) / 4, [&](int64_t first, int64_t count, int) {
                for (int64_t r = first; r < first + count; ++r) {
                    T *to = out.as<T>() + r * n, u = g.as<T>()[r], scale = u * inverses.as<T>()[r];
                    if (u == 0) std::memset(to, 0, static_cast<size_t>(n) * sizeof(T));
                    else scaled_exp(x.as<T>() + r * n, shifts.as<T>() + r, &scale, to, n);
                }
            });
        });
        return out;
    }
    bool in_rows(const Tensor& x) const {
        const Layout& l = x.layout();
        const auto kept = l.ndim() - static_cast<int64_t>(dims.size());
        return x.is_contiguous() && reduced_count(l, dims) >= kLongRow &&
               std::all_of(dims.begin(), dims.end(), [&](int64_t d) { return d >= kept; });
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        const Tensor& x = c.input(0);
        if (values_only(g[0], x) && in_rows(x))
            out[0] = Tensor::make(pulled(x.array(), c.residual(0), c.residual(1), g[0].array()));
        else out[0] = zmul(expand_back(g[0], c.input_layout(0), dims, keepdim), weights(c));
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        return {sum_like(zmul(t[0], weights(c)), dims, keepdim)};
    }
};

Tensor softmax_of(const Tensor& x, int64_t dim, MaybeDType dtype, bool logarithm) {
    const DType d = dtype.value_or(x.dtype());
    dim = wrap_dim(dim, x.ndim());
    if (!is_supported(d) || !is_float(d)) {
        bool last = x.ndim() && dim == x.ndim() - 1;
        fail_unsupported(logarithm ? last ? "log_softmax_lastdim_kernel_impl" : "log_softmax_kernel_impl"
                         : last    ? "softmax_lastdim_kernel_impl"
                                   : "softmax_kernel_impl",
                         d);
    }
    return apply(Softmax{logarithm, dim, d == x.dtype() ? MaybeDType() : dtype}, {x});
}

}  // namespace

Tensor softmax(const Tensor& x, int64_t dim, MaybeDType dtype) { return softmax_of(x, dim, dtype, false); }
Tensor log_softmax(const Tensor& x, int64_t dim, MaybeDType dtype) { return softmax_of(x, dim, dtype, true); }

Tensor logsumexp(const Tensor& x, const Dims& given, bool keepdim) {
    Dims dims = reduced_dims(x, given);
    Tensor t = is_differentiable(x.dtype()) ? x : to_dtype(x, default_dtype);
    return apply(LogSumExp{dims, keepdim}, {t});
}

}  // namespace pb::ops
