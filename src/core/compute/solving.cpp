// Systems of equations whose matrix has been factored. Right-hand sides are columns; the batches of matrix and right-hand
// side broadcast, so one factor serves a whole batch. A few rows are solved here, by substitution: calling LAPACK takes longer.
#include <cmath>
#include <limits>
#include <type_traits>

#include "compute/decompositions.h"

namespace pb::decompose {

namespace {

constexpr int64_t kFew = 16;  // rows

// The same for a number of rows that the compiler knows: what is solved stays in registers. No diagonal where there are no
// inverses.
template <int n, bool upper, class T>
void substitute_few(int64_t count, const T* a, int64_t row_step, int64_t column_step, const T* inverses,
                    T* b) {
    for (int64_t c = 0; c < count; ++c, b += n) {
        T x[n];
        std::copy(b, b + n, x);
#pragma GCC unroll 8
        for (int s = 0; s < n; ++s) {
            const int j = upper ? n - 1 - s : s;
            if (inverses) x[j] *= inverses[j];
#pragma GCC unroll 8
            for (int t = s + 1; t < n; ++t) {
                const int i = upper ? n - 1 - t : t;
                x[i] -= a[i * row_step + j * column_step] * x[j];
            }
        }
        std::copy(x, x + n, b);
    }
}

// op(a) x = b for a triangle, in place; along columns of the triangle, or rows of it where it is transposed.
template <class T>
void substitute(bool upper, bool transposed, bool unit, int64_t n, int64_t count, const T* a,
                int64_t row_step, int64_t column_step, T* b) {
    if (transposed) {
        std::swap(row_step, column_step);
        upper = !upper;
    }
    T inverses[kFew];  // divisions take long, and do not wait for each other here
    bool exact = false;
    for (int64_t j = 0; j < n && !unit; ++j) {
        const T d = a[j * (row_step + column_step)];
        inverses[j] = 1 / d;
        exact = exact || !(std::abs(d) >= std::numeric_limits<T>::min() && std::isfinite(d));
    }
    auto few = [&](auto size) {
        const T* scales = unit ? nullptr : inverses;
        if (upper) substitute_few<size(), true>(count, a, row_step, column_step, scales, b);
        else substitute_few<size(), false>(count, a, row_step, column_step, scales, b);
    };
    if (!exact) switch (n) {
            case 2: return few(std::integral_constant<int, 2>());
            case 3: return few(std::integral_constant<int, 3>());
            case 4: return few(std::integral_constant<int, 4>());
            case 8: return few(std::integral_constant<int, 8>());
        }
    for (int64_t c = 0; c < count; ++c) {
        T* x = b + c * n;
        for (int64_t s = 0; s < n; ++s) {
            const int64_t j = upper ? n - 1 - s : s;
            if (!unit) x[j] = exact ? x[j] / a[j * (row_step + column_step)] : x[j] * inverses[j];
            const T solved = x[j];
            const int64_t from = upper ? 0 : j + 1, to = upper ? j : n;
            const T* column = a + j * column_step;
            if (row_step == 1)
                for (int64_t i = from; i < to; ++i) x[i] -= column[i] * solved;
            else
                for (int64_t i = from; i < to; ++i) x[i] -= column[i * row_step] * solved;
        }
    }
}

// Rows exchanged as the pivots say, or back.
template <class T> void exchange(int64_t n, int64_t count, const lapack::Int* pivots, bool back, T* b) {
    for (int64_t s = 0; s < n; ++s) {
        const int64_t j = back ? n - 1 - s : s, p = pivots[j] - 1;
        if (p != j)
            for (int64_t c = 0; c < count; ++c) std::swap(b[c * n + j], b[c * n + p]);
    }
}

void check_pivots(const Array& pivots, int64_t n) {
    const auto* p = pivots.as<lapack::Int>();
    for (int64_t i = 0; i < pivots.numel(); ++i)
        if (p[i] < 1 || p[i] > n)
            fail(
                "Pivots given to lu_solve must all be greater or equal to 1 and at most the number of rows. "
                "Got {} for {} rows. Did you properly pass the result of lu_factor?",
                p[i], n);
}

}  // namespace

Arrays lu_solve(const Arrays& x, const Options& options) {
    const Array &given = x[0], pivots = contiguous_array(x[1]), &b = x[2];
    const bool transposed = options[0] != 0;
    const int64_t n = row_count(b), count = column_count(b);
    lapack::Int size = lapack_size(n), many = lapack_size(count);
    const Batch batch({{given, 2}, {pivots, 1}, {b, 2}});
    if (b.numel()) check_pivots(pivots, n);
    Array result = by_columns(b.dtype, batch.with({n, count}));
    if (result.numel() == 0) return {result};
    visit<Family::Fields>(b.dtype, "lu_solve", [&](auto zero) {
        using T = decltype(zero);
        const auto& f = lapack::functions<T>();
        // Factors that lie row by row are brought to columns once.
        Array factors = given;
        if (n > 1 && (given.stride(given.ndim() - 2) != 1 || given.stride(given.ndim() - 1) != n)) {
            factors = by_columns(given.dtype, given.layout->dims());
            copy_array(given, factors);
        }
        const Batch lies({{factors, 2}, {pivots, 1}, {b, 2}});
        const T *a = factors.as<T>(), *from = b.as<T>();
        const auto* p = pivots.as<lapack::Int>();
        T* to = result.as<T>();
        const double work = static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(count);
        for_each_matrix(batch.count, lapack_work(work), [&](int64_t i, int) {
            T* solved = to + i * n * count;
            read_columns(from + lies.offset(2, i), b, solved);
            const T* matrix = a + lies.offset(0, i);
            const lapack::Int* exchanges = p + lies.offset(1, i);
            if constexpr (!is_complex_v<T>)
                if (n <= kFew) {
                    if (!transposed) exchange(n, count, exchanges, false, solved);
                    substitute(transposed, transposed, !transposed, n, count, matrix, 1, n, solved);
                    substitute(!transposed, transposed, transposed, n, count, matrix, 1, n, solved);
                    if (transposed) exchange(n, count, exchanges, true, solved);
                    return;
                }
            lapack::Int rows = size, columns = many, lead = size, lead_b = size, info = 0;
            f.getrs(transposed ? "T" : "N", &rows, &columns, matrix, &lead, exchanges, solved, &lead_b, &info,
                    1);
        });
    });
    return {result};
}

Arrays solve(const Arrays& x, const Options& options) { return lu_solve({x[1], x[2], x[3]}, options); }

Arrays triangular_solve(const Arrays& x, const Options& options) {
    const Array &given = x[0], &b = x[1];
    bool upper = options[0] != 0, transposed = options[1] != 0;
    const int64_t few = is_complex(b.dtype) ? 0 : kFew;
    const bool unit = options[2] != 0;
    const int64_t n = row_count(b), count = column_count(b), d = given.ndim();
    lapack::Int size = lapack_size(n), many = lapack_size(count);
    Array result = by_columns(b.dtype, Batch({{given, 2}, {b, 2}}).with({n, count}));
    if (result.numel() == 0) return {result};
    visit<Family::Fields>(b.dtype, "triangular_solve", [&](auto zero) {
        using T = decltype(zero);
        const auto& f = lapack::functions<T>();
        // A triangle that lies row by row is the other one, transposed.
        Array matrix = given;
        int64_t row_step = given.stride(d - 2), column_step = given.stride(d - 1);
        bool turned = false;
        if (n > few) {
            turned = column_step == 1 && row_step >= n;
            if (!turned && !(row_step == 1 && column_step >= n)) {
                matrix = by_columns(given.dtype, given.layout->dims());
                copy_array(given, matrix);
                row_step = 1;
                column_step = n;
            }
        }
        const Batch batch({{matrix, 2}, {b, 2}});
        const T *a = matrix.as<T>(), *from = b.as<T>();
        T* to = result.as<T>();
        const double work = static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(count) / 2;
        lapack::Int step = lapack_size(std::max<int64_t>(turned ? row_step : column_step, 1));
        for_each_matrix(batch.count, lapack_work(work), [&](int64_t i, int) {
            T* solved = to + i * n * count;
            read_columns(from + batch.offset(1, i), b, solved);
            const T* triangle = a + batch.offset(0, i);
            if constexpr (!is_complex_v<T>)
                if (n <= few)
                    return substitute(upper, transposed, unit, n, count, triangle, row_step, column_step,
                                      solved);
            lapack::Int rows = size, columns = many, lead = step, lead_b = size;
            T one(1);
            f.trsm("L", upper != turned ? "U" : "L", transposed != turned ? "T" : "N", unit ? "U" : "N",
                   &rows, &columns, &one, triangle, &lead, solved, &lead_b, 1, 1, 1, 1);
        });
    });
    return {result};
}

Arrays ldl_solve(const Arrays& x, const Options& options) {
    const bool hermitian = options[0] != 0;
    const Array &given = x[0], pivots = contiguous_array(x[1]), &b = x[2];
    const int64_t n = row_count(b), count = column_count(b);
    lapack::Int size = lapack_size(n), many = lapack_size(count);
    Array factors = by_columns(given.dtype, given.layout->dims());
    copy_array(given, factors);
    const Batch batch({{factors, 2}, {pivots, 1}, {b, 2}});
    Array result = by_columns(b.dtype, batch.with({n, count}));
    if (result.numel() == 0) return {result};
    for (int64_t i = 0; i < pivots.numel(); ++i) {
        const int64_t p = std::abs(int64_t{pivots.as<lapack::Int>()[i]});
        if (p < 1 || p > n)
            fail("torch.linalg.ldl_solve: pivots are no result of ldl_factor: {} for {} rows", p, n);
    }
    visit<Family::Fields>(b.dtype, "ldl_solve", [&](auto zero) {
        using T = decltype(zero);
        const auto& f = lapack::functions<T>();
        auto solve_one = f.sytrs;
        if constexpr (is_complex_v<T>)
            if (hermitian) solve_one = f.hetrs;
        const T *a = factors.as<T>(), *from = b.as<T>();
        T* to = result.as<T>();
        const double work = static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(count);
        for_each_matrix(batch.count, lapack_work(work), [&](int64_t i, int) {
            T* solved = to + i * n * count;
            read_columns(from + batch.offset(2, i), b, solved);
            lapack::Int rows = size, columns = many, lead = size, lead_b = size, info = 0;
            solve_one("L", &rows, &columns, a + batch.offset(0, i), &lead,
                      pivots.as<lapack::Int>() + batch.offset(1, i), solved, &lead_b, &info, 1);
        });
    });
    return {result};
}

}  // namespace pb::decompose
