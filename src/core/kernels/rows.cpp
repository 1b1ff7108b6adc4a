// One row at a time: exponentials of differences, and layer normalisation. `rows.h` says what each does.
//
// The loops are functions of their own, never inlined, with __restrict parameters: inside a larger function the compiler
// gives up on some of them without a word.
#include "core/kernels/rows.h"

#include "core/kernels/exponential.h"

#define PB_RESTRICT __restrict

namespace pb {
namespace {

template <class T> PB_NOINLINE void shifted_exp(const T* x, T shift, T* out, int64_t n) {
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) out[i] = exponential(x[i] - shift);
}
template <class T> PB_NOINLINE void scaled_exp(const T* x, T shift, T scale, T* out, int64_t n) {
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) out[i] = exponential(x[i] - shift) * scale;
}
// As zmul: a zero gradient stays zero, also in a row of NaN.
template <class T> PB_INLINE T pulled(T g, T partial) { return g == 0 ? g : g * partial; }
// What belongs to the one share that exceeds 1/2; a sum of zeros besides.
template <class T> PB_NOINLINE T of_winner(const T* share, const T* g, int64_t n) {
    T sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < n; ++i) sum += share[i] > T(0.5) ? g[i] : T{0};
    return sum;
}
template <class T>
PB_NOINLINE void softmax_products(const T* y, const T* g, T centre, T* products, int64_t n) {
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) products[i] = pulled(g[i] - centre, y[i]);
}
template <class T> PB_NOINLINE void losers(const T* share, const T* values, T* out, int64_t n) {
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) out[i] = share[i] > T(0.5) ? T{0} : values[i];
}
template <class T> PB_NOINLINE void softmax_pull(const T* y, const T* g, T centre, T sum, T* out, int64_t n) {
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) out[i] = pulled((g[i] - centre) - sum, y[i]);
}
template <class T>
PB_NOINLINE void log_softmax_pull(const T* p, const T* g, T others, T rest, T winner, T* out, int64_t n) {
    const T all = others + winner;
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) {
        const T wins = pulled(g[i], rest) - pulled(others, p[i]), loses = g[i] - pulled(all, p[i]);
        out[i] = p[i] > T(0.5) ? wins : loses;
    }
}

