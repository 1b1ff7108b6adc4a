// One line at a time, or some side by side: exponentials of differences, and layer normalisation. `line_functions.h` says
// what each does.
//
// The loops are functions of their own, never inlined, with __restrict parameters: inside a larger function the compiler
// gives up on some of them without a word.
#include "core/kernels/line_functions.h"

#include "core/kernels/exponential.h"
#include "core/kernels/reduce_tree.h"

#define PB_RESTRICT __restrict

namespace pb {
namespace {

// The shift is the largest element, or 0 in place of an infinite one.
template <class T> PB_NOINLINE T shifted_exp(const T* x, T shift, T* out, int64_t n) {
    T ones = 0;
    if (shift == 0) {
#pragma omp simd reduction(+ : ones)
        for (int64_t i = 0; i < n; ++i) {
            out[i] = exponential(x[i]);
            ones += out[i] == 1 ? T{1} : T{0};
        }
    } else {
#pragma omp simd reduction(+ : ones)
        for (int64_t i = 0; i < n; ++i) {
            out[i] = decayed(x[i] - shift);
            ones += out[i] == 1 ? T{1} : T{0};
        }
    }
    return ones;
}
template <class T> PB_NOINLINE void scaled_exp(const T* x, T shift, T scale, T* out, int64_t n) {
    if (shift == 0) {
#pragma omp simd
        for (int64_t i = 0; i < n; ++i) out[i] = exponential(x[i]) * scale;
    } else {
#pragma omp simd
        for (int64_t i = 0; i < n; ++i) out[i] = decayed(x[i] - shift) * scale;
    }
}
template <class T> PB_NOINLINE void less_both(const T* x, T shift, T log, T* out, int64_t n) {
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) out[i] = (x[i] - shift) - log;
}
// As zmul: a zero gradient stays zero, also in a line of NaN.
template <class T> PB_INLINE T pulled(T g, T partial) { return g == 0 ? g : g * partial; }
template <class T> PB_NOINLINE int64_t majority(const T* share, int64_t n) {
    using Lane = typename Either<sizeof(T) == 8, int64_t, int32_t>::type;
    Lane any = 0;
#pragma omp simd reduction(| : any)
    for (int64_t i = 0; i < n; ++i) any |= share[i] > T(kMajority) ? Lane{1} : Lane{0};
    if (!any) return -1;
    int64_t i = 0;
    while (!(share[i] > T(kMajority))) ++i;
    return i;
}
template <class T>
PB_NOINLINE void softmax_products(const T* y, const T* g, T centre, T* products, int64_t n) {
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) products[i] = pulled(g[i] - centre, y[i]);
}
template <class T> PB_NOINLINE void softmax_pull(const T* y, const T* g, T centre, T sum, T* out, int64_t n) {
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) out[i] = pulled((g[i] - centre) - sum, y[i]);
}
template <class T> PB_NOINLINE void log_softmax_pull(const T* p, const T* g, T all, T* out, int64_t n) {
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) out[i] = g[i] - pulled(all, p[i]);
}

