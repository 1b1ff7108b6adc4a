// Parts of a tensor: one index, a slice, a diagonal, sliding windows; and several parts at once.
//
// A part is stated once, as a geometry over the whole (`Part`). From it follow the view, its pullback (the
// cotangent placed into zeros), the pullback of that (the view of the cotangent), and the scatter that replaces
// a part in a copy of the whole. The engine adds the cotangents of many parts to one of the whole (`add_to`).
//
// Dimensions are counted from the end of the whole, so that a part of each entry is stated as a part of one.
#include <algorithm>

#include "compute/storage.h"
#include "ops/operators.h"

namespace pb::ops {

namespace {

// A stride so long that it overflows is never walked: its dimension has one element at most.
int64_t times(int64_t a, int64_t b) {
    return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

struct Part {
    enum Kind : uint8_t { Select, Slice, Diagonal, Unfold } kind;
    // Select: dim, index. Slice: dim, start, stop, step. Diagonal: dim1, offset, dim2. Unfold: dim, size, step.
    int64_t dim, a, b = 0, c = 1;

    static int64_t size(const Layout& l, int64_t d) { return l.size(d + l.ndim()); }
    static int64_t stride(const Layout& l, int64_t d) { return l.stride(d + l.ndim()); }
    // The number of dimensions of a part of a whole that has so many.
    int64_t rank(int64_t whole) const {
        return kind == Slice ? whole : kind == Unfold ? whole + 1 : whole - 1;
    }

    // How many elements of a diagonal there are, and the distance of the part's first element from the whole's.
    int64_t diagonal_length(const Layout& l) const {
        int64_t high = size(l, dim), wide = size(l, b);
        int64_t n = a >= 0 ? std::min(high, wide - a) : std::min(high + a, wide);
        return std::max<int64_t>(n, 0);
    }
    int64_t begin(const Layout& l) const {
        switch (kind) {
            case Select: return a * stride(l, dim);
            case Slice: return times(a, stride(l, dim));
            case Diagonal:
                return diagonal_length(l) == 0 ? 0 : a >= 0 ? a * stride(l, b) : -a * stride(l, dim);
            case Unfold: return 0;
        }
        return 0;
    }
    // The part's geometry over a whole of geometry `l`.
    Ref<Layout> of(const Layout& l) const {
        Dims shape = l.dims(), strides = l.stride_dims();
        auto d = static_cast<size_t>(dim + l.ndim());
        switch (kind) {
            case Select:
                shape.erase(d);
                strides.erase(d);
                break;
            case Slice:
                shape[d] = b > a ? (b - a - 1) / c + 1 : 0;
                strides[d] = times(strides[d], c);
                break;
            case Diagonal: {
                auto e = static_cast<size_t>(b + l.ndim());
                int64_t along = strides[d] + strides[e];
                shape.erase(std::max(d, e));
                strides.erase(std::max(d, e));
                shape.erase(std::min(d, e));
                strides.erase(std::min(d, e));
                shape.push_back(diagonal_length(l));
                strides.push_back(along);
                break;
            }
            case Unfold:
                if (shape.empty()) {
                    shape.push_back(a);
                    strides.push_back(1);
                    break;
                }
                shape.push_back(a);
                strides.push_back(strides[d]);
                shape[d] = (shape[d] - a) / b + 1;
                strides[d] = times(strides[d], b);
                break;
        }
        return Layout::strided(shape, strides);
    }
    Array of(const Array& whole) const {
        return whole.view(of(*whole.layout), whole.offset + begin(*whole.layout));
    }
    void add(const Array& x, const Array& whole) const;  // to the part; where windows overlap, their sum
    Tensor of(const Tensor& whole) const;                // the differentiable view

    const char* view_name() const {
        static constexpr const char* names[] = {"SelectBackward0", "SliceBackward0", "DiagonalBackward0",
                                                "UnfoldBackward0"};
        return names[kind];
    }
    const char* place_name() const {
        static constexpr const char* names[] = {"SelectBackwardBackward0", "SliceBackwardBackward0",
                                                "DiagonalBackwardBackward0", "UnfoldBackwardBackward0"};
        return names[kind];
    }
    const char* scatter_name() const {
        static constexpr const char* names[] = {"SelectScatterBackward0", "SliceScatterBackward0",
                                                "DiagonalScatterBackward0", ""};
        return names[kind];
    }
};

void Part::add(const Array& x, const Array& whole) const {
    Array into = of(whole);
    bool apart = kind != Unfold || whole.layout->overlaps_itself() || !into.layout->overlaps_itself();
    if (apart) return compute::add_array(x, into);
    // Windows are added one position within them at a time: those do not overlap among themselves.
    for (int64_t i = 0; i < a; ++i) {
        Part position{Select, -1, i};
        compute::add_array(position.of(x), position.of(into));
    }
}

// A part put into zeros; where windows overlap, their sum.
struct PutPart {
    static constexpr bool noted = true;
    static constexpr bool moves = true;
    static constexpr bool linear = true, leads = true;
    Part part;
    Ref<Layout> whole;  // contiguous
    const char* node;
    const char* node_name() const { return node; }
    Tensor forward(const Tensors& x) {
        const int64_t lead = x[0].ndim() - part.rank(whole->ndim());
        Tensor out = zeros(x[0].dtype(), behind(x[0].layout(), lead, whole));
        if (part.kind == Part::Unfold) part.add(x[0].array(), out.array());
        else copy_array(x[0].array(), part.of(out.array()));
        return out;
    }
    void pullback(Context&, const Tensors& g, Tensors& out) { out[0] = part.of(g[0]); }
};

Tensor place(const Part& part, const Tensor& x, const Dims& whole) {
    return apply(PutPart{part, Layout::contiguous(whole), part.place_name()}, {x});
}

struct PartView {
    static constexpr bool noted = true;
    static constexpr bool view = true, linear = true;
    Part part;
    const char* node_name() const { return part.view_name(); }
    Tensor forward(const Tensors& x) {
        return x[0].alias(part.of(x[0].layout()), checked_add(x[0]->offset, part.begin(x[0].layout())));
    }
    std::optional<int64_t> shift(const Layout& input, uint32_t) const { return part.begin(input); }
    void add_to(Context&, const Tensors& g, const Array& whole) { part.add(g[0].value(), whole); }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        out[0] = place(part, g[0], c.input_shape(0));
    }
};

Tensor Part::of(const Tensor& whole) const { return apply(PartView{*this}, {whole}); }

// A copy of a part.
struct PartCopy : PartView {
    static constexpr bool view = false, leads = true, moves = true;
    const char* node_name() const { return "DiagonalBackward0_copy"; }
    Tensor forward(const Tensors& x) {
        Array from = part.of(x[0].array()), out = Array::empty(from.dtype, from.layout->dims());
        copy_array(from, out);
        return Tensor::make(out);
    }
};

struct PartScatter {
    static constexpr bool noted = true;
    static constexpr bool moves = true;
    static constexpr bool linear = true, leads = true;
    Part part;
    const char* node_name() const { return part.scatter_name(); }
    Tensor forward(const Tensors& x) {
        Array out = compute::empty_strided(x[0].dtype(), x[0].layout_ref());
        copy_array(x[0].array(), out);
        copy_array(x[1].array(), part.of(out));
        return Tensor::make(out);
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        if (c.wants(0)) out[0] = apply(PartScatter{part}, {g[0], zeros(g[0].dtype(), c.input_shape(1))});
        if (c.wants(1)) out[1] = part.of(g[0]);
    }
};

Tensor scatter(const Part& part, const Tensor& x, const Tensor& source) {
    Ref<Layout> l = part.of(x.layout());
    if (!l->same_shape(source.layout()))
        fail("expected src to have a size equal to the slice of self. src size = {}, slice size = {}",
             shape_text(source.layout()), shape_text(*l));
    return apply(PartScatter{part}, {x, source});
}

// ---- several parts ----

Tensor or_zeros(const Tensor& g, DType dtype, const Dims& shape) { return g ? g : zeros(dtype, shape); }

struct Unbind {
    static constexpr bool noted = true;
    static constexpr const char* name = "UnbindBackward0";
    static constexpr bool view = true, several = true, linear = true;
    int64_t dim;
    Tensors forward(const Tensors& x) {
        Tensors out;
        int64_t step = Part::stride(x[0].layout(), dim);
        Ref<Layout> l = Part{Part::Select, dim, 0}.of(x[0].layout());
        for (int64_t i = 0, n = Part::size(x[0].layout(), dim); i < n; ++i)
            out.push_back(x[0].alias(l, x[0]->offset + i * step));
        return out;
    }
    std::optional<int64_t> shift(const Layout& input, uint32_t nr) const { return part(nr).begin(input); }
    void add_to(Context&, const Tensors& g, const Array& whole) {
        for (size_t i = 0; i < g.size(); ++i)
            if (g[i]) part(i).add(g[i].value(), whole);
    }
    Part part(size_t nr) const { return {Part::Select, dim, static_cast<int64_t>(nr)}; }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        Dims shape = c.input_shape(0);
        shape.erase(shape.size() - static_cast<size_t>(-dim));
        Tensors parts;
        for (const Tensor& x : g) parts.push_back(or_zeros(x, c.input_dtype(0), shape));
        out[0] = stack(parts, dim);
    }
};

struct Split {
    static constexpr bool noted = true;
    const char* node;
    static constexpr bool view = true, several = true, linear = true;
    int64_t dim;
    Dims sizes;
    const char* node_name() const { return node; }
    Tensors forward(const Tensors& x) {
        Tensors out;
        int64_t start = 0;
        for (int64_t n : sizes) {
            Part part{Part::Slice, dim, start, start + n};
            out.push_back(x[0].alias(part.of(x[0].layout()), x[0]->offset + part.begin(x[0].layout())));
            start += n;
        }
        return out;
    }
    std::optional<int64_t> shift(const Layout& input, uint32_t nr) const {
        int64_t start = 0;
        for (uint32_t i = 0; i < nr; ++i) start += sizes[i];
        return times(start, Part::stride(input, dim));
    }
    void add_to(Context&, const Tensors& g, const Array& whole) {
        int64_t start = 0;
        for (size_t i = 0; i < sizes.size(); start += sizes[i++])
            if (g[i]) Part{Part::Slice, dim, start, start + sizes[i]}.add(g[i].value(), whole);
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        Dims shape = c.input_shape(0);
        const size_t along = shape.size() - static_cast<size_t>(-dim);
        Tensors parts;
        for (size_t i = 0; i < sizes.size(); ++i) {
            shape[along] = sizes[i];
            parts.push_back(or_zeros(g[i], c.input_dtype(0), shape));
        }
        out[0] = cat(parts, dim);
    }
};

using Int = long long;

// A node counts its outputs in 16 bits: what has more is taken apart in two steps.
constexpr int64_t kMost = 60000;
template <class F> Tensors in_groups(const Tensor& x, int64_t dim, int64_t length, F take_apart) {
    Tensors out;
    for (int64_t at = 0, n = x.size(dim); at < n; at += length)
        for (Tensor& t : take_apart(narrow(x, dim, at, std::min(length, n - at))))
            out.push_back(std::move(t));
    return out;
}

Part diagonal_part(int64_t ndim, int64_t offset, int64_t dim1, int64_t dim2) {
    int64_t a = wrap_dim(dim1, ndim), b = wrap_dim(dim2, ndim);
    if (a == b) fail("diagonal dimensions cannot be identical {}, {}", Int(dim1), Int(dim2));
    return {Part::Diagonal, a - ndim, offset, b - ndim};
}

Part select_part(const Tensor& x, int64_t dim, int64_t index) {
    if (x.ndim() == 0) fail_as(ErrorKind::Index, "select() cannot be applied to a 0-dim tensor.");
    dim = wrap_dim(dim, x.ndim());
    int64_t n = x.size(dim);
    if (index < -n || index >= n)
        fail_as(ErrorKind::Index, "select(): index {} out of range for tensor of size {} at dimension {}",
                Int(index), shape_text(x.layout()), Int(dim));
    return {Part::Select, dim - x.ndim(), index < 0 ? index + n : index};
}

Part slice_part(const Tensor& x, int64_t dim, int64_t start, int64_t stop, int64_t step) {
    if (x.ndim() == 0) fail("slice() cannot be applied to a 0-dim tensor.");
    if (step <= 0) fail("slice step must be positive");
    dim = wrap_dim(dim, x.ndim());
    int64_t n = x.size(dim);
    if (start < 0) start = std::max<int64_t>(start + n, 0);
    if (stop < 0) stop = std::max<int64_t>(stop + n, 0);
    start = std::min(start, n);
    stop = std::min(std::max(stop, start), n);
    return {Part::Slice, dim - x.ndim(), start, stop, step};
}

}  // namespace

