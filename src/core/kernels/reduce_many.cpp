// Many reductions side by side: of the rows of a matrix, and of its columns. Each result has the bits of `reduce`.
#include "core/kernels/reduce_tree.h"

namespace pb {
namespace {

// Rows of fewer elements than lanes pay: a row is a lane, and takes its elements one by one. With the length known to
// the compiler, loads become shuffles.
template <class Op, class T, int length>
PB_NOINLINE void shorter(const typename Stored<T>::type* in, int64_t rows, int64_t n,
                         typename Op::Value* out) {
    constexpr int block = 64;
    if (length) n = length;
    for (int64_t r = 0; r < rows; r += block, in += block * n, out += block) {
        const int64_t m = rows - r < block ? rows - r : block;
        typename Op::Value value[block];
        for (int j = 0; j < block; ++j) value[j] = Op::identity();
        for (int64_t k = 0; k < n; ++k) {
#pragma omp simd
            for (int64_t j = 0; j < m; ++j) value[j] = combine<Op>(value[j], Stored<T>::load(in[j * n + k]));
        }
        for (int64_t j = 0; j < m; ++j) out[j] = value[j];
    }
}

template <class Op, class T> void rows(const void* from, int64_t count, int64_t n, void* to) {
    auto in = static_cast<const typename Stored<T>::type*>(from);
    auto out = static_cast<typename Op::Value*>(to);
    if constexpr (is_float_v<T>) {
        if (n == 2) return shorter<Op, T, 2>(in, count, n, out);
        if (n == 3) return shorter<Op, T, 3>(in, count, n, out);
        if (n == 4) return shorter<Op, T, 4>(in, count, n, out);
    }
    if (n < 16) return shorter<Op, T, 0>(in, count, n, out);
    for (int64_t i = 0; i < count; ++i) out[i] = leaf<Op, T>(in + i * n, n);
}

// A lane of a column is an element of a tile, `lanes` rows of `width`. Rows join it four at a time (where they are
// `apart` elements from each other), so that it is read and written a quarter as often.
template <class Op, class T>
PB_NOINLINE void join(typename Op::Lane* lane, const typename Stored<T>::type* in, int64_t apart,
                      int64_t count, int64_t width, bool first) {
    using Lane = typename Op::Lane;
    constexpr Lane identity = static_cast<Lane>(Op::identity());
    auto at = [](const typename Stored<T>::type& x) { return Stored<T>::load(x); };
    if (count == 4 && first) {
#pragma omp simd
        for (int64_t e = 0; e < width; ++e)
            lane[e] = Op::step(
                Op::step(Op::step(Op::step(identity, at(in[e])), at(in[apart + e])), at(in[2 * apart + e])),
                at(in[3 * apart + e]));
    } else if (count == 4) {
#pragma omp simd
        for (int64_t e = 0; e < width; ++e)
            lane[e] = Op::step(
                Op::step(Op::step(Op::step(lane[e], at(in[e])), at(in[apart + e])), at(in[2 * apart + e])),
                at(in[3 * apart + e]));
    } else {
        if (first && count > 0) {
#pragma omp simd
            for (int64_t e = 0; e < width; ++e) lane[e] = Op::step(identity, at(in[e]));
            --count;
            in += apart;
        } else if (first) {
            for (int64_t e = 0; e < width; ++e) lane[e] = identity;
        }
        for (; count > 0; --count, in += apart) {
#pragma omp simd
            for (int64_t e = 0; e < width; ++e) lane[e] = Op::step(lane[e], at(in[e]));
        }
    }
}

// The lanes of each column in halves: lane j meets lane j + half.
template <class Op, class T>
PB_NOINLINE void fold_lanes(typename Op::Lane* lane, int64_t lanes, int64_t width, typename Op::Value* out) {
    using Value = typename Op::Value;
    const int64_t span = lanes * width;
    Value* value;
    if constexpr (sizeof(typename Op::Lane) == sizeof(Value)) {
        value = reinterpret_cast<Value*>(lane);
    } else {
        value = reinterpret_cast<Value*>(lane + span + (-span & 63));
        for (int64_t e = 0; e < span; ++e) value[e] = lane[e];
    }
    for (int64_t half = span / 2; half >= width && lanes > 1; half /= 2) {
#pragma omp simd
        for (int64_t e = 0; e < half; ++e) value[e] = Op::merge(value[e], value[e + half]);
    }
    for (int64_t e = 0; e < width; ++e) out[e] = value[e];
}

// A leaf of n rows.
template <class Op, class T, int lanes>
PB_NOINLINE void fold_columns(const char* base, int64_t pitch, const int64_t* offsets, int64_t n,
                              int64_t width, void* space, typename Op::Value* out) {
    using S = typename Stored<T>::type;
    const int64_t span = lanes * width;
    auto lane = static_cast<typename Op::Lane*>(space);
    auto row = [&](int64_t r) {
        return reinterpret_cast<const S*>(base + (offsets ? offsets[r] : r * pitch));
    };
    if (offsets) {
        join<Op, T>(lane, nullptr, 0, 0, span, true);
        for (int64_t r = 0; r < n; ++r) join<Op, T>(lane + r % lanes * width, row(r), 0, 1, width, false);
    } else if (pitch == width * static_cast<int64_t>(sizeof(S))) {
        // Rows lie end to end: the whole tile takes `lanes` of them as one.
        const int64_t whole = n / lanes, rest = n % lanes;
        for (int64_t k = 0; k < whole; k += 4)
            join<Op, T>(lane, row(k * lanes), span, whole - k < 4 ? whole - k : 4, span, k == 0);
        if (rest) join<Op, T>(lane, row(whole * lanes), span, 1, rest * width, false);
    } else {
        const int64_t apart = lanes * pitch / static_cast<int64_t>(sizeof(S));
        for (int64_t k = 0; k < n; k += 4 * lanes)
            for (int64_t r = k; r < n && r < k + lanes; ++r) {
                const int64_t count = (n - r + lanes - 1) / lanes;
                join<Op, T>(lane + (r - k) * width, row(r), apart, count < 4 ? count : 4, width, k == 0);
            }
    }
    fold_lanes<Op, T>(lane, lanes, width, out);
}

template <class Op, class T>
void columns(const void* from, int64_t pitch, const int64_t* offsets, int64_t n, int64_t width, void* space,
             void* to) {
    constexpr int wide = sizeof(T) >= 8 ? 32 : 64;
    auto base = static_cast<const char*>(from);
    auto out = static_cast<typename Op::Value*>(to);
    if (n >= wide) fold_columns<Op, T, wide>(base, pitch, offsets, n, width, space, out);
    else if (n >= 16) fold_columns<Op, T, 8>(base, pitch, offsets, n, width, space, out);
    else fold_columns<Op, T, 1>(base, pitch, offsets, n, width, space, out);
}

template <class Op, class T> void join_lanes(const void* in, int64_t n, void* lanes, int64_t at, bool first) {
    join<Op, T>(static_cast<typename Op::Lane*>(lanes) + at, static_cast<const typename Stored<T>::type*>(in),
                0, 1, n, first);
}

template <class Op, class T> void fold(void* lanes, int64_t count, int64_t width, void* out) {
    fold_lanes<Op, T>(static_cast<typename Op::Lane*>(lanes), count, width,
                      static_cast<typename Op::Value*>(out));
}

// Where the extremes of rows are; a row is a lane here too.
template <class Op, class T> void index_rows(const void* from, int64_t rows, int64_t n, void* to) {
    constexpr int block = 64;
    using Index = typename Either<sizeof(T) == 8, int64_t, int32_t>::type;
    auto in = static_cast<const T*>(from);
    auto out = static_cast<int64_t*>(to);
    for (int64_t r = 0; r < rows; r += block, in += block * n, out += block) {
        const int64_t m = rows - r < block ? rows - r : block;
        T best[block];
        Index where[block];
        for (int64_t j = 0; j < m; ++j) best[j] = in[j * n];
        for (int64_t j = 0; j < m; ++j) where[j] = 0;
        for (Index k = 1; k < n; ++k) {
#pragma omp simd
            for (int64_t j = 0; j < m; ++j) {
                const T x = in[j * n + k];
                const bool better = Op::beats(x, best[j]);
                best[j] = better ? x : best[j];
                where[j] = better ? k : where[j];
            }
        }
        for (int64_t j = 0; j < m; ++j) out[j] = where[j];
    }
}

template <template <class> class Op, class T> void install(Reductions& table, Reduction r) {
    const int k = static_cast<int>(r), d = code_of<T>;
    table.rows[k][d] = rows<Op<T>, T>;
    table.columns[k][d] = columns<Op<T>, T>;
    table.join[k][d] = join_lanes<Op<T>, T>;
    table.fold[k][d] = fold<Op<T>, T>;
}

template <class T> void install_dtype(Reductions& table) {
    install<Sum, T>(table, Reduction::sum);
    install<Prod, T>(table, Reduction::prod);
    install<Any, T>(table, Reduction::any);
    install<All, T>(table, Reduction::all);
    install<CountNonzero, T>(table, Reduction::count_nonzero);
    if constexpr (!is_complex_v<T>) {
        install<Max, T>(table, Reduction::max);
        install<Min, T>(table, Reduction::min);
    }
    if constexpr (!is_bool_v<T> && !is_complex_v<T>) {
        const int d = code_of<T>;
        table.rows[static_cast<int>(Reduction::argmax)][d] = index_rows<Max<T>, T>;
        table.rows[static_cast<int>(Reduction::argmin)][d] = index_rows<Min<T>, T>;
    }
}

}  // namespace

void PB_ISA::install_many_reductions(Reductions& table) {
    each<Family::Any>([&](auto zero) { install_dtype<decltype(zero)>(table); });
}

}  // namespace pb
