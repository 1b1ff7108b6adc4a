#include "ops/reduction.h"

#include <algorithm>
#include <vector>

#include "program/walk.h"

namespace pb {

Dims reduced_dims(const Tensor& x, const Dims& dims) {
    Dims out;
    if (dims.empty()) {
        for (int64_t d = 0; d < x.ndim(); ++d) out.push_back(d);
        return out;
    }
    for (int64_t d : dims) {
        d = wrap_dim(d, x.ndim());
        if (std::find(out.begin(), out.end(), d) != out.end())
            fail("dim %lld appears multiple times in the list of dims", static_cast<long long>(d));
        if (x.ndim()) out.push_back(d);
    }
    std::sort(out.begin(), out.end());
    return out;
}

Dims reduced_shape(const Layout& l, const Dims& dims, bool keepdim) {
    Dims shape;
    size_t at = 0;
    for (int64_t d = 0; d < l.ndim(); ++d) {
        bool gone = at < dims.size() && dims[at] == d;
        if (gone) ++at;
        if (!gone) shape.push_back(l.size(d));
        else if (keepdim) shape.push_back(1);
    }
    return shape;
}

int64_t reduced_count(const Layout& l, const Dims& dims) {
    int64_t n = 1;
    for (int64_t d : dims) n *= l.size(d);
    return n;
}

Array converted(const Array& a, DType dtype) {
    if (a.dtype == dtype) return a;
    Array out = Array::empty(dtype, a.layout->is_dense() ? a.layout : Layout::contiguous(a.layout->dims()));
    copy_array(a, out);
    return out;
}

namespace {

// Some of an array's dimensions in logical order, merged where memory allows.
struct Axes {
    Dims sizes, strides;  // in bytes
    int64_t count = 1;
    void add(int64_t size, int64_t stride) {
        count *= size;
        if (size == 1) return;
        if (!sizes.empty() && strides.back() == stride * size) {
            sizes.back() *= size;
            strides.back() = stride;
        } else {
            sizes.push_back(size);
            strides.push_back(stride);
        }
    }
    bool is_run() const { return sizes.size() <= 1; }
    int64_t inner_size() const { return sizes.empty() ? 1 : sizes.back(); }
    int64_t inner_stride() const { return sizes.empty() ? 0 : strides.back(); }
    Axes without_inner() const {
        Axes outer(*this);
        if (outer.sizes.empty()) return outer;
        outer.count /= std::max<int64_t>(outer.sizes.back(), 1);
        outer.sizes.pop_back();
        outer.strides.pop_back();
        return outer;
    }
};

// Byte offsets of axes, in logical order.
class Odometer {
  public:
    explicit Odometer(const Axes& axes) : axes_(axes), index_(axes.sizes.size(), 0) {}
    void next() {
        for (size_t d = axes_.sizes.size(); d-- > 0;) {
            at += axes_.strides[d];
            if (++index_[d] < axes_.sizes[d]) return;
            at -= axes_.strides[d] * axes_.sizes[d];
            index_[d] = 0;
        }
    }
    int64_t at = 0;

  private:
    const Axes& axes_;
    Dims index_;
};

int log_of(size_t item) { return item == 1 ? 0 : item == 2 ? 1 : item == 4 ? 2 : 3; }

// A stack of partial results, one for each set bit of the number of leaves: the tree's inner nodes.
class LeafStack {
  public:
    using Merge = void (*)(const void*, void*, int64_t);
    LeafStack(char* space, int64_t pitch, Merge merge) : space_(space), pitch_(pitch), merge_(merge) {}
    char* top() { return space_ + depth_ * pitch_; }  // where the next leaf's result goes
    void push(int64_t n) {
        ++depth_;
        for (int64_t bits = leaves_++; bits & 1; bits >>= 1) fold(n);
    }
    char* finish(int64_t n) {
        while (depth_ > 1) fold(n);
        return space_;
    }
    void clear() { depth_ = 0, leaves_ = 0; }

