// Cross entropy of lines of logits with class indices. compute/cross_entropy.cpp computes losses, and gradients where only
// values are wanted.
#include "compute/line_functions.h"
#include "ops/reduce/line_functions.h"
#include "ops/reduce/reduction.h"
#include "ops/shape/create.h"

namespace pb::ops {

namespace {

struct CrossEntropy {
    static constexpr const char* name = "NllLossBackward0";
    static constexpr uint32_t saves = 3;  // logits and targets
    static constexpr bool leads = true;
    LossReduction reduction;
    int64_t ignored;

    // The residuals are by line: shifts and rests.
    Computed<2> forward(const Tensors& in) {
        Losses losses = pb::cross_entropy(in[0].array(), in[1].array(), reduction, ignored);
        return {{Tensor::make(losses.value)}, {std::move(losses.shifts), std::move(losses.rests)}};
    }

    void pullback(Context& c, const Tensors& g, Tensors& out) {
        const Tensor& x = c.input(0);
        if (values_only(g[0], x))
            out[0] = Tensor::make(cross_entropy_pull(x.array(), c.input(1).array(), c.residual(0),
                                                     c.residual(1), g[0].array(), reduction, ignored));
        else out[0] = composed(x, c.input(1), g[0]);
    }

    Tensor composed(const Tensor& x, const Tensor& target, const Tensor& g) const {
        const int64_t classes = x.size(x.ndim() - 1);
        Tensor hit = eq(unsqueeze(target, -1), arange(Scalar(0), Scalar(classes), Scalar(1), DType::Int64));
        Tensor counts = elementwise(*rows.ne, {target, Scalar(ignored)});
        Tensor share = to_dtype(counts, x.dtype());
        if (reduction == LossReduction::mean)
            share = where(counts, div(1.0, to_dtype(count_like(counts, Dims{-1}, true), x.dtype())), 0.0);
        Tensor wide = reduction == LossReduction::none ? unsqueeze(g, -1) : g;
        // softmax less one at the target: there it is what the others have.
        Tensor p = softmax(x, -1), others = sum_like(where(hit, 0.0, p), Dims{-1}, true);
        return zmul(zmul(wide, unsqueeze(share, -1)), where(hit, neg(others), p));
    }
};

}  // namespace

Tensor cross_entropy(const Tensor& x, const Tensor& target, LossReduction reduction, int64_t ignored) {
    if (!is_supported(x.dtype()) || !is_float(x.dtype()))
        fail_unsupported("log_softmax_lastdim_kernel_impl", x.dtype());
    return apply(CrossEntropy{reduction, ignored}, {x, to_dtype(target, DType::Int64)});
}

}  // namespace pb::ops
