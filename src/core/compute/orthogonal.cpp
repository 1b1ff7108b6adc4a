// QR by Householder's reflections, as LAPACK has them: geqrf, orgqr.
//
// Of matrices of few rows its functions take longer to be called than to compute: those are reflected here, by the same
// formulas, as far as squares neither overflow nor vanish.
#include <cmath>
#include <limits>

#include "compute/decompositions.h"

namespace pb::decompose {

namespace {

constexpr int64_t kFewRows = 16;

// What reflection j, behind whose first element x has the rest, does to a column.
template <class T> void reflect_column(const T* x, T tau, int64_t j, int64_t m, T* y) {
    T sum = y[j];
    for (int64_t i = j + 1; i < m; ++i) sum += x[i] * y[i];
    sum *= tau;
    y[j] -= sum;
    for (int64_t i = j + 1; i < m; ++i) y[i] -= sum * x[i];
}

// What geqr2 does. False, and the matrix is lost, where squares leave the range in which their sum is accurate.
template <class T> bool reflect(T* a, int64_t m, int64_t n, T* tau) {
    const T least = std::sqrt(std::numeric_limits<T>::min()), most = 1 / least;
    for (int64_t j = 0; j < std::min(m, n); ++j) {
        T *x = a + j * m, squares(0);
        for (int64_t i = j + 1; i < m; ++i) squares += x[i] * x[i];
        tau[j] = 0;
        if (squares == 0) {
            for (int64_t i = j + 1; i < m; ++i)
                if (x[i] != 0) return false;
            continue;
        }
        const T alpha = x[j], all = squares + alpha * alpha;
        if (!(squares > least && all < most)) return false;
        const T beta = -std::copysign(std::sqrt(all), alpha), scale = 1 / (alpha - beta);
        tau[j] = (beta - alpha) / beta;
        for (int64_t i = j + 1; i < m; ++i) x[i] *= scale;
        x[j] = beta;
        for (int64_t c = j + 1; c < n; ++c) reflect_column(x, tau[j], j, m, a + c * m);
    }
    return true;
}

// What org2r does: the first p columns of the product of k reflections.
template <class T>
void product_of_reflections(const T* v, const T* tau, int64_t m, int64_t p, int64_t k, T* q) {
    std::fill(q, q + m * p, T(0));
    for (int64_t i = 0; i < p; ++i) q[i * m + i] = 1;
    for (int64_t j = k; j-- > 0;)
        for (int64_t c = j; c < p; ++c) reflect_column(v + j * m, tau[j], j, m, q + c * m);
}

}  // namespace

Arrays geqrf(const Arrays& x, const Options&) {
    const Array& a = x[0];
    const int64_t m = row_count(a), n = column_count(a), k = std::min(m, n);
    lapack::Int lm = lapack_size(m), ln = lapack_size(n);
    const Batch batch({{a, 2}});
    Array factors = by_columns(a.dtype, a.layout->dims()), tau = Array::empty(a.dtype, batch.with({k}));
    if (k == 0) return {factors, tau};
    visit<Family::Fields>(a.dtype, "geqrf", [&](auto zero) {
        using T = decltype(zero);
        const auto& f = lapack::functions<T>();
        T best(1);
        lapack::Int query = -1, unused = 0;
        f.geqrf(&lm, &ln, nullptr, &lm, nullptr, &best, &query, &unused);
        const auto length = asked_length(best, ln);
        Room<T> room(length);
        const T* from = a.as<T>();
        T *to = factors.as<T>(), *scales = tau.as<T>();
        for_each_matrix(batch.count, lapack_work(static_cast<double>(m * n) * static_cast<double>(k)),
                        [&](int64_t i, int worker) {
                            T* matrix = to + i * m * n;
                            read_columns(from + batch.offset(0, i), a, matrix);
                            if constexpr (std::is_floating_point_v<T>)
                                if (m <= kFewRows && n <= kFewRows) {
                                    if (reflect(matrix, m, n, scales + i * k)) return;
                                    read_columns(from + batch.offset(0, i), a, matrix);
                                }
                            lapack::Int rows = lm, columns = ln, lead = lm, work = length, info = 0;
                            f.geqrf(&rows, &columns, matrix, &lead, scales + i * k, room.of(worker), &work,
                                    &info);
                        });
    });
    return {factors, tau};
}

Arrays qr(const Arrays& x, const Options& options) {
    const bool complete = options[0] != 0, with_q = options[1] != 0;
    const Arrays found = geqrf(x, {});
    const Array &factors = found[0], &tau = found[1];
    const int64_t m = row_count(factors), n = column_count(factors), k = std::min(m, n), p = complete ? m : k;
    lapack::Int lm = lapack_size(m), lk = lapack_size(k), lp = lapack_size(p);
    const Batch batch({{factors, 2}});
    Array q = by_columns(factors.dtype, with_q ? batch.with({m, p}) : Dims{0, 0}),
          r = by_columns(factors.dtype, batch.with({p, n}));
    visit<Family::Fields>(factors.dtype, "linalg_qr", [&](auto zero) {
        using T = decltype(zero);
        const auto& f = lapack::functions<T>();
        const T *from = factors.as<T>(), *scales = tau.as<T>();
        T *pq = q.as<T>(), *pr = r.as<T>();
        lapack::Int length = 1;
        if (with_q && p > 0) {
            T best(1);
            lapack::Int query = -1, unused = 0;
            f.orgqr(&lm, &lp, &lk, nullptr, &lm, nullptr, &best, &query, &unused);
            length = asked_length(best, lp);
        }
        Room<T> room(length);
        for_each_matrix(batch.count, lapack_work(static_cast<double>(m * p) * static_cast<double>(k)),
                        [&](int64_t i, int worker) {
                            const T* matrix = from + i * m * n;
                            T* triangle = pr + i * p * n;
                            for (int64_t j = 0; j < n; ++j)
                                for (int64_t l = 0; l < p; ++l)
                                    triangle[j * p + l] = l <= j ? matrix[j * m + l] : T(0);
                            if (!with_q || p == 0) return;
                            T* basis = pq + i * m * p;
                            if constexpr (std::is_floating_point_v<T>)
                                if (m <= kFewRows)
                                    return product_of_reflections(matrix, scales + i * k, m, p, k, basis);
                            std::fill(basis, basis + m * p, T(0));
                            std::copy(matrix, matrix + m * k, basis);
                            lapack::Int rows = lm, columns = lp, reflections = lk, lead = lm, work = length,
                                        info = 0;
                            f.orgqr(&rows, &columns, &reflections, basis, &lead, scales + i * k,
                                    room.of(worker), &work, &info);
                        });
    });
    return {q, r};
}

}  // namespace pb::decompose
