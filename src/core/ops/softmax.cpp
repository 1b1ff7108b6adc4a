// softmax, log_softmax, logsumexp: exponentials of differences from the largest element of a row, summed by the
// kernels' tree. Many short rows are taken together, so that the exponential sees whole blocks.
#include <algorithm>

#include "ops/row_functions.h"

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
        with_float(a.dtype, [&](auto zero) {
            using T = decltype(zero);
            T* out = y.as<T>();
            BlockKernel minus = kernel_by_value(Primitive::sub, a.dtype),
                        over = kernel_by_value(Primitive::div, a.dtype);
            exponentials(x.as<T>(), x.numel() / n, n, true,
                         [&](int64_t r, const T* from, const T* e, T shift, T sum, T log) {
                             T* to = out + r * n;
                             if (n >= kLongRow) {
                                 if (logarithm) {
                                     with_value(minus, from, shift, to, n);
                                     with_value<T>(minus, to, log, to, n);
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

// The pullback of softmax (y * (g - sum(g * y))) and log_softmax (g - exp(y) * sum(g)) in one pass over each row.
// The results are those of the differentiable form below, bit for bit.
Array softmax_pull_array(const Array& cotangent, const Array& output, int64_t dim, bool logarithm) {
    Array g = rows_along(cotangent, dim), y = rows_along(output, dim),
          out = Array::empty(y.dtype, y.layout->dims());
    int64_t n = row_length(*output.layout, dim);
    if (y.numel())
        with_float(y.dtype, [&](auto zero) {
            using T = decltype(zero);
            auto d = static_cast<int>(y.dtype);
            auto total = reductions().reduce[static_cast<int>(Reduction::sum)][d];
            auto exp = kernels().elementwise[static_cast<int>(Primitive::exp)][d][0];
            auto pull = logarithm ? row_kernels().log_softmax_pull[float_index<T>()]
                                  : row_kernels().softmax_pull[float_index<T>()];
            int64_t rows = y.numel() / n, together = std::max<int64_t>(1, std::min(rows, kRowBlock / n));
            Rooms<T> rooms(together * n);
            share_rows(rows, n, logarithm ? kExpWork : kExpWork / 2,
                       [&](int64_t first, int64_t count, int worker) {
                           T* e = rooms.of(worker);
                           for (int64_t r = first; r < first + count; r += together) {
                               int64_t m = std::min(together, first + count - r);
                               const T *gs = g.as<T>() + r * n, *ys = y.as<T>() + r * n;
                               T* to = out.as<T>() + r * n;
                               if (logarithm) {
                                   const void* in = ys;
                                   exp(&in, e, m * n);
                               } else {
                                   for (int64_t j = 0; j < m * n; ++j) e[j] = gs[j] * ys[j];
                               }
                               for (int64_t i = 0; i < m; ++i) {
                                   T s;
                                   total(logarithm ? gs + i * n : e + i * n, n, &s);
                                   pull(logarithm ? e + i * n : ys + i * n, gs + i * n, &s, to + i * n, n);
                               }
                           }
                       });
        });
    return from_rows(out, *output.layout, dim);
}

struct Softmax {
    static constexpr bool saves_output = true;
    bool logarithm;
    int64_t dim;
    int dtype;
    const char* node_name() const { return logarithm ? "LogSoftmaxBackward0" : "SoftmaxBackward0"; }
    Tensor forward(const Tensors& x) {
        Array a = dtype < 0 ? x[0].array() : converted(x[0].array(), static_cast<DType>(dtype));
        return Tensor::make(softmax_array(a, dim, logarithm));
    }
    // Both maps are symmetric up to the side on which y stands: u is a cotangent or a tangent.
    Tensor row_sum(const Tensor& u) const { return u.ndim() ? sum_like(u, Dims{dim}, true) : u; }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        const Tensor &u = g[0], &y = c.output();
        if (values_only(u, y) && u.dtype() == y.dtype())
            out[0] = Tensor::make(softmax_pull_array(u.array(), y.array(), dim, logarithm));
        else if (logarithm) out[0] = sub(u, mul(unary("exp", y), row_sum(u)));
        else out[0] = mul(y, sub(u, row_sum(mul(u, y))));
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        const Tensor& y = c.output();
        Tensor u = dtype < 0 ? t[0] : to_dtype(t[0], static_cast<DType>(dtype));
        if (logarithm) return {sub(u, row_sum(mul(unary("exp", y), u)))};
        return {mul(y, sub(u, row_sum(mul(u, y))))};
    }
};

struct LogSumExp {
    static constexpr const char* name = "LogsumexpBackward0";
    static constexpr uint32_t saves = 1;
    static constexpr bool saves_output = true;
    Dims dims;
    bool keepdim;

    Tensor forward(const Tensors& x) {
        Array a = x[0].array();
        // The reduced dimensions last.
        Dims order, shape, strides;
        for (int pass = 0; pass < 2; ++pass)
            for (int64_t d = 0; d < a.ndim(); ++d)
                if (std::count(dims.begin(), dims.end(), d) == pass) order.push_back(d);
        for (int64_t d : order) {
            shape.push_back(a.size(d));
            strides.push_back(a.stride(d));
        }
        Array rows = contiguous_array(a.view(Layout::strided(shape, strides), a.offset));
        Array out = Array::empty(a.dtype, reduced_shape(*a.layout, dims, keepdim));
        int64_t n = reduced_count(*a.layout, dims);
        if (n == 0) fill_array(out, Scalar(-std::numeric_limits<double>::infinity()));
        else if (out.numel())
            with_float(a.dtype, [&](auto zero) {
                using T = decltype(zero);
                T* o = out.as<T>();
                exponentials(rows.as<T>(), out.numel(), n, false,
                             [&](int64_t r, const T*, const T*, T shift, T, T log) { o[r] = log + shift; });
            });
        return Tensor::make(out);
    }
    // softmax over the reduced dimensions; 0 in rows of -inf, where there is no direction to follow.
    Tensor weights(Context& c) {
        const Tensor& y = c.output();
        Tensor finite = where(eq(y, -std::numeric_limits<double>::infinity()), 0.0, y);
        return unary("exp", sub(c.input(0), expand_back(finite, c.input_layout(0), dims, keepdim)));
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        out[0] = zmul(expand_back(g[0], c.input_layout(0), dims, keepdim), weights(c));
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        return {sum_like(zmul(t[0], weights(c)), dims, keepdim)};
    }
};

Tensor softmax_of(const Tensor& x, int64_t dim, int dtype, bool logarithm) {
    DType d = dtype < 0 ? x.dtype() : static_cast<DType>(dtype);
    dim = wrap_dim(dim, x.ndim());
    if (!is_supported(d) || !is_float(d)) {
        bool last = x.ndim() && dim == x.ndim() - 1;
        fail_unsupported(logarithm ? last ? "log_softmax_lastdim_kernel_impl" : "log_softmax_kernel_impl"
                         : last    ? "softmax_lastdim_kernel_impl"
                                   : "softmax_kernel_impl",
                         d);
    }
    return apply(Softmax{logarithm, dim, d == x.dtype() ? -1 : dtype}, {x});
}

}  // namespace

Tensor softmax(const Tensor& x, int64_t dim, int dtype) { return softmax_of(x, dim, dtype, false); }
Tensor log_softmax(const Tensor& x, int64_t dim, int dtype) { return softmax_of(x, dim, dtype, true); }

Tensor logsumexp(const Tensor& x, const Dims& given, bool keepdim) {
    Dims dims = reduced_dims(x, given);
    Tensor t = is_differentiable(x.dtype()) ? x : to_dtype(x, default_dtype);
    return apply(LogSumExp{dims, keepdim}, {t});
}

}  // namespace pb::ops