// Rows of less than sixteen elements, sixteen rows side by side: each sum runs from the first element to the last.
constexpr int64_t kShort = 16, kRows = 16;
template <class T, class F> PB_INLINE void by_rows(int64_t count, int64_t n, F f) {
    for (int64_t r = 0; r < count; r += kRows) f(r * n, count - r < kRows ? count - r : kRows);
}
template <class T> PB_NOINLINE void short_beside_one(const T* e, int64_t count, int64_t n, T* rest) {
    by_rows<T>(count, n, [&](int64_t at, int64_t rows) {
        T sum[kRows] = {}, ones[kRows] = {};
        for (int64_t j = 0; j < n; ++j)
#pragma omp simd
            for (int64_t r = 0; r < rows; ++r) {
                const T v = e[at + r * n + j];
                sum[r] += v == 1 ? T{0} : v;
                ones[r] += v == 1 ? T{1} : T{0};
            }
        for (int64_t r = 0; r < rows; ++r) *rest++ = sum[r] + (ones[r] - 1);
    });
}
template <class T> PB_NOINLINE void short_squares(const T* x, int64_t count, int64_t n, double* squares) {
    by_rows<T>(count, n, [&](int64_t at, int64_t rows) {
        double first[kRows], sum[kRows] = {}, square[kRows] = {};
        for (int64_t r = 0; r < rows; ++r) first[r] = static_cast<double>(x[at + r * n]);
        for (int64_t j = 0; j < n; ++j)
#pragma omp simd
            for (int64_t r = 0; r < rows; ++r) sum[r] += static_cast<double>(x[at + r * n + j]) - first[r];
        for (int64_t r = 0; r < rows; ++r) first[r] += sum[r] / static_cast<double>(n);
        for (int64_t j = 0; j < n; ++j)
#pragma omp simd
            for (int64_t r = 0; r < rows; ++r) {
                const double d = static_cast<double>(x[at + r * n + j]) - first[r];
                square[r] = fma(d, d, square[r]);
            }
        for (int64_t r = 0; r < rows; ++r) *squares++ = square[r];
    });
}
template <class T>
PB_NOINLINE void softmax_pull_short(const T* y, const T* g, T* out, int64_t count, int64_t n) {
    by_rows<T>(count, n, [&](int64_t at, int64_t rows) {
        T centre[kRows] = {}, sum[kRows] = {};
        for (int64_t j = 0; j < n; ++j)
#pragma omp simd
            for (int64_t r = 0; r < rows; ++r) {
                const int64_t i = at + r * n + j;
                centre[r] += y[i] > T(0.5) ? g[i] : T{0};
            }
        for (int64_t j = 0; j < n; ++j)
#pragma omp simd
            for (int64_t r = 0; r < rows; ++r) {
                const int64_t i = at + r * n + j;
                sum[r] += pulled(g[i] - centre[r], y[i]);
            }
        for (int64_t r = 0; r < rows; ++r, at += n)
            for (int64_t i = at; i < at + n; ++i) out[i] = pulled((g[i] - centre[r]) - sum[r], y[i]);
    });
}
template <class T>
PB_NOINLINE void log_softmax_pull_short(const T* p, const T* g, T* out, int64_t count, int64_t n) {
    by_rows<T>(count, n, [&](int64_t at, int64_t rows) {
        T others[kRows] = {}, rest[kRows] = {}, winner[kRows] = {};
        for (int64_t j = 0; j < n; ++j)
#pragma omp simd
            for (int64_t r = 0; r < rows; ++r) {
                const int64_t i = at + r * n + j;
                const bool wins = p[i] > T(0.5);
                others[r] += wins ? T{0} : g[i];
                rest[r] += wins ? T{0} : p[i];
                winner[r] += wins ? g[i] : T{0};
            }
        for (int64_t r = 0; r < rows; ++r, at += n) {
            const T all = others[r] + winner[r];
            for (int64_t i = at; i < at + n; ++i)
                out[i] = p[i] > T(0.5) ? pulled(g[i], rest[r]) - pulled(others[r], p[i])
                                       : g[i] - pulled(all, p[i]);
        }
    });
}

// Sums in lanes, leaf by leaf. Short rows have few lanes, or folding them would cost more than adding.
constexpr int64_t kLeaf = 1024;
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

// The sum of what is not 1, and one less than the number of ones.
template <class T, int lanes> PB_NOINLINE T beside_one_leaf(const T* e, T* ones, int64_t n) {
    alignas(64) T lane[lanes] = {}, count[lanes] = {};
    int64_t i = 0;
    for (; i + lanes <= n; i += lanes) {
#pragma omp simd
        for (int j = 0; j < lanes; ++j) {
            const T v = e[i + j];
            lane[j] += v == 1 ? T{0} : v;
            count[j] += v == 1 ? T{1} : T{0};
        }
    }
    const int64_t left = n - i;
#pragma omp simd
    for (int64_t j = 0; j < left; ++j) {
        const T v = e[i + j];
        lane[j] += v == 1 ? T{0} : v;
        count[j] += v == 1 ? T{1} : T{0};
    }
    *ones += folded<T, lanes>(count);
    return folded<T, lanes>(lane);
}
template <class T> void sum_beside_one(const T* e, int64_t count, int64_t n, T* rest) {
    if (n < kShort) return short_beside_one(e, count, n, rest);
    for (int64_t r = 0; r < count; ++r, e += n) {
        T sum = 0, ones = -1;
        if (n < kWide<T>) sum = beside_one_leaf<T, 8>(e, &ones, n);
        else
            for (int64_t i = 0; i < n; i += kLeaf)
                sum += beside_one_leaf<T, kWide<T>>(e + i, &ones, n - i < kLeaf ? n - i : kLeaf);
        rest[r] = sum + ones;
    }
}

