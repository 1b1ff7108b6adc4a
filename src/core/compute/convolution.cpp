// Convolutions as products of matrices.
//
// The elements of every window are a column, the weights of every output a row (Chellapilla, Puri and Simard 2006): y = W
// X. The gradient of the weights is y X^T, and that of the elements is W^T y, each column of which is added to where its
// elements came from. The columns are as many times larger than what they are made of as a window has elements, and a
// product that reads them from memory, or leaves them there, waits for it. So they are made for some positions at a
// time, a block whose columns stay in the cache: gathered, multiplied and forgotten, or multiplied, and scattered at once.
//
// What lies where is the same for all samples and channels. So each block knows its *runs*: for each element of a window,
// the stretches of positions whose elements are inside of what the windows slide over. Strides, dilations, padding and
// the number of dimensions are in the runs, and nowhere else.
//
// Samples and groups are shared by the threads. The gradient of the weights is a sum over samples: shares of them, whose
// number depends on sizes alone, are summed apart, and then one after the other, whoever computed them.
#include "compute/convolution.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "array/checked.h"
#include "array/visit.h"
#include "compute/batches.h"
#include "compute/products.h"
#include "compute/wrapping.h"
#include "library/forks.h"
#include "program/interrupt.h"
#include "program/profile.h"
#include "program/program.h"
#include "program/threads.h"
#include "program/unlocked.h"

namespace pb {

namespace {

constexpr int64_t kBlockBytes = 256 << 10;  // of the columns of one block
constexpr int64_t kBlockStep = 64;          // whole tiles of the product (kernels/products.cpp)
constexpr double kLongWork = 40e3;          // nanoseconds from which the interpreter lock is worth releasing
constexpr int64_t kMostParts = 64, kMostShares = 16;

// So many elements of one channel: from this position of the block, and from this element of the plane.
struct Run {
    int64_t to, at, count;
};

struct Block {
    int64_t from, count;        // positions
    std::vector<Run> runs;      // those of the first element of a window, of the second, ...
    std::vector<size_t> first;  // where they begin, and where the last ones end
};

// Strides, dilations and paddings are anybody's: parts of what is inside may lie beyond the numbers of 64 bits.
__extension__ using Wide = __int128;

// Where an element of a window is, along one dimension.
Wide place_of(int64_t position, int64_t element, const Sliding& s, size_t d) {
    return Wide{position} * s.stride[d] + Wide{element} * s.dilation[d] - s.padding[d];
}
// How many steps it takes at least to get so far.
int64_t steps_to(Wide distance, int64_t step) {
    if (distance <= 0) return 0;
    return static_cast<int64_t>(std::min<Wide>((distance + step - 1) / step, INT64_MAX));
}

// The rows of positions, along the last dimension, that lie in a block.
void add_runs(const Sliding& s, const Dims& element, Block& block) {
    const size_t last = s.sizes.size() - 1;
    const int64_t row = s.positions[last], end = block.from + block.count;
    const Wide shift = place_of(0, element[last], s, last);
    const int64_t step = s.stride[last];
    for (int64_t r = block.from / row; r * row < end; ++r) {
        int64_t at = 0, rest = r, plane = s.sizes[last];
        bool inside = true;
        for (size_t d = last; d-- > 0; rest /= s.positions[d]) {
            const Wide place = place_of(rest % s.positions[d], element[d], s, d);
            inside = inside && place >= 0 && place < s.sizes[d];
            if (inside) at += static_cast<int64_t>(place) * plane;
            plane *= s.sizes[d];
        }
        const int64_t low = std::max({block.from - r * row, int64_t{0}, steps_to(-shift, step)});
        const int64_t high = std::min({end - r * row, row, steps_to(s.sizes[last] - shift, step)});
        if (!inside || low >= high) continue;
        const auto place = static_cast<int64_t>(Wide{low} * step + shift);
        block.runs.push_back({r * row + low - block.from, at + place, high - low});
    }
}

// What the three have in common: sizes, blocks, and where matrices begin.
struct Plan {
    const Sliding& s;
    int64_t samples, in, out, window = 1, plane = 1, positions = 1, columns, step;
    std::vector<Block> blocks;
    int64_t widest = 0;

