// Convolutions, differentiable.
//
// Elements of what windows slide over, weights and results are three tensors, and three maps give each from the two others:
// all of them are sums of the same products. So the derivatives of each are the other two, to any order.
#include "compute/convolution.h"

#include "array/checked.h"
#include "ops/matrix/products.h"
#include "ops/rule/apply.h"

namespace pb::ops {

namespace {

struct Convolution {
    static constexpr const char* name = "ConvolutionBackward0";
    static constexpr uint32_t saves = 3;
    static constexpr bool bilinear = true, leads = true, aligned = true;
    static uint32_t reads(uint32_t wanted) { return partners(wanted, 0); }
    Sliding s;

  protected:
    Dims told(int64_t which) const {  // to pullback.sparse
        Dims all{which, s.groups};
        for (const Dims* each : {&s.sizes, &s.kernel, &s.positions, &s.stride, &s.padding, &s.dilation})
            for (int64_t n : *each) all.push_back(n);
        return all;
    }
};

struct Elements;
struct Weights;

struct Results : Convolution {
    Dims flags() const { return told(0); }
    Tensor forward(const Tensors& x) { return Tensor::make(pb::convolve(x[0].array(), x[1].array(), s)); }
    void pullback(Context& c, const Tensors& g, Tensors& out);
};
struct Elements : Convolution {  // of results, and weights
    Dims flags() const { return told(1); }
    Tensor forward(const Tensors& x) {
        return Tensor::make(pb::convolve_back(x[0].array(), x[1].array(), s));
    }
    void pullback(Context& c, const Tensors& g, Tensors& out);
};
struct Weights : Convolution {  // of elements, and results
    Dims flags() const { return told(2); }
    Tensor forward(const Tensors& x) { return Tensor::make(convolve_weights(x[0].array(), x[1].array(), s)); }
    void pullback(Context& c, const Tensors& g, Tensors& out);
};

void Results::pullback(Context& c, const Tensors& g, Tensors& out) {
    if (c.wants(0)) out[0] = apply(Elements{s}, {g[0], c.input(1)});
    if (c.wants(1)) out[1] = apply(Weights{s}, {c.input(0), g[0]});
}
void Elements::pullback(Context& c, const Tensors& g, Tensors& out) {
    if (c.wants(0)) out[0] = apply(Results{s}, {g[0], c.input(1)});
    if (c.wants(1)) out[1] = apply(Weights{s}, {g[0], c.input(0)});
}
void Weights::pullback(Context& c, const Tensors& g, Tensors& out) {
    if (c.wants(0)) out[0] = apply(Elements{s}, {c.input(1), g[0]});
    if (c.wants(1)) out[1] = apply(Results{s}, {c.input(0), g[0]});
}

Dims last(const Tensor& t, size_t count) {
    const Dims all = t.shape();
    return Dims(all.end() - static_cast<std::ptrdiff_t>(count), all.end());
}

}  // namespace

Tensor convolve(const Tensor& x, const Tensor& weight, const Dims& stride, const Dims& padding,
                const Dims& dilation, int64_t groups) {
    const size_t dims = stride.size();
    Sliding s{last(x, dims), last(weight, dims), {}, stride, padding, dilation, groups};
    for (size_t d = 0; d < dims; ++d) {
        const int64_t covered = checked_add(checked_mul(dilation[d], s.kernel[d] - 1), 1);
        const int64_t padded = checked_add(s.sizes[d], checked_mul(2, padding[d]));
        s.positions.push_back((padded - covered) / stride[d] + 1);
    }
    return apply(Results{{s}}, {x, weight});
}

Tensor convolve_back(const Tensor& y, const Tensor& weight, const Dims& stride, const Dims& padding,
                     const Dims& dilation, int64_t groups, const Dims& sizes) {
    const size_t dims = stride.size();
    return apply(Elements{{{sizes, last(weight, dims), last(y, dims), stride, padding, dilation, groups}}},
                 {y, weight});
}

}  // namespace pb::ops
