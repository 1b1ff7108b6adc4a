// Layer normalisation: each line less its mean, over its standard deviation.
//
// compute/layer_norm.cpp computes values, and the pullback where only values are wanted. When a derivative of the
// derivative is wanted, the pullback is composed of differentiable operators instead.
//
// Source: J. L. Ba, J. R. Kiros, G. E. Hinton, "Layer Normalization", 2016 (arXiv:1607.06450).
#include "compute/line_functions.h"
#include "ops/reduce/line_functions.h"
#include "ops/reduce/reduction.h"

namespace pb::ops {

namespace {

struct LayerNorm {
    static constexpr const char* name = "NativeLayerNormBackward0";
    static constexpr uint32_t saves = 3;  // x and weight
    static constexpr bool leads = true;
    int64_t dims;  // that are normalised: the last ones
    double eps;

    // The residuals are by line: means and reciprocal deviations.
    Computed<2> forward(const Tensors& in) {
        Normalized y = pb::layer_norm(in[0].array(), dims, array_or_none(in[1]), array_or_none(in[2]), eps);
        return {{Tensor::make(y.value)}, {std::move(y.means), std::move(y.deviations)}};
    }

    void pullback(Context& c, const Tensors& g, Tensors& out) {
        const Tensor &x = c.input(0), weight = c.input(1);
        bool values = values_only(g[0], x) && (!weight || values_only(g[0], weight));
        if (!values) return pull_composed(c, x, weight, g[0], out);
        NormalizedPull pulled =
            layer_norm_pull(x.array(), dims, array_or_none(weight), c.residual(0), c.residual(1),
                            g[0].array(), c.wants(0), c.wants(1) || c.wants(2));
        if (c.wants(0)) out[0] = Tensor::make(pulled.x);
        if (c.wants(1)) out[1] = Tensor::make(pulled.weight);
        if (c.wants(2)) out[2] = Tensor::make(pulled.bias);
    }

    void pull_composed(Context& c, const Tensor& given, const Tensor& scale, const Tensor& cotangent,
                       Tensors& out) const {
        // In float64, as the moments of the forward pass.
        auto wide = [](const Tensor& t) { return t ? to_dtype(t, DType::Float64) : t; };
        Tensor x = wide(given), weight = wide(scale), g = wide(cotangent);
        Dims last, first;
        for (int64_t d = -x.ndim(); d < 0; ++d) (d < -dims ? first : last).push_back(d);
        const auto n = static_cast<double>(reduced_count(x.layout(), last));
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
    // Beside a half there may be parameters in float32, in which it is computed.
    const Tensor& first = weight ? weight : bias;
    const bool mixed = first && is_stored_only(x.dtype()) && first.dtype() != x.dtype();
    for (const Tensor* t : {&weight, &bias}) {
        const DType expected = mixed ? DType::Float32 : x.dtype();
        if (*t && t->dtype() != expected)
            fail("mixed dtype (CPU): expect parameter to have scalar type of {}. Convert it with .to(pb.{}).",
                 dtype_legacy_name(expected), dtype_name(expected));
    }
    if (mixed)
        return to_dtype(apply(LayerNorm{dims, eps}, {to_dtype(x, DType::Float32), weight, bias}), x.dtype());
    return apply(LayerNorm{dims, eps}, {x, weight, bias});
}

}  // namespace pb::ops