    Plan(const Sliding& sliding, int64_t samples, int64_t channels, int64_t outputs, DType dtype)
        : s(sliding),
          samples(samples),
          in(channels / s.groups),
          out(outputs / s.groups),
          step(s.stride.back()) {
        for (size_t d = 0; d < s.sizes.size(); ++d) {
            window *= s.kernel[d];
            plane *= s.sizes[d];
            positions *= s.positions[d];
        }
        columns = in * window;
        const int64_t fit =
            kBlockBytes / static_cast<int64_t>(item_size(dtype)) / std::max<int64_t>(columns, 1);
        const int64_t parts = parts_of(positions, std::max(fit, kBlockStep));
        if (!parts || !window) return;
        const int64_t width = parts_of(parts_of(positions, parts), kBlockStep) * kBlockStep;
        for (int64_t from = 0; from < positions; from += width) add(from, std::min(width, positions - from));
    }

    double work() const {  // of one sample and group, in nanoseconds
        return static_cast<double>(columns) * static_cast<double>(out) * static_cast<double>(positions) *
               0.03;
    }

    template <class T> void gather(const Block& b, const T* planes, T* made) const {
        for (int64_t c = 0; c < in; ++c, planes += plane)
            for (int64_t e = 0; e < window; ++e, made += b.count) {
                const auto k = static_cast<size_t>(e);
                int64_t done = 0;
                for (size_t i = b.first[k]; i < b.first[k + 1]; ++i) {
                    const Run& run = b.runs[i];
                    if (run.to > done)
                        std::memset(made + done, 0, static_cast<size_t>(run.to - done) * sizeof(T));
                    const T* from = planes + run.at;
                    if (step == 1)
                        std::memcpy(made + run.to, from, static_cast<size_t>(run.count) * sizeof(T));
                    else
                        for (int64_t j = 0; j < run.count; ++j) made[run.to + j] = from[j * step];
                    done = run.to + run.count;
                }
                if (done < b.count)
                    std::memset(made + done, 0, static_cast<size_t>(b.count - done) * sizeof(T));
            }
    }
    template <class T> void scatter(const Block& b, const T* made, T* planes) const {
        for (int64_t c = 0; c < in; ++c, planes += plane)
            for (int64_t e = 0; e < window; ++e, made += b.count) {
                const auto k = static_cast<size_t>(e);
                for (size_t i = b.first[k]; i < b.first[k + 1]; ++i) {
                    const Run& run = b.runs[i];
                    T* to = planes + run.at;
                    const T* from = made + run.to;
                    if (step == 1)
                        for (int64_t j = 0; j < run.count; ++j) to[j] = wrapping_sum(to[j], from[j]);
                    else
                        for (int64_t j = 0; j < run.count; ++j)
                            to[j * step] = wrapping_sum(to[j * step], from[j]);
                }
            }
    }

  private:
    void add(int64_t from, int64_t count) {
        Block b{from, count, {}, {0}};
        Dims element(s.kernel.size(), 0);
        for (int64_t e = 0; e < window; ++e) {
            add_runs(s, element, b);
            b.first.push_back(b.runs.size());
            for (size_t d = element.size(); d-- > 0;) {
                if (++element[d] < s.kernel[d]) break;
                element[d] = 0;
            }
        }
        widest = std::max(widest, count);
        blocks.push_back(std::move(b));
    }
};

// An array whose last dimensions lie row by row.
Array packed(const Array& a, size_t inside) {
    int64_t step = 1;
    for (int64_t d = a.ndim() - 1; d >= a.ndim() - static_cast<int64_t>(inside); --d) {
        if (a.size(d) != 1 && a.stride(d) != step) return contiguous_array(a);
        step *= a.size(d);
    }
    return a;
}

// What is multiplied, and what broadcasts in front of both.
struct Operands {
    const int64_t inside;  // dimensions of their own
    const Array first, second;
    const Batch batch;

