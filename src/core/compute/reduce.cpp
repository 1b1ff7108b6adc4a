// Reducing an array over some of its dimensions.
//
// Every result follows the kernels' tree over the logical order of the reduced elements (kernels/reduce.h), so
// its bits do not depend on strides, nor on which of the three ways below was taken:
//
//   runs     one result after the other, each from a run of elements at equal distances;
//   columns  many results side by side, when the elements of one are far apart and those of neighbours are not
//            (a sum over leading axes), or when runs are so short that a call for each would cost most;
//   gathered the rest: elements are collected leaf by leaf.
#include "compute/reduce.h"

#include <algorithm>
#include <memory>
#include <new>
#include <vector>

#include "array/visit.h"
#include "compute/axes.h"
#include "compute/lines.h"
#include "program/expression.h"
#include "program/leaf_stack.h"
#include "program/threads.h"
#include "program/walk.h"
#include "program/work_log.h"

namespace pb {

Dims reduced_shape(const Layout& l, const Dims& dims, bool keepdim) {
    Dims shape;
    size_t at = 0;
    for (int64_t d = 0; d < l.ndim(); ++d) {
        bool gone = at < dims.size() && dims[at] == d - l.ndim();
        if (gone) ++at;
        if (!gone) shape.push_back(l.size(d));
        else if (keepdim) shape.push_back(1);
    }
    return shape;
}

int64_t reduced_count(const Layout& l, const Dims& dims) {
    int64_t n = 1;
    for (int64_t d : dims) n = checked_mul(n, l.size(l.ndim() + d));
    return n;
}

namespace {

// Elements of a chunk of work, and of a part of a long run: 16 leaves, a subtree of every tree.
constexpr int64_t kChunk = 16 * kReductionLeaf;
constexpr int64_t kShortRun = 16;
// Of the lanes of a block of columns: whole rows, if they stay in the second-level cache, because memory is then read
// from front to back.
constexpr int64_t kTileBytes = 1 << 18;

// Aligned to vectors: a store that straddles the next load's place in its page would hold that load up.
struct Free {
    void operator()(char* p) const { ::operator delete[](p, std::align_val_t(64)); }
};
std::unique_ptr<char[], Free> scratch(int64_t bytes) {
    return std::unique_ptr<char[], Free>(
        static_cast<char*>(::operator new[](static_cast<size_t>(bytes), std::align_val_t(64))));
}

class Reducer {
  public:
    Reducer(Reduction r, const Array& a, const Dims& dims, Array& out)
        : r_(static_cast<int>(r)), d_(static_cast<int>(a.dtype)), a_(a), out_(out) {
        size_t at = 0;
        for (int64_t d = 0; d < a.ndim(); ++d) {
            bool gone = at < dims.size() && dims[at] == d - a.ndim();
            if (gone) ++at;
            (gone ? reduced_ : kept_).add(a.size(d), a.stride(d) * item_);
        }
        // Partial counts are added.
        merge_ = reductions().accumulate[static_cast<int>(r == Reduction::count_nonzero ? Reduction::sum : r)]
                                        [static_cast<int>(out.dtype)];
    }

