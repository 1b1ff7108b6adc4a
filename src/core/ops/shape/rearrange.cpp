// Copies in another arrangement: repeated, flipped, rolled, rotated, cut to a triangle.
#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "array/order.h"
#include "compute/wrapping.h"
#include "kernels/reduce.h"
#include "ops/operators.h"

namespace pb::ops {

namespace {

using Int = long long;

// ---- repetition ----

struct Repeat {
    static constexpr const char* name = "RepeatBackward0";
    static constexpr bool linear = true;
    Dims repeats;  // at least as many as dimensions
    // The result as a tensor of twice the dimensions, repetitions and sizes alternating.
    Dims paired(const Layout& input) const {
        Dims shape;
        size_t lead = repeats.size() - static_cast<size_t>(input.ndim());
        for (size_t i = 0; i < repeats.size(); ++i) {
            shape.push_back(repeats[i]);
            shape.push_back(i < lead ? 1 : input.size(static_cast<int64_t>(i - lead)));
        }
        return shape;
    }
    Dims joined(const Dims& paired) const {
        Dims shape;
        for (size_t i = 0; i < paired.size(); i += 2) shape.push_back(checked_mul(paired[i], paired[i + 1]));
        return shape;
    }
    Tensor forward(const Tensors& x) {
        const Array a = x[0].array();
        Dims pairs = paired(*a.layout), strides;
        size_t lead = repeats.size() - static_cast<size_t>(a.ndim());
        for (size_t i = 0; i < repeats.size(); ++i) {
            strides.push_back(0);
            strides.push_back(i < lead ? 0 : a.stride(static_cast<int64_t>(i - lead)));
        }
        Array out = Array::empty(a.dtype, joined(pairs));
        Ref<Layout> whole = Layout::contiguous(pairs);
        if (out.numel()) copy_array(a.view(Layout::strided(pairs, strides), a.offset), out.view(whole, 0));
        return Tensor::make(out);
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        Dims dims;
        for (size_t i = 0; i < repeats.size(); ++i) dims.push_back(static_cast<int64_t>(2 * i));
        if (dims.empty()) {
            out[0] = g[0];
            return;
        }
        out[0] = reshape(sum(reshape(g[0], paired(c.input_layout(0))), dims, false), c.input_shape(0));
    }
};

using Counts = std::shared_ptr<const std::vector<int64_t>>;

// The input as outer x size x inner runs of bytes, for operators along one dimension.
struct Runs {
    int64_t outer, size, inner;
    Runs(const Layout& l, int64_t dim)
        : outer(checked_product(l.shape(), l.shape() + dim)),
          size(l.size(dim)),
          inner(checked_product(l.shape() + dim + 1, l.shape() + l.ndim())) {}
};

// Index i along a dimension, counts[i] times.
struct Interleave {
    static constexpr const char* name = "IndexSelectBackward0";
    static constexpr bool linear = true;
    Counts counts;
    int64_t dim, total;
    Tensor forward(const Tensors& x);
    void pullback(Context& c, const Tensors& g, Tensors& out);
};

// Its adjoint: the sum of each run of counts[i] neighbours.
struct SumRuns {
    static constexpr const char* name = "IndexAddBackward0";
    static constexpr bool linear = true;
    Counts counts;
    int64_t dim, total;
    template <class T> void add(const Array& from, const Array& to, const Runs& r) {
        const T* p = from.as<T>();
        T* o = to.as<T>();
        for (int64_t i = 0; i < r.outer; ++i)
            for (int64_t n : *counts) {
                for (int64_t k = 0; k < n; ++k)
                    for (int64_t j = 0; j < r.inner; ++j) o[j] += *p++;
                o += r.inner;
            }
    }
    Tensor forward(const Tensors& x) {
        Array from = contiguous_array(x[0].array());
        Dims shape = from.layout->dims();
        shape[static_cast<size_t>(dim)] = static_cast<int64_t>(counts->size());
        Array to = Array::empty(from.dtype, shape);
        fill_array(to, Scalar(0));
        Runs r(*from.layout, dim);
        visit<Family::Floats>(from.dtype, "index_add_", [&](auto zero) { add<decltype(zero)>(from, to, r); });
        return Tensor::make(to);
    }
    void pullback(Context&, const Tensors& g, Tensors& out) {
        out[0] = apply(Interleave{counts, dim, total}, {g[0]});
    }
};

Tensor Interleave::forward(const Tensors& x) {
    Array from = contiguous_array(x[0].array());
    Dims shape = from.layout->dims();
    shape[static_cast<size_t>(dim)] = total;
    Array to = Array::empty(from.dtype, shape);
    Runs r(*from.layout, dim);
    auto run = static_cast<size_t>(r.inner) * from.item();
    const char* p = from.data();
    char* o = to.data();
    for (int64_t i = 0; i < r.outer; ++i)
        for (int64_t n : *counts) {
            for (int64_t k = 0; k < n; ++k, o += run) std::memcpy(o, p, run);
            p += run;
        }
    return Tensor::make(to);
}
void Interleave::pullback(Context&, const Tensors& g, Tensors& out) {
    out[0] = apply(SumRuns{counts, dim, total}, {g[0]});
}

// The repetitions as numbers, checked, and their sum.
Counts read_counts(const Tensor& repeats, int64_t output_size, int64_t* total) {
    if (!is_index(repeats.dtype()))
        fail_as(ErrorKind::NotImplemented,
                "\"repeat_interleave_cpu\" not implemented for '{}'. The repeats are int64 or int32.",
                dtype_legacy_name(repeats.dtype()));
    Array wide = Array::empty(DType::Int64, repeats.shape());
    copy_array(repeats.array(), wide);
    auto counts =
        std::make_shared<std::vector<int64_t>>(wide.as<int64_t>(), wide.as<int64_t>() + wide.numel());
    *total = 0;
    for (int64_t n : *counts) {
        if (n < 0) fail("repeats can not be negative");
        if (add_overflows(*total, n, total))
            fail("repeat_interleave: the output has more elements than can be counted");
    }
    if (output_size >= 0 && output_size != *total)
        fail("allocated size does not match required size: output_size is {}, the repeats sum to {}",
             Int(output_size), Int(*total));
    return counts;
}

// ---- order ----

Array flipped(const Array& a, const Dims& dims) {
    Dims strides = a.layout->stride_dims();
    int64_t offset = a.offset;
    for (int64_t d : dims) {
        offset += std::max<int64_t>(a.size(d) - 1, 0) * a.stride(d);
        strides[static_cast<size_t>(d)] = -a.stride(d);
    }
    Array out = Array::empty(a.dtype, a.layout->packed());
    if (a.numel()) copy_array(a.view(Layout::strided(a.layout->dims(), strides), offset), out);
    return out;
}

struct Flip {
    static constexpr const char* name = "FlipBackward0";
    static constexpr bool linear = true;
    Dims dims;
    Tensor forward(const Tensors& x) { return Tensor::make(flipped(x[0].array(), dims)); }
    void pullback(Context&, const Tensors& g, Tensors& out) { out[0] = apply(*this, {g[0]}); }
};

struct Rot90 {
    static constexpr const char* name = "Rot90Backward0";
    static constexpr bool linear = true;
    int64_t k, a, b;  // quarter turns, 0 to 3, from dimension a towards b
    Tensor forward(const Tensors& x) {
        Array in = x[0].array();
        if (k == 0) {
            Array out = Array::empty(in.dtype, in.layout->dims());
            copy_array(in, out);
            return Tensor::make(out);
        }
        Array out = flipped(in, k == 1 ? Dims{b} : k == 2 ? Dims{a, b} : Dims{a});
        if (k == 2) return Tensor::make(out);
        Dims shape = out.layout->dims(), strides = out.layout->stride_dims();
        std::swap(shape[static_cast<size_t>(a)], shape[static_cast<size_t>(b)]);
        std::swap(strides[static_cast<size_t>(a)], strides[static_cast<size_t>(b)]);
        return Tensor::make(out.view(Layout::strided(shape, strides), out.offset));
    }
    void pullback(Context&, const Tensors& g, Tensors& out) {
        out[0] = apply(Rot90{(4 - k) % 4, a, b}, {g[0]});
    }
};

struct Roll {
    static constexpr const char* name = "RollBackward0";
    static constexpr bool linear = true;
    Dims shifts, dims;  // no dims: over all elements in order
    static Array rolled(const Array& a, int64_t shift, int64_t dim) {
        if (a.numel() == 0) return Array::empty(a.dtype, a.layout);
        int64_t n = a.size(dim);
        shift %= n;
        if (shift < 0) shift += n;
        // The two parts change places; the result lies as if they were joined.
        Dims front = a.layout->dims(), back = front;
        front[static_cast<size_t>(dim)] = shift;
        back[static_cast<size_t>(dim)] = n - shift;
        Array out = Array::empty(
            a.dtype, suggested_layout(a.layout->dims(), {Layout::strided(front, a.layout->stride_dims()),
                                                         Layout::strided(back, a.layout->stride_dims())}));
        auto move = [&](int64_t from, int64_t to, int64_t count) {
            Dims shape = a.layout->dims();
            shape[static_cast<size_t>(dim)] = count;
            copy_array(
                a.view(Layout::strided(shape, a.layout->stride_dims()), a.offset + from * a.stride(dim)),
                out.view(Layout::strided(shape, out.layout->stride_dims()), to * out.stride(dim)));
        };
        if (shift) move(n - shift, 0, shift);
        move(0, shift, n - shift);
        return out;
    }
    Tensor forward(const Tensors& x) {
        Array a = x[0].array();
        if (dims.empty()) {
            Array flat = contiguous_array(a);
            Array out = rolled(flat.view(Layout::contiguous(Dims{a.numel()}), flat.offset), shifts[0], 0);
            return Tensor::make(out.view(Layout::contiguous(a.layout->dims()), 0));
        }
        for (size_t i = 0; i < dims.size(); ++i) a = rolled(a, shifts[i], dims[i]);
        return Tensor::make(a);
    }
    void pullback(Context&, const Tensors& g, Tensors& out) {
        Dims back = shifts;
        for (int64_t& s : back) s = -s;
        out[0] = apply(Roll{back, dims}, {g[0]});
    }
};

// ---- triangles ----

// Zeros what lies beyond the diagonal, in every matrix of a contiguous array.
void cut(const Array& a, int64_t diagonal, bool upper) {
    int64_t rows = a.size(a.ndim() - 2), columns = a.size(a.ndim() - 1);
    auto item = static_cast<int64_t>(a.item());
    if (a.numel() == 0) return;
    char* p = a.data();
    for (int64_t m = a.numel() / (rows * columns); m > 0; --m)
        for (int64_t r = 0; r < rows; ++r, p += columns * item) {
            // The first column that tril drops, or that triu keeps.
            __int128 edge = static_cast<__int128>(r) + diagonal + (upper ? 0 : 1);
            int64_t at = edge < 0 ? 0 : edge > columns ? columns : static_cast<int64_t>(edge);
            if (upper) std::memset(p, 0, static_cast<size_t>(at * item));
            else std::memset(p + at * item, 0, static_cast<size_t>((columns - at) * item));
        }
}

struct Triangle {
    static constexpr bool linear = true;
    int64_t diagonal;
    bool upper;
    const char* node_name() const { return upper ? "TriuBackward0" : "TrilBackward0"; }
    Tensor forward(const Tensors& x) {
        Array out = Array::empty(x[0].dtype(), x[0].shape());
        copy_array(x[0].array(), out);
        cut(out, diagonal, upper);
        return Tensor::make(out);
    }
    void pullback(Context&, const Tensors& g, Tensors& out) {
        out[0] = apply(Triangle{diagonal, upper}, {g[0]});
    }
};

struct TriangleInPlace : Triangle {
    void write(const Tensors& x) {
        Array a = x[0].array();
        if (a.is_contiguous()) return cut(a, diagonal, upper);
        Array whole = contiguous_array(a);
        cut(whole, diagonal, upper);
        copy_array(whole, a);
    }
};

void check_matrix(const Tensor& x, bool upper) {
    if (x.ndim() < 2) fail("{}: input tensor must have at least 2 dimensions", upper ? "triu" : "tril");
}

struct Trace {
    static constexpr const char* name = "TraceBackward0";
    static constexpr bool linear = true;
    Tensor forward(const Tensors& x) {
        Array a = x[0].array();
        return visit<Family::Numbers>(a.dtype, "trace", [&](auto zero) {
            using T = decltype(zero);
            Running<T> s = 0;
            for (int64_t i = 0, n = std::min(a.size(0), a.size(1)); i < n; ++i)
                s = wrapping_sum(s, static_cast<Running<T>>(a.as<T>()[i * (a.stride(0) + a.stride(1))]));
            return scalar_tensor(s, reduction_dtype(Reduction::sum, a.dtype));
        });
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        Dims shape = c.input_shape(0);
        out[0] = diagonal_scatter(zeros(g[0].dtype(), shape),
                                  expand(g[0], Dims{std::min(shape[0], shape[1])}), 0, 0, 1);
    }
};

Dims distinct_dims(const Dims& dims, int64_t ndim) {
    Dims out;
    for (int64_t d : dims) {
        d = wrap_dim(d, ndim);
        if (std::find(out.begin(), out.end(), d) != out.end())
            fail("dim {} appears multiple times in the list of dims", Int(d));
        out.push_back(d);
    }
    return out;
}

}  // namespace

Tensor repeat(const Tensor& x, const Dims& repeats) {
    if (static_cast<int64_t>(repeats.size()) < x.ndim())
        fail("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor");
    Dims shape;
    size_t lead = repeats.size() - static_cast<size_t>(x.ndim());
    for (size_t i = 0; i < repeats.size(); ++i) {
        int64_t n = i < lead ? 1 : x.size(static_cast<int64_t>(i - lead)), size;
        if (mul_overflows(n, repeats[i], &size))
            fail("Storage size calculation overflowed with repeats={}", shape_text(repeats));
        shape.push_back(size);
    }
    for (size_t i = 0; i < repeats.size(); ++i)
        if (repeats[i] < 0)
            fail("Trying to create tensor with negative dimension {}: {}", Int(shape[i]), shape_text(shape));
    checked_numel(shape.data(), shape.size());
    return apply(Repeat{repeats}, {x});
}

Tensor repeat_interleave(const Tensor& x, int64_t repeats, int64_t dim, int64_t output_size) {
    dim = wrap_dim(dim, x.ndim());
    if (repeats < 0) fail("Repeats must be non-negative");
    int64_t total;
    if (mul_overflows(x.size(dim), repeats, &total)) fail("Storage size calculation overflowed");
    if (output_size >= 0 && output_size != total)
        fail("repeat_interleave: Invalid output_size, expected {} but got {}", Int(total), Int(output_size));
    Tensor wide = unsqueeze(x, dim + 1);
    Dims shape = wide.shape();
    shape[static_cast<size_t>(dim + 1)] = repeats;
    Tensor repeated = as_layout(expand(wide, shape), Layout::contiguous(shape));
    shape.erase(static_cast<size_t>(dim + 1));
    shape[static_cast<size_t>(dim)] = total;
    return view(repeated, shape);
}

Tensor repeat_interleave(const Tensor& x, const Tensor& repeats, int64_t dim, int64_t output_size) {
    dim = wrap_dim(dim, x.ndim());
    if (repeats.ndim() > 1) fail("repeats must be 0-dim or 1-dim tensor");
    Tensor each = repeats;
    if (repeats.numel() == 1 && x.size(dim) != 1) {
        each = expand(repeats, Dims{x.size(dim)});
    } else if (repeats.numel() != x.size(dim)) {
        fail(
            "repeats must have the same size as input along dim, but got repeats.size(0) = {} and "
            "input.size({}) = {}",
            Int(repeats.numel()), Int(dim), Int(x.size(dim)));
    }
    int64_t total;
    Counts counts = read_counts(each, output_size, &total);
    return apply(Interleave{counts, dim, total}, {x});
}

Tensor repeat_interleave(const Tensor& repeats, int64_t output_size) {
    if (repeats.ndim() != 1) fail("repeat_interleave only accept 1D vector as repeat");
    int64_t total, at = 0;
    Counts counts = read_counts(repeats, output_size, &total);
    Array out = Array::empty(DType::Int64, Dims{total});
    Array one = Array::empty(repeats.dtype(), Dims{total});
    for (size_t i = 0; i < counts->size(); ++i)
        for (int64_t k = 0; k < (*counts)[i]; ++k) out.as<int64_t>()[at++] = static_cast<int64_t>(i);
    copy_array(out, one);
    return Tensor::make(one);
}

Tensor flip(const Tensor& x, const Dims& dims) {
    Dims wrapped = distinct_dims(dims, x.ndim());
    if (x.ndim() == 0) wrapped.clear();
    return apply(Flip{wrapped}, {x});
}

Tensor roll(const Tensor& x, const Dims& shifts, DimsOrAll given) {
    const Dims& dims = given;
    if (shifts.empty()) fail("`shifts` required");
    if (shifts.size() != dims.size() && !(dims.empty() && shifts.size() == 1))
        fail("shifts and dimensions must align. shifts: {}, dims:{}", shifts.size(), dims.size());
    if (!dims.empty() && x.ndim() == 0)
        fail_as(ErrorKind::Index, "Dimension specified as {} but tensor has no dimensions", Int(dims[0]));
    Dims wrapped, reduced;
    for (int64_t d : dims) wrapped.push_back(wrap_dim(d, x.ndim()));
    for (size_t i = 0; i < shifts.size(); ++i) {
        int64_t n = std::max<int64_t>(dims.empty() ? x.numel() : x.size(wrapped[i]), 1);
        reduced.push_back(shifts[i] % n);  // so that the way back exists
    }
    return apply(Roll{reduced, wrapped}, {x});
}

Tensor rot90(const Tensor& x, int64_t k, const Dims& dims) {
    if (dims.size() != 2) fail("expected total rotation dims == 2, but got dims = {}", dims.size());
    if (x.ndim() < 2) fail("expected total dims >= 2, but got total dims = {}", Int(x.ndim()));
    int64_t a = wrap_dim(dims[0], x.ndim()), b = wrap_dim(dims[1], x.ndim());
    if (a == b)
        fail("expected rotation dims to be different, but got dim0 = {} and dim1 = {}", Int(dims[0]),
             Int(dims[1]));
    return apply(Rot90{((k % 4) + 4) % 4, a, b}, {x});
}

Tensor tril(const Tensor& x, int64_t diagonal) {
    check_matrix(x, false);
    return apply(Triangle{diagonal, false}, {x});
}
Tensor triu(const Tensor& x, int64_t diagonal) {
    check_matrix(x, true);
    return apply(Triangle{diagonal, true}, {x});
}
Tensor tril_(const Tensor& x, int64_t diagonal) {
    check_matrix(x, false);
    return apply_inplace(TriangleInPlace{{diagonal, false}}, {x}, "tril_");
}
Tensor triu_(const Tensor& x, int64_t diagonal) {
    check_matrix(x, true);
    return apply_inplace(TriangleInPlace{{diagonal, true}}, {x}, "triu_");
}

Tensor tril_indices(int64_t rows, int64_t columns, int64_t offset, DType dtype, bool upper) {
    if (rows < 0) fail("row must be non-negative, got{}", Int(rows));
    if (columns < 0) fail("col must be non-negative, got{}", Int(columns));
    if (!is_index(dtype))
        fail_as(ErrorKind::NotImplemented, "\"{}_indices\" not implemented for '{}'", upper ? "triu" : "tril",
                dtype_legacy_name(dtype));
    if (rows > int64_t(1) << 32 || columns > int64_t(1) << 32)
        fail("Storage size calculation overflowed with sizes=[{}, {}]", Int(rows), Int(columns));
    auto edge = [&](int64_t r) {
        __int128 e = static_cast<__int128>(r) + offset + (upper ? 0 : 1);
        return e < 0 ? int64_t(0) : e > columns ? columns : static_cast<int64_t>(e);
    };
    int64_t n = 0, at = 0;
    for (int64_t r = 0; r < rows; ++r)
        if (add_overflows(n, upper ? columns - edge(r) : edge(r), &n))
            fail("Storage size calculation overflowed");
    Array out = Array::empty(DType::Int64, Dims{2, n});
    auto* p = out.as<int64_t>();
    for (int64_t r = 0; r < rows; ++r)
        for (int64_t c = upper ? edge(r) : 0, stop = upper ? columns : edge(r); c < stop; ++c, ++at) {
            p[at] = r;
            p[n + at] = c;
        }
    return to_dtype(Tensor::make(out), dtype);
}

Tensor trace(const Tensor& x) {
    if (x.ndim() != 2) fail("trace: expected a matrix, but got tensor with dim {}", Int(x.ndim()));
    return apply(Trace{}, {x});
}

}  // namespace pb::ops