    Operands(const Array& a, const Array& b, const Sliding& s)
        : inside(static_cast<int64_t>(s.sizes.size()) + 2),
          first(packed(a, static_cast<size_t>(inside))),
          second(packed(b, static_cast<size_t>(inside))),
          batch({{first, inside}, {second, inside}}) {
        load_for_products(a.dtype);  // while the interpreter's lock is held; or raises
    }
    int64_t lead(const Array& a) const { return a.ndim() - inside; }
};

Array result(DType dtype, const Batch& batch, std::initializer_list<int64_t> first, const Dims& last) {
    Dims shape = batch.with(first);
    for (int64_t n : last) shape.push_back(n);
    return Array::empty(dtype, shape);
}

// body(first, last, worker) for all items, in parts; without the interpreter's lock where that takes long.
template <class F> void share(const Plan& plan, int64_t items, int64_t most, F&& body) {
    const double all = plan.work() * static_cast<double>(items);
    count_flops(2.0 * static_cast<double>(plan.columns * plan.out) * static_cast<double>(plan.positions) *
                static_cast<double>(items));
    with_interrupts([&] {
        Interruptible scope(all);
        const bool yes = all > kLongWork;
        blas::Beside forks(yes);
        Unlocked free(yes);
        const int64_t parts = std::min(items, most);
        parallel(parts, all, [&](int64_t i, int worker) {
            for (int64_t item = i * items / parts; item < (i + 1) * items / parts; ++item)
                if (!scope.interrupted()) body(item, worker);
        });
        if (scope.interrupted()) throw Interrupted();
    });
}

// Columns for every thread.
Array rooms(const Plan& plan, DType dtype) {
    return Array::empty(dtype, Dims{thread_count(), checked_mul(plan.columns, plan.widest)});
}

const char* kName = "convolution";

}  // namespace

Array convolve(const Array& given, const Array& weights, const Sliding& s) {
    const Operands both(given, weights, s);
    const Array &x = both.first, &w = both.second;
    const int64_t nx = both.lead(both.first), nw = both.lead(both.second);
    const Batch& batch = both.batch;
    Array y = result(x.dtype, batch, {x.size(nx), w.size(nw)}, s.positions);  // or raises
    if (!y.numel()) return y;
    const Plan plan(s, x.size(nx), x.size(nx + 1), w.size(nw), x.dtype);
    const Array room = rooms(plan, x.dtype);
    visit<Family::Rings>(x.dtype, kName, [&](auto zero) {
        using T = decltype(zero);
        share(plan, batch.count * plan.samples * s.groups, kMostParts, [&](int64_t item, int worker) {
            const int64_t g = item % s.groups, i = item / s.groups, n = i % plan.samples,
                          at = i / plan.samples;
            const T* planes = x.as<T>() + batch.offset(0, at) + (n * s.groups + g) * plan.in * plan.plane;
            const T* rows = w.as<T>() + batch.offset(1, at) + g * plan.out * plan.columns;
            T* to = y.as<T>() + item * plan.out * plan.positions;
            T* made = room.as<T>() + worker * plan.columns * plan.widest;
            for (const Block& b : plan.blocks) {
                plan.gather(b, planes, made);
                multiply_plain(x.dtype, {false, false, plan.out, b.count, plan.columns, rows, plan.columns,
                                         made, b.count, to + b.from, plan.positions, false});
            }
            if (plan.blocks.empty()) std::fill(to, to + plan.out * plan.positions, T(0));
        });
    });
    return y;
}

Array convolve_back(const Array& given, const Array& weights, const Sliding& s) {
    const Operands both(given, weights, s);
    const Array &y = both.first, &w = both.second;
    const int64_t ny = both.lead(both.first), nw = both.lead(both.second);
    const Batch& batch = both.batch;
    Array x = result(y.dtype, batch, {y.size(ny), w.size(nw + 1) * s.groups}, s.sizes);
    if (!x.numel()) return x;
    const Plan plan(s, y.size(ny), w.size(nw + 1) * s.groups, w.size(nw), y.dtype);
    const Array room = rooms(plan, y.dtype);
    visit<Family::Rings>(y.dtype, kName, [&](auto zero) {
        using T = decltype(zero);
        share(plan, batch.count * plan.samples * s.groups, kMostParts, [&](int64_t item, int worker) {
            const int64_t g = item % s.groups, i = item / s.groups, n = i % plan.samples,
                          at = i / plan.samples;
            const T* from = y.as<T>() + batch.offset(0, at) + (n * s.groups + g) * plan.out * plan.positions;
            const T* rows = w.as<T>() + batch.offset(1, at) + g * plan.out * plan.columns;
            T* planes = x.as<T>() + item * plan.in * plan.plane;
            T* made = room.as<T>() + worker * plan.columns * plan.widest;
            std::fill(planes, planes + plan.in * plan.plane, T(0));
            for (const Block& b : plan.blocks) {
                multiply_plain(y.dtype, {true, false, plan.columns, b.count, plan.out, rows, plan.columns,
                                         from + b.from, plan.positions, made, b.count, false});
                plan.scatter(b, made, planes);
            }
        });
    });
    return x;
}

Array convolve_weights(const Array& given, const Array& outputs, const Sliding& s) {
    const Operands both(given, outputs, s);
    const Array &x = both.first, &y = both.second;
    const int64_t nx = both.lead(both.first), ny = both.lead(both.second);
    const Batch& batch = both.batch;
    const Plan plan(s, x.size(nx), x.size(nx + 1), y.size(ny + 1), x.dtype);
    Array w = result(x.dtype, batch, {plan.out * s.groups, plan.in}, s.kernel);
    if (!w.numel()) return w;
    // Shares take no more memory than what is summed.
    const int64_t each = plan.out * plan.columns, groups = batch.count * s.groups;
    const int64_t affordable = std::max<int64_t>((x.numel() + y.numel()) / w.numel(), 1);
    const int64_t shares = std::max<int64_t>(std::min({plan.samples, affordable, kMostShares}), 1);
    const Array room = rooms(plan, x.dtype);
    const Array sums = shares == 1 ? w : Array::empty(x.dtype, Dims{shares, w.numel()});
    visit<Family::Rings>(x.dtype, kName, [&](auto zero) {
        using T = decltype(zero);
        share(plan, groups * shares, groups * shares, [&](int64_t item, int worker) {
            const int64_t share = item / groups, rest = item % groups, g = rest % s.groups,
                          at = rest / s.groups;
            T* sum = sums.as<T>() + item * each;
            T* made = room.as<T>() + worker * plan.columns * plan.widest;
            bool added = false;
            for (int64_t n = share * plan.samples / shares; n < (share + 1) * plan.samples / shares; ++n)
                for (const Block& b : plan.blocks) {
                    plan.gather(
                        b, x.as<T>() + batch.offset(0, at) + (n * s.groups + g) * plan.in * plan.plane, made);
                    const T* from = y.as<T>() + batch.offset(1, at) +
                                    (n * s.groups + g) * plan.out * plan.positions + b.from;
                    multiply_plain(x.dtype, {false, true, plan.out, plan.columns, b.count, from,
                                             plan.positions, made, b.count, sum, plan.columns, added});
                    added = true;
                }
            if (!added) std::fill(sum, sum + each, T(0));
        });
        if (shares == 1) return;
        T* total = w.as<T>();
        const T* part = sums.as<T>();
        std::copy(part, part + w.numel(), total);
        for (int64_t i = 1; i < shares; ++i) {
            part += w.numel();
            for (int64_t j = 0; j < w.numel(); ++j) total[j] = wrapping_sum(total[j], part[j]);
        }
    });
    return w;
}

}  // namespace pb