// Lines of less than sixteen elements, sixteen lines side by side: each sum runs from the first element to the last.
constexpr int64_t kShort = 16, kLines = 16;
template <class F> PB_INLINE void by_lines(int64_t count, int64_t n, F f) {
    int64_t r = 0;
    for (; r + kLines <= count; r += kLines) f(r * n, kLines);  // a length that the compiler knows
    if (r < count) f(r * n, count - r);
}
template <class T> PB_NOINLINE void short_beside_one(const T* e, int64_t count, int64_t n, T* rest) {
    by_lines(
        count, n, [&](int64_t at, int64_t lines) __attribute__((always_inline)) {
            T sum[kLines] = {}, ones[kLines] = {};
            for (int64_t j = 0; j < n; ++j)
#pragma omp simd
                for (int64_t r = 0; r < lines; ++r) {
                    const T v = e[at + r * n + j];
                    sum[r] += v == 1 ? T{0} : v;
                    ones[r] += v == 1 ? T{1} : T{0};
                }
            for (int64_t r = 0; r < lines; ++r) *rest++ = sum[r] + (ones[r] - 1);
        });
}
template <class T>
PB_NOINLINE void softmax_pull_short(const T* y, const T* g, T* out, int64_t count, int64_t n) {
    by_lines(
        count, n, [&](int64_t at, int64_t lines) __attribute__((always_inline)) {
            T centre[kLines] = {}, sum[kLines] = {};
            for (int64_t j = 0; j < n; ++j)
#pragma omp simd
                for (int64_t r = 0; r < lines; ++r) {
                    const int64_t i = at + r * n + j;
                    centre[r] += y[i] > T(kMajority) ? g[i] : T{0};
                }
            for (int64_t j = 0; j < n; ++j)
#pragma omp simd
                for (int64_t r = 0; r < lines; ++r) {
                    const int64_t i = at + r * n + j;
                    sum[r] += pulled(g[i] - centre[r], y[i]);
                }
            for (int64_t r = 0; r < lines; ++r, at += n)
                for (int64_t i = at; i < at + n; ++i) out[i] = pulled((g[i] - centre[r]) - sum[r], y[i]);
        });
}
// Nothing branches: which lines have a winner is not to be foreseen. One that has none writes its first element twice.
template <class T>
PB_NOINLINE void log_softmax_pull_short(const T* p, const T* g, T* out, int64_t count, int64_t n) {
    using Index = typename Either<sizeof(T) == 8, int64_t, int32_t>::type;
    by_lines(
        count, n, [&](int64_t at, int64_t lines) __attribute__((always_inline)) {
            T others[kLines] = {}, rest[kLines] = {}, won[kLines] = {};
            Index winner[kLines];
            for (Index& w : winner) w = -1;
            for (Index j = 0; j < n; ++j)
#pragma omp simd
                for (int64_t r = 0; r < lines; ++r) {
                    const T share = p[at + r * n + j], u = g[at + r * n + j];
                    const bool wins = share > T(kMajority);
                    others[r] += wins ? T{0} : u;
                    rest[r] += wins ? T{0} : share;
                    won[r] = wins ? u : won[r];
                    winner[r] = wins ? j : winner[r];
                }
            for (int64_t r = 0; r < lines; ++r, at += n) {
                const T all = others[r] + won[r];
                for (int64_t i = at; i < at + n; ++i) out[i] = g[i] - pulled(all, p[i]);
                const bool has = winner[r] >= 0;
                const int64_t i = at + (has ? winner[r] : 0);
                out[i] = (has ? pulled(g[i], rest[r]) : g[i]) - pulled(has ? others[r] : all, p[i]);
            }
        });
}