    void run() {
        int64_t n = reduced_.count, results = kept_.count;
        if (n == 0) return none();
        bool adjacent = reduced_.is_run() && (reduced_.inner_stride() == item_ || n == 1);
        bool end_to_end = kept_.is_run() && (kept_.inner_stride() == n * item_ || results == 1);
        if (adjacent && end_to_end && n <= kReductionLeaf && results > 1) return rows();
        bool side_by_side = kept_.inner_size() > 1 && kept_.inner_stride() == item_ && !adjacent;
        bool short_runs = kept_.inner_size() >= kShortRun && n < kShortRun;
        if (side_by_side || short_runs) return columns();
        double work = adjacent ? reading_work(n * results, a_.item()) : collecting_work(n * results);
        if (reduced_.is_run()) {
            auto reduce = reductions().reduce[r_][d_];
            auto strided = reductions().reduce_strided[r_][d_];
            int64_t stride = reduced_.inner_stride();
            return each_result(work, [=, this](int64_t, int64_t at, int64_t start, int64_t length, char* to) {
                const char* from = a_.data() + at + start * stride;
                if (adjacent) reduce(from, length, to);
                else strided(from, stride, length, to);
            });
        }
        // Kept dimensions first: then a result's elements follow each other in logical order.
        Dims shape(kept_.sizes), strides;
        for (int64_t s : reduced_.sizes) shape.push_back(s);
        for (int64_t s : kept_.strides) strides.push_back(s / item_);
        for (int64_t s : reduced_.strides) strides.push_back(s / item_);
        Array seen = a_.view(Layout::strided(shape, strides), a_.offset);
        Walker walker(seen, *seen.layout);
        each_result(work, [&, this](int64_t i, int64_t, int64_t start, int64_t length, char* to) {
            gathered(walker, i * n + start, length, to);
        });
    }

  private:
    void none() {
        auto identity = reductions().identity[r_][d_];
        for (int64_t i = 0; i < out_.numel(); ++i) identity(out_.data() + i * result_item_);
    }

    void rows() {
        int64_t n = reduced_.count, results = kept_.count, together = std::max<int64_t>(kChunk / n, 1);
        auto kernel = reductions().rows[r_][d_];
        double work = reading_work(n * results, a_.item()) + 2.0 * static_cast<double>(results);
        parallel(parts_of(results, together), work, [&](int64_t chunk, int) {
            int64_t i = chunk * together;
            kernel(a_.data() + i * n * item_, std::min(together, results - i), n,
                   out_.data() + i * result_item_);
        });
    }

    // Calls part(result, its offset in bytes, start, length, to) for the results one by one, several to a chunk, or
    // for each part of a long run.
    template <class F> void each_result(double work, F part) {
        int64_t n = reduced_.count, results = kept_.count, parts = parts_of(n, kChunk);
        if (parts == 1) {
            int64_t together = std::max<int64_t>(kChunk / n, 1);
            return parallel(parts_of(results, together), work, [&](int64_t chunk, int) {
                int64_t i = chunk * together, end = std::min(i + together, results);
                for (Odometer at(kept_, i); i < end; ++i, at.next())
                    part(i, at.at, int64_t(0), n, out_.data() + i * result_item_);
            });
        }
        auto partial = scratch(results * parts * result_item_);
        parallel(results * parts, work, [&](int64_t chunk, int) {
            int64_t i = chunk / parts, start = chunk % parts * kChunk;
            part(i, Odometer(kept_, i).at, start, std::min(kChunk, n - start),
                 partial.get() + chunk * result_item_);
        });
        for (int64_t i = 0; i < results; ++i)
            combine(partial.get() + i * parts * result_item_, result_item_, parts, 1,
                    out_.data() + i * result_item_);
    }

    // Parts of a run, or of runs side by side, as the leaves of a tree.
    void combine(const char* partial, int64_t pitch, int64_t parts, int64_t width, char* to) {
        if (parts == 1) {
            std::memcpy(to, partial, static_cast<size_t>(width * result_item_));
            return;
        }
        int64_t row = width * result_item_;
        auto space = scratch(row * LeafStack::rows_for(parts));
        LeafStack stack(space.get(), width, row, merge_);
        for (int64_t p = 0; p < parts; ++p) stack.push(partial + p * pitch);
        std::memcpy(to, stack.finish(), static_cast<size_t>(row));
    }

    void gathered(const Walker& walker, int64_t start, int64_t n, char* to) const {
        auto reduce = reductions().reduce[r_][d_];
        alignas(64) char leaf[kReductionLeaf * kWidest];
        Slot partial[64];
        LeafStack stack(partial[0].bytes, 1, kWidest, merge_);
        for (int64_t done = 0; done < n; done += kReductionLeaf) {
            int64_t length = std::min(kReductionLeaf, n - done);
            walker.gather(start + done, length, leaf);
            reduce(leaf, length, stack.top());
            stack.push();
        }
        std::memcpy(to, stack.finish(), static_cast<size_t>(result_item_));
    }

