// Line functions: what is done to the lines of a matrix, one after the other, by several threads.
//
// A chunk of work is a number of whole lines that depends on their length only. Many short lines are taken together, so
// that the exponential sees whole blocks; a result depends on its own line all the same.
#pragma once
#include <cmath>
#include <memory>

#include "compute/axes.h"
#include "compute/line_functions.h"
#include "compute/reduce.h"
#include "kernels/kernels.h"
#include "kernels/line_functions.h"
#include "program/program.h"
#include "program/threads.h"

namespace pb {

constexpr int64_t kLineBlock = 2048;      // elements exponentiated by one call
constexpr int64_t kLinesChunk = 1 << 14;  // elements of a chunk of work
constexpr double kExpWork = 0.3;          // nanoseconds an element

// A contiguous array with the reduced dimensions last: its lines are what is reduced.
inline Array reduced_last(const Array& a, const Dims& dims) {
    Dims shape, strides;
    for (int pass = 0; pass < 2; ++pass)
        for (int64_t d = 0; d < a.ndim(); ++d)
            if (std::count(dims.begin(), dims.end(), d - a.ndim()) == pass) {
                shape.push_back(a.size(d));
                strides.push_back(a.stride(d));
            }
    return contiguous_array(a.view(Layout::strided(shape, strides), a.offset));
}

// Calls f(first, count, worker) for groups of lines of n elements, `work` nanoseconds each.
template <class F> void share_lines(int64_t lines, int64_t n, double work, F f) {
    int64_t together = std::max<int64_t>(kLinesChunk / std::max<int64_t>(n, 1), 1);
    double total = work * static_cast<double>(lines) * static_cast<double>(n);
    parallel(parts_of(lines, together), total, [&](int64_t chunk, int worker) {
        f(chunk * together, std::min(together, lines - chunk * together), worker);
    });
}

// Room for each thread that works.
template <class T> class Rooms {
  public:
    explicit Rooms(int64_t size) : size_(size), all_(new T[static_cast<size_t>(size * thread_count())]) {}
    T* of(int worker) { return all_.get() + size_ * worker; }

  private:
    int64_t size_;
    std::unique_ptr<T[]> all_;
};

// For lines of n: e = exp(x - shift), block by block, and each line's shift (its largest element), the sum of e less 1,
// which is the largest one's, and the logarithm of the sum. What is left beside the 1 is kept apart: it has the loss of
// a line whose largest element is far ahead, and all of its gradient. `use(line, x, e, shift, rest, log)` is called for
// each line. An infinite largest element does not shift unless `shift_infinite`.
template <class T, class F>
void exponentials(const T* x, int64_t lines, int64_t n, bool shift_infinite, F use) {
    constexpr int d = code_of<T>;
    auto largest = [d, n](const T* from, int64_t count, T* to) {
        constexpr int max = static_cast<int>(Reduction::max);
        if (n <= kReductionLeaf) return reductions().rows[max][d](from, count, n, to);
        for (int64_t i = 0; i < count; ++i) reductions().reduce[max][d](from + i * n, n, to + i);
    };
    auto shifted_exp = line_kernels().shifted_exp[d];
    auto exp = kernels().elementwise[static_cast<int>(Primitive::exp)][d][0];
    auto log1p = kernels().elementwise[static_cast<int>(Primitive::log1p)][d][0];
    auto sum_beside_one = line_kernels().sum_beside_one[d];
    auto short_beside_one = line_kernels().short_beside_one[d];
    int64_t together = std::max<int64_t>(1, std::min(lines, kLineBlock / n));
    Rooms<T> rooms(together * (n + 3));
    share_lines(lines, n, kExpWork * sizeof(T) / 4, [&](int64_t first, int64_t count, int worker) {
        T *e = rooms.of(worker), *shifts = e + together * n, *rests = shifts + together,
          *logs = rests + together;
        for (int64_t r = first; r < first + count; r += together) {
            int64_t m = std::min(together, first + count - r);
            const T* from = x + r * n;
            largest(from, m, shifts);
            for (int64_t i = 0; i < m; ++i) {
                T& s = shifts[i];
                if (!shift_infinite && std::isinf(s)) s = 0;
                T* to = e + i * n;
                if (n >= kLongLine) {
                    T ones, sum;
                    shifted_exp(from + i * n, &s, to, &ones, n);
                    sum_beside_one(to, n, &sum);
                    rests[i] = sum + (ones - 1);
                } else {
                    for (int64_t j = 0; j < n; ++j) to[j] = from[i * n + j] - s;
                }
            }
            const void* in = e;
            if (n < kLongLine) {
                exp(&in, e, m * n);
                short_beside_one(e, m, n, rests);
            }
            in = rests;
            log1p(&in, logs, m);
            for (int64_t i = 0; i < m; ++i) use(r + i, from + i * n, e + i * n, shifts[i], rests[i], logs[i]);
        }
    });
}

}  // namespace pb
