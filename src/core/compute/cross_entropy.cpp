// Cross entropy of lines of logits with class indices, in one pass over the logits and another for the gradient.
//
// The loss of a line is log(sum(exp(x))) - x[target]. Nothing of the size of the logits is kept: the largest element of
// each line and what the sum of exponentials has beside 1 are enough to compute the gradient, (softmax(x) - one at the
// target) times the line's cotangent, from the logits again. Lines whose target is `ignored` have no loss and no gradient.
#include <algorithm>
#include <cstring>

#include "array/error.h"
#include "array/visit.h"
#include "compute/line_functions.h"
#include "compute/line_loops.h"

namespace pb {

namespace {

constexpr const char* kKernel = "log_softmax_lastdim_kernel_impl";

void check_targets(const int64_t* at, int64_t lines, int64_t n, int64_t ignored) {
    for (int64_t r = 0; r < lines; ++r)
        if (at[r] != ignored && (at[r] < 0 || at[r] >= n))
            fail_as(ErrorKind::Index, "Target {} is out of bounds. Targets are 0 to {}, or ignore_index, {}.",
                    at[r], n - 1, ignored);
}

// How many of the lines count.
int64_t counted(const int64_t* at, int64_t lines, int64_t ignored) {
    return lines - std::count(at, at + lines, ignored);
}

}  // namespace

Losses cross_entropy(const Array& logits, const Array& targets, LossReduction reduction, int64_t ignored) {
    Array x = contiguous_array(logits), target = contiguous_array(targets);
    const int64_t n = x.size(x.ndim() - 1), lines = target.numel();
    const auto* at = target.as<int64_t>();
    check_targets(at, lines, n, ignored);
    Array losses = Array::empty(x.dtype, target.layout->dims()),
          shifts = Array::empty(x.dtype, losses.layout), rests = Array::empty(x.dtype, losses.layout);
    visit<Family::Floats>(x.dtype, kKernel, [&](auto zero) {
        using T = decltype(zero);
        T *loss = losses.as<T>(), *shift_of = shifts.as<T>(), *rest_of = rests.as<T>();
        if (n == 0) std::memset(loss, 0, static_cast<size_t>(lines) * sizeof(T));
        else
            exponentials(x.as<T>(), lines, n, true,
                         [&](int64_t r, const T* from, const T*, T shift, T rest, T log) {
                             loss[r] = at[r] == ignored ? T(0) : log - (from[at[r]] - shift);
                             shift_of[r] = shift;
                             rest_of[r] = rest;
                         });
        if (reduction == LossReduction::none) return;
        losses = reduce_array(Reduction::sum, losses, Dims{-1}, false);
        if (reduction == LossReduction::sum) return;
        const int64_t each = target.size(target.ndim() - 1);  // lines of an entry
        for (int64_t i = 0; i < losses.numel(); ++i)
            losses.as<T>()[i] /= static_cast<T>(counted(at + i * each, each, ignored));
    });
    return {std::move(losses), std::move(shifts), std::move(rests)};
}

Array cross_entropy_pull(const Array& logits, const Array& targets, const Array& shifts, const Array& rests,
                         const Array& cotangent, LossReduction reduction, int64_t ignored) {
    Array x = contiguous_array(logits), target = contiguous_array(targets);
    Array g = contiguous_array(cotangent), out = Array::empty(x.dtype, x.layout->dims());
    int64_t lines = x.size(0), n = x.size(1);
    const auto* at = target.as<int64_t>();
    visit<Family::Floats>(x.dtype, kKernel, [&](auto zero) {
        using T = decltype(zero);
        auto scaled_exp = line_kernels().scaled_exp[code_of<T>];
        T share = reduction == LossReduction::mean  ? *g.as<T>() / static_cast<T>(counted(at, lines, ignored))
                  : reduction == LossReduction::sum ? *g.as<T>()
                                                    : T(0);
        share_lines(lines, n, kExpWork * sizeof(T) / 4, [&](int64_t first, int64_t count, int) {
            for (int64_t r = first; r < first + count; ++r) {
                T* to = out.as<T>() + r * n;
                T u = reduction == LossReduction::none ? g.as<T>()[r] : share;
                if (at[r] == ignored || u == 0) {  // a zero cotangent gives zeros, whatever the line holds
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

}  // namespace pb