// Moments of float32 are summed in float64: squares may leave its range, and digits their mean.
template <int lanes, class T> PB_NOINLINE double sum_leaf(const T* x, double less, int64_t n) {
    alignas(64) double lane[lanes] = {};
    int64_t i = 0;
    for (; i + lanes <= n; i += lanes) {
#pragma omp simd
        for (int j = 0; j < lanes; ++j) lane[j] += static_cast<double>(x[i + j]) - less;
    }
    const int64_t left = n - i;
#pragma omp simd
    for (int64_t j = 0; j < left; ++j) lane[j] += static_cast<double>(x[i + j]) - less;
    return folded<double, lanes>(lane);
}
template <int lanes, class T> PB_NOINLINE double squares_leaf(const T* x, double mean, int64_t n) {
    alignas(64) double lane[lanes] = {};
    int64_t i = 0;
    for (; i + lanes <= n; i += lanes) {
#pragma omp simd
        for (int j = 0; j < lanes; ++j) {
            const double d = static_cast<double>(x[i + j]) - mean;
            lane[j] = fma(d, d, lane[j]);
        }
    }
    const int64_t left = n - i;
#pragma omp simd
    for (int64_t j = 0; j < left; ++j) {
        const double d = static_cast<double>(x[i + j]) - mean;
        lane[j] = fma(d, d, lane[j]);
    }
    return folded<double, lanes>(lane);
}

template <class T>
PB_NOINLINE void scale_row(const T* PB_RESTRICT x, const T* PB_RESTRICT weight, const T* PB_RESTRICT bias,
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

// T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for computing the sample variance", 1983: the moments of two parts
// give those of both.
PB_INLINE void join_moments(double n, double mean, double squares, double before, double* m, double* s) {
    if (before == 0) {
        *m = mean;
        *s = squares;
        return;
    }
    const double apart = mean - *m, part = n / (before + n);
    *m += apart * part;
    *s += squares + apart * apart * (before * part);
}
// Leaf by leaf, so that memory is read once. Sums are of differences from a leaf's first element: the moments of equal
// elements are exact.
template <class T> void moments(const T* x, int64_t n, double* mean, double* squares) {
    if (n < kShort) {
        const double first = static_cast<double>(x[0]);
        double sum = 0, square = 0;
        for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]) - first;
        const double m = first + sum / static_cast<double>(n);
        for (int64_t i = 0; i < n; ++i) {
            const double d = static_cast<double>(x[i]) - m;
            square = fma(d, d, square);
        }
        *mean = m;
        *squares = square;
        return;
    }
    for (int64_t i = 0; i < n; i += kLeaf) {
        const int64_t k = n - i < kLeaf ? n - i : kLeaf;
        const double first = static_cast<double>(x[i]), count = static_cast<double>(k);
        const bool narrow = k < kWide<T>;
        const double m =
            first + (narrow ? sum_leaf<8>(x + i, first, k) : sum_leaf<32>(x + i, first, k)) / count;
        const double s = narrow ? squares_leaf<8>(x + i, m, k) : squares_leaf<32>(x + i, m, k);
        join_moments(count, m, s, static_cast<double>(i), mean, squares);
    }
}

// The squared distances of each of `count` rows.
template <class T> void row_squares(const T* x, int64_t count, int64_t n, double* squares) {
    if (n < kShort) return short_squares(x, count, n, squares);
    double mean;
    for (int64_t r = 0; r < count; ++r) moments(x + r * n, n, &mean, squares + r);
}

template <class T>
PB_NOINLINE void add_row(const T* PB_RESTRICT x, const T* PB_RESTRICT first, int64_t width,
                         double* PB_RESTRICT sums) {
#pragma omp simd
    for (int64_t j = 0; j < width; ++j) sums[j] += static_cast<double>(x[j]) - static_cast<double>(first[j]);
}
template <class T>
PB_NOINLINE void add_row_squares(const T* PB_RESTRICT x, int64_t width, const double* PB_RESTRICT means,
                                 double* PB_RESTRICT squares) {
#pragma omp simd
    for (int64_t j = 0; j < width; ++j) {
        const double d = static_cast<double>(x[j]) - means[j];
        squares[j] = fma(d, d, squares[j]);
    }
}
// Narrow rows that follow each other are taken several at a time, as one row of as many columns.
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
    for (int64_t i = 0; i < groups; ++i) add_row(x + i * together * pitch, first, wide, sums);
    for (int64_t i = 0; i < rest; ++i) add_row(last + i * pitch, first, width, sums);
    fold(means);
    for (int64_t j = 0; j < width; ++j)
        means[j] = static_cast<double>(first[j]) + means[j] / static_cast<double>(n);
    for (int64_t j = 0; j < wide; ++j) centres[j] = means[j % width];
    for (int64_t i = 0; i < groups; ++i) add_row_squares(x + i * together * pitch, wide, centres, sums);
    for (int64_t i = 0; i < rest; ++i) add_row_squares(last + i * pitch, width, centres, sums);
    fold(squares);
}

