// Products of matrices, tile by tile.
//
// A tile is some rows of the result by some vectors of its columns, and stays in registers while it takes its terms: at
// each step the vectors of one row of a factor, each times one element of every row of the other. What a tile reads as
// vectors has to lie in rows; the other factor may lie as it likes. So a small product packs nothing, and that is what it
// gains over a library made for large ones: few rows times a matrix that lies row by row read both where they are. Of
// few rows times a matrix that lies column by column, such as the weight of a layer, not the matrix is turned, but the
// rows and the result: the tile takes the elements of the matrix one by one. With very few rows not even they: vectors
// go along what is summed over. Only what is read by many tiles is packed, a panel of as many columns as a tile has.
//
// Terms are added in the order of the inner dimension, `kDepth` of them before they meet the result. So an element has
// the same bits in whichever tile it is, and whoever computes it, except for very few rows (`dots`).
#include "core/kernels/products.h"

#include "core/kernels/reduce_tree.h"

namespace pb {
namespace {

#if defined(__AVX2__)

constexpr int64_t kDepth = 256;  // terms of a panel, which fits into the second cache
constexpr int64_t kTall = 384;   // rows of the first factor that stay in the cache beside it
#if defined(__AVX512F__)
constexpr int kVectors = 4;  // of a tile
constexpr int kMostRows[] = {0, 12, 12, 8, 6};
constexpr int kDotColumns[] = {0, 8, 8, 5, 4};
#else
constexpr int kVectors = 2;
constexpr int kMostRows[] = {0, 12, 6};
constexpr int kDotColumns[] = {0, 8, 4, 2, 2};
#endif
constexpr int kDotRows = 4;
constexpr int64_t kLongDot = 64;  // that is worth its sum in the end also with twice as many rows
constexpr int kRoomiest = 12;

template <class T> struct Vectors {
    typedef T type __attribute__((vector_size(PB_VECTOR_BYTES), aligned(alignof(T)), may_alias));
};
template <class T> using Vector = typename Vectors<T>::type;
template <class T> constexpr int kWidth = PB_VECTOR_BYTES / static_cast<int>(sizeof(T));
template <class T> PB_INLINE Vector<T> load(const T* x) { return *reinterpret_cast<const Vector<T>*>(x); }
template <class T> PB_INLINE void store(T* x, Vector<T> v) { *reinterpret_cast<Vector<T>*>(x) = v; }

template <class T> PB_INLINE void put(T* to, Vector<T> sum, T alpha, T beta) {
    store(to, beta == 0 ? alpha * sum : beta * load(to) + alpha * sum);
}

// What tiles read: elements of rows, and vectors.
template <class T> struct Terms {
    const T* x;
    int64_t x_row, x_step;
    const T* v;
    int64_t v_step, depth;
};

template <class T, int rows, int vectors>
PB_NOINLINE void tile(const Terms<T>& terms, T alpha, T beta, T* to, int64_t step) {
    constexpr int width = kWidth<T>;
    const int64_t x_row = terms.x_row, x_step = terms.x_step, v_step = terms.v_step;
    const T *x = terms.x, *v = terms.v;
    Vector<T> sum[rows][vectors] = {};
    for (int64_t l = terms.depth; l > 0; --l, x += x_step, v += v_step) {
        Vector<T> factor[vectors];
#pragma GCC unroll 4
        for (int j = 0; j < vectors; ++j) factor[j] = load(v + j * width);
#pragma GCC unroll 12
        for (int i = 0; i < rows; ++i) {
            const T one = x[i * x_row];
#pragma GCC unroll 4
            for (int j = 0; j < vectors; ++j) sum[i][j] += one * factor[j];
        }
    }
    if (beta == 0) {  // asked once: a question before every vector takes a twentieth of a short product
#pragma GCC unroll 12
        for (int i = 0; i < rows; ++i)
#pragma GCC unroll 4
            for (int j = 0; j < vectors; ++j) store(to + i * step + j * width, alpha * sum[i][j]);
        return;
    }
#pragma GCC unroll 12
    for (int i = 0; i < rows; ++i)
#pragma GCC unroll 4
        for (int j = 0; j < vectors; ++j) {
            T* at = to + i * step + j * width;
            store(at, beta * load(at) + alpha * sum[i][j]);
        }
}

template <class T> using Tile = void (*)(const Terms<T>&, T, T, T*, int64_t);
template <class T, int vectors, int rows = kMostRows[vectors]> PB_INLINE Tile<T> tile_of(int64_t count) {
    if constexpr (rows > 0)
        return count == rows ? tile<T, rows, vectors> : tile_of<T, vectors, rows - 1>(count);
    else return nullptr;
}
template <class T> Tile<T> tile_of(int64_t rows, int vectors) {
    if (vectors == 1) return tile_of<T, 1>(rows);
#if defined(__AVX512F__)
    if (vectors == 3) return tile_of<T, 3>(rows);
    if (vectors == 4) return tile_of<T, 4>(rows);
#endif
    return tile_of<T, 2>(rows);
}

// `count` rows of as many vectors, in tiles of about the same size.
template <class T>
void column_of_tiles(Terms<T> terms, int64_t count, int vectors, T alpha, T beta, T* to, int64_t step) {
    const int64_t most = kMostRows[vectors], tiles = (count + most - 1) / most;
    const int64_t rows = count / tiles, longer = count % tiles;  // so many have one row more
    auto take = [&](int64_t own, int64_t times) {
        if (!times) return;
        const Tile<T> one = tile_of<T>(own, vectors);
        for (; times; --times) {
            one(terms, alpha, beta, to, step);
            terms.x += own * terms.x_row;
            to += own * step;
        }
    };
    take(rows + 1, longer);
    take(rows, tiles - longer);
}

// ---- turning: a square of vectors, by rounds in which the halves of the rows are shuffled into each other ----

template <int... i> struct Numbers {};
template <int n, int... i> struct Count : Count<n - 1, n - 1, i...> {};
template <int... i> struct Count<0, i...> { using type = Numbers<i...>; };

template <bool upper, class T, int... i>
PB_INLINE Vector<T> interleaved(Vector<T> a, Vector<T> b, Numbers<i...>) {
    constexpr int width = sizeof...(i), from = upper ? width / 2 : 0;
#if defined(__clang__) || __GNUC__ >= 12
    return __builtin_shufflevector(a, b, (from + i / 2 + i % 2 * width)...);
#else
    typedef typename Either<sizeof(T) == 8, int64_t, int32_t>::type Index
        __attribute__((vector_size(PB_VECTOR_BYTES)));
    return __builtin_shuffle(a, b, Index{(from + i / 2 + i % 2 * width)...});
#endif
}

template <class T> PB_INLINE void turn_square(Vector<T>* x) {
    constexpr int width = kWidth<T>;
    using All = typename Count<width>::type;
    Vector<T> y[width];
#pragma GCC unroll 4
    for (int round = 1; round < width; round *= 2) {
#pragma GCC unroll 8
        for (int i = 0; i < width / 2; ++i) {
            y[2 * i] = interleaved<false, T>(x[i], x[i + width / 2], All{});
            y[2 * i + 1] = interleaved<true, T>(x[i], x[i + width / 2], All{});
        }
#pragma GCC unroll 16
        for (int i = 0; i < width; ++i) x[i] = y[i];
    }
}

// to[l * step + j] = from[j * from_step + l] for l < depth and j < count; for j up to the next whole vector 0.
template <class T>
PB_NOINLINE void turn(const T* from, int64_t from_step, int64_t count, int64_t depth, T* to, int64_t step) {
    constexpr int width = kWidth<T>;
    for (int64_t j = 0; j < count; j += width) {
        const int64_t own = count - j < width ? count - j : width;
        int64_t l = 0;
        if (own == width)
            for (; l + width <= depth; l += width) {
                Vector<T> square[width];
#pragma GCC unroll 16
                for (int i = 0; i < width; ++i) square[i] = load(from + (j + i) * from_step + l);
                turn_square<T>(square);
#pragma GCC unroll 16
                for (int i = 0; i < width; ++i) store(to + (l + i) * step + j, square[i]);
            }
        for (; l < depth; ++l) {
            T* row = to + l * step + j;
            for (int64_t i = 0; i < width; ++i) row[i] = i < own ? from[(j + i) * from_step + l] : T(0);
        }
    }
}

// Rows of b, `count` elements of each, for tiles. What fills the last vector is not used: the next rows do, if there are any.
template <class T>
void pack(const T* from, int64_t from_step, int64_t count, int64_t depth, T* to, int64_t step) {
    constexpr int width = kWidth<T>;
    for (int64_t l = 0; l < depth; ++l, from += from_step, to += step) {
        int64_t j = 0;
        for (; j + width <= count; j += width) store(to + j, load(from + j));
        if (j == count) continue;
        if ((depth - 1 - l) * from_step >= j + width - count) store(to + j, load(from + j));
        else
            for (int64_t i = 0; i < width; ++i) to[j + i] = j + i < count ? from[j + i] : T(0);
    }
}

// ---- the ways through a product ----

// Few rows times columns that lie one after the other: columns take the part of rows, and what comes is turned.
template <class T> void turned_tiles(const MatrixProduct& p, const T* a, const T* b, int64_t depth, T beta) {
    constexpr int width = kWidth<T>;
    const int vectors = static_cast<int>((p.m + width - 1) / width), step = vectors * width;
    T* room = static_cast<T*>(p.room);
    if (p.a_column == 1) turn(a, p.a_row, p.m, depth, room, step);
    else
        for (int64_t l = 0; l < depth; ++l)
            for (int64_t i = 0; i < step; ++i)
                room[l * step + i] = i < p.m ? a[i * p.a_row + l * p.a_column] : T(0);
    alignas(64) T tiles[kVectors * width * width];
    for (int64_t j = 0; j < p.n; j += width) {
        const int64_t own = p.n - j < width ? p.n - j : width;
        column_of_tiles<T>({b + j * p.b_column, p.b_column, p.b_row, room, step, depth}, own, vectors,
                           static_cast<T>(p.alpha), T(0), tiles, step);
        T* to = static_cast<T*>(p.c) + j;
        for (int64_t i = 0; i < p.m; i += width) {
            const int64_t rows = p.m - i < width ? p.m - i : width;
            if (own == width) {
                Vector<T> square[width];
#pragma GCC unroll 16
                for (int r = 0; r < width; ++r) square[r] = load(tiles + r * step + i);
                turn_square<T>(square);
                for (int64_t r = 0; r < rows; ++r) put(to + (i + r) * p.c_row, square[r], T(1), beta);
                continue;
            }
            for (int64_t r = 0; r < rows; ++r)
                for (int64_t s = 0; s < own; ++s) {
                    T& c = to[(i + r) * p.c_row + s];
                    c = beta == 0 ? tiles[s * step + i + r] : beta * c + tiles[s * step + i + r];
                }
        }
    }
}

template <class T>
void plain_tiles(const MatrixProduct& p, const T* a, const T* b, int64_t depth, T* c, int64_t m, T beta) {
    constexpr int width = kWidth<T>;
    const T alpha = static_cast<T>(p.alpha);
    T* room = static_cast<T*>(p.room);
    int most = kVectors;  // vectors of a tile: fewer where one tile then has all rows
    while (most > 2 && kMostRows[most] < m && m <= kRoomiest) --most;
    const int64_t span = most * width;
    for (int64_t j = (p.n - 1) / span * span; j >= 0; j -= span) {  // the last first: see below
        const int64_t own = p.n - j < span ? p.n - j : span;
        const int vectors = static_cast<int>((own + width - 1) / width), step = vectors * width;
        Terms<T> terms{a, p.a_row, p.a_column, b + j * p.b_column, p.b_row, depth};
        if (p.b_column != 1 || own != step || m > 32) {
            if (p.b_column == 1) pack(terms.v, p.b_row, own, depth, room, step);
            else turn(terms.v, p.b_column, own, depth, room, step);
            terms.v = room;
            terms.v_step = step;
        }
        // The last tiles reach beyond the rows of the result. Where these lie one behind the other, what is too much falls
        // on what is written later.
        int64_t direct = own == step ? m : 0;
        if (own != step && beta == 0 && p.c_row == p.n && m * p.n >= j + step)
            direct = (m * p.n - j - step) / p.n + 1;
        if (direct) column_of_tiles<T>(terms, direct, vectors, alpha, beta, c + j, p.c_row);
        terms.x += direct * p.a_row;
        alignas(64) T tiles[kRoomiest * kVectors * width];
        for (int64_t i = direct; i < m; i += kRoomiest) {
            const int64_t rows = m - i < kRoomiest ? m - i : kRoomiest;
            column_of_tiles<T>(terms, rows, vectors, alpha, T(0), tiles, step);
            terms.x += rows * p.a_row;
            for (int64_t r = 0; r < rows; ++r) {
                const T* from = tiles + r * step;
                T* to = c + (i + r) * p.c_row + j;
                int64_t s = 0;
                for (; s + width <= own; s += width) put(to + s, load(from + s), T(1), beta);
                for (; s < own; ++s) to[s] = beta == 0 ? from[s] : beta * to[s] + from[s];
            }
        }
    }
}

// ---- very few rows times columns that lie one after the other: vectors go along them ----

// The sums of the elements of `width` vectors, in their order: halves are shuffled into each other and added.
template <class T> PB_INLINE Vector<T> totals(Vector<T>* x) {
    using All = typename Count<kWidth<T>>::type;
#pragma GCC unroll 4
    for (int half = kWidth<T> / 2; half; half /= 2)
#pragma GCC unroll 8
        for (int i = 0; i < half; ++i)
            x[i] = interleaved<false, T>(x[i], x[i + half], All{}) +
                   interleaved<true, T>(x[i], x[i + half], All{});
    return x[0];
}

template <class T, int rows, int columns>
PB_NOINLINE void dot_tile(const MatrixProduct& p, const T* a, const T* b, T* c) {
    constexpr int width = kWidth<T>;
    const int64_t a_row = p.a_row, b_column = p.b_column;
    Vector<T> sum[rows][columns] = {};
    int64_t l = 0;
    for (; l + width <= p.k; l += width) {
        Vector<T> one[rows];
#pragma GCC unroll 4
        for (int i = 0; i < rows; ++i) one[i] = load(a + i * a_row + l);
#pragma GCC unroll 8
        for (int j = 0; j < columns; ++j) {
            const Vector<T> other = load(b + j * b_column + l);
#pragma GCC unroll 4
            for (int i = 0; i < rows; ++i) sum[i][j] += one[i] * other;
        }
    }
    constexpr int all = rows * columns, padded = (all + width - 1) / width * width;
    Vector<T> flat[padded] = {};
#pragma GCC unroll 16
    for (int i = 0; i < all; ++i) flat[i] = sum[i / columns][i % columns];
    T sums[padded];
#pragma GCC unroll 8
    for (int i = 0; i < padded; i += width) store(sums + i, totals<T>(flat + i));
    for (; l < p.k; ++l)
        for (int i = 0; i < all; ++i) sums[i] += a[i / columns * a_row + l] * b[i % columns * b_column + l];
    const T alpha = static_cast<T>(p.alpha), beta = static_cast<T>(p.beta);
    for (int i = 0; i < rows; ++i)
        for (int j = 0; j < columns; ++j) {
            T &to = c[i * p.c_row + j], value = alpha * sums[i * columns + j];
            to = beta == 0 ? value : beta * to + value;
        }
}

template <class T, int rows> void dots(const MatrixProduct& p, int64_t first) {
    constexpr int columns = kDotColumns[rows];
    auto a = static_cast<const T*>(p.a) + first * p.a_row, b = static_cast<const T*>(p.b);
    auto c = static_cast<T*>(p.c) + first * p.c_row;
    int64_t j = 0;
    for (; j + columns <= p.n; j += columns) dot_tile<T, rows, columns>(p, a, b + j * p.b_column, c + j);
    for (; j < p.n; ++j) dot_tile<T, rows, 1>(p, a, b + j * p.b_column, c + j);
}

template <class T> void dots(const MatrixProduct& p, int64_t first, int64_t rows) {
    if (rows == 1) return dots<T, 1>(p, first);
    if (rows == 2) return dots<T, 2>(p, first);
    if (rows == 3) return dots<T, 3>(p, first);
    dots<T, 4>(p, first);
}

template <class T> void multiply(const MatrixProduct& p) {
    constexpr int width = kWidth<T>;
    const bool by_columns = p.b_column != 1 && p.b_row == 1;
    if (by_columns && p.a_column == 1 && p.m <= (p.k >= kLongDot ? 2 * kDotRows : kDotRows)) {
        const int64_t first = p.m > kDotRows ? p.m - p.m / 2 : p.m;
        dots<T>(p, 0, first);
        if (first < p.m) dots<T>(p, first, p.m - first);
        return;
    }
    const bool turns = by_columns && p.m <= kVectors * width && p.m * (p.k + p.n) < p.n * p.k;
    auto a = static_cast<const T*>(p.a), b = static_cast<const T*>(p.b);
    for (int64_t l = 0; l < p.k; l += kDepth) {
        const int64_t depth = p.k - l < kDepth ? p.k - l : kDepth;
        const T beta = l ? T(1) : static_cast<T>(p.beta);
        const T *some = a + l * p.a_column, *others = b + l * p.b_row;
        if (turns) {
            turned_tiles<T>(p, some, others, depth, beta);
            continue;
        }
        for (int64_t i = 0; i < p.m; i += kTall)
            plain_tiles<T>(p, some + i * p.a_row, others, depth, static_cast<T*>(p.c) + i * p.c_row,
                           p.m - i < kTall ? p.m - i : kTall, beta);
    }
}

#endif

}  // namespace

void PB_ISA::install_products([[maybe_unused]] ProductKernels& k) {
#if defined(__AVX2__)
    k.multiply[static_cast<int>(DType::Float32)] = multiply<float>;
    k.multiply[static_cast<int>(DType::Float64)] = multiply<double>;
#endif
}

}  // namespace pb
