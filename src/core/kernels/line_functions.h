// Line functions: what softmax, cross entropy and layer normalisation do to one line while it stays in cache.
//
// Sums over a line are taken in lanes and leaves of fixed sizes, as reductions are (reduce.h), so a result depends on
// its line only, not on which lines are computed together, or by which thread.
#pragma once
#include <cstdint>

#include "core/array/dtype.h"

namespace pb {

// A share of more than this leaves too little to be had as 1 - share. Two shares of a line cannot exceed it, whatever
// their rounding errors.
constexpr double kMajority = 0.6;

// By dtype, of the floats. Pointers need the alignment of their element only; `out` may be the first operand.
struct LineKernels {
    // out = exp(x - *shift), for n elements, and how many of these are 1.
    void (*shifted_exp[kDTypes])(const void* x, const void* shift, void* out, void* ones, int64_t n);
    // out = exp(x - *shift) * *scale.
    void (*scaled_exp[kDTypes])(const void* x, const void* shift, const void* scale, void* out, int64_t n);
    // out = (x - *shift) - *log.
    void (*less_both[kDTypes])(const void* x, const void* shift, const void* log, void* out, int64_t n);
    // The sum of n exponentials of differences from their largest element, without those that are 1; and for `count` lines
    // of few, their sum less 1, which is not added and subtracted but left out.
    void (*sum_beside_one[kDTypes])(const void* e, int64_t n, void* sum);
    void (*short_beside_one[kDTypes])(const void* e, int64_t count, int64_t n, void* rest);
    // The pullbacks of softmax and log_softmax, from shares, for `count` lines of n < 16 elements.
    void (*softmax_pull_short[kDTypes])(const void* y, const void* g, void* out, int64_t count, int64_t n);
    void (*log_softmax_pull_short[kDTypes])(const void* p, const void* g, void* out, int64_t count,
                                            int64_t n);
    // The steps of the pullbacks of softmax and log_softmax (softmax.cpp), before and after sums are taken over a line.
    // The index of the share that exceeds kMajority, or -1.
    int64_t (*majority[kDTypes])(const void* shares, int64_t n);
    // Of shares y and cotangents g: (g - *centre) * y, and (g - *centre - *sum) * y.
    void (*softmax_products[kDTypes])(const void* y, const void* g, const void* centre, void* products,
                                      int64_t n);
    void (*softmax_pull[kDTypes])(const void* y, const void* g, const void* centre, const void* sum,
                                  void* out, int64_t n);
    // Of shares p and cotangents g: g - *all * p.
    void (*log_softmax_pull[kDTypes])(const void* p, const void* g, const void* all, void* out, int64_t n);

    // The same of lines that lie side by side: n elements of each of `width` lines, which are `pitch` elements apart.
    // The largest elements, and what the exponentials of differences from them have beside 1; the exponentials themselves
    // where `e` is not null.
    void (*side_exponentials[kDTypes])(const void* x, int64_t pitch, int64_t n, int64_t width,
                                       bool shift_infinite, void* e, void* shifts, void* rests);
    // (x - shift) - log, and e / (1 + rest).
    void (*side_less_both[kDTypes])(const void* x, int64_t pitch, int64_t n, int64_t width,
                                    const void* shifts, const void* logs, void* out);
    void (*side_over[kDTypes])(const void* e, int64_t pitch, int64_t n, int64_t width, const void* rests,
                               void* out);
    // The pullbacks, from results.
    void (*side_softmax_pull[kDTypes])(const void* y, const void* g, int64_t pitch, int64_t n, int64_t width,
                                       void* out);
    void (*side_log_softmax_pull[kDTypes])(const void* y, const void* g, int64_t pitch, int64_t n,
                                           int64_t width, void* out);

    // The mean of n >= 1 elements and the sum of their squared distances from it, in float64.
    void (*moments[kDTypes])(const void* x, int64_t n, double* mean, double* squares);
    // Those of each of `count` lines.
    void (*line_moments[kDTypes])(const void* x, int64_t count, int64_t n, double* means, double* squares);
    // The moments of each of `width` columns, at most 256: n elements in lines that are `pitch` elements apart.
    void (*column_moments[kDTypes])(const void* x, int64_t pitch, int64_t n, int64_t width, double* means,
                                    double* squares);
    // Joins moments of n elements each, `width` of them side by side, to those of `before` elements.
    void (*join_moments)(const double* means, const double* squares, int64_t width, double n, double before,
                         double* joined_means, double* joined_squares);

    // y = (x - mean) * rstd * weight + bias, where rstd = 1 / sqrt(variance + eps). Weight and bias may be null.
    void (*normalize[kDTypes])(const void* x, const void* weight, const void* bias, double eps, void* y,
                               void* mean, void* rstd, int64_t n);
    // From the cotangent g of y that of x, where dx is not null, and what the line adds to those of weight and bias.
    void (*normalize_pull[kDTypes])(const void* x, const void* g, const void* weight, const void* mean,
                                    const void* rstd, void* dx, void* dweight, void* dbias, int64_t n);
};

const LineKernels& line_kernels();

}  // namespace pb