template <class T>
void normalize(const T* x, const T* weight, const T* bias, double eps, T* y, T* mean, T* rstd, int64_t n) {
    double m = 0, squares = 0;
    moments(x, n, &m, &squares);
    *mean = static_cast<T>(m);
    *rstd = static_cast<T>(1 / square_root(squares / static_cast<double>(n) + eps));
    scale_row(x, weight, bias, *mean, *rstd, y, n);
}

// With q = g * weight and r = (x - mean) * rstd: the sums of q and of q * r over a leaf, and the row's part of the
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
PB_NOINLINE void pull_row(const T* PB_RESTRICT x, const T* PB_RESTRICT g, const T* PB_RESTRICT weight, T mean,
                          T rstd, T a, T b, T* PB_RESTRICT dx, int64_t n) {
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
    (weight ? pull_row<T, true> : pull_row<T, false>)(x, g, weight, *mean, *rstd, sums[0] / count,
                                                      sums[1] / count, dx, n);
}

template <class T> const T* of(const void* p) { return static_cast<const T*>(p); }
template <class T> T* of(void* p) { return static_cast<T*>(p); }

template <class T> void install(RowKernels& k, int d) {
    k.shifted_exp[d] = [](const void* x, const void* shift, void* out, int64_t n) {
        shifted_exp(of<T>(x), *of<T>(shift), of<T>(out), n);
    };
    k.scaled_exp[d] = [](const void* x, const void* shift, const void* scale, void* out, int64_t n) {
        scaled_exp(of<T>(x), *of<T>(shift), *of<T>(scale), of<T>(out), n);
    };
    k.sum_beside_one[d] = [](const void* e, int64_t count, int64_t n, void* rest) {
        sum_beside_one(of<T>(e), count, n, of<T>(rest));
    };
    k.softmax_pull_short[d] = [](const void* y, const void* g, void* out, int64_t count, int64_t n) {
        softmax_pull_short(of<T>(y), of<T>(g), of<T>(out), count, n);
    };
    k.log_softmax_pull_short[d] = [](const void* p, const void* g, void* out, int64_t count, int64_t n) {
        log_softmax_pull_short(of<T>(p), of<T>(g), of<T>(out), count, n);
    };
    k.softmax_products[d] = [](const void* y, const void* g, void* products, void* sums, int64_t n) {
        const T centre = *of<T>(sums) = of_winner(of<T>(y), of<T>(g), n);
        softmax_products(of<T>(y), of<T>(g), centre, of<T>(products), n);
    };
    k.log_softmax_losers[d] = [](const void* p, const void* g, void* cotangents, void* rests, void* sums,
                                 int64_t n) {
        of<T>(sums)[2] = of_winner(of<T>(p), of<T>(g), n);
        losers(of<T>(p), of<T>(g), of<T>(cotangents), n);
        losers(of<T>(p), of<T>(p), of<T>(rests), n);
    };
    k.softmax_pull[d] = [](const void* y, const void* g, const void* sums, void* out, int64_t n) {
        const T* s = of<T>(sums);
        softmax_pull(of<T>(y), of<T>(g), s[0], s[1], of<T>(out), n);
    };
    k.log_softmax_pull[d] = [](const void* p, const void* g, const void* sums, void* out, int64_t n) {
        const T* s = of<T>(sums);
        log_softmax_pull(of<T>(p), of<T>(g), s[0], s[1], s[2], of<T>(out), n);
    };
    k.moments[d] = [](const void* x, int64_t n, double* mean, double* squares) {
        moments(of<T>(x), n, mean, squares);
    };
    k.row_squares[d] = [](const void* x, int64_t count, int64_t n, double* squares) {
        row_squares(of<T>(x), count, n, squares);
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

void PB_ISA::install_rows(RowKernels& k) {
    install<float>(k, 0);
    install<double>(k, 1);
}

}  // namespace pb