    // Runs side by side: blocks of columns, in parts of 2^k leaves. A chunk is one part of one block, or several of
    // them, if they are small.
    void columns() {
        int64_t n = reduced_.count, width = kept_.inner_size(), step = kept_.inner_stride();
        Axes outer = kept_.without_inner();
        int64_t tile = kTileBytes / (reduction_lanes(n, a_.item()) * std::max(item_, result_item_));
        int64_t blocks = std::max<int64_t>((width + tile / 2) / tile, 1);
        int64_t block = (width + blocks - 1) / blocks;
        int64_t part = kReductionLeaf;
        while (part * block < 4 * kChunk) part *= 2;
        int64_t parts = parts_of(n, part), tasks = outer.count * blocks * parts;
        int64_t together = std::max<int64_t>(4 * kChunk / (std::min(part, n) * block), 1);

        int64_t row = block * result_item_, lanes = column_space(n, a_.item(), block), stack = row * 64;
        bool collect = step != item_;
        int64_t own = (lanes + stack + (collect ? kShortRun * block * item_ : 0) + 63) & ~int64_t(63);
        auto space = scratch(own * thread_count());
        auto partial = scratch(parts > 1 ? tasks * row : 0);
        double work = collect ? collecting_work(n * kept_.count) : reading_work(n * kept_.count, a_.item());
        parallel(parts_of(tasks, together), work, [&](int64_t chunk, int worker) {
            char* mine = space.get() + worker * own;
            for (int64_t t = chunk * together; t < std::min(tasks, (chunk + 1) * together); ++t) {
                int64_t p = t % parts, c = t / parts % blocks * block, i = t / parts / blocks;
                int64_t w = std::min(block, width - c), start = p * part;
                const char* base = a_.data() + Odometer(outer, i).at + c * step;
                char* to = parts > 1 ? partial.get() + t * row : out_.data() + (i * width + c) * result_item_;
                if (collect) collected(base, w, mine, mine + lanes + stack, to);
                else column_part(base, start, std::min(part, n - start), w, mine, mine + lanes, to);
            }
        });
        for (int64_t t = 0; parts > 1 && t < tasks; t += parts) {
            int64_t c = t / parts % blocks * block, i = t / parts / blocks;
            combine(partial.get() + t * row, row, parts, std::min(block, width - c),
                    out_.data() + (i * width + c) * result_item_);
        }
    }

    void column_part(const char* base, int64_t start, int64_t n, int64_t width, char* lanes, char* stack,
                     char* to) const {
        auto kernel = reductions().columns[r_][d_];
        bool regular = reduced_.is_run();
        int64_t pitch = reduced_.inner_stride(), offsets[kReductionLeaf];
        Odometer row(reduced_, regular ? 0 : start);
        LeafStack leaves(stack, width, width * result_item_, merge_);
        for (int64_t at = start; at < start + n; at += kReductionLeaf) {
            int64_t length = std::min(kReductionLeaf, start + n - at);
            char* result = n <= kReductionLeaf ? to : leaves.top();
            if (regular) {
                kernel(base + at * pitch, pitch, nullptr, length, width, lanes, result);
            } else {
                for (int64_t k = 0; k < length; ++k, row.next()) offsets[k] = row.at;
                kernel(base, 0, offsets, length, width, lanes, result);
            }
            if (n > kReductionLeaf) leaves.push();
        }
        if (n > kReductionLeaf) std::memcpy(to, leaves.finish(), static_cast<size_t>(width * result_item_));
    }

    // A few elements each of columns that do not lie side by side.
    void collected(const char* base, int64_t width, char* lanes, char* collected, char* to) const {
        int64_t n = reduced_.count, step = kept_.inner_stride();
        auto gather = kernels().gather[size_index(a_.dtype)];
        Odometer row(reduced_);
        for (int64_t k = 0; k < n; ++k, row.next())
            gather(base + row.at, step, collected + k * width * item_, width);
        reductions().columns[r_][d_](collected, width * item_, nullptr, n, width, lanes, to);
    }