Tensor select(const Tensor& x, int64_t dim, int64_t index) { return select_part(x, dim, index).of(x); }

Tensor slice(const Tensor& x, int64_t dim, int64_t start, int64_t stop, int64_t step) {
    return slice_part(x, dim, start, stop, step).of(x);
}

Tensor narrow(const Tensor& x, int64_t dim, int64_t start, int64_t length) {
    if (x.ndim() == 0) fail("narrow() cannot be applied to a 0-dim tensor.");
    if (length < 0) fail("narrow(): length must be non-negative.");
    dim = wrap_dim(dim, x.ndim());
    int64_t n = x.size(dim);
    if (start < -n || start > n)
        fail_as(ErrorKind::Index, "start out of range (expected to be in range of [{}, {}], but got {})",
                Int(-n), Int(n), Int(start));
    if (start < 0) start += n;
    if (length > n - start)
        fail("start ({}) + length ({}) exceeds dimension size ({}).", Int(start), Int(length), Int(n));
    return Part{Part::Slice, dim - x.ndim(), start, start + length}.of(x);
}

Tensor diagonal(const Tensor& x, int64_t offset, int64_t dim1, int64_t dim2) {
    return diagonal_part(x.ndim(), offset, dim1, dim2).of(x);
}

Tensor diagonal_copy(const Tensor& x, int64_t offset) {
    return apply(PartCopy{{diagonal_part(x.ndim(), offset, 0, 1)}}, {x});
}

