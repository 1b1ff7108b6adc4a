// Triangular factors: LU with pivots, Cholesky's, LDL, and the determinants that follow from them.
//
// What LAPACK's functions do for a matrix of a few rows takes less time than calling them. Such matrices are factored
// here, by the textbook's loops along columns (Golub and Van Loan, "Matrix Computations", 3.2 and 4.2).
#include <cmath>
#include <limits>
#include <numeric>

#include "compute/decompositions.h"

namespace pb::decompose {

namespace {

constexpr int64_t kFew = 16;  // rows

// A few columns of at most P rows, P apart, zeros below: with a constant number of rows the loops of LU are vectors.
template <class T, int P> class Few {
  public:
    // LAPACK's getrf.
    lapack::Int lu(int64_t m, int64_t n, lapack::Int* pivots) {
        if constexpr (P <= 8)
            if (m == P && n == P) return whole_lu(pivots);
        lapack::Int info = 0;
        for (int64_t j = 0; j < std::min(m, n); ++j) {
            T *column = at(j), lower[P];
            int64_t p = j;
            for (int64_t i = j + 1; i < m; ++i)
                if (std::abs(column[i]) > std::abs(column[p])) p = i;
            pivots[j] = static_cast<lapack::Int>(p + 1);
            if (column[p] == 0) {
                if (!info) info = static_cast<lapack::Int>(j + 1);
                continue;
            }
            if (p != j)
                for (int64_t k = 0; k < n; ++k) std::swap(at(k)[j], at(k)[p]);
            const T pivot = column[j];
            if (std::abs(pivot) >= std::numeric_limits<T>::min()) {
                const T inverse = 1 / pivot;
                for (int i = 0; i < P; ++i) lower[i] = column[i] * inverse;
            } else {
                for (int i = 0; i < P; ++i) lower[i] = column[i] / pivot;
            }
            for (int64_t i = 0; i <= j; ++i) lower[i] = 0;
            for (int64_t k = j + 1; k < n; ++k) {
                T* __restrict other = at(k);
                const T times = other[j];
                for (int i = 0; i < P; ++i) other[i] -= lower[i] * times;
            }
            for (int64_t i = j + 1; i < m; ++i) column[i] = lower[i];
        }
        return info;
    }
    // Whether all is finite: products with the zeros above ask for it.
    bool read(const T* from, int64_t row_step, int64_t column_step, int64_t m, int64_t n) {
        T sum = 0;
        for (int64_t j = 0; j < n; ++j) {
            T* column = at(j);
            for (int64_t i = 0; i < m; ++i) sum += 0 * (column[i] = from[i * row_step + j * column_step]);
            for (int64_t i = m; i < P; ++i) column[i] = 0;
        }
        return sum == 0;
    }
    void write(int64_t m, int64_t n, T* to) const {
        for (int64_t j = 0; j < n; ++j) std::copy(columns_ + j * P, columns_ + j * P + m, to + j * m);
    }

  private:
    // Of all rows and columns: every number of repetitions is known to the compiler.
    lapack::Int whole_lu(lapack::Int* pivots) {
        lapack::Int info = 0;
#pragma GCC unroll 8
        for (int j = 0; j < P; ++j) {
            T *column = at(j), lower[P], best = std::abs(column[j]);
            int p = j;
#pragma GCC unroll 8
            for (int i = j + 1; i < P; ++i)
                if (std::abs(column[i]) > best) best = std::abs(column[p = i]);
            pivots[j] = p + 1;
            if (best == 0) {
                if (!info) info = j + 1;
                continue;
            }
            if (p != j)
#pragma GCC unroll 8
                for (int k = 0; k < P; ++k) std::swap(at(k)[j], at(k)[p]);
            const T pivot = column[j], inverse = 1 / pivot;
            const bool exact = !(best >= std::numeric_limits<T>::min());
#pragma GCC unroll 8
            for (int i = j + 1; i < P; ++i)
                column[i] = lower[i] = exact ? column[i] / pivot : column[i] * inverse;
#pragma GCC unroll 8
            for (int k = j + 1; k < P; ++k) {
                T* __restrict other = at(k);
                const T times = other[j];
#pragma GCC unroll 8
                for (int i = j + 1; i < P; ++i) other[i] -= lower[i] * times;
            }
        }
        return info;
    }
    T* at(int64_t j) { return columns_ + j * P; }
    T columns_[P * P];
};

// Calls f with room for matrices of at most so many rows and columns.
template <class T, class F> auto with_few(int64_t n, F&& f) {
    if (n <= 4) {
        Few<T, 4> few;
        return f(few);
    }
    if (n <= 8) {
        Few<T, 8> few;
        return f(few);
    }
    Few<T, kFew> few;
    return f(few);
}

// LAPACK's potrf for a few rows: the lower factor.
template <class T> lapack::Int small_cholesky(int64_t n, T* a) {
    for (int64_t j = 0; j < n; ++j) {
        T* column = a + j * n;
        for (int64_t k = 0; k < j; ++k) {
            const T* before = a + k * n;
            const T times = before[j];
            for (int64_t i = j; i < n; ++i) column[i] -= before[i] * times;
        }
        if (!(column[j] > 0)) return static_cast<lapack::Int>(j + 1);
        const T root = std::sqrt(column[j]);
        column[j] = root;
        for (int64_t i = j + 1; i < n; ++i) column[i] /= root;
    }
    return 0;
}

// Calls f(i, diagonal) for every matrix of a batch, where diagonal(j) is element j of it.
template <class T, class F> void for_each_diagonal(const Batch& batch, const Array& factors, F&& f) {
    const int64_t step = factors.stride(factors.ndim() - 2) + factors.stride(factors.ndim() - 1);
    for (int64_t i = 0; i < batch.count; ++i)
        f(i, [from = factors.as<T>() + batch.offset(0, i), step](int64_t j) { return from[j * step]; });
}

}  // namespace

Arrays lu(const Arrays& x, const Options&) {
    const Array& a = x[0];
    const int64_t m = row_count(a), n = column_count(a), k = std::min(m, n);
    lapack::Int lm = lapack_size(m), ln = lapack_size(n);
    const Batch batch({{a, 2}});
    Array factors = by_columns(a.dtype, a.layout->dims()),
          pivots = Array::empty(DType::Int32, batch.with({k})),
          info = Array::empty(DType::Int32, batch.shape);
    visit<Family::Fields>(a.dtype, "lu_factor", [&](auto zero) {
        using T = decltype(zero);
        const auto& f = lapack::functions<T>();
        const T* from = a.as<T>();
        T* to = factors.as<T>();
        auto *p = pivots.as<lapack::Int>(), *failed = info.as<lapack::Int>();
        const int64_t row_step = a.stride(a.ndim() - 2), column_step = a.stride(a.ndim() - 1);
        for_each_matrix(batch.count, lapack_work(static_cast<double>(m * n) * static_cast<double>(k) / 3),
                        [&](int64_t i, int) {
                            T* matrix = to + i * m * n;
                            const T* given = from + batch.offset(0, i);
                            failed[i] = 0;
                            if (k == 0) return;
                            if constexpr (!is_complex_v<T>)
                                if (m <= kFew && n <= kFew && with_few<T>(std::max(m, n), [&](auto& few) {
                                        if (!few.read(given, row_step, column_step, m, n)) return false;
                                        failed[i] = few.lu(m, n, p + i * k);
                                        few.write(m, n, matrix);
                                        return true;
                                    }))
                                    return;
                            read_columns(given, a, matrix);
                            lapack::Int rows = lm, columns = ln, lead = lm;
                            f.getrf(&rows, &columns, matrix, &lead, p + i * k, failed + i);
                        });
    });
    return {factors, pivots, info};
}

Arrays cholesky(const Arrays& x, const Options& options) {
    const Array& a = x[0];
    const bool upper = options[0] != 0;
    const int64_t n = row_count(a);
    lapack::Int size = lapack_size(n);
    const Batch batch({{a, 2}});
    Array factor = by_columns(a.dtype, a.layout->dims()), info = Array::empty(DType::Int32, batch.shape);
    visit<Family::Fields>(a.dtype, "cholesky", [&](auto zero) {
        using T = decltype(zero);
        const auto& f = lapack::functions<T>();
        const T* from = a.as<T>();
        T* to = factor.as<T>();
        auto* failed = info.as<lapack::Int>();
        Room<T> room(upper ? n * n : 0);
        const int64_t row_step = a.stride(a.ndim() - 2), column_step = a.stride(a.ndim() - 1);
        for_each_matrix(batch.count, lapack_work(cube(n) / 6), [&](int64_t i, int worker) {
            // The upper triangle read as rows is the lower one of a symmetric matrix, or the conjugate of a Hermitian one's.
            T *result = to + i * n * n, *lower = upper ? room.of(worker) : result;
            const T* matrix = from + batch.offset(0, i);
            const int64_t down = upper ? column_step : row_step, along = upper ? row_step : column_step;
            failed[i] = 0;
            for (int64_t j = 0; j < n; ++j)
                for (int64_t k = 0; k < n; ++k) lower[j * n + k] = k < j ? 0 : matrix[k * down + j * along];
            if constexpr (is_complex_v<T>)
                for (int64_t j = 0; upper && j < n * n; ++j) lower[j].im = -lower[j].im;
            bool done = false;
            if constexpr (!is_complex_v<T>)
                if (n <= kFew) failed[i] = small_cholesky(n, lower), done = true;
            if (!done && n) {
                lapack::Int rows = size, lead = size;
                f.potrf("L", &rows, lower, &lead, failed + i, 1);
            }
            if (upper) read_columns(lower, n, 1, n, n, result, n);
            if constexpr (is_complex_v<T>)
                for (int64_t j = 0; upper && j < n * n; ++j) result[j].im = -result[j].im;
        });
    });
    return {factor, info};
}

Arrays ldl(const Arrays& x, const Options& options) {
    const Array& a = x[0];
    const bool hermitian = options[0] != 0;
    const int64_t n = row_count(a);
    lapack::Int size = lapack_size(n);
    const Batch batch({{a, 2}});
    Array factor = by_columns(a.dtype, a.layout->dims()),
          pivots = Array::empty(DType::Int32, batch.with({n})),
          info = Array::empty(DType::Int32, batch.shape);
    visit<Family::Fields>(a.dtype, "ldl_factor", [&](auto zero) {
        using T = decltype(zero);
        const auto& f = lapack::functions<T>();
        const T* from = a.as<T>();
        T* to = factor.as<T>();
        auto *p = pivots.as<lapack::Int>(), *failed = info.as<lapack::Int>();
        auto factor_one = f.sytrf;
        if constexpr (is_complex_v<T>)
            if (hermitian) factor_one = f.hetrf;
        T best(1);
        lapack::Int query = -1, lead = std::max<lapack::Int>(size, 1), unused = 0;
        factor_one("L", &size, to, &lead, p, &best, &query, &unused, 1);
        const auto length = asked_length(best, lead);
        Room<T> room(length);
        for_each_matrix(batch.count, lapack_work(cube(n) / 6), [&](int64_t i, int worker) {
            T* matrix = to + i * n * n;
            read_columns(from + batch.offset(0, i), a, matrix);
            for (int64_t j = 1; j < n; ++j) std::fill(matrix + j * n, matrix + j * n + j, T(0));
            failed[i] = 0;
            lapack::Int rows = size, step = lead, work = length;
            if (n > 0)
                factor_one("L", &rows, matrix, &step, p + i * n, room.of(worker), &work, failed + i, 1);
        });
    });
    return {factor, pivots, info};
}

Arrays determinant(const Arrays& x, const Options&) {
    const Array &factors = x[1], pivots = contiguous_array(x[2]);
    const int64_t n = row_count(factors);
    const Batch batch({{factors, 2}});
    Array det = Array::empty(factors.dtype, batch.shape);
    visit<Family::Fields>(factors.dtype, "det", [&](auto zero) {
        using T = decltype(zero);
        for_each_diagonal<T>(batch, factors, [&](int64_t i, auto diagonal) {
            const auto* p = pivots.as<lapack::Int>() + i * n;
            T product(1);
            for (int64_t j = 0; j < n; ++j) product *= p[j] != j + 1 ? -diagonal(j) : diagonal(j);
            det.as<T>()[i] = product;
        });
    });
    return {det};
}

Arrays log_determinant(const Arrays& x, const Options&) {
    const Array &factors = x[1], pivots = contiguous_array(x[2]);
    const int64_t n = row_count(factors);
    const Batch batch({{factors, 2}});
    Array sign = Array::empty(factors.dtype, batch.shape), log = Array::empty(factors.dtype, batch.shape);
    visit<Family::Floats>(factors.dtype, "slogdet", [&](auto zero) {
        using T = decltype(zero);
        for_each_diagonal<T>(batch, factors, [&](int64_t i, auto diagonal) {
            const auto* p = pivots.as<lapack::Int>() + i * n;
            T s = 1, sum = 0;
            for (int64_t j = 0; j < n; ++j) {
                const T d = diagonal(j);
                s *= d < 0 ? T(-1) : d > 0 ? T(1) : T(0);
                if (p[j] != j + 1) s = -s;
                sum += std::log(std::abs(d));
            }
            sign.as<T>()[i] = s;
            log.as<T>()[i] = sum;
        });
    });
    return {sign, log};
}

Arrays permutation(const Arrays& x, const Options&) {
    const Array &factors = x[0], pivots = contiguous_array(x[1]);
    const int64_t m = row_count(factors), k = pivots.size(pivots.ndim() - 1);
    Array p = Array::empty(factors.dtype, Batch({{factors, 2}}).with({m, m}));
    fill_array(p, Scalar(0));
    const int64_t count = m ? p.numel() / (m * m) : 0;
    const auto* exchanges = pivots.as<lapack::Int>();
    for (int64_t i = 0; i < count * k; ++i)
        if (exchanges[i] < 1 || exchanges[i] > m)
            fail(
                "torch.lu_unpack: Pivots passed to lu_unpack contain a number that is no row: {}. They count "
                "from 1 to {}.",
                exchanges[i], m);
    visit<Family::Fields>(factors.dtype, "lu_unpack", [&](auto zero) {
        using T = decltype(zero);
        std::vector<int64_t> order(static_cast<size_t>(m));
        for (int64_t i = 0; i < count; ++i) {
            std::iota(order.begin(), order.end(), int64_t{0});
            for (int64_t j = 0; j < k; ++j)
                std::swap(order[static_cast<size_t>(j)],
                          order[static_cast<size_t>(exchanges[i * k + j] - 1)]);
            for (int64_t j = 0; j < m; ++j) p.as<T>()[i * m * m + order[static_cast<size_t>(j)] * m + j] = 1;
        }
    });
    return {p};
}

std::pair<int64_t, int64_t> first_failure(const Array& info) {
    const Array all = contiguous_array(info);
    const auto* failed = all.as<lapack::Int>();
    for (int64_t i = 0; i < all.numel(); ++i)
        if (failed[i]) return {i, failed[i]};
    return {-1, 0};
}

bool holds_anywhere(const Array& mask) {
    const Array all = contiguous_array(mask);
    const auto* truth = all.as<char>();
    return std::any_of(truth, truth + all.numel(), [](char c) { return c != 0; });
}

int64_t small_pivots(const Array& factors, double threshold) {
    const Batch batch({{factors, 2}});
    const int64_t n = row_count(factors);
    int64_t most = 0;
    visit<Family::Fields>(factors.dtype, "det", [&](auto zero) {
        using T = decltype(zero);
        for_each_diagonal<T>(batch, factors, [&](int64_t i, auto diagonal) {
            double largest = 0;
            int64_t small = 0;
            for (int64_t j = 0; j < n; ++j) largest = std::max(largest, size_of(diagonal(j)));
            for (int64_t j = 0; j < n; ++j) small += size_of(diagonal(j)) <= threshold * largest;
            most = std::max(most, small);
        });
    });
    return most;
}

}  // namespace pb::decompose
