// Distances between the rows of two matrices, which are points, and the two sums over differences that their derivatives
// are made of. With d_ijk = a_ik - b_jk, of an order of 1 or 2:
//
//   distances             D_ij = sum over k of |d_ijk|,  or the root of the sum of d_ijk^2
//   slopes_along_points   S_ij = sum over k of y_ik sign(d_ijk),  or of y_ik d_ijk
//   slopes_across_points  R_ik = sum over j of w_ij sign(d_ijk),  or of w_ij d_ijk
//
// Differences are taken, never products of the points: of points that are near to each other, and far from 0, products
// would leave nothing. Nothing of the size of d is kept. The points of b are turned, so that a coordinate of all of them
// lies together, as the kernels want it (kernels/distances.h), and taken by blocks that stay in the cache.
#include <cmath>

#include "array/visit.h"
#include "compute/decompositions.h"
#include "kernels/distances.h"

namespace pb::decompose {

namespace {

constexpr int64_t kBlockBytes = 128 << 10, kWidest = 2048;  // of points that rows meet one after the other
constexpr int64_t kRows = 32;                               // whose turn it is before other points come
constexpr double kTerm = 0.15;                              // nanoseconds

template <class T> int64_t bordered(int64_t count) {
    return parts_of(count, kPointBorder<T>) * kPointBorder<T>;
}

// Points (count, dims), coordinate by coordinate; behind the last one are zeros.
template <class T> void turn(const T* from, int64_t count, int64_t dims, T* to) {
    const int64_t lead = bordered<T>(count);
    for (int64_t k = 0; k < dims; ++k, to += lead) {
        for (int64_t j = 0; j < count; ++j) to[j] = from[j * dims + k];
        std::fill(to + count, to + lead, T{0});
    }
}

// What all three have.
template <class T> struct Points {
    Array a, b;
    int64_t rows, count, dims;
    Points(const Array& a, const Array& b)
        : a(contiguous_array(a)),
          b(contiguous_array(b)),
          rows(row_count(a)),
          count(row_count(b)),
          dims(column_count(a)) {}
    int64_t lead() const { return bordered<T>(count); }
    double work(int64_t some) const {  // of so many rows, in nanoseconds
        return kTerm * static_cast<double>(some) * static_cast<double>(dims) * static_cast<double>(count);
    }
};

// Calls each(entry, from, to, worker) for the rows of a in every entry of a batch, some at a time, or whole entries if
// those are small.
template <class T> bool are_small(const Points<T>& p) { return p.work(p.rows) < 1e5; }
template <class T, class F> void for_each_rows(const Batch& batch, const Points<T>& p, F&& each) {
    if (are_small(p))
        return for_each_matrix(batch.count, p.work(p.rows),
                               [&](int64_t entry, int worker) { each(entry, 0, p.rows, worker); });
    const int64_t parts = parts_of(p.rows, kRows);
    for_each_matrix(batch.count * parts, p.work(kRows), [&](int64_t i, int worker) {
        const int64_t first = i % parts * kRows;
        each(i / parts, first, std::min(p.rows, first + kRows), worker);
    });
}

// The same with points b, operand `number` of the batch, turned: each(entry, from, to, turned).
template <class T, class F>
void for_each_turned(const Batch& batch, const Points<T>& p, size_t number, F&& each) {
    auto turn_into = [&](int64_t entry, T* to) {
        turn(p.b.template as<T>() + batch.offset(number, entry), p.count, p.dims, to);
    };
    const int64_t size = checked_mul(p.dims, p.lead());
    if (are_small(p)) {
        Room<T> room(size);
        return for_each_rows(batch, p, [&](int64_t entry, int64_t first, int64_t last, int worker) {
            turn_into(entry, room.of(worker));
            each(entry, first, last, room.of(worker));
        });
    }
    std::vector<T> turned(static_cast<size_t>(size));
    for (int64_t entry = 0; entry < batch.count; ++entry) {
        turn_into(entry, turned.data());
        for_each_matrix(parts_of(p.rows, kRows), p.work(kRows), [&](int64_t part, int) {
            each(entry, part * kRows, std::min(p.rows, (part + 1) * kRows), turned.data());
        });
    }
}

// Calls f(from, to, room) for the points by blocks, with room for something of each point.
template <class T, class F> void for_each_block(int64_t count, int64_t dims, F&& f) {
    T room[kWidest];
    const int64_t fit = kBlockBytes / static_cast<int64_t>(sizeof(T)) / std::max<int64_t>(dims, 1);
    const int64_t width = std::clamp(fit / 64 * 64, int64_t{64}, kWidest);
    for (int64_t from = 0; from < count; from += width) f(from, std::min(count, from + width), room);
}

// Every row i with every block of turned points: each(entry, i, from, to, turned, room), where the block begins.
template <class T, class F>
void for_each_meeting(const Batch& batch, const Points<T>& p, size_t number, F&& each) {
    for_each_turned<T>(batch, p, number, [&](int64_t entry, int64_t first, int64_t last, const T* turned) {
        for_each_block<T>(p.count, p.dims, [&](int64_t from, int64_t to, T* room) {
            for (int64_t i = first; i < last; ++i) each(entry, i, from, to, turned + from, room);
        });
    });
}

// Row i of an operand, of so many elements, in an entry of the batch.
template <class T>
const T* row_of(const Array& x, const Batch& batch, size_t number, int64_t entry, int64_t i) {
    return x.as<T>() + batch.offset(number, entry) + i * column_count(x);
}

// The distance of which the sum of squares is not to be trusted.
template <class T> [[gnu::noinline]] T distance_apart(const T* a, const T* b, int64_t dims) {
    double most = 0;
    for (int64_t k = 0; k < dims; ++k) {
        const double d = std::abs(double{a[k]} - double{b[k]});
        if (std::isnan(d)) return static_cast<T>(d);
        most = std::max(most, d);
    }
    if (most == 0 || std::isinf(most)) return static_cast<T>(most);
    double sum = 0;
    for (int64_t k = 0; k < dims; ++k) {
        const double d = (double{a[k]} - double{b[k]}) / most;
        sum += d * d;
    }
    return static_cast<T>(most * std::sqrt(sum));
}

// Roots of the sums of squares for so many points. Squares vanish, or are infinite, before what they are of.
template <class T> void to_roots(const T* sums, int64_t count, const T* a, const T* b, int64_t dims, T* out) {
    constexpr int64_t kPiece = 64;
    const auto roots = distance_kernels().roots[static_cast<int>(dtype_of<T>())];
    for (int64_t from = 0; from < count; from += kPiece) {
        const int64_t to = std::min(count, from + kPiece);
        if (!roots(sums + from, out + from, to - from)) continue;
        for (int64_t j = from; j < to; ++j)
            if (roots(sums + j, out + j, 1)) out[j] = distance_apart(a, b + j * dims, dims);
    }
}

int kind_of(const Options& options) { return options[0] == 2; }

template <class F> Array by_floats(DType dtype, F&& f) {
    Array result;
    visit<Family::Floats>(dtype, "cdist", [&](auto zero) {
        using T = decltype(zero);
        if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double>) result = f(zero);
        else fail("\"cdist\" not implemented for '{}'", dtype_legacy_name(dtype));
    });
    return result;
}

}  // namespace

