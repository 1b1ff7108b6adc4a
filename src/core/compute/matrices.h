// Batches of matrices, as LAPACK takes them.
//
// The last two dimensions of an array are a matrix, those before are its batch. LAPACK wants columns that are contiguous;
// so results lie column by column, one matrix behind the other (`by_columns`), and an operand is brought there matrix by
// matrix, in the same loop that decomposes it, while it is in the cache. Threads share the batch, never a matrix, and the
// library keeps to one thread. Batches of several operands broadcast (compute/batches.h).
#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include "array/array.h"
#include "array/checked.h"
#include "array/visit.h"
#include "compute/batches.h"
#include "library/forks.h"
#include "library/lapack.h"
#include "program/interrupt.h"
#include "program/program.h"
#include "program/threads.h"
#include "program/unlocked.h"

namespace pb {

using Arrays = Small<Array, 4>;

inline int64_t row_count(const Array& a) { return a.size(a.ndim() - 2); }
inline int64_t column_count(const Array& a) { return a.size(a.ndim() - 1); }
// An array of which the last two dimensions lie column by column.
Array by_columns(DType dtype, const Dims& shape);
// A size as LAPACK counts; raises where it cannot.
lapack::Int lapack_size(int64_t n);

// to(i, j) = from(i, j), `to` column by column, `lead` apart.
template <class T>
inline void read_columns(const T* from, int64_t row_step, int64_t column_step, int64_t m, int64_t n, T* to,
                         int64_t lead) {
    if (row_step == 1 && column_step == m && lead == m) {
        std::copy(from, from + m * n, to);
        return;
    }
    for (int64_t j = 0; j < n; ++j)
        for (int64_t i = 0; i < m; ++i) to[j * lead + i] = from[i * row_step + j * column_step];
}
template <class T> inline void read_columns(const T* from, const Array& like, T* to, int64_t lead) {
    const int64_t d = like.ndim();
    read_columns(from, like.stride(d - 2), like.stride(d - 1), row_count(like), column_count(like), to, lead);
}
template <class T> inline void read_columns(const T* from, const Array& like, T* to) {
    read_columns(from, like, to, row_count(like));
}

// Calls each(i, worker) for every matrix of a batch, on all threads; one takes so many nanoseconds. Ctrl-C is heard
// between matrices: whatever `each` writes can be written anew.
template <class F> void for_each_matrix(int64_t count, double nanoseconds, F&& each) {
    constexpr double kShared = 2e4;  // nanoseconds that are worth a chunk
    const double all = nanoseconds * static_cast<double>(count);
    const int64_t group = std::max<int64_t>(1, static_cast<int64_t>(kShared / (nanoseconds + 1)));
    with_interrupts([&] {
        Interruptible scope(all);
        blas::Beside forks(all > 1e6);
        Unlocked free(all > 1e6);
        auto some = [&](int64_t from, int64_t to, int worker) {
            for (int64_t i = from; i < to && !scope.interrupted(); ++i) {
                blas::Call call;
                each(i, worker);
            }
        };
        if (count <= group) some(0, count, 0);
        else
            parallel((count + group - 1) / group, all, [&](int64_t chunk, int worker) {
                some(chunk * group, std::min(count, (chunk + 1) * group), worker);
            });
        if (scope.interrupted()) throw Interrupted();
    });
}

// Room for each thread to work in.
template <class T> class Room {
  public:
    explicit Room(int64_t each)
        : each_(std::max<int64_t>(each, 1)), all_(static_cast<size_t>(checked_mul(each_, thread_count()))) {}
    T* of(int worker) { return all_.data() + each_ * worker; }

  private:
    int64_t each_;
    std::vector<T> all_;
};

template <class T> T real_part(T x) { return x; }
template <class T> T real_part(Complex<T> x) { return x.re; }
template <class T> T conjugate(T x) { return x; }
template <class T> Complex<T> conjugate(Complex<T> x) { return {x.re, -x.im}; }
template <class T> double size_of(T x) { return std::abs(static_cast<double>(x)); }
template <class T> double size_of(Complex<T> x) { return std::hypot(double{x.re}, double{x.im}); }

// Functions of LAPACK take room for reals where matrices are complex: calls f with it, or with nothing.
template <class T, class R, class F> void with_reals(R* reals, F&& f) {
    if constexpr (is_complex_v<T>) f(reals);
    else f();
}

// How many elements LAPACK has asked for, in the first of them.
template <class T> lapack::Int asked_length(T best, lapack::Int least = 1) {
    return std::max(static_cast<lapack::Int>(real_part(best)), std::max<lapack::Int>(least, 1));
}

// Nanoseconds of so many multiplications in LAPACK, and of calling it.
inline double lapack_work(double multiplications) { return 300 + 0.3 * multiplications; }
inline double cube(int64_t n) {
    return static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(n);
}

}  // namespace pb
