// Layer normalisation: each row less its mean, over its standard deviation.
//
// Forward reads x once and keeps a mean and a reciprocal deviation for each row. The pullback reads x and the cotangent
// once; what rows add to the gradients of weight and bias is summed by blocks of rows, and blocks are added pairwise,
// so the sums do not depend on the number of threads. When a derivative of the derivative is wanted, the pullback is
// composed of differentiable operators instead.
//
// Source: J. L. Ba, J. R. Kiros, G. E. Hinton, "Layer Normalization", 2016 (arXiv:1607.06450).
#include <cstring>

#include "ops/reduce/row_functions.h"

namespace pb::ops {

namespace {

struct LayerNorm {
    static constexpr const char* name = "NativeLayerNormBackward0";
    static constexpr uint32_t saves = 3;  // x and weight
    int64_t dims;                         // that are normalised: the last ones
    double eps;

    static int64_t length(const Layout& l, int64_t dims) {
        return checked_product(l.shape() + l.ndim() - dims, l.shape() + l.ndim());
    }
    static const void* parameter(const Tensor& t, Array& hold) {
        if (!t) return nullptr;
        hold = contiguous_array(t.array());
        return hold.data();
    }

    // The residuals are by row: means and reciprocal deviations.
    Computed<2> forward(const Tensors& in) {
        Array x = contiguous_array(in[0].array()), y = Array::empty(x.dtype, x.layout->dims()), hold[2];
        const void *weight = parameter(in[1], hold[0]), *bias = parameter(in[2], hold[1]);
        int64_t n = length(*x.layout, dims), rows = n ? x.numel() / n : 0;
        Array means = Array::empty(x.dtype, Dims{rows}), deviations = Array::empty(x.dtype, means.layout);
        visit<Family::Floats>(x.dtype, "LayerNormKernelImpl", [&](auto zero) {
            using T = decltype(zero);
            auto normalize = row_kernels().normalize[static_cast<int>(dtype_of<T>())];
            share_rows(rows, n, 0.05 * sizeof(T), [&](int64_t first, int64_t count, int) {
                for (int64_t r = first; r < first + count; ++r)
                    normalize(x.as<T>() + r * n, weight, bias, eps, y.as<T>() + r * n, means.as<T>() + r,
                              deviations.as<T>() + r, n);
            });
        });
        return {{Tensor::make(y)}, {means, deviations}};
    }

    void pullback(Context& c, const Tensors& g, Tensors& out) {
        const Tensor &x = c.input(0), weight = c.input(1);
        bool values = values_only(g[0], x) && (!weight || values_only(g[0], weight));
        if (values) pull_values(c, x, weight, g[0], out);
        else pull_composed(c, x, weight, g[0], out);
    }

    void pull_values(Context& c, const Tensor& xt, const Tensor& wt, const Tensor& gt, Tensors& out) const {
        Array x = contiguous_array(xt.array()), g = contiguous_array(gt.array()), hold;
        const Array &means = c.residual(0), &deviations = c.residual(1);
        const void* weight = parameter(wt, hold);
        int64_t n = length(*x.layout, dims), rows = n ? x.numel() / n : 0;
        bool parameters = c.wants(1) || c.wants(2);
        Array dx, dw, db;
        if (c.wants(0)) dx = Array::empty(x.dtype, x.layout->dims());
        if (parameters) {
            Dims shape;
            for (int64_t d = x.ndim() - dims; d < x.ndim(); ++d) shape.push_back(x.size(d));
            dw = Array::empty(x.dtype, shape);
            db = Array::empty(x.dtype, shape);
        }
        // Not more than 64 blocks, so that the sums of blocks stay small beside the rows.
        int64_t block = std::max<int64_t>({parts_of(rows, 64), kRowsChunk / std::max<int64_t>(n, 1), 1});
        int64_t blocks = parts_of(rows, block);
        visit<Family::Floats>(x.dtype, "LayerNormKernelImpl", [&](auto zero) {
            using T = decltype(zero);
            std::unique_ptr<T[]> partial(
                new T[static_cast<size_t>(parameters ? std::max<int64_t>(blocks, 1) * 2 * n : 0)]);
            if (parameters && !blocks) std::memset(partial.get(), 0, static_cast<size_t>(2 * n) * sizeof(T));
            auto pull = row_kernels().normalize_pull[static_cast<int>(dtype_of<T>())];
            double work = 0.1 * sizeof(T) * static_cast<double>(rows) * static_cast<double>(n);
            parallel(blocks, work, [&](int64_t b, int) {
                T *own_w = parameters ? partial.get() + b * 2 * n : nullptr,
                  *own_b = own_w ? own_w + n : nullptr;
                if (own_w) std::memset(own_w, 0, static_cast<size_t>(2 * n) * sizeof(T));
                for (int64_t r = b * block; r < std::min(rows, (b + 1) * block); ++r)
                    pull(x.as<T>() + r * n, g.as<T>() + r * n, weight, means.as<T>() + r,
                         deviations.as<T>() + r, dx.buffer ? dx.as<T>() + r * n : nullptr, own_w, own_b, n);
            });
            if (!parameters) return;
            for (int64_t apart = 1; apart < blocks; apart *= 2)
                for (int64_t b = 0; b + apart < blocks; b += 2 * apart) {
                    T *to = partial.get() + b * 2 * n, *from = to + apart * 2 * n;
                    for (int64_t i = 0; i < 2 * n; ++i) to[i] += from[i];
                }
            std::memcpy(dw.data(), partial.get(), static_cast<size_t>(n) * sizeof(T));
            std::memcpy(db.data(), partial.get() + n, static_cast<size_t>(n) * sizeof(T));
        });
        if (c.wants(0)) out[0] = Tensor::make(dx);
        if (c.wants(1)) out[1] = Tensor::make(dw);
        if (c.wants(2)) out[2] = Tensor::make(db);
    }