  private:
    void fold(int64_t n) {
        --depth_;
        merge_(space_ + depth_ * pitch_, space_ + (depth_ - 1) * pitch_, n);
    }
    char* space_;
    int64_t pitch_;
    Merge merge_;
    int64_t depth_ = 0, leaves_ = 0;
};

constexpr int64_t kColumnBytes = 2048;  // of a row of results; about eight rows are alive at a time
constexpr int64_t kShortRun = 16;

// Lanes of a leaf of n elements: what `leaf` of kernels/reduce.cpp does with a single run.
int64_t lanes_of(int64_t n, size_t item) {
    int64_t wide = item == 8 ? 32 : 64;
    return n >= wide ? wide : n >= 16 ? 8 : 1;
}

int64_t reversed_bits(int64_t j, int64_t lanes) {
    int64_t out = 0;
    for (; lanes > 1; lanes /= 2, j /= 2) out = out * 2 + (j & 1);
    return out;
}

class Reducer {
  public:
    Reducer(Reduction r, const Array& a, const Dims& dims, Array& out)
        : r_(static_cast<int>(r)), a_(a), out_(out), item_(a.item()) {
        size_t at = 0;
        for (int64_t d = 0; d < a.ndim(); ++d) {
            bool gone = at < dims.size() && dims[at] == d;
            if (gone) ++at;
            (gone ? reduced_ : kept_).add(a.size(d), a.stride(d) * static_cast<int64_t>(item_));
        }
        result_item_ = out.item();
        // Partial counts are added.
        merge_ = reductions().accumulate[static_cast<int>(r == Reduction::count_nonzero ? Reduction::sum : r)]
                                        [static_cast<int>(out.dtype)];
    }

    void run() {
        int64_t n = reduced_.count, item = static_cast<int64_t>(item_);
        if (n == 0) return none();
        bool adjacent = reduced_.is_run() && (reduced_.inner_stride() == item || n == 1);
        bool side_by_side = kept_.inner_size() > 3 && kept_.inner_stride() == item && !adjacent;
        bool short_runs = kept_.inner_size() >= kShortRun && n < kShortRun;
        if (side_by_side || short_runs) return columns();
        if (reduced_.is_run()) return runs();
        gathered();
    }

  private:
    void none() {
        auto identity = reductions().identity[r_][static_cast<int>(a_.dtype)];
        for (int64_t i = 0; i < out_.numel(); ++i)
            identity(out_.data() + i * static_cast<int64_t>(result_item_));
    }

    void runs() {
        int d = static_cast<int>(a_.dtype);
        int64_t n = reduced_.count, stride = reduced_.inner_stride();
        char* o = out_.data();
        bool adjacent = stride == static_cast<int64_t>(item_) || n == 1;
        auto reduce = reductions().reduce[r_][d];
        auto strided = reductions().reduce_strided[r_][d];
        Odometer at(kept_);
        for (int64_t i = 0; i < kept_.count; ++i, at.next(), o += result_item_) {
            if (adjacent) reduce(a_.data() + at.at, n, o);
            else strided(a_.data() + at.at, stride, n, o);
        }
    }

    void gathered() {
        // Kept dimensions first: then a result's elements follow each other in logical order.
        Dims shape(kept_.sizes), strides;
        for (int64_t s : reduced_.sizes) shape.push_back(s);
        for (int64_t s : kept_.strides) strides.push_back(s / static_cast<int64_t>(item_));
        for (int64_t s : reduced_.strides) strides.push_back(s / static_cast<int64_t>(item_));
        Array seen = a_.view(Layout::strided(shape, strides), a_.offset);
        Walker walker(seen, *seen.layout);
        auto reduce = reductions().reduce[r_][static_cast<int>(a_.dtype)];
        alignas(64) char leaf[kReductionLeaf * 8];
        char partial[64 * 8];
        LeafStack stack(partial, 8, merge_);
        int64_t n = reduced_.count;
        for (int64_t i = 0; i < kept_.count; ++i) {
            stack.clear();
            for (int64_t start = 0; start < n; start += kReductionLeaf) {
                int64_t length = std::min(kReductionLeaf, n - start);
                walker.gather(i * n + start, length, leaf);
                reduce(leaf, length, stack.top());
                stack.push(1);
            }
            std::memcpy(out_.data() + i * static_cast<int64_t>(result_item_), stack.finish(1), result_item_);
        }
    }