// Lines side by side are the lanes. Sums are of 64 elements, and then of those sums.
constexpr int64_t kSide = 64, kSummed = 64;
template <class F> PB_INLINE void by_sides(int64_t width, F f) {
    int64_t j = 0;
    for (; j + kSide <= width; j += kSide) f(j, kSide);  // a number of lanes that the compiler knows
    if (j < width) f(j, width - j);
}
template <class T>
PB_NOINLINE void side_largest(const T* PB_RESTRICT x, T* PB_RESTRICT largest, int64_t lanes) {
#pragma omp simd
    for (int64_t r = 0; r < lanes; ++r) {
        const T v = x[r], most = largest[r];
        largest[r] = (v <= most) | (most != most) ? most : v;
    }
}
template <class T, bool decaying, bool kept>
PB_NOINLINE void side_exponential(const T* PB_RESTRICT x, const T* PB_RESTRICT shifts, T* PB_RESTRICT sum,
                                  T* PB_RESTRICT ones, T* PB_RESTRICT e, int64_t lanes) {
#pragma omp simd
    for (int64_t r = 0; r < lanes; ++r) {
        const T d = x[r] - shifts[r], v = decaying ? decayed(d) : exponential(d);
        sum[r] += v == 1 ? T{0} : v;
        ones[r] += v == 1 ? T{1} : T{0};
        if (kept) e[r] = v;
    }
}
template <class T>
void side_exponentials(const T* x, int64_t pitch, int64_t n, int64_t width, bool shift_infinite, T* e,
                       T* shifts, T* rests) {
    // Where an infinite one is not subtracted, there may be others.
    const auto exponentials = !shift_infinite ? side_exponential<T, false, false>
                              : e             ? side_exponential<T, true, true>
                                              : side_exponential<T, true, false>;
    for (int64_t at = 0; at < width; at += kSide) {
        const int64_t lanes = width - at < kSide ? width - at : kSide;
        T *largest = shifts + at, sum[kSide] = {}, ones[kSide] = {};
        for (int64_t r = 0; r < lanes; ++r) largest[r] = x[at + r];
        for (int64_t i = 1; i < n; ++i) side_largest(x + i * pitch + at, largest, lanes);
        if (!shift_infinite)
            for (int64_t r = 0; r < lanes; ++r)
                if (largest[r] == largest[r] && largest[r] - largest[r] != 0) largest[r] = 0;
        for (int64_t from = 0; from < n; from += kSummed) {
            const int64_t end = n - from < kSummed ? n : from + kSummed;
            T part[kSide] = {};
            for (int64_t i = from; i < end; ++i)
                exponentials(x + i * pitch + at, largest, part, ones, e ? e + i * pitch + at : nullptr,
                             lanes);
            for (int64_t r = 0; r < lanes; ++r) sum[r] += part[r];
        }
        for (int64_t r = 0; r < lanes; ++r) rests[at + r] = sum[r] + (ones[r] - 1);
    }
}
template <class T>
PB_NOINLINE void side_less_both(const T* x, int64_t pitch, int64_t n, int64_t width, const T* shifts,
                                const T* logs, T* out) {
    for (int64_t i = 0; i < n; ++i)
#pragma omp simd
        for (int64_t r = 0; r < width; ++r) out[i * pitch + r] = (x[i * pitch + r] - shifts[r]) - logs[r];
}
template <class T>
PB_NOINLINE void side_over(const T* e, int64_t pitch, int64_t n, int64_t width, const T* rests, T* out) {
    for (int64_t i = 0; i < n; ++i)
#pragma omp simd
        for (int64_t r = 0; r < width; ++r) out[i * pitch + r] = e[i * pitch + r] / (1 + rests[r]);
}
template <class T>
PB_NOINLINE void side_softmax_pull(const T* y, const T* g, int64_t pitch, int64_t n, int64_t width, T* out) {
    by_sides(
        width, [&](int64_t at, int64_t lanes) __attribute__((always_inline)) {
            alignas(64) T centre[kSide] = {}, sum[kSide] = {};
            for (int64_t i = at; i < n * pitch; i += pitch)
#pragma omp simd
                for (int64_t r = 0; r < lanes; ++r) centre[r] += y[i + r] > T(kMajority) ? g[i + r] : T{0};
            for (int64_t from = 0; from < n; from += kSummed) {
                const int64_t end = n - from < kSummed ? n : from + kSummed;
                alignas(64) T part[kSide] = {};
                for (int64_t i = from * pitch + at; i < end * pitch; i += pitch)
#pragma omp simd
                    for (int64_t r = 0; r < lanes; ++r) part[r] += pulled(g[i + r] - centre[r], y[i + r]);
#pragma omp simd
                for (int64_t r = 0; r < lanes; ++r) sum[r] += part[r];
            }
            for (int64_t i = at; i < n * pitch; i += pitch)
#pragma omp simd
                for (int64_t r = 0; r < lanes; ++r)
                    out[i + r] = pulled((g[i + r] - centre[r]) - sum[r], y[i + r]);
        });
}
template <class T>
PB_NOINLINE void side_log_softmax_pull(const T* y, const T* g, int64_t pitch, int64_t n, int64_t width,
                                       T* out) {
    by_sides(
        width, [&](int64_t at, int64_t lanes) __attribute__((always_inline)) {
            alignas(64) T others[kSide] = {}, rest[kSide] = {}, won[kSide] = {};
            for (int64_t from = 0; from < n; from += kSummed) {
                const int64_t end = n - from < kSummed ? n : from + kSummed;
                alignas(64) T some[kSide] = {}, shares[kSide] = {};
                for (int64_t i = from * pitch + at; i < end * pitch; i += pitch)
#pragma omp simd
                    for (int64_t r = 0; r < lanes; ++r) {
                        const T share = exponential(y[i + r]), u = g[i + r];
                        const bool wins = share > T(kMajority);
                        some[r] += wins ? T{0} : u;
                        shares[r] += wins ? T{0} : share;
                        won[r] = wins ? u : won[r];
                        out[i + r] = share;
                    }
#pragma omp simd
                for (int64_t r = 0; r < lanes; ++r) {
                    others[r] += some[r];
                    rest[r] += shares[r];
                }
            }
            for (int64_t i = at; i < n * pitch; i += pitch)
#pragma omp simd
                for (int64_t r = 0; r < lanes; ++r) {
                    const T share = out[i + r], u = g[i + r];
                    const bool wins = share > T(kMajority);
                    out[i + r] = (wins ? pulled(u, rest[r]) : u) -
                                 pulled(wins ? others[r] : others[r] + won[r], share);
                }
        });
}

