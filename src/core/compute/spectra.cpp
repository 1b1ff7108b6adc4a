// Eigenvalues of symmetric matrices, and singular values: LAPACK's divide and conquer (syevd, gesdd), after Gu and
// Eisenstat. Eigenvalues of any matrices: geev, by Francis' iteration. Matrices that are not finite are not handed to
// LAPACK, which may not come back; they count as not converged.
#include <cmath>

#include "compute/decompositions.h"

namespace pb::decompose {

namespace {

// Whether all of so many elements are.
template <class T> bool finite(const T* a, int64_t n) {
    using R = typename PartOf<T>::type;
    const auto* parts = reinterpret_cast<const R*>(a);
    R sum = 0;
    for (int64_t i = 0; i < n * static_cast<int64_t>(sizeof(T) / sizeof(R)); ++i) sum += parts[i] * 0;
    return sum == 0;
}

}  // namespace

Arrays eigh(const Arrays& x, const Options& options) {
    const Array& a = x[0];
    const bool upper = options[0] != 0, vectors = options[1] != 0;
    const int64_t n = row_count(a);
    lapack::Int size = lapack_size(n);
    const Batch batch({{a, 2}});
    Array w = Array::empty(part_of(a.dtype), batch.with({n})), info = Array::empty(DType::Int32, batch.shape),
          v = by_columns(a.dtype, vectors ? a.layout->dims() : Dims{0, 0});
    visit<Family::Fields>(a.dtype, "linalg_eigh", [&](auto zero) {
        using T = decltype(zero);
        using R = typename PartOf<T>::type;
        const auto& f = lapack::functions<T>();
        const char* job = vectors ? "V" : "N";
        lapack::Int lead = std::max<lapack::Int>(size, 1);
        // Lengths of the room that it works in: of elements, of reals (complex matrices alone need some), of integers.
        auto run = [&](T* matrix, R* values, T* room, lapack::Int length, R* reals, lapack::Int real_length,
                       lapack::Int* ints, lapack::Int int_length, lapack::Int* failed) {
            lapack::Int rows = size, step = lead;
            if constexpr (is_complex_v<T>)
                f.heevd(job, "L", &rows, matrix, &step, values, room, &length, reals, &real_length, ints,
                        &int_length, failed, 1, 1);
            else
                f.syevd(job, "L", &rows, matrix, &step, values, room, &length, ints, &int_length, failed, 1,
                        1);
        };
        T best(1);
        R best_real = 1;
        lapack::Int best_int = 1, unused = 0;
        run(nullptr, nullptr, &best, -1, &best_real, -1, &best_int, -1, &unused);
        const auto length = asked_length(best), real_length = asked_length(best_real),
                   int_length = std::max(best_int, 1);
        Room<T> room(length), matrices(vectors ? 0 : n * n);
        Room<R> real_room(real_length);
        Room<lapack::Int> int_room(int_length);
        const T* from = a.as<T>();
        R* values = w.as<R>();
        T* to = v.as<T>();
        auto* failed = info.as<lapack::Int>();
        for_each_matrix(batch.count, lapack_work(9 * cube(n)), [&](int64_t i, int worker) {
            T* matrix = vectors ? to + i * n * n : matrices.of(worker);
            read_columns(from + batch.offset(0, i), a, matrix);
            // Only one triangle is read: the other one may hold anything.
            for (int64_t j = 0; j < n; ++j)
                for (int64_t k = j + 1; k < n; ++k)
                    upper ? matrix[j * n + k] = conjugate(matrix[k * n + j])
                          : matrix[k * n + j] = conjugate(matrix[j * n + k]);
            failed[i] = 0;
            if (n == 0) return;
            if (!finite(matrix, n * n)) {
                failed[i] = vectors ? std::max(size - 1, 1) : 1;
                return;
            }
            run(matrix, values + i * n, room.of(worker), length, real_room.of(worker), real_length,
                int_room.of(worker), int_length, failed + i);
        });
    });
    return {w, v, info};
}

Arrays svd(const Arrays& x, const Options& options) {
    const Array& a = x[0];
    const bool full = options[0] != 0, vectors = options[1] != 0;
    const int64_t m = row_count(a), n = column_count(a), k = std::min(m, n), tall = std::max(m, n),
                  mu = full ? m : k, nv = full ? n : k;
    lapack::Int lm = lapack_size(m), ln = lapack_size(n);
    const Batch batch({{a, 2}});
    Array u = by_columns(a.dtype, vectors ? batch.with({m, mu}) : Dims{0, 0}),
          s = Array::empty(part_of(a.dtype), batch.with({k})),
          vh = by_columns(a.dtype, vectors ? batch.with({nv, n}) : Dims{0, 0}),
          info = Array::empty(DType::Int32, batch.shape);
    visit<Family::Fields>(a.dtype, "linalg_svd", [&](auto zero) {
        using T = decltype(zero);
        using R = typename PartOf<T>::type;
        const auto& f = lapack::functions<T>();
        const char* job = !vectors ? "N" : full ? "A" : "S";
        lapack::Int lead = std::max<lapack::Int>(lm, 1), lead_u = lead,
                    lead_v = std::max<lapack::Int>(lapack_size(nv), 1);
        auto run = [&](T* matrix, R* values, T* left, T* right, T* room, lapack::Int length, R* reals,
                       lapack::Int* ints, lapack::Int* failed) {
            lapack::Int rows = lm, columns = ln, step = lead, step_u = lead_u, step_v = lead_v;
            with_reals<T>(reals, [&](auto... reals) {
                f.gesdd(job, &rows, &columns, matrix, &step, values, left, &step_u, right, &step_v, room,
                        &length, reals..., ints, failed, 1);
            });
        };
        auto run_older = [&](T* matrix, R* values, T* left, T* right, T* room, lapack::Int length, R* reals,
                             lapack::Int* failed) {
            lapack::Int rows = lm, columns = ln, step = lead, step_u = lead_u, step_v = lead_v;
            with_reals<T>(reals, [&](auto... reals) {
                f.gesvd(job, job, &rows, &columns, matrix, &step, values, left, &step_u, right, &step_v, room,
                        &length, reals..., failed, 1, 1);
            });
        };
        T best(1);
        lapack::Int unused = 0;
        run(nullptr, nullptr, nullptr, nullptr, &best, -1, nullptr, nullptr, &unused);
        auto length = asked_length(best);
        run_older(nullptr, nullptr, nullptr, nullptr, &best, -1, nullptr, &unused);
        length = asked_length(best, length);
        Room<T> room(length), matrices(m * n);
        Room<R> real_room(is_complex_v<T> ? std::max(5 * k * k + 7 * k, 2 * tall * k + 2 * k * k + k) : 0);
        Room<lapack::Int> int_room(8 * k);
        const T* from = a.as<T>();
        T *pu = u.as<T>(), *pv = vh.as<T>();
        R* ps = s.as<R>();
        auto* failed = info.as<lapack::Int>();
        for_each_matrix(batch.count, lapack_work(10 * static_cast<double>(m * n) * static_cast<double>(k)),
                        [&](int64_t i, int worker) {
                            T *matrix = matrices.of(worker), *left = pu + (vectors ? i * m * mu : 0),
                              *right = pv + (vectors ? i * nv * n : 0);
                            failed[i] = 0;
                            if (k == 0) {  // the bases are any, when there is nothing to decompose
                                for (int64_t j = 0; vectors && j < mu; ++j)
                                    for (int64_t r = 0; r < m; ++r) left[j * m + r] = r == j;
                                for (int64_t j = 0; vectors && j < n; ++j)
                                    for (int64_t r = 0; r < nv; ++r) right[j * nv + r] = r == j;
                                return;
                            }
                            read_columns(from + batch.offset(0, i), a, matrix);
                            if (!finite(matrix, m * n)) {
                                failed[i] = -4;
                                return;
                            }
                            run(matrix, ps + i * k, left, right, room.of(worker), length,
                                real_room.of(worker), int_room.of(worker), failed + i);
                            if (failed[i] <= 0) return;
                            // Rarely divide and conquer does not converge where the older algorithm does.
                            read_columns(from + batch.offset(0, i), a, matrix);
                            run_older(matrix, ps + i * k, left, right, room.of(worker), length,
                                      real_room.of(worker), failed + i);
                        });
    });
    return {u, s, vh, info};
}

Arrays eig(const Arrays& x, const Options& options) {
    const Array& a = x[0];
    const bool vectors = options[1] != 0;
    const int64_t n = row_count(a);
    lapack::Int size = lapack_size(n);
    const Batch batch({{a, 2}});
    const DType fields = complex_of(a.dtype);
    Array w = Array::empty(fields, batch.with({n})), info = Array::empty(DType::Int32, batch.shape),
          v = by_columns(fields, vectors ? a.layout->dims() : Dims{0, 0});
    visit<Family::Fields>(a.dtype, "linalg_eig", [&](auto zero) {
        using T = decltype(zero);
        using R = typename PartOf<T>::type;
        using C = Complex<R>;
        const auto& f = lapack::functions<T>();
        const char* job = vectors ? "V" : "N";
        // Of a real matrix the parts of the values, and of two conjugate vectors the parts, are in arrays of their own.
        auto run = [&](T* matrix, C* values, T* basis, T* room, lapack::Int length, R* reals,
                       lapack::Int* failed) {
            lapack::Int rows = size, step = std::max<lapack::Int>(size, 1), one = 1;
            lapack::Int step_v = vectors ? step : 1;
            if constexpr (is_complex_v<T>)
                f.geev("N", job, &rows, matrix, &step, values, nullptr, &one, basis, &step_v, room, &length,
                       reals, failed, 1, 1);
            else
                f.geev("N", job, &rows, matrix, &step, reals, reals + n, nullptr, &one, basis, &step_v, room,
                       &length, failed, 1, 1);
        };
        Room<R> real_room(2 * n);
        T best(1);
        lapack::Int unused = 0;
        run(nullptr, nullptr, nullptr, &best, -1, real_room.of(0), &unused);
        const auto length = asked_length(best);
        Room<T> room(length), matrices(n * n), bases(vectors && !is_complex_v<T> ? n * n : 0);
        const T* from = a.as<T>();
        C *values = w.as<C>(), *to = v.as<C>();
        auto* failed = info.as<lapack::Int>();
        for_each_matrix(batch.count, lapack_work(25 * cube(n)), [&](int64_t i, int worker) {
            T *matrix = matrices.of(worker), *basis = bases.of(worker);
            C *found = values + i * n, *all = to + (vectors ? i * n * n : 0);
            if constexpr (is_complex_v<T>) basis = all;
            failed[i] = 0;
            if (n == 0) return;
            read_columns(from + batch.offset(0, i), a, matrix);
            if (!finite(matrix, n * n)) {
                failed[i] = 1;
                return;
            }
            R* reals = real_room.of(worker);
            run(matrix, found, basis, room.of(worker), length, reals, failed + i);
            if constexpr (!is_complex_v<T>) {
                for (int64_t j = 0; j < n; ++j) found[j] = {reals[j], reals[n + j]};
                for (int64_t j = 0; vectors && j < n; ++j) {
                    const bool single = reals[n + j] == 0 || j + 1 == n;
                    for (int64_t r = 0; r < n; ++r) {
                        const R im = single ? 0 : basis[(j + 1) * n + r];
                        all[j * n + r] = {basis[j * n + r], im};
                        if (!single) all[(j + 1) * n + r] = {basis[j * n + r], -im};
                    }
                    j += !single;
                }
            }
        });
    });
    return {w, v, info};
}

}  // namespace pb::decompose
