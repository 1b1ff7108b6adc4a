// Least squares by LAPACK's four drivers: gels (QR, full rank), gelsy (QR with pivots), gelsd and gelss (singular values).
#include <cmath>

#include "compute/decompositions.h"

namespace pb::decompose {

Arrays lstsq(const Arrays& x, const Options& options) {
    enum Driver { kGels, kGelsy, kGelsd, kGelss };
    const Array &a = x[0], &b = x[1];
    const auto driver = static_cast<Driver>(static_cast<int>(options[0]));
    const int64_t m = row_count(a), n = column_count(a), k = std::min(m, n), count = column_count(b),
                  tall = std::max(m, n);
    lapack::Int lm = lapack_size(m), ln = lapack_size(n), lc = lapack_size(count),
                lt = std::max(lapack_size(tall), 1), lead_a = std::max(lm, 1);
    const Batch batch({{a, 2}, {b, 2}});
    const bool by_values = driver == kGelsd || driver == kGelss;
    Array solved = by_columns(a.dtype, batch.with({tall, count})),
          rank = Array::empty(DType::Int64, batch.shape),
          s = Array::empty(part_of(a.dtype), by_values ? batch.with({k}) : Dims{0}),
          info = Array::empty(DType::Int32, batch.shape);
    fill_array(solved, Scalar(0));
    fill_array(rank, Scalar(0));
    fill_array(info, Scalar(0));
    if (m == 0 || n == 0 || count == 0 || batch.count == 0) {
        if (by_values) fill_array(s, Scalar(0));
        return {solved, rank, s, info};
    }
    visit<Family::Fields>(a.dtype, "linalg_lstsq", [&](auto zero) {
        using T = decltype(zero);
        using R = typename PartOf<T>::type;
        const auto& f = lapack::functions<T>();
        const auto limit = static_cast<R>(options[1]);
        auto call = [&](T* pa, T* pb, R* ps, lapack::Int* order, lapack::Int* found, T* work,
                        lapack::Int length, R* reals, lapack::Int* int_work, lapack::Int* failed) {
            lapack::Int r = lm, c = ln, q = lc, lead = lead_a, lead_b = lt;
            R rcond = limit;
            with_reals<T>(reals, [&](auto... reals) {
                switch (driver) {
                    case kGels:
                        return f.gels("N", &r, &c, &q, pa, &lead, pb, &lead_b, work, &length, failed, 1);
                    case kGelsy:
                        return f.gelsy(&r, &c, &q, pa, &lead, pb, &lead_b, order, &rcond, found, work,
                                       &length, reals..., failed);
                    case kGelsd:
                        return f.gelsd(&r, &c, &q, pa, &lead, pb, &lead_b, ps, &rcond, found, work, &length,
                                       reals..., int_work, failed);
                    case kGelss:
                        return f.gelss(&r, &c, &q, pa, &lead, pb, &lead_b, ps, &rcond, found, work, &length,
                                       reals..., failed);
                }
            });
        };
        T best(1);
        R real_best = 1;
        lapack::Int int_best = 1, unused = 0, none = 0;
        call(nullptr, nullptr, nullptr, &unused, &unused, &best, -1, &real_best, &int_best, &none);
        const auto length = asked_length(best);
        Room<T> room(length), matrices(m * n);
        // Only gelsd says how many reals it needs; gelsy and gelss have formulas.
        const int64_t reals = driver == kGelsd ? asked_length(real_best) : std::max(2 * n, 5 * k);
        Room<R> real_room(is_complex_v<T> ? reals : 0);
        Room<lapack::Int> int_room(std::max<int64_t>(int_best, 1)), orders(n);
        T* to = solved.as<T>();
        const double work = static_cast<double>(m * n) * static_cast<double>(k + count);
        for_each_matrix(batch.count, lapack_work(work * (by_values ? 8 : 1)), [&](int64_t i, int worker) {
            T *matrix = matrices.of(worker), *result = to + i * tall * count;
            read_columns(a.as<T>() + batch.offset(0, i), a, matrix);
            std::fill(result, result + tall * count, T(0));
            read_columns(b.as<T>() + batch.offset(1, i), b, result, tall);
            lapack::Int* order = orders.of(worker);
            std::fill(order, order + n, 0);
            lapack::Int found = 0;
            call(matrix, result, by_values ? s.as<R>() + i * k : nullptr, order, &found, room.of(worker),
                 length, real_room.of(worker), int_room.of(worker), info.as<lapack::Int>() + i);
            rank.as<int64_t>()[i] = found;
        });
    });
    return {solved, rank, s, info};
}

}  // namespace pb::decompose