constexpr int64_t kLeaf = kReductionLeaf;
constexpr int64_t kColumns = 256;  // the most that are taken together
template <class T> inline constexpr int kWide = 256 / sizeof(T);
template <class T, int lanes> PB_INLINE T folded(T* lane) {
#pragma GCC unroll 8
    for (int half = lanes / 2; half >= 1; half /= 2) {
#pragma omp simd
        for (int j = 0; j < half; ++j) lane[j] += lane[j + half];
    }
    return lane[0];
}
template <class T> struct SumBesideOne : Sum<T> {
    static PB_INLINE T step(T lane, T x) { return lane + (x == 1 ? T{0} : x); }
};
template <class T> T sum_beside_one(const T* e, int64_t n) {
    T sum = 0;
    for (int64_t i = 0; i < n; i += kLeaf)
        sum += leaf<SumBesideOne<T>, T>(e + i, n - i < kLeaf ? n - i : kLeaf);
    return sum;
}

// Moments of float32 are summed in float64: squares may leave its range, and digits their mean. Sums are of differences
// from the first element, so the moments of equal elements are exact. Of float32 both are summed in one pass: what
// sum(d^2) - sum(d)^2 / n may lose are as many units as there are elements, at most a leaf, of digits that float64 has
// and float32 has not.
template <class T> inline constexpr bool kOnePass = sizeof(T) == 4;
template <class T> PB_INLINE double squares_of(double squares, double sum, double n) {
    const double q = kOnePass<T> ? squares - sum * (sum / n) : squares;
    return q < 0 ? 0 : q;
}
template <class T, int lanes>
PB_NOINLINE void moments_leaf(const T* x, int64_t n, double* mean, double* squares) {
    const T first = x[0];
    const auto count = static_cast<double>(n);
    alignas(64) double sum[lanes] = {}, square[lanes] = {};
    alignas(64) T last[lanes];  // what is left, and then what adds nothing
    const int64_t left = n % lanes, whole = n - left;
#pragma omp simd
    for (int j = 0; j < lanes; ++j) last[j] = j < left ? x[whole + j] : first;
    for (int64_t i = 0; i < n; i += lanes) {
        const T* from = i < whole ? x + i : last;
#pragma omp simd
        for (int j = 0; j < lanes; ++j) {
            const double d = static_cast<double>(from[j]) - static_cast<double>(first);
            sum[j] += d;
            if (kOnePass<T>) square[j] = fma(d, d, square[j]);
        }
    }
    const double total = folded<double, lanes>(sum), m = static_cast<double>(first) + total / count;
    if (!kOnePass<T>)
        for (int64_t i = 0; i < n; i += lanes) {
            const int64_t real = i < whole ? lanes : left;
            const T* from = i < whole ? x + i : last;
#pragma omp simd
            for (int j = 0; j < lanes; ++j) {
                const double d = j < real ? static_cast<double>(from[j]) - m : 0;
                square[j] = fma(d, d, square[j]);
            }
        }
    *mean = m;
    *squares = squares_of<T>(folded<double, lanes>(square), total, count);
}