    // The kernels' tree with a row of results in place of each of its values. Lanes are taken in the order in which
    // folding in halves pairs them (0, 32, 16, 48, ...), so that a few rows are alive at a time, not all lanes.
    void columns() {
        int64_t n = reduced_.count, width = kept_.inner_size(), step = kept_.inner_stride();
        int64_t item = static_cast<int64_t>(item_), result_item = static_cast<int64_t>(result_item_);
        int64_t block = std::min(width, kColumnBytes / result_item), pitch = block * result_item, depth = 2;
        while ((n >> depth) >= kReductionLeaf) ++depth;
        std::vector<char> space(static_cast<size_t>((depth + 10) * pitch + block * 8));
        char* collected = space.data() + (depth + 10) * pitch;
        int64_t offsets[kReductionLeaf];

        alignas(8) char identity[8];
        int d = static_cast<int>(a_.dtype);
        reductions().identity[r_][d](identity);
        auto accumulate = reductions().accumulate[r_][d];
        auto fill = kernels().fill[log_of(result_item_)];
        auto gather = kernels().gather[log_of(item_)];

        Axes outer = kept_.without_inner();
        Odometer outer_at(outer);
        char* o = out_.data();
        for (int64_t i = 0; i < outer.count; ++i, outer_at.next(), o += width * result_item) {
            for (int64_t c = 0; c < width; c += block) {
                int64_t w = std::min(block, width - c);
                const char* base = a_.data() + outer_at.at + c * step;
                Odometer row(reduced_);
                LeafStack leaves(space.data(), pitch, merge_);
                for (int64_t start = 0; start < n; start += kReductionLeaf) {
                    int64_t length = std::min(kReductionLeaf, n - start), lanes = lanes_of(length, item_);
                    for (int64_t k = 0; k < length; ++k, row.next()) offsets[k] = row.at;
                    LeafStack folded(leaves.top(), pitch, merge_);
                    for (int64_t j = 0; j < lanes; ++j) {
                        char* lane = folded.top();
                        fill(identity, lane, w);
                        for (int64_t k = reversed_bits(j, lanes); k < length; k += lanes) {
                            const char* from = base + offsets[k];
                            if (step != item) {
                                gather(from, step, collected, w);
                                from = collected;
                            }
                            accumulate(from, lane, w);
                        }
                        folded.push(w);
                    }
                    folded.finish(w);
                    leaves.push(w);
                }
                std::memcpy(o + c * result_item, leaves.finish(w), static_cast<size_t>(w * result_item));
            }
        }
    }