    void pull_composed(Context& c, const Tensor& given, const Tensor& scale, const Tensor& cotangent,
                       Tensors& out) const {
        // In float64, as the moments of the forward pass.
        auto wide = [](const Tensor& t) { return t ? to_dtype(t, DType::Float64) : t; };
        Tensor x = wide(given), weight = wide(scale), g = wide(cotangent);
        Dims last, first;
        for (int64_t d = 0; d < x.ndim(); ++d) (d < x.ndim() - dims ? first : last).push_back(d);
        double n = static_cast<double>(length(x.layout(), dims));
        auto mean = [&](const Tensor& t) { return div(sum_like(t, last, true), n); };
        Tensor centred = sub(x, mean(x));
        Tensor deviation = unary("rsqrt", add(mean(mul(centred, centred)), eps));
        Tensor r = mul(centred, deviation);
        if (c.wants(0)) {
            Tensor q = weight ? mul(g, weight) : g;
            out[0] = mul(deviation, sub(sub(q, mean(q)), mul(r, mean(mul(q, r)))));
        }
        if (c.wants(1)) out[1] = sum_like(mul(g, r), first, false);
        if (c.wants(2)) out[2] = sum_like(g, first, false);
        for (size_t i = 0; i < 3; ++i)
            if (c.wants(i)) out[i] = to_dtype(out[i], given.dtype());
    }
};

}  // namespace

Tensor layer_norm(const Tensor& x, const Dims& shape, const MaybeTensor& weight, const MaybeTensor& bias,
                  double eps) {
    if (shape.empty())
        fail(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, "
            "but got normalized_shape = []. Give the sizes of the last dimensions.");
    auto text = [](const Dims& d) { return shape_text(*Layout::contiguous(d)); };
    for (const Tensor* t : {&weight, &bias})
        if (*t && t->layout().dims() != shape)
            fail(
                "Expected {} to be of same shape as normalized_shape, but got {} of shape {} and "
                "normalized_shape = {}. Give one value for each element of a row.",
                t == &weight ? "weight" : "bias", t == &weight ? "weight" : "bias", text(t->layout().dims()),
                text(shape));
    auto dims = static_cast<int64_t>(shape.size());
    bool fits = x.ndim() >= dims;
    for (int64_t d = 0; fits && d < dims; ++d)
        fits = x.layout().size(x.ndim() - dims + d) == shape[static_cast<size_t>(d)];
    if (!fits) {
        std::string sizes;
        for (int64_t s : shape) sizes += ", " + std::to_string(s);
        fail(
            "Given normalized_shape={}, expected input with shape [*{}], but got input of size{}. The last "
            "dimensions of the input are those that are normalised.",
            text(shape), sizes, shape_text(x.layout()));
    }
    if (!is_supported(x.dtype()) || !is_float(x.dtype())) fail_unsupported("LayerNormKernelImpl", x.dtype());
    for (const Tensor* t : {&weight, &bias})
        if (*t && t->dtype() != x.dtype())
            fail(
                "mixed dtype (CPU): expect parameter to have scalar type of {}. Convert it with "
                ".to(input.dtype).",
                dtype_legacy_name(x.dtype()));
    return apply(LayerNorm{dims, eps}, {x, weight, bias});
}

}  // namespace pb::ops