// T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for computing the sample variance", 1983: the moments of two parts
// give those of both.
PB_NOINLINE void join_moments(const double* PB_RESTRICT mean, const double* PB_RESTRICT squares,
                              int64_t width, double n, double before, double* PB_RESTRICT m,
                              double* PB_RESTRICT s) {
    const double part = n / (before + n);
#pragma omp simd
    for (int64_t j = 0; j < width; ++j) {
        const double apart = mean[j] - m[j];
        m[j] += apart * part;
        s[j] += squares[j] + apart * apart * (before * part);
    }
}
// Leaf by leaf, so that memory is read once.
template <class T> void moments(const T* x, int64_t n, double* mean, double* squares) {
    for (int64_t i = 0; i < n; i += kLeaf) {
        const int64_t k = n - i < kLeaf ? n - i : kLeaf;
        const auto leaf = k < kShort * 8 ? moments_leaf<T, 16> : moments_leaf<T, 32>;
        if (i == 0) {
            leaf(x, k, mean, squares);
            continue;
        }
        double m, s;
        leaf(x + i, k, &m, &s);
        join_moments(&m, &s, 1, static_cast<double>(k), static_cast<double>(i), mean, squares);
    }
}

// With the length known to the compiler, loads become shuffles.
template <class T, int length>
PB_NOINLINE void short_moments(const T* x, int64_t count, int64_t n, double* means, double* squares) {
    if (length) n = length;
    const auto elements = static_cast<double>(n);
    by_lines(
        count, n, [&](int64_t at, int64_t lines) __attribute__((always_inline)) {
            double mean[kLines], sum[kLines] = {}, square[kLines] = {};
            for (int64_t j = 1; j < n; ++j)
#pragma omp simd
                for (int64_t r = 0; r < lines; ++r) {
                    const double d =
                        static_cast<double>(x[at + r * n + j]) - static_cast<double>(x[at + r * n]);
                    sum[r] += d;
                    if (kOnePass<T>) square[r] = fma(d, d, square[r]);
                }
#pragma omp simd
            for (int64_t r = 0; r < lines; ++r)
                mean[r] = static_cast<double>(x[at + r * n]) + sum[r] / elements;
            if (!kOnePass<T>)
                for (int64_t j = 0; j < n; ++j)
#pragma omp simd
                    for (int64_t r = 0; r < lines; ++r) {
                        const double d = static_cast<double>(x[at + r * n + j]) - mean[r];
                        square[r] = fma(d, d, square[r]);
                    }
            for (int64_t r = 0; r < lines; ++r) {
                *means++ = mean[r];
                *squares++ = squares_of<T>(square[r], sum[r], elements);
            }
        });
}
template <class T> void line_moments(const T* x, int64_t count, int64_t n, double* means, double* squares) {
    if (n == 2) return short_moments<T, 2>(x, count, n, means, squares);
    if (n == 3) return short_moments<T, 3>(x, count, n, means, squares);
    if (n == 4) return short_moments<T, 4>(x, count, n, means, squares);
    if (n < kShort) return short_moments<T, 0>(x, count, n, means, squares);
    for (int64_t r = 0; r < count; ++r) moments(x + r * n, n, means + r, squares + r);
}

