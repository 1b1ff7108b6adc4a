// Cross entropy of rows of logits with class indices, in one pass over the logits and another for the gradient.
//
// The loss of a row is log(sum(exp(x))) - x[target]. Nothing of the size of the logits is kept: the largest element of
// each row and what the sum of exponentials has beside 1 are enough to compute the gradient, (softmax(x) - one at the target) times the
// row's cotangent, from the logits again. Rows whose target is `ignored` have no loss and no gradient.
#include <algorithm>
#include <cstring>

#include "ops/reduce/row_functions.h"

namespace pb::ops {

namespace {

struct CrossEntropy {
    static constexpr const char* name = "NllLossBackward0";
    static constexpr uint32_t saves = 3;  // logits and targets
    LossReduction reduction;
    int64_t ignored;

    // The residuals are by row: shifts and rests.
    Computed<2> forward(const Tensors& in) {
        Array x = contiguous_array(in[0].array()), target = contiguous_array(in[1].array());
        int64_t rows = x.size(0), n = x.size(1);
        const auto* at = target.as<int64_t>();
        for (int64_t r = 0; r < rows; ++r) {
            if (at[r] == ignored) continue;
            if (at[r] < 0 || at[r] >= n)
                fail_as(ErrorKind::Index,
                        "Target {} is out of bounds. Targets are 0 to {}, or ignore_index, {}.", at[r], n - 1,
                        ignored);
        }
        Array losses = Array::empty(x.dtype, Dims{rows}), shifts = Array::empty(x.dtype, losses.layout),
              rests = Array::empty(x.dtype, losses.layout);
        visit<Family::Floats>(x.dtype, "log_softmax_lastdim_kernel_impl", [&](auto zero) {
            using T = decltype(zero);
            T *loss = losses.as<T>(), *shift_of = shifts.as<T>(), *rest_of = rests.as<T>();
            if (n == 0) std::memset(loss, 0, static_cast<size_t>(rows) * sizeof(T));
            else
                exponentials(x.as<T>(), rows, n, true,
                             [&](int64_t r, const T* from, const T*, T shift, T rest, T log) {
                                 loss[r] = at[r] == ignored ? T(0) : log - (from[at[r]] - shift);
                                 shift_of[r] = shift;
                                 rest_of[r] = rest;
                             });
            if (reduction == LossReduction::none) return;
            losses = reduce_array(Reduction::sum, losses, Dims{0}, false);
            if (reduction == LossReduction::mean) *losses.as<T>() /= static_cast<T>(counted(at, rows));
        });
        return {{Tensor::make(losses)}, {shifts, rests}};
    }

    void pullback(Context& c, const Tensors& g, Tensors& out) {
        const Tensor& x = c.input(0);
        if (values_only(g[0], x)) out[0] = Tensor::make(pulled(c, x, c.input(1), g[0]));
        else out[0] = composed(x, c.input(1), g[0]);
    }

    // How many rows are not ignored.
    int64_t counted(const int64_t* at, int64_t rows) const {
        return rows - std::count(at, at + rows, ignored);
    }

    Array pulled(Context& c, const Tensor& logits, const Tensor& targets, const Tensor& cotangent) const {
        const Array &shifts = c.residual(0), &rests = c.residual(1);
        Array x = contiguous_array(logits.array()), target = contiguous_array(targets.array());
        Array g = contiguous_array(cotangent.array()), out = Array::empty(x.dtype, x.layout->dims());
        int64_t rows = x.size(0), n = x.size(1);
        const auto* at = target.as<int64_t>();
        visit<Family::Floats>(x.dtype, "log_softmax_lastdim_kernel_impl", [&](auto zero) {
            using T = decltype(zero);
            auto scaled_exp = row_kernels().scaled_exp[static_cast<int>(dtype_of<T>())];
            T share = reduction == LossReduction::mean  ? *g.as<T>() / static_cast<T>(counted(at, rows))
                      : reduction == LossReduction::sum ? *g.as<T>()
                                                        : T(0);
            share_rows(rows, n, kExpWork * sizeof(T) / 4, [&](int64_t first, int64_t count, int) {
                for (int64_t r = first; r < first + count; ++r) {
                    T* to = out.as<T>() + r * n;
                    T u = reduction == LossReduction::none ? g.as<T>()[r] : share;
                    if (at[r] == ignored || u == 0) {  // a zero cotangent gives zeros, whatever the row holds
                        std::memset(to, 0, static_cast<size_t>(n) * sizeof(T));
                        continue;
                    }
                    T rest = rests.as<T>()[r], scale = u / (1 + rest);
                    const T* from = x.as<T>() + r * n;
                    scaled_exp(from, shifts.as<T>() + r, &scale, to, n);
                    // The largest element's share is 1 / (1 + rest), and 1 less that is what is left.
                    if (from[at[r]] == shifts.as<T>()[r]) to[at[r]] = -(scale * rest);
                    else to[at[r]] -= u;
                }
            });
        });
        return out;
    }

    Tensor composed(const Tensor& x, const Tensor& targets, const Tensor& g) const {
        Array target = contiguous_array(targets.array());
        int64_t rows = x.layout().size(0), n = x.layout().size(1);
        const auto* at = target.as<int64_t>();
        int64_t all = counted(at, rows);
        Array hits = zeros(DType::Bool, x.layout().dims()).array(),
              shares = Array::empty(x.dtype(), Dims{rows, 1});
        visit<Family::Floats>(x.dtype(), "log_softmax_lastdim_kernel_impl", [&](auto zero) {
            using T = decltype(zero);
            for (int64_t r = 0; r < rows; ++r) {
                int64_t t = at[r];
                if (t != ignored) hits.as<bool>()[r * n + t] = true;
                shares.as<T>()[r] = t == ignored                       ? T(0)
                                    : reduction == LossReduction::mean ? T(1) / static_cast<T>(all)
                                                                       : T(1);
            }
        });
        Tensor wide = reduction == LossReduction::none ? unsqueeze(g, 1) : g;
        // softmax less one at the target: there it is what the others have.
        Tensor hit = Tensor::make(hits), p = softmax(x, 1);
        Tensor others = sum_like(where(hit, 0.0, p), Dims{1}, true);
        return zmul(zmul(wide, Tensor::make(shares)), where(hit, neg(others), p));
    }
};

}  // namespace

Tensor cross_entropy(const Tensor& x, const Tensor& target, LossReduction reduction, int64_t ignored) {
    if (!is_supported(x.dtype()) || !is_float(x.dtype()))
        fail_unsupported("log_softmax_lastdim_kernel_impl", x.dtype());
    return apply(CrossEntropy{reduction, ignored}, {x, to_dtype(target, DType::Int64)});
}

}  // namespace pb::ops