Tensor unfold(const Tensor& x, int64_t dim, int64_t size, int64_t step) {
    dim = wrap_dim(dim, x.ndim());
    int64_t n = x.ndim() ? x.size(dim) : 1;
    if (size < 0) fail("size is {} but must be >= 0", Int(size));
    if (size > n)
        fail("maximum size for tensor at dimension {} is {} but size is {}", Int(dim), Int(n), Int(size));
    if (step <= 0) fail("step is {} but must be > 0", Int(step));
    return Part{Part::Unfold, dim - x.ndim(), size, step}.of(x);
}

Tensor diag_embed(const Tensor& x, int64_t offset, int64_t dim1, int64_t dim2) {
    int64_t n = x.ndim() + 1;
    int64_t a = wrap_dim(dim1, n), b = wrap_dim(dim2, n);
    if (a == b) fail("diagonal dimensions cannot be identical {}, {}", Int(dim1), Int(dim2));
    int64_t side;
    if (offset == INT64_MIN || add_overflows(x.size(x.ndim() - 1), std::abs(offset), &side))
        fail("Storage size calculation overflowed with an offset of {}", Int(offset));
    Dims shape = x.shape();
    shape.pop_back();
    shape.insert(static_cast<size_t>(std::min(a, b)), side);
    shape.insert(static_cast<size_t>(std::max(a, b)), side);
    return apply(PutPart{diagonal_part(n, offset, a, b), Layout::contiguous(shape), "DiagEmbedBackward0"},
                 {x});
}

