// softmax, log_softmax, logsumexp: exponentials of differences from the largest element of a line. Many short lines are
// taken together, so that the exponential sees whole blocks.
//
// Where one share p of a line is nearly 1, 1 - p is not to be had from it; but what is left is the sum of the others. So
// no derivative subtracts a share from 1. That of softmax, y * (u - sum(u * y)), does not change when a number is taken
// from all of u: the entry of u whose share exceeds kMajority, and then the sum is over the other shares. That of
// log_softmax, u - p * sum(u), is u * rest - p * others where the share exceeds kMajority, with the sums over those that
// do not.
#include <algorithm>

#include "compute/line_functions.h"
#include "compute/lines.h"
#include "kernels/line_functions.h"
#include "ops/elementwise/named.h"
#include "ops/reduce/reduction.h"
#include "ops/shape/shape.h"

namespace pb::ops {

namespace {

// Sums along the dimensions in which shares add up to 1.
Tensor along(const Tensor& u, const Dims& dims) { return sum_like(u, dims, true); }
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
    static constexpr bool saves_output = true, leads = true;
    bool logarithm;
    int64_t dim;
    MaybeDType dtype;
    const char* node_name() const { return logarithm ? "LogSoftmaxBackward0" : "SoftmaxBackward0"; }
    Tensor forward(const Tensors& x) {
        Array a = dtype ? converted(x[0].array(), *dtype) : x[0].array();
        return Tensor::make(pb::softmax(a, dim, logarithm));
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        const Tensor &u = g[0], &y = c.output();
        if (values_only(u, y) && u.dtype() == y.dtype()) {
            out[0] = Tensor::make(softmax_pull(u.array(), y.array(), dim, logarithm));
        } else if (logarithm) {
            const Dims dims = dims_of(dim);
            Tensor p = unary("exp", y), mask = wins(p);
            Tensor others = along(where(mask, 0.0, u), dims), rest = along(where(mask, 0.0, p), dims);
            Tensor all = add(others, along(where(mask, u, 0.0), dims));
            out[0] = where(mask, sub(zmul(u, rest), zmul(others, p)), sub(u, zmul(all, p)));
        } else {
            out[0] = shares_moved(u, y, dims_of(dim));
        }
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        const Tensor& y = c.output();
        Tensor u = typed(t[0], dtype);
        if (!logarithm) return {shares_moved(u, y, dims_of(dim))};
        Tensor p = unary("exp", y), v = centred(u, p, dims_of(dim));
        return {sub(v, along(zmul(v, p), dims_of(dim)))};
    }
};

// exp(x - shift) * inverse: the shares in a logarithm of a sum, from differences that are taken before anything is
// rounded that is as large as x. The last two inputs are constants.
struct Shares {
    static constexpr const char* name = "SoftmaxBackward0";
    static constexpr bool saves_output = true, leads = true;
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
    static constexpr bool leads = true;
    Dims dims;
    bool keepdim;

    // The residuals are the shifts and inverses of the lines.
    Computed<2> forward(const Tensors& x) {
        LogSum sum = pb::logsumexp(x[0].array(), dims, keepdim);
        return {{Tensor::make(sum.value)}, {std::move(sum.shifts), std::move(sum.inverses)}};
    }
    // softmax over the reduced dimensions; 0 in lines of -inf, where there is no direction to follow.
    Tensor weights(Context& c) {
        return apply(Shares{dims}, {c.input(0), Tensor::make(c.residual(0)), Tensor::make(c.residual(1))});
    }
    // Lines that lie one after the other are pulled in one pass. Shorter ones are better fused with what follows.
    bool in_lines(const Tensor& x) const {
        const auto gone = static_cast<int64_t>(dims.size());
        return x.is_contiguous() && reduced_count(x.layout(), dims) >= kLongLine &&
               std::all_of(dims.begin(), dims.end(), [=](int64_t d) { return d >= -gone; });
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        const Tensor& x = c.input(0);
        if (values_only(g[0], x) && in_lines(x))
            out[0] =
                Tensor::make(logsumexp_pull(x.array(), c.residual(0), c.residual(1), g[0].array(), dims));
        else out[0] = zmul(expand_back(g[0], c.input_layout(0), dims, keepdim), weights(c));
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        return {sum_like(zmul(t[0], weights(c)), dims, keepdim)};
    }
};

Tensor softmax_of(const Tensor& x, int64_t dim, MaybeDType dtype, bool logarithm) {
    const DType d = dtype.value_or(x.dtype());
    dim = from_end(dim, x.ndim());
    if (!is_supported(d) || !is_float(d)) {
        bool last = dim == -1;
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

// Of complex numbers: log(sum(e^(x - m))) + m, with the largest real part m.
static Tensor complex_logsumexp(const Tensor& x, const Dims& dims, bool keepdim) {
    const Tensor largest = amax(real(detach(x)), dims, true);
    const Tensor shift = where(unary("isinf", largest), 0.0, largest);
    const Tensor log = unary("log", sum(unary("exp", sub(x, shift)), dims, keepdim));
    return add(log, keepdim ? shift : sum(shift, dims, false));
}

Tensor logsumexp(const Tensor& x, const Dims& given, bool keepdim) {
    Dims dims = reduced_dims(x, given);
    if (is_complex(x.dtype())) return complex_logsumexp(x, dims, keepdim);
    Tensor t = is_differentiable(x.dtype()) ? x : to_dtype(x, default_dtype);
    return apply(LogSumExp{dims, keepdim}, {t});
}

}  // namespace pb::ops