template <class T>
PB_NOINLINE void scale_line(const T* PB_RESTRICT x, const T* PB_RESTRICT weight, const T* PB_RESTRICT bias,
                            T mean, T rstd, T* PB_RESTRICT y, int64_t n) {
    if (weight && bias) {
#pragma omp simd
        for (int64_t i = 0; i < n; ++i) y[i] = fma((x[i] - mean) * rstd, weight[i], bias[i]);
    } else if (weight) {
#pragma omp simd
        for (int64_t i = 0; i < n; ++i) y[i] = (x[i] - mean) * rstd * weight[i];
    } else if (bias) {
#pragma omp simd
        for (int64_t i = 0; i < n; ++i) y[i] = fma(x[i] - mean, rstd, bias[i]);
    } else {
#pragma omp simd
        for (int64_t i = 0; i < n; ++i) y[i] = (x[i] - mean) * rstd;
    }
}

template <class T>
PB_NOINLINE void add_line(const T* PB_RESTRICT x, const T* PB_RESTRICT first, int64_t width,
                          double* PB_RESTRICT sums) {
#pragma omp simd
    for (int64_t j = 0; j < width; ++j) sums[j] += static_cast<double>(x[j]) - static_cast<double>(first[j]);
}
template <class T>
PB_NOINLINE void add_line_squares(const T* PB_RESTRICT x, int64_t width, const double* PB_RESTRICT means,
                                  double* PB_RESTRICT squares) {
#pragma omp simd
    for (int64_t j = 0; j < width; ++j) {
        const double d = static_cast<double>(x[j]) - means[j];
        squares[j] = fma(d, d, squares[j]);
    }
}
// Narrow lines that follow each other are taken several at a time, as one line of as many columns.
template <class T>
void column_moments(const T* x, int64_t pitch, int64_t n, int64_t width, double* means, double* squares) {
    const int64_t together = pitch == width ? kColumns / width : 1, wide = together * width;
    const int64_t groups = n / together, rest = n - groups * together;
    alignas(64) T first[kColumns];
    alignas(64) double sums[kColumns] = {}, centres[kColumns];
    for (int64_t j = 0; j < wide; ++j) first[j] = x[j % width];
    auto fold = [&](double* to) {
        for (int64_t j = 0; j < width; ++j) {
            to[j] = sums[j];
            for (int64_t k = 1; k < together; ++k) to[j] += sums[k * width + j];
        }
        for (double& sum : sums) sum = 0;
    };
    const T* last = x + groups * together * pitch;
    for (int64_t i = 0; i < groups; ++i) add_line(x + i * together * pitch, first, wide, sums);
    for (int64_t i = 0; i < rest; ++i) add_line(last + i * pitch, first, width, sums);
    fold(means);
    for (int64_t j = 0; j < width; ++j)
        means[j] = static_cast<double>(first[j]) + means[j] / static_cast<double>(n);
    for (int64_t j = 0; j < wide; ++j) centres[j] = means[j % width];
    for (int64_t i = 0; i < groups; ++i) add_line_squares(x + i * together * pitch, wide, centres, sums);
    for (int64_t i = 0; i < rest; ++i) add_line_squares(last + i * pitch, width, centres, sums);
    fold(squares);
}

template <class T>
void normalize(const T* x, const T* weight, const T* bias, double eps, T* y, T* mean, T* rstd, int64_t n) {
    double m = 0, squares = 0;
    moments(x, n, &m, &squares);
    *mean = static_cast<T>(m);
    *rstd = static_cast<T>(1 / square_root(squares / static_cast<double>(n) + eps));
    scale_line(x, weight, bias, *mean, *rstd, y, n);
}