Tensor select_scatter(const Tensor& x, const Tensor& source, int64_t dim, int64_t index) {
    return scatter(select_part(x, dim, index), x, source);
}
Tensor slice_scatter(const Tensor& x, const Tensor& source, int64_t dim, int64_t start, int64_t stop,
                     int64_t step) {
    return scatter(slice_part(x, dim, start, stop, step), x, source);
}
Tensor diagonal_scatter(const Tensor& x, const Tensor& source, int64_t offset, int64_t dim1, int64_t dim2) {
    return scatter(diagonal_part(x.ndim(), offset, dim1, dim2), x, source);
}

Tensors unbind(const Tensor& x, int64_t dim) {
    if (x.ndim() == 0)
        fail_as(ErrorKind::Index, "Dimension specified as {} but tensor has no dimensions", Int(dim));
    dim = wrap_dim(dim, x.ndim());
    if (x.size(dim) > kMost && should_record(x))
        return in_groups(x, dim, kMost, [dim](const Tensor& part) { return unbind(part, dim); });
    return apply_all(Unbind{dim - x.ndim()}, {x});
}

Tensors split(const Tensor& x, int64_t size, int64_t dim) {
    if (x.ndim() == 0) fail("split expects at least a 1-dimensional tensor");
    if (size < 0) fail("split expects split_size be non-negative, but got split_size={}", Int(size));
    dim = wrap_dim(dim, x.ndim());
    int64_t n = x.size(dim);
    if (size == 0 && n != 0)
        fail("split_size can only be 0 if dimension size is 0, but got dimension size of {}", Int(n));
    if (size && n / size > kMost && should_record(x))
        return in_groups(x, dim, kMost * size, [=](const Tensor& part) { return split(part, size, dim); });
    Dims sizes;
    for (int64_t rest = n; rest > 0; rest -= size) sizes.push_back(std::min(size, rest));
    if (sizes.empty()) sizes.push_back(0);
    return apply_all(Split{"SplitBackward0", dim - x.ndim(), sizes}, {x});
}

