// Products of matrices, tile by tile.
//
// A tile is some rows of the result by some vectors of its columns, and stays in registers while it takes its terms: at
// each step the vectors of one row of a factor, each times one element of every row of the other. What a tile reads as
// vectors has to lie in rows; the other factor may lie as it likes. So a small product packs nothing, and that is what it
// gains over a library made for large ones: few rows times a matrix that lies row by row read both where they are. Of
// few rows times a matrix that lies column by column, such as the weight of a layer, not the matrix is turned, but the
// rows and the result: the tile takes the elements of the matrix one by one. With very few rows not even they: vectors
// go along what is summed over, and so they do for very few columns, which would fill a small part of a vector each. Of a
// first factor that lies column by column, and few columns, rows take the part of columns. Only what is read by many tiles is packed, a panel of as many columns as a tile has.
//
// Terms are added in the order of the inner dimension, up to `kDepth` of them, in parts of one size, before they meet the
// result. So an element has the same bits in whichever tile it is, and whoever computes it, except for very few rows or
// columns (`dots`).
#include "core/kernels/products.h"

#include "core/kernels/reduce_tree.h"
#include "core/kernels/vectors.h"

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
template <class T> constexpr int64_t kNarrow = 32 / static_cast<int64_t>(sizeof(T));  // columns

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