// With q = g * weight and r = (x - mean) * rstd: the sums of q and of q * r over a leaf, and the line's part of the
// gradients of weight and bias on the way.
template <class T, int lanes, bool weighted, bool parameters>
PB_NOINLINE void pull_leaf(const T* PB_RESTRICT x, const T* PB_RESTRICT g, const T* PB_RESTRICT weight,
                           T mean, T rstd, T* PB_RESTRICT dweight, T* PB_RESTRICT dbias, T* PB_RESTRICT sums,
                           int64_t n) {
    alignas(64) T a[lanes] = {}, b[lanes] = {};
    int64_t i = 0;
    for (; i + lanes <= n; i += lanes) {
#pragma omp simd
        for (int j = 0; j < lanes; ++j) {
            const T r = (x[i + j] - mean) * rstd, d = g[i + j], q = weighted ? d * weight[i + j] : d;
            if (parameters) {
                dbias[i + j] += d;
                dweight[i + j] = fma(d, r, dweight[i + j]);
            }
            a[j] += q;
            b[j] = fma(q, r, b[j]);
        }
    }
    for (int64_t j = 0; i + j < n; ++j) {
        const T r = (x[i + j] - mean) * rstd, d = g[i + j], q = weighted ? d * weight[i + j] : d;
        if (parameters) {
            dbias[i + j] += d;
            dweight[i + j] = fma(d, r, dweight[i + j]);
        }
        a[j] += q;
        b[j] = fma(q, r, b[j]);
    }
    sums[0] += folded<T, lanes>(a);
    sums[1] += folded<T, lanes>(b);
}

template <class T, bool weighted>
PB_NOINLINE void pull_line(const T* PB_RESTRICT x, const T* PB_RESTRICT g, const T* PB_RESTRICT weight,
                           T mean, T rstd, T a, T b, T* PB_RESTRICT dx, int64_t n) {
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) {
        const T r = (x[i] - mean) * rstd, q = weighted ? g[i] * weight[i] : g[i];
        dx[i] = rstd * fma(-r, b, q - a);
    }
}

template <class T, int lanes> PB_INLINE auto pull_leaf_of(const T* weight, const T* dweight) {
    return weight    ? dweight ? pull_leaf<T, lanes, true, true> : pull_leaf<T, lanes, true, false>
              : dweight ? pull_leaf<T, lanes, false, true>
                     : pull_leaf<T, lanes, false, false>;
}

template <class T>
void normalize_pull(const T* x, const T* g, const T* weight, const T* mean, const T* rstd, T* dx, T* dweight,
                    T* dbias, int64_t n) {
    const auto leaf =
        n < kWide<T> ? pull_leaf_of<T, 8>(weight, dweight) : pull_leaf_of<T, kWide<T> / 2>(weight, dweight);
    T sums[2] = {};
    for (int64_t i = 0; i < n; i += kLeaf)
        leaf(x + i, g + i, weight ? weight + i : nullptr, *mean, *rstd, dweight ? dweight + i : nullptr,
             dweight ? dbias + i : nullptr, sums, n - i < kLeaf ? n - i : kLeaf);
    if (!dx) return;
    const T count = static_cast<T>(n);
    (weight ? pull_line<T, true> : pull_line<T, false>)(x, g, weight, *mean, *rstd, sums[0] / count,
                                                        sums[1] / count, dx, n);
}

template <class T> const T* of(const void* p) { return static_cast<const T*>(p); }
template <class T> T* of(void* p) { return static_cast<T*>(p); }

