// Copies in another arrangement: repeated, flipped, rolled, rotated, cut to a triangle.
#include <algorithm>

#include "compute/create.h"
#include "compute/rearrange.h"
#include "kernels/reduce.h"
#include "ops/operators.h"

namespace pb::ops {

namespace {

using Int = long long;

// ---- repetition ----

struct Repeat {
    static constexpr bool moves = true;
    static constexpr const char* name = "RepeatBackward0";
    static constexpr bool linear = true, leads = true;
    Dims repeats;  // at least as many as dimensions
    int64_t rank;  // of the input
    Tensor forward(const Tensors& x) {
        const Array a = x[0].array();
        return Tensor::make(compute::repeat(a, repeats, a.ndim() - rank));
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        // As a tensor of twice the dimensions, repetitions and sizes alternating.
        Dims paired, dims;
        const Layout& input = c.input_layout(0);
        size_t lead = repeats.size() - static_cast<size_t>(rank);
        for (size_t i = 0; i < repeats.size(); ++i) {
            dims.push_back(static_cast<int64_t>(2 * i));
            paired.push_back(repeats[i]);
            paired.push_back(i < lead ? 1 : input.size(static_cast<int64_t>(i - lead)));
        }
        out[0] = dims.empty() ? g[0] : reshape(sum(reshape(g[0], paired), dims, false), c.input_shape(0));
    }
};

// Counts without the dimensions that were put in front of them, along which they are the same.
Array entry_of(const Array& counts) {
    const int64_t d = counts.ndim() - 1;
    if (!d) return counts;
    return contiguous_array(
        counts.view(Layout::strided(Dims{counts.size(d)}, Dims{counts.stride(d)}), counts.offset));
}

// Index i along a dimension, counts[i] times. The counts are input 1.
struct Interleave {
    static constexpr bool moves = true;
    static constexpr const char* name = "IndexSelectBackward0";
    static constexpr bool linear = true, leads = true;  // the counts are the same for all entries
    static constexpr size_t decides_from = 1;
    static constexpr uint32_t saves = 2;
    int64_t dim;                         // from the end
    std::optional<int64_t> output_size;  // what the counts sum to, if that was said
    Tensor forward(const Tensors& x);
    void pullback(Context& c, const Tensors& g, Tensors& out);
};

// Its adjoint: the sum of each run of counts[i] neighbours.
struct SumRuns {
    static constexpr const char* name = "IndexAddBackward0";
    static constexpr bool linear = true, leads = true;
    static constexpr size_t decides_from = 1;
    static constexpr uint32_t saves = 2;
    int64_t dim;
    Tensor forward(const Tensors& x) {
        return Tensor::make(compute::sum_runs(x[0].array(), entry_of(x[1].array()), x[0].ndim() + dim));
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        out[0] = apply(Interleave{dim, std::nullopt}, {g[0], c.input(1)});
    }
};

int64_t checked_total(const Array& counts, std::optional<int64_t> output_size) {
    int64_t total = compute::total_of(counts);
    if (output_size && *output_size < 0)
        fail("Trying to create tensor with negative dimension {}: [{}]. The repeats sum to {}.",
             Int(*output_size), Int(*output_size), Int(total));
    if (output_size && *output_size != total)
        fail("allocated size does not match required size: output_size is {}, the repeats sum to {}",
             Int(*output_size), Int(total));
    return total;
}

Tensor Interleave::forward(const Tensors& x) {
    const Array counts = entry_of(x[1].array());
    return Tensor::make(
        compute::interleave(x[0].array(), counts, x[0].ndim() + dim, checked_total(counts, output_size)));
}
void Interleave::pullback(Context& c, const Tensors& g, Tensors& out) {
    out[0] = apply(SumRuns{dim}, {g[0], c.input(1)});
}

// The positions themselves, of the counts' dtype.
struct RepeatedPositions {
    static constexpr const char* name = "RepeatInterleave";
    static constexpr bool leads = true;
    std::optional<int64_t> output_size;
    DType dtype;
    Tensor forward(const Tensors& x) {
        const Array counts = contiguous_array(x[0].array());
        const int64_t d = counts.ndim() - 1, n = counts.size(d);
        Dims shape(counts.layout->shape(), counts.layout->shape() + d);
        const int64_t entries = checked_product(shape);
        auto entry = [&](int64_t e) {
            return counts.view(Layout::contiguous(Dims{n}), counts.offset + e * n);
        };
        const int64_t total =
            entries ? checked_total(entry(0), output_size) : std::max<int64_t>(output_size.value_or(0), 0);
        shape.push_back(total);
        Array all = Array::empty(DType::Int64, shape);
        for (int64_t e = 0; e < entries; ++e) {
            if (e && checked_total(entry(e), output_size) != total)
                fail(
                    "vmap: We do not support batching operators that can output dynamic shape. The counts of "
                    "repeat_interleave sum to {} in one entry and to {} in another.",
                    total, compute::total_of(entry(e)));
            compute::repeated_positions(entry(e), all.view(Layout::contiguous(Dims{total}), e * total));
        }
        return to_dtype(Tensor::make(all), dtype);
    }
};

// The repetitions as numbers, in a copy of which nobody else knows: writing into `repeats` later changes nothing.
Tensor counts_of(const Tensor& repeats) {
    if (!is_index(repeats.dtype()))
        fail_as(ErrorKind::NotImplemented,
                "\"repeat_interleave_cpu\" not implemented for '{}'. The repeats are int64 or int32.",
                dtype_legacy_name(repeats.dtype()));
    if (repeats.dtype() != DType::Int64) return contiguous(to_copy(repeats, DType::Int64));
    return row_major_copy(repeats);
}

// ---- order ----

// Dimensions counted from the end, as they stand in a tensor of so many.
Dims from_the_front(const Dims& dims, int64_t ndim) {
    Dims front = dims;
    for (int64_t& d : front) d += ndim;
    return front;
}

struct Flip {
    static constexpr bool moves = true;
    static constexpr const char* name = "FlipBackward0";
    static constexpr bool linear = true, leads = true;
    Dims dims;  // from the end
    Tensor forward(const Tensors& x) {
        return Tensor::make(compute::flip(x[0].array(), from_the_front(dims, x[0].ndim())));
    }
    void pullback(Context&, const Tensors& g, Tensors& out) { out[0] = apply(*this, {g[0]}); }
};

struct Rot90 {
    static constexpr bool moves = true;
    static constexpr const char* name = "Rot90Backward0";
    static constexpr bool linear = true, leads = true;
    int64_t k, a, b;  // quarter turns, 0 to 3, from dimension a towards b, from the end
    Tensor forward(const Tensors& x) {
        const int64_t n = x[0].ndim();
        return Tensor::make(compute::turn(x[0].array(), k, a + n, b + n));
    }
    void pullback(Context&, const Tensors& g, Tensors& out) {
        out[0] = apply(Rot90{(4 - k) % 4, a, b}, {g[0]});
    }
};

struct Roll {
    static constexpr bool moves = true;
    static constexpr const char* name = "RollBackward0";
    static constexpr bool linear = true, leads = true;
    Dims shifts, dims;  // from the end; none: over all elements in order
    int64_t rank;       // of the input
    Tensor forward(const Tensors& x) {
        Array a = x[0].array();
        if (dims.empty()) {
            Array flat = contiguous_array(a);
            Dims shape(a.layout->shape(), a.layout->shape() + (a.ndim() - rank));
            shape.push_back(
                checked_product(a.layout->shape() + (a.ndim() - rank), a.layout->shape() + a.ndim()));
            Array out = compute::roll(flat.view(Layout::contiguous(shape), flat.offset), shifts[0],
                                      static_cast<int64_t>(shape.size()) - 1);
            return Tensor::make(out.view(Layout::contiguous(a.layout->dims()), 0));
        }
        for (size_t i = 0; i < dims.size(); ++i) a = compute::roll(a, shifts[i], dims[i] + a.ndim());
        return Tensor::make(a);
    }
    void pullback(Context&, const Tensors& g, Tensors& out) {
        Dims back = shifts;
        for (int64_t& s : back) s = -s;
        out[0] = apply(Roll{back, dims, rank}, {g[0]});
    }
};

// ---- triangles ----

struct Triangle {
    static constexpr bool moves = true;
    static constexpr bool linear = true, leads = true;
    int64_t diagonal;
    bool upper;
    const char* node_name() const { return upper ? "TriuBackward0" : "TrilBackward0"; }
    Tensor forward(const Tensors& x) {
        return Tensor::make(compute::triangle(x[0].array(), diagonal, upper));
    }
    void pullback(Context&, const Tensors& g, Tensors& out) {
        out[0] = apply(Triangle{diagonal, upper}, {g[0]});
    }
};

struct TriangleInPlace : Triangle {
    void write(const Tensors& x) { compute::cut_triangle(x[0].array(), diagonal, upper); }
};

struct Trace {
    static constexpr const char* name = "TraceBackward0";
    static constexpr bool linear = true, leads = true;
    Tensor forward(const Tensors& x) {
        return Tensor::make(compute::trace(x[0].array(), reduction_dtype(Reduction::sum, x[0].dtype())));
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        Dims shape = c.input_shape(0);
        out[0] = diagonal_scatter(zeros(g[0].dtype(), shape),
                                  expand(g[0], Dims{std::min(shape[0], shape[1])}), 0, 0, 1);
    }
};

void check_matrix(const Tensor& x, bool upper) {
    if (x.ndim() < 2) fail("{}: input tensor must have at least 2 dimensions", upper ? "triu" : "tril");
}

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
    return apply(Repeat{repeats, x.ndim()}, {x});
}

Tensor repeat_interleave(const Tensor& x, int64_t repeats, int64_t dim, std::optional<int64_t> output_size) {
    dim = wrap_dim(dim, x.ndim());
    if (x.ndim() == 0) wrap_dim(dim + 1, 0);  // raises
    if (repeats < 0) fail("Repeats must be non-negative");
    int64_t total;
    if (mul_overflows(x.size(dim), repeats, &total)) fail("Storage size calculation overflowed");
    if (output_size && *output_size != total)
        fail("repeat_interleave: Invalid output_size, expected {} but got {}", Int(total), Int(*output_size));
    Tensor wide = unsqueeze(x, dim + 1);
    Dims shape = wide.shape();
    shape[static_cast<size_t>(dim + 1)] = repeats;
    Tensor repeated = as_layout(expand(wide, shape), Layout::contiguous(shape));
    shape.erase(static_cast<size_t>(dim + 1));
    shape[static_cast<size_t>(dim)] = total;
    return view(repeated, shape);
}

Tensor repeat_interleave(const Tensor& x, const Tensor& repeats, int64_t dim,
                         std::optional<int64_t> output_size) {
    dim = wrap_dim(dim, x.ndim());
    if (x.ndim() == 0)
        fail_as(ErrorKind::Index, "Dimension specified as {} but tensor has no dimensions", Int(dim));
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
    if (each.is_mapped()) return index_select(x, dim, repeat_interleave(contiguous(each), output_size));
    return apply(Interleave{dim - x.ndim(), output_size}, {x, counts_of(each)});
}

Tensor repeat_interleave(const Tensor& repeats, std::optional<int64_t> output_size) {
    if (repeats.ndim() != 1) fail("repeat_interleave only accept 1D vector as repeat");
    return apply(RepeatedPositions{output_size, repeats.dtype()}, {counts_of(repeats)});
}

Tensor flip(const Tensor& x, const Dims& dims) {
    Dims wrapped = distinct_dims(dims, x.ndim());
    if (x.ndim() == 0) wrapped.clear();
    for (int64_t& d : wrapped) d -= x.ndim();
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
    for (int64_t& d : wrapped) d -= x.ndim();
    return apply(Roll{reduced, wrapped, x.ndim()}, {x});
}

Tensor rot90(const Tensor& x, int64_t k, const Dims& dims) {
    if (dims.size() != 2) fail("expected total rotation dims == 2, but got dims = {}", dims.size());
    if (x.ndim() < 2) fail("expected total dims >= 2, but got total dims = {}", Int(x.ndim()));
    int64_t a = wrap_dim(dims[0], x.ndim()), b = wrap_dim(dims[1], x.ndim());
    if (a == b)
        fail("expected rotation dims to be different, but got dim0 = {} and dim1 = {}", Int(dims[0]),
             Int(dims[1]));
    return apply(Rot90{((k % 4) + 4) % 4, a - x.ndim(), b - x.ndim()}, {x});
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
    int64_t n = 0;
    for (int64_t r = 0; r < rows; ++r) {
        const int64_t edge = compute::triangle_edge(r, columns, offset, upper);
        if (add_overflows(n, upper ? columns - edge : edge, &n)) fail("Storage size calculation overflowed");
    }
    Array out = compute::triangle_positions(rows, columns, offset, upper, n);
    return to_dtype(Tensor::make(out), dtype);
}

Tensor trace(const Tensor& x) {
    if (x.ndim() != 2) fail("trace: expected a matrix, but got tensor with dim {}", Int(x.ndim()));
    return apply(Trace{}, {x});
}

}  // namespace pb::ops