// Few columns of rows that lie one after the other in a: rows take the part of columns, and what comes is turned.
template <class T>
void swapped_tiles(const MatrixProduct& p, const T* a, const T* b, int64_t depth, T* c, int64_t m, T beta) {
    constexpr int width = kWidth<T>, span = kVectors * width;
    T* room = static_cast<T*>(p.room);
    alignas(64) T tiles[kRoomiest * span];
    for (int64_t i = 0; i < m; i += span) {
        const int64_t own = m - i < span ? m - i : span;
        const int vectors = static_cast<int>((own + width - 1) / width), step = vectors * width;
        Terms<T> terms{b, p.b_column, p.b_row, a + i, p.a_column, depth};
        if (own != step) {
            pack(terms.v, p.a_column, own, depth, room, step);
            terms.v = room;
            terms.v_step = step;
        }
        column_of_tiles<T>(terms, p.n, vectors, static_cast<T>(p.alpha), T(0), tiles, step);
        // Rows one behind the other are stored as whole vectors: what is too much is overwritten by the next ones.
        int64_t whole = 0;
        if (2 * p.n > kNarrow<T> && beta == 0 && p.c_row == p.n)
            for (; whole + width <= own && (m - i - whole) * p.n >= width * (p.n + 1); whole += width) {
                Vector<T> square[width];
#pragma GCC unroll 16
                for (int j = 0; j < width; ++j)
                    square[j] = j < p.n ? load(tiles + j * step + whole) : Vector<T>{};
                turn_square<T>(square);
#pragma GCC unroll 16
                for (int r = 0; r < width; ++r) store(c + (i + whole + r) * p.n, square[r]);
            }
        for (int64_t j = 0; j < p.n; ++j) {
            const T* from = tiles + j * step;
            T* to = c + i * p.c_row + j;
            if (beta == 0)
                for (int64_t r = whole; r < own; ++r) to[r * p.c_row] = from[r];
            else
                for (int64_t r = whole; r < own; ++r) to[r * p.c_row] = beta * to[r * p.c_row] + from[r];
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
    auto add = [&](const T* x, int64_t x_step, const T* y, int64_t y_step) __attribute__((always_inline)) {
        Vector<T> one[rows];
#pragma GCC unroll 8
        for (int i = 0; i < rows; ++i) one[i] = load(x + i * x_step);
#pragma GCC unroll 8
        for (int j = 0; j < columns; ++j) {
            const Vector<T> other = load(y + j * y_step);
#pragma GCC unroll 8
            for (int i = 0; i < rows; ++i) sum[i][j] += one[i] * other;
        }
    };
    int64_t l = 0;
    for (; l + width <= p.k; l += width) add(a + l, a_row, b + l, b_column);
    if (l < p.k) {  // the last few terms with zeros behind them, so that all sums are made alike
        T x[rows][width] = {}, y[columns][width] = {};
        for (int64_t r = 0; r < p.k - l; ++r) {
            for (int i = 0; i < rows; ++i) x[i][r] = a[i * a_row + l + r];
            for (int j = 0; j < columns; ++j) y[j][r] = b[j * b_column + l + r];
        }
        add(x[0], width, y[0], width);
    }
    constexpr int all = rows * columns, padded = (all + width - 1) / width * width;
    Vector<T> flat[padded] = {};
#pragma GCC unroll 16
    for (int i = 0; i < all; ++i) flat[i] = sum[i / columns][i % columns];
    T sums[padded];
#pragma GCC unroll 8
    for (int i = 0; i < padded; i += width) store(sums + i, totals<T>(flat + i));
    const T alpha = static_cast<T>(p.alpha), beta = static_cast<T>(p.beta);
    for (int i = 0; i < rows; ++i)
        for (int j = 0; j < columns; ++j) {
            T &to = c[i * p.c_row + j], value = alpha * sums[i * columns + j];
            to = beta == 0 ? value : beta * to + value;
        }
}

template <class T, int rows, int columns>
PB_INLINE void last_dots(const MatrixProduct& p, int64_t count, const T* a, const T* b, T* c) {
    if constexpr (columns > 1)
        if (count < columns) return last_dots<T, rows, columns - 1>(p, count, a, b, c);
    if constexpr (columns > 0) dot_tile<T, rows, columns>(p, a, b, c);
}

template <class T, int rows> void dots(const MatrixProduct& p, int64_t first) {
    constexpr int columns = kDotColumns[rows];
    auto a = static_cast<const T*>(p.a) + first * p.a_row, b = static_cast<const T*>(p.b);
    auto c = static_cast<T*>(p.c) + first * p.c_row;
    int64_t j = 0;
    for (; j + columns <= p.n; j += columns) dot_tile<T, rows, columns>(p, a, b + j * p.b_column, c + j);
    if (j < p.n) last_dots<T, rows, columns - 1>(p, p.n - j, a, b + j * p.b_column, c + j);
}

template <class T> void dots(const MatrixProduct& p, int64_t first, int64_t rows) {
    if (rows == 1) return dots<T, 1>(p, first);
    if (rows == 2) return dots<T, 2>(p, first);
    if (rows == 3) return dots<T, 3>(p, first);
    dots<T, 4>(p, first);
}

// Few rows or few columns, which are turned first if they do not lie along what is summed over.
template <class T> void narrow_dots(const MatrixProduct& p, const T* a, const T* b, int64_t depth, T beta) {
    MatrixProduct part = p;
    part.k = depth;
    part.a = a;
    part.b = b;
    part.beta = static_cast<double>(beta);
    T* room = static_cast<T*>(p.room);
    auto along = [depth, room](const T* from, int64_t step, int64_t count) {
        for (int64_t l = 0; l < depth; ++l)
            for (int64_t j = 0; j < count; ++j) room[j * depth + l] = from[l * step + j];
    };
    if (p.b_row != 1) {
        along(b, p.b_row, p.n);
        part.b = room;
        part.b_column = depth;
    } else if (p.a_column != 1) {
        along(a, p.a_column, p.m);
        part.a = room;
        part.a_row = depth;
    }
    int64_t i = 0;
#if defined(__AVX512F__)
    if (p.n <= 2) {  // as many sums, in more rows
        constexpr int rows = 2 * kDotRows;
        const auto some = p.n == 1 ? dot_tile<T, rows, 1> : dot_tile<T, rows, 2>;
        for (; i + rows <= p.m; i += rows)
            some(part, static_cast<const T*>(part.a) + i * part.a_row, static_cast<const T*>(part.b),
                 static_cast<T*>(p.c) + i * p.c_row);
    }
#endif
    for (; i + kDotRows <= p.m; i += kDotRows) dots<T, kDotRows>(part, i);
    if (i < p.m) dots<T>(part, i, p.m - i);
}

// Of two vectors, in as many sums as the processor adds while it waits for the first.
template <class T> PB_NOINLINE T dot(const T* x, const T* y, int64_t n) {
    constexpr int width = kWidth<T>, sums = 8;
    Vector<T> sum[sums] = {};
    int64_t i = 0;
    for (; i + sums * width <= n; i += sums * width)
#pragma GCC unroll 8
        for (int j = 0; j < sums; ++j) sum[j] += load(x + i + j * width) * load(y + i + j * width);
    for (; i + width <= n; i += width) sum[0] += load(x + i) * load(y + i);
#pragma GCC unroll 4
    for (int half = sums / 2; half; half /= 2)
#pragma GCC unroll 4
        for (int j = 0; j < half; ++j) sum[j] += sum[j + half];
    T parts[width];
    store(parts, sum[0]);
    for (int half = width / 2; half; half /= 2)
        for (int j = 0; j < half; ++j) parts[j] += parts[j + half];
    for (; i < n; ++i) parts[0] += x[i] * y[i];
    return parts[0];
}

template <class T> void multiply(const MatrixProduct& p) {
    constexpr int width = kWidth<T>;
    // Whether rows of b lie one after the other, and whether those of a do along its columns.
    const bool by_columns = p.b_column != 1 && p.b_row == 1, upright = p.a_row == 1 && p.a_column != 1;
    const bool along = p.a_column == 1 && p.k >= width;
    if (by_columns && along && p.m <= (p.k >= kLongDot ? 2 * kDotRows : kDotRows)) {
        const int64_t first = p.m > kDotRows ? p.m - p.m / 2 : p.m;
        dots<T>(p, 0, first);
        if (first < p.m) dots<T>(p, first, p.m - first);
        return;
    }
    const bool few_columns = p.n <= kNarrow<T>, few_rows = p.m <= kNarrow<T>;
    const bool dots = p.k >= kLongDot && (p.a_column == 1 ? few_columns : upright && by_columns && few_rows),
               swaps = few_columns && upright && p.m > p.n;
    const bool turns = by_columns && p.m <= kVectors * width && p.m * (p.k + p.n) < p.n * p.k;
    auto a = static_cast<const T*>(p.a), b = static_cast<const T*>(p.b);
    const int64_t panels = (p.k + kDepth - 1) / kDepth, deepest = (p.k + panels - 1) / panels;
    for (int64_t l = 0; l < p.k; l += deepest) {
        const int64_t depth = p.k - l < deepest ? p.k - l : deepest;
        const T beta = l ? T(1) : static_cast<T>(p.beta);
        const T *some = a + l * p.a_column, *others = b + l * p.b_row;
        if (dots) {
            narrow_dots<T>(p, some, others, depth, beta);
            continue;
        }
        if (swaps) {
            swapped_tiles<T>(p, some, others, depth, static_cast<T*>(p.c), p.m, beta);
            continue;
        }
        if (turns) {
            turned_tiles<T>(p, some, others, depth, beta);
            continue;
        }
        for (int64_t i = 0; i < p.m; i += kTall)
            plain_tiles<T>(p, some + i * p.a_row, others, depth, static_cast<T*>(p.c) + i * p.c_row,
                           p.m - i < kTall ? p.m - i : kTall, beta);
    }
}

template <class T> void install(ProductKernels& k) {
    k.multiply[code_of<T>] = multiply<T>;
    k.dot[code_of<T>] = [](const void* x, const void* y, int64_t n, void* sum) {
        *static_cast<T*>(sum) = dot(static_cast<const T*>(x), static_cast<const T*>(y), n);
    };
}

#endif

}  // namespace

void PB_ISA::install_products([[maybe_unused]] ProductKernels& k) {
#if defined(__AVX2__)
    install<float>(k);
    install<double>(k);
#endif
}

}  // namespace pb