Arrays distances(const Arrays& x, const Options& options) {
    return {by_floats(x[0].dtype, [&](auto zero) {
        using T = decltype(zero);
        const Points<T> p(x[0], x[1]);
        const Batch batch({{p.a, 2}, {p.b, 2}});
        const Array result = Array::empty(x[0].dtype, batch.with({p.rows, p.count}));
        if (result.numel() == 0) return result;
        const int kind = kind_of(options);
        const auto sums = distance_kernels().terms[static_cast<int>(result.dtype)][kind];
        for_each_meeting<T>(
            batch, p, 1, [&](int64_t entry, int64_t i, int64_t from, int64_t to, const T* turned, T* room) {
                const T *a = row_of<T>(p.a, batch, 0, entry, i), *b = row_of<T>(p.b, batch, 1, entry, from);
                sums(a, turned, p.lead(), p.dims, to - from, room);
                T* out = result.as<T>() + (entry * p.rows + i) * p.count + from;
                if (kind == 0) std::copy(room, room + (to - from), out);
                else to_roots(room, to - from, a, b, p.dims, out);
            });
        return result;
    })};
}

Arrays slopes_along_points(const Arrays& x, const Options& options) {
    return {by_floats(x[0].dtype, [&](auto zero) {
        using T = decltype(zero);
        const Points<T> p(x[1], x[2]);
        const Array weights = contiguous_array(x[0]);
        const Batch batch({{weights, 2}, {p.a, 2}, {p.b, 2}});
        const Array result = Array::empty(x[0].dtype, batch.with({p.rows, p.count}));
        if (result.numel() == 0) return result;
        const auto sums = distance_kernels().along[static_cast<int>(result.dtype)][kind_of(options)];
        for_each_meeting<T>(
            batch, p, 2, [&](int64_t entry, int64_t i, int64_t from, int64_t to, const T* turned, T* room) {
                sums(row_of<T>(weights, batch, 0, entry, i), row_of<T>(p.a, batch, 1, entry, i), turned,
                     p.lead(), p.dims, to - from, room);
                std::copy(room, room + (to - from), result.as<T>() + (entry * p.rows + i) * p.count + from);
            });
        return result;
    })};
}

Arrays slopes_across_points(const Arrays& x, const Options& options) {
    return {by_floats(x[0].dtype, [&](auto zero) {
        using T = decltype(zero);
        const Points<T> p(x[1], x[2]);
        const Array weights = contiguous_array(x[0]);
        const Batch batch({{weights, 2}, {p.a, 2}, {p.b, 2}});
        const Array result = Array::empty(x[0].dtype, batch.with({p.rows, p.dims}));
        std::fill_n(result.as<T>(), result.numel(), T{0});
        if (result.numel() == 0 || p.count == 0) return result;
        const auto& kernels = distance_kernels();
        const int d = static_cast<int>(result.dtype), kind = kind_of(options);
        auto w = [&](int64_t entry, int64_t i) { return row_of<T>(weights, batch, 0, entry, i); };
        auto a = [&](int64_t entry, int64_t i) { return row_of<T>(p.a, batch, 1, entry, i); };
        auto r = [&](int64_t entry, int64_t i) { return result.as<T>() + (entry * p.rows + i) * p.dims; };
        if (p.dims < kPointBorder<T>) {
            for_each_meeting<T>(batch, p, 2,
                                [&](int64_t entry, int64_t i, int64_t from, int64_t to, const T* turned, T*) {
                                    kernels.across[d][kind](w(entry, i) + from, a(entry, i), turned, p.lead(),
                                                            p.dims, to - from, r(entry, i));
                                });
            return result;
        }
        for_each_rows(batch, p, [&](int64_t entry, int64_t first, int64_t last, int) {
            for_each_block<T>(p.count, p.dims, [&](int64_t from, int64_t to, T*) {
                const T* b = row_of<T>(p.b, batch, 2, entry, from);
                for (int64_t i = first; i < last; ++i)
                    kernels.onto[d][kind](w(entry, i) + from, a(entry, i), b, p.dims, to - from, r(entry, i));
            });
        });
        return result;
    })};
}

}  // namespace pb::decompose