    int r_, d_;
    const Array& a_;
    Array& out_;
    int64_t item_ = static_cast<int64_t>(a_.item()), result_item_ = static_cast<int64_t>(out_.item());
    Axes kept_, reduced_;
    LeafStack::Merge merge_;
};

}  // namespace

// Bare integers are combined as int64, and asked for zeros as truth values; they have no order.
static Array combinable(Reduction r, const Array& a) {
    if (!is_bare(a.dtype)) return a;
    switch (r) {
        case Reduction::sum:
        case Reduction::prod: return converted(a, DType::Int64);
        case Reduction::any:
        case Reduction::all:
        case Reduction::count_nonzero: return converted(a, DType::Bool);
        default: return a;
    }
}

static void reduce_into(Reduction r, const Array& a, const Dims& dims, Array out) {
    Reducer(r, a, dims, out).run();
}
static void note_reduction(ReduceKernel reduce, Reduction r, const Array& a, const Array& out) {
    if (a.numel()) work_log->reduce(reduce, a, out);
    else work_log->spoil("nothing is reduced");
}

Array reduce_array(Reduction r, const Array& given, const Dims& dims, bool keepdim) {
    const Array a = combinable(r, given);
    int d = static_cast<int>(a.dtype);
    auto reduce = reductions().reduce[static_cast<int>(r)][d];
    if (!reduce) fail_unsupported("reduction", a.dtype);
    DType result = reduction_dtype(r, a.dtype);
    if (a.numel() < kChunk && a.is_contiguous() && static_cast<int64_t>(dims.size()) == a.ndim() &&
        !keepdim) {
        Array out = Array::empty(result, Layout::scalar());
        if (__builtin_expect(work_log != nullptr, 0)) note_reduction(reduce, r, a, out);
        if (a.numel()) reduce(a.data(), a.numel(), out.data());
        else reductions().identity[static_cast<int>(r)][d](out.data());
        return out;
    }
    Array out = Array::empty(result, reduced_shape(*a.layout, dims, keepdim));
    if (!out.numel()) return out;
    if (__builtin_expect(work_log != nullptr, 0))
        work_log->call([r, dims](const Array* arrays) { reduce_into(r, arrays[1], dims, arrays[0]); }, out,
                       {&a});
    else reduce_into(r, a, dims, out);
    return out;
}

Array reduce_value(Reduction r, const Array& given, const Dims& dims, bool keepdim, bool may_wait) {
    const Array a = combinable(r, given);
    Source source{&a, {}};
    auto gone = static_cast<int64_t>(dims.size());
    bool known = reductions().reduce[static_cast<int>(r)][static_cast<int>(a.dtype)];
    if (known && gone && may_wait && is_deferred(&source, 1, *a.layout, a.dtype)) {
        auto result = [&] { return Layout::contiguous(reduced_shape(*a.layout, dims, keepdim)); };
        int64_t count = reduced_count(*a.layout, dims), results = a.numel() / count;
        if (gone == a.ndim())
            return defer_reduction(r, a, keepdim ? result() : Layout::scalar(), Over::all, 0);
        bool leading = dims[dims.size() - 1] == gone - 1 - a.ndim(), trailing = dims[0] == -gone;
        if (a.buffer->is_pending() && count > 1 && results > 1) {
            if (trailing) return defer_reduction(r, a, result(), Over::trailing, count);
            if (leading && results <= kMostColumns)
                return defer_reduction(r, a, result(), Over::leading, results);
        }
    }
    a.data();
    return reduce_array(r, a, dims, keepdim);
}

bool any_true(const Array& a) {
    if (!a.numel()) return false;
    Array all = contiguous_array(a), some = Array::empty(DType::Bool, Layout::scalar());
    reductions().reduce[static_cast<int>(Reduction::any)][code_of<bool>](all.data(), all.numel(),
                                                                         some.data());
    return *some.as<bool>();
}

}  // namespace pb
