// argmax and argmin: where the extremes are. The first index wins ties, and NaN wins all.
//
// A long run, or a tall block of columns, is cut into parts, for threads; the first part with the best element of all
// knows the index. As an extreme does not depend on the order in which elements are compared, no tree is followed.
#include <memory>

#include "array/visit.h"
#include "compute/axes.h"
#include "compute/reduce.h"
#include "program/program.h"
#include "program/threads.h"

namespace pb {

namespace {

constexpr int64_t kPart = 1 << 16;  // elements of a chunk of work
constexpr int64_t kColumns = 1024;

// Space for n elements of any dtype.
std::unique_ptr<int64_t[]> scratch(int64_t n) {
    return std::unique_ptr<int64_t[]>(new int64_t[static_cast<size_t>(n)]);
}

class Search {
  public:
    Search(bool greatest, const Array& a, int64_t dim, int64_t* out)
        : a_(a),
          out_(out),
          item_(static_cast<int64_t>(a.item())),
          n_(a.size(a.ndim() + dim)),
          stride_(a.stride(a.ndim() + dim) * item_) {
        auto d = static_cast<int>(a.dtype),
             r = static_cast<int>(greatest ? Reduction::argmax : Reduction::argmin);
        accumulate_ = reductions().accumulate_index[greatest ? 0 : 1][d];
        run_ = reductions().reduce[r][d];
        rows_ = reductions().rows[r][d];
        strided_ = reductions().reduce_strided[r][d];
        for (int64_t k = 0; k < a.ndim(); ++k)
            if (k != a.ndim() + dim) kept_.add(a.size(k), a.stride(k) * item_);
    }

    void find() const {
        if (stride_ != item_ && kept_.inner_size() > 3 && kept_.inner_stride() == item_) columns();
        else runs();
    }

  private:
    void of_run(const char* from, int64_t length, int64_t* to) const {
        if (stride_ == item_ || length == 1) run_(from, length, to);
        else strided_(from, stride_, length, to);
    }

    void runs() const {
        int64_t results = kept_.count, parts = parts_of(n_, kPart),
                together = std::max<int64_t>(kPart / n_, 1);
        double work = 2 * reading_work(n_ * results, a_.item()) + 4.0 * static_cast<double>(results);
        bool short_rows =
            n_ <= 64 && (stride_ == item_ || n_ == 1) && kept_.is_run() && kept_.inner_stride() == n_ * item_;
        if (short_rows)
            return parallel(parts_of(results, together), work, [&](int64_t chunk, int) {
                int64_t i = chunk * together;
                rows_(a_.data() + i * n_ * item_, std::min(together, results - i), n_, out_ + i);
            });
        if (parts == 1)
            return parallel(parts_of(results, together), work, [&](int64_t chunk, int) {
                int64_t i = chunk * together, end = std::min(i + together, results);
                for (Odometer at(kept_, i); i < end; ++i, at.next()) of_run(a_.data() + at.at, n_, out_ + i);
            });
        auto found = scratch(results * parts);
        parallel(results * parts, work, [&](int64_t chunk, int) {
            int64_t start = chunk % parts * kPart;
            const char* from = a_.data() + Odometer(kept_, chunk / parts).at + start * stride_;
            of_run(from, std::min(kPart, n_ - start), found.get() + chunk);
            found[static_cast<size_t>(chunk)] += start;
        });
        Odometer at(kept_);
        for (int64_t i = 0; i < results; ++i, at.next()) {
            int64_t best, part = 0, *of = found.get() + i * parts;
            for (int64_t p = 0; p < parts; ++p)
                accumulate_(a_.data() + at.at + of[p] * stride_, p, &best, &part, 1);
            out_[i] = of[part];
        }
    }

    void columns() const {
        int64_t width = kept_.inner_size(), blocks = parts_of(width, kColumns),
                block = parts_of(width, blocks);
        Axes outer = kept_.without_inner();
        int64_t rows = std::max<int64_t>(kPart / block, 16), parts = parts_of(n_, rows);
        int64_t tasks = outer.count * blocks * parts;
        auto best = scratch((parts > 1 ? tasks : thread_count()) * block);
        auto found = scratch(parts > 1 ? tasks * block : 0);
        double work = 2 * reading_work(n_ * kept_.count, a_.item());
        parallel(tasks, work, [&](int64_t t, int worker) {
            int64_t p = t % parts, c = t / parts % blocks * block, i = t / parts / blocks, start = p * rows;
            int64_t* mine = best.get() + (parts > 1 ? t : worker) * block;
            int64_t* to = parts > 1 ? found.get() + t * block : out_ + i * width + c;
            const char* from = a_.data() + Odometer(outer, i).at + c * item_ + start * stride_;
            for (int64_t k = 0; k < std::min(rows, n_ - start); ++k)
                accumulate_(from + k * stride_, k, mine, to, std::min(block, width - c));
        });
        auto winner = scratch(2 * block);
        for (int64_t t = 0; parts > 1 && t < tasks; t += parts) {
            int64_t c = t / parts % blocks * block, i = t / parts / blocks, w = std::min(block, width - c);
            int64_t *part = winner.get() + block, *to = out_ + i * width + c;
            for (int64_t p = 0; p < parts; ++p)
                accumulate_(best.get() + (t + p) * block, p, winner.get(), part, w);
            for (int64_t e = 0; e < w; ++e)
                to[e] = found[static_cast<size_t>((t + part[e]) * block + e)] + part[e] * rows;
        }
    }

    const Array& a_;
    int64_t* out_;
    int64_t item_, n_, stride_;
    Axes kept_;
    void (*accumulate_)(const void*, int64_t, void*, int64_t*, int64_t);
    void (*run_)(const void*, int64_t, void*);
    void (*rows_)(const void*, int64_t, int64_t, void*);
    void (*strided_)(const void*, int64_t, int64_t, void*);
};

}  // namespace

Array index_of_extreme(bool greatest, const Array& given, int64_t dim, bool keepdim) {
    Array a = given;
    if (a.dtype == DType::Bool) a.dtype = DType::UInt8;
    Array out = Array::empty(DType::Int64, reduced_shape(*a.layout, dim ? Dims{dim} : Dims{}, keepdim));
    if (!out.numel()) return out;
    if (!reductions().reduce[static_cast<int>(Reduction::argmax)][static_cast<int>(a.dtype)])
        fail_unsupported(greatest ? "argmax_cpu" : "argmin_cpu", a.dtype);
    if (dim) Search(greatest, a, dim, out.as<int64_t>()).find();
    else fill_array(out, Scalar(0));
    return out;
}

}  // namespace pb