    int r_;
    const Array& a_;
    Array& out_;
    size_t item_, result_item_;
    Axes kept_, reduced_;
    LeafStack::Merge merge_;
};

}  // namespace

Array reduce_array(Reduction r, const Array& a, const Dims& dims, bool keepdim) {
    int d = static_cast<int>(a.dtype);
    auto reduce = reductions().reduce[static_cast<int>(r)][d];
    if (!reduce) ops::fail_unsupported("reduction", a.dtype);
    DType result = reduction_dtype(r, a.dtype);
    if (a.is_contiguous() && static_cast<int64_t>(dims.size()) == a.ndim() && !keepdim) {
        Array out = Array::empty(result, Layout::scalar());
        if (a.numel()) reduce(a.data(), a.numel(), out.data());
        else reductions().identity[static_cast<int>(r)][d](out.data());
        return out;
    }
    Array out = Array::empty(result, reduced_shape(*a.layout, dims, keepdim));
    if (out.numel()) Reducer(r, a, dims, out).run();
    return out;
}

Array index_of_extreme(bool greatest, const Array& given, int64_t dim, bool keepdim) {
    Array a = given;
    if (a.dtype == DType::Bool) a.dtype = DType::UInt8;
    Dims shape;
    if (dim < 0) {
        if (keepdim) shape = Dims(static_cast<size_t>(a.ndim()), 1);
        a = contiguous_array(a);
        a = a.view(Layout::contiguous(Dims{a.numel()}), a.offset);
        dim = 0;
    } else {
        shape = reduced_shape(*a.layout, a.ndim() ? Dims{dim} : Dims{}, keepdim);
        if (!a.ndim()) a = a.view(Layout::contiguous(Dims{1}), a.offset);
    }
    Array out = Array::empty(DType::Int64, shape);
    if (!out.numel()) return out;
    int r = static_cast<int>(greatest ? Reduction::argmax : Reduction::argmin), d = static_cast<int>(a.dtype);
    if (!reductions().reduce[r][d]) ops::fail_unsupported(greatest ? "argmax_cpu" : "argmin_cpu", a.dtype);
    int64_t item = static_cast<int64_t>(a.item()), n = a.size(dim), stride = a.stride(dim) * item;
    Axes kept;
    for (int64_t k = 0; k < a.ndim(); ++k)
        if (k != dim) kept.add(a.size(k), a.stride(k) * item);
    auto* o = out.as<int64_t>();
    if (stride != item && kept.inner_size() > 3 && kept.inner_stride() == item) {
        Axes outer = kept.without_inner();
        int64_t width = kept.inner_size();
        std::vector<char> best(static_cast<size_t>(width * item));
        auto accumulate = reductions().accumulate_index[greatest ? 0 : 1][d];
        Odometer at(outer);
        for (int64_t i = 0; i < outer.count; ++i, at.next(), o += width)
            for (int64_t k = 0; k < n; ++k)
                accumulate(a.data() + at.at + k * stride, k, best.data(), o, width);
        return out;
    }
    Odometer at(kept);
    for (int64_t i = 0; i < kept.count; ++i, at.next(), ++o) {
        if (stride == item || n == 1) reductions().reduce[r][d](a.data() + at.at, n, o);
        else reductions().reduce_strided[r][d](a.data() + at.at, stride, n, o);
    }
    return out;
}

namespace {
Array moved_last(const Array& a, int64_t dim) {
    Dims shape, strides;
    for (int64_t d = 0; d < a.ndim(); ++d) {
        if (d == dim) continue;
        shape.push_back(a.size(d));
        strides.push_back(a.stride(d));
    }
    if (a.ndim()) {
        shape.push_back(a.size(dim));
        strides.push_back(a.stride(dim));
    }
    return a.view(Layout::strided(shape, strides), a.offset);
}
}  // namespace

Array rows_along(const Array& a, int64_t dim) {
    if (a.is_contiguous() && dim >= a.ndim() - 1) return a;
    return contiguous_array(moved_last(a, dim));
}

Array from_rows(const Array& rows, const Layout& like, int64_t dim) {
    Dims shape = like.dims();
    if (dim >= like.ndim() - 1) return rows.view(Layout::contiguous(shape), rows.offset);
    Array out = Array::empty(rows.dtype, shape);
    copy_array(rows, moved_last(out, dim));
    return out;
}

namespace ops {

Array pick_array(const Array& given, int64_t dim, const Array& index) {
    Array x = contiguous_array(given), out = Array::empty(x.dtype, index.layout->dims());
    int64_t outer = 1, n = x.ndim() ? x.size(dim) : 1, m = x.ndim() ? index.size(dim) : 1, inner = 1;
    for (int64_t d = 0; d < x.ndim(); ++d)
        if (d != dim) (d < dim ? outer : inner) *= x.size(d);
    const auto* at = index.as<int64_t>();
    with_type(x.dtype, "gather", [&](auto zero) {
        using T = decltype(zero);
        const T* from = x.as<T>();
        T* to = out.as<T>();
        for (int64_t o = 0; o < outer; ++o, from += n * inner)
            for (int64_t k = 0; k < m; ++k)
                for (int64_t i = 0; i < inner; ++i) *to++ = from[*at++ * inner + i];
    });
    return out;
}

Tensor pick_along(const Tensor& x, int64_t dim, const Tensor& index) { return gather(x, dim, index); }

Tensor place_along(const Tensor& g, int64_t dim, const Tensor& index, const Dims& shape) {
    return scatter_add(zeros(g.dtype(), shape), dim, index, g);
}

void fail_unsupported(const char* kernel, DType d) {
    fail_as(ErrorKind::NotImplemented, "\"%s\" not implemented for '%s'%s", kernel, dtype_legacy_name(d),
            is_supported(d) ? ". Convert it first: x.to(...), x.double(), x.long()."
                            : ". Kernels exist for float32, float64, int32, int64, uint8 and bool.");
}
}  // namespace ops

}  // namespace pb