Tensors split_with_sizes(const Tensor& x, const Dims& sizes, int64_t dim) {
    if (x.ndim() == 0) fail("split expects at least a 1-dimensional tensor");
    dim = wrap_dim(dim, x.ndim());
    int64_t total = 0;
    for (int64_t n : sizes) {
        if (n < 0)
            fail(
                "split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes={}",
                shape_text(sizes));
        if (add_overflows(total, n, &total)) total = INT64_MAX;
    }
    if (sizes.size() > kMost && should_record(x))
        fail("split_with_sizes: at most {} parts can be recorded", Int(kMost));
    if (total != x.size(dim))
        fail(
            "split_with_sizes expects split_sizes to sum exactly to {} (input tensor's size at dimension "
            "{}), but got split_sizes={}",
            Int(x.size(dim)), Int(dim), shape_text(sizes));
    return apply_all(Split{"SplitWithSizesBackward0", dim - x.ndim(), sizes}, {x});
}

Tensors chunk(const Tensor& x, int64_t chunks, int64_t dim) {
    if (x.ndim() == 0) fail("chunk expects at least a 1-dimensional tensor");
    if (chunks <= 0) fail("chunk expects `chunks` to be greater than 0, got: {}", Int(chunks));
    dim = wrap_dim(dim, x.ndim());
    int64_t n = x.size(dim);
    if (n == 0) return split_with_sizes(x, Dims(static_cast<size_t>(chunks), 0), dim);
    return split(x, n / chunks + (n % chunks != 0), dim);
}

Tensors tensor_split(const Tensor& x, int64_t sections, int64_t dim) {
    if (x.ndim() == 0)
        fail("tensor_split expected at least a 1-dimensional tensor, but got a tensor with {} dims",
             Int(x.ndim()));
    dim = wrap_dim(dim, x.ndim());
    if (sections <= 0) fail("number of sections must be larger than 0, got {}", Int(sections));
    // The first of them are one longer where the size does not divide.
    int64_t n = x.size(dim), start = 0;
    Tensors out;
    out.reserve(static_cast<size_t>(sections));
    for (int64_t i = 0; i < sections; ++i) {
        int64_t stop = start + n / sections + (i < n % sections);
        out.push_back(slice(x, dim, start, stop, 1));
        start = stop;
    }
    return out;
}

Tensors tensor_split(const Tensor& x, const Dims& indices, int64_t dim) {
    if (x.ndim() == 0)
        fail("tensor_split expected at least a 1-dimensional tensor, but got a tensor with {} dims",
             Int(x.ndim()));
    dim = wrap_dim(dim, x.ndim());
    Tensors out;
    int64_t start = 0;
    for (int64_t stop : indices) {
        out.push_back(slice(x, dim, start, stop, 1));
        start = stop;
    }
    out.push_back(slice(x, dim, start, x.size(dim), 1));
    return out;
}

}  // namespace pb::ops