template <class T> void install(LineKernels& k) {
    constexpr int d = code_of<T>;
    k.shifted_exp[d] = [](const void* x, const void* shift, void* out, void* ones, int64_t n) {
        *of<T>(ones) = shifted_exp(of<T>(x), *of<T>(shift), of<T>(out), n);
    };
    k.scaled_exp[d] = [](const void* x, const void* shift, const void* scale, void* out, int64_t n) {
        scaled_exp(of<T>(x), *of<T>(shift), *of<T>(scale), of<T>(out), n);
    };
    k.less_both[d] = [](const void* x, const void* shift, const void* log, void* out, int64_t n) {
        less_both(of<T>(x), *of<T>(shift), *of<T>(log), of<T>(out), n);
    };
    k.sum_beside_one[d] = [](const void* e, int64_t n, void* sum) {
        *of<T>(sum) = sum_beside_one(of<T>(e), n);
    };
    k.short_beside_one[d] = [](const void* e, int64_t count, int64_t n, void* rest) {
        short_beside_one(of<T>(e), count, n, of<T>(rest));
    };
    k.softmax_pull_short[d] = [](const void* y, const void* g, void* out, int64_t count, int64_t n) {
        softmax_pull_short(of<T>(y), of<T>(g), of<T>(out), count, n);
    };
    k.log_softmax_pull_short[d] = [](const void* p, const void* g, void* out, int64_t count, int64_t n) {
        log_softmax_pull_short(of<T>(p), of<T>(g), of<T>(out), count, n);
    };
    k.majority[d] = [](const void* share, int64_t n) { return majority(of<T>(share), n); };
    k.softmax_products[d] = [](const void* y, const void* g, const void* centre, void* products, int64_t n) {
        softmax_products(of<T>(y), of<T>(g), *of<T>(centre), of<T>(products), n);
    };
    k.softmax_pull[d] = [](const void* y, const void* g, const void* centre, const void* sum, void* out,
                           int64_t n) {
        softmax_pull(of<T>(y), of<T>(g), *of<T>(centre), *of<T>(sum), of<T>(out), n);
    };
    k.log_softmax_pull[d] = [](const void* p, const void* g, const void* all, void* out, int64_t n) {
        log_softmax_pull(of<T>(p), of<T>(g), *of<T>(all), of<T>(out), n);
    };
    k.side_exponentials[d] = [](const void* x, int64_t pitch, int64_t n, int64_t width, bool shift_infinite,
                                void* e, void* shifts, void* rests) {
        side_exponentials(of<T>(x), pitch, n, width, shift_infinite, of<T>(e), of<T>(shifts), of<T>(rests));
    };
    k.side_less_both[d] = [](const void* x, int64_t pitch, int64_t n, int64_t width, const void* shifts,
                             const void* logs, void* out) {
        side_less_both(of<T>(x), pitch, n, width, of<T>(shifts), of<T>(logs), of<T>(out));
    };
    k.side_over[d] = [](const void* e, int64_t pitch, int64_t n, int64_t width, const void* rests,
                        void* out) { side_over(of<T>(e), pitch, n, width, of<T>(rests), of<T>(out)); };
    k.side_softmax_pull[d] = [](const void* y, const void* g, int64_t pitch, int64_t n, int64_t width,
                                void* out) {
        side_softmax_pull(of<T>(y), of<T>(g), pitch, n, width, of<T>(out));
    };
    k.side_log_softmax_pull[d] = [](const void* y, const void* g, int64_t pitch, int64_t n, int64_t width,
                                    void* out) {
        side_log_softmax_pull(of<T>(y), of<T>(g), pitch, n, width, of<T>(out));
    };
    k.moments[d] = [](const void* x, int64_t n, double* mean, double* squares) {
        moments(of<T>(x), n, mean, squares);
    };
    k.line_moments[d] = [](const void* x, int64_t count, int64_t n, double* means, double* squares) {
        line_moments(of<T>(x), count, n, means, squares);
    };
    k.column_moments[d] = [](const void* x, int64_t pitch, int64_t n, int64_t width, double* means,
                             double* squares) { column_moments(of<T>(x), pitch, n, width, means, squares); };
    k.normalize[d] = [](const void* x, const void* weight, const void* bias, double eps, void* y, void* mean,
                        void* rstd, int64_t n) {
        normalize(of<T>(x), of<T>(weight), of<T>(bias), eps, of<T>(y), of<T>(mean), of<T>(rstd), n);
    };
    k.normalize_pull[d] = [](const void* x, const void* g, const void* weight, const void* mean,
                             const void* rstd, void* dx, void* dweight, void* dbias, int64_t n) {
        normalize_pull(of<T>(x), of<T>(g), of<T>(weight), of<T>(mean), of<T>(rstd), of<T>(dx), of<T>(dweight),
                       of<T>(dbias), n);
    };
}

}  // namespace

void PB_ISA::install_line_functions(LineKernels& k) {
    k.join_moments = join_moments;
    each<Family::Floats>([&](auto zero) { install<decltype(zero)>(k); });
}

}  // namespace pb
