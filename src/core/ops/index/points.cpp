#include "ops/index/points.h"

#include <algorithm>
#include <vector>

#include "array/order.h"
#include "compute/axes.h"
#include "compute/wrapping.h"
#include "ops/operators.h"

namespace pb::ops {

namespace {

int64_t product(const Dims& d) { return checked_product(d); }

Dims kept_dims(const Points& p) {
    Dims kept;
    for (size_t d = 0; d < p.input.size(); ++d)
        if (std::find(p.covered.begin(), p.covered.end(), static_cast<int64_t>(d)) == p.covered.end())
            kept.push_back(static_cast<int64_t>(d));
    return kept;
}

// An int64 copy of `index`, contiguous and broadcast to `shape`; the index itself where it already is that.
Array as_numbers(const Array& index, const Dims& shape) {
    if (index.dtype == DType::Int64 && index.is_contiguous() && index.layout->dims() == shape) return index;
    Array out = Array::empty(DType::Int64, shape);
    if (out.numel()) copy_array(index, out);
    return out;
}

// For each point, how far its element lies from the array's first, in elements: int64, of the points' shape.
Array offsets(const Points& p, const Array& x) {
    int64_t n = p.count();
    Axes covered;
    for (int64_t d : p.covered) covered.add(x.size(d), x.stride(d));
    if (covered.is_run() && covered.inner_stride() == 1) return p.rows;
    Array offsets = Array::empty(DType::Int64, p.shape);
    const int64_t* rows = p.rows.as<int64_t>();
    int64_t* out = offsets.as<int64_t>();
    for (int64_t i = 0; i < n; ++i) out[i] = covered.offset_of(rows[i]);
    return offsets;
}

template <class T, class F> void visit_each(const Points& p, const Array& x, const Array& y, F f) {
    Dims kept = kept_dims(p);
    Axes leading, trailing;
    for (size_t i = 0; i < kept.size(); ++i)
        (i < p.position ? leading : trailing).add(x.size(kept[i]), x.stride(kept[i]));
    const int64_t length = trailing.inner_size(), stride = trailing.inner_stride();
    const Axes outer = trailing.without_inner();
    Odometer before(leading), after(outer);
    Array held = offsets(p, x);
    const int64_t *at = held.as<int64_t>(), *end = at + held.numel();
    T* base = x.as<T>();
    T* out = y.as<T>();
    const int64_t step = y.numel() == 1 ? 0 : 1;
    do {
        T* b = base + before.at;
        if (length == 1) {
            for (const int64_t* o = at; o < end; ++o) {
                f(b[*o], *out);
                out += step;
            }
            continue;
        }
        for (const int64_t* o = at; o < end; ++o) do {
                T* from = b + *o + after.at;
                if (stride == 1 && step == 1)
                    for (int64_t i = 0; i < length; ++i) f(from[i], out[i]);
                else
                    for (int64_t i = 0; i < length; ++i) f(from[i * stride], out[i * step]);
                out += length * step;
            } while (after.next());
    } while (before.next());
}

template <class T> void visit_moves(const Points& p, At what, const Array& x, const Array& y) {
    if (what == At::Read) visit_each<T>(p, x, y, [](T& a, T& b) { b = a; });
    else visit_each<T>(p, x, y, [](T& a, T& b) { a = b; });
}

template <class T> T quotient(T a, T b) {  // rounded down, of integers
    if constexpr (std::is_integral_v<T>) return static_cast<T>(a / b - (a % b != 0 && (a < 0) != (b < 0)));
    else return a / b;
}

template <class T> void visit_numbers(const Points& p, At what, const Array& x, const Array& y) {
    switch (what) {
        case At::Read:
        case At::Write: return;  // moves, whatever the type
        case At::Add: return visit_each<T>(p, x, y, [](T& a, T& b) { a = wrapping_sum(a, b); });
        case At::Multiply: return visit_each<T>(p, x, y, [](T& a, T& b) { a = wrapping_product(a, b); });
        case At::Divide: return visit_each<T>(p, x, y, [](T& a, T& b) { a = quotient(a, b); });
        // A NaN wins, as in maximum and minimum.
        case At::Max:
            return visit_each<T>(p, x, y, [](T& a, T& b) {
                if (b > a || b != b) a = b;
            });
        case At::Min:
            return visit_each<T>(p, x, y, [](T& a, T& b) {
                if (b < a || b != b) a = b;
            });
    }
}

struct Outside {
    int64_t value, size;
};

// Multiplies the numbers so far by `size` and adds the index, wrapped.
void join(int64_t* rows, const int64_t* index, int64_t n, int64_t size, bool first) {
    for (int64_t i = 0; i < n; ++i) {
        int64_t v = index[i];
        if (v < -size || v >= size) throw Outside{v, size};
        if (v < 0) v += size;
        rows[i] = first ? v : rows[i] * size + v;
    }
}

std::shared_ptr<Points> start(const Dims& input, const Dims& covered, const Dims& shape, size_t position) {
    auto p = std::make_shared<Points>();
    p->input = input;
    p->covered = covered;
    p->shape = shape;
    p->position = position;
    return p;
}

Dims all_dims(size_t n) {
    Dims d;
    for (size_t i = 0; i < n; ++i) d.push_back(static_cast<int64_t>(i));
    return d;
}

// x[indices] lies in memory as PyTorch's iterator lays it (`array/order.h`), over x with 0 along the points and the
// indices, each reshaped to have a dimension of size 1 for those of x that stay.
Ref<Layout> memory_of_read(const Points& p, const Layout& x, const Small<Ref<Layout>, 2>& indices) {
    Dims shape = p.result(), kept = kept_dims(p);
    size_t n = shape.size(), points = p.shape.size();
    if (n < 2) return nullptr;
    Small<Dims, 4> operands;
    Dims own(n, 0);
    for (size_t i = 0; i < kept.size(); ++i) own[i < p.position ? i : i + points] = x.stride(kept[i]);
    operands.push_back(own);
    Dims alone(n, 1);
    for (size_t i = 0; i < points; ++i) alone[p.position + i] = p.shape[i];
    for (const Ref<Layout>& index : indices)
        operands.push_back(iterated_strides(*index->viewed(alone), shape));
    Ref<Layout> l = ordered_layout(shape, operands.data(), operands.size());
    return l->is_standard() ? nullptr : l;
}

}  // namespace

Dims Points::result() const {
    Dims out;
    Dims kept = kept_dims(*this);
    for (size_t i = 0; i <= kept.size(); ++i) {
        if (i == position)
            for (int64_t s : shape) out.push_back(s);
        if (i < kept.size()) out.push_back(input[static_cast<size_t>(kept[i])]);
    }
    return out;
}

int64_t Points::row_count() const {
    int64_t n = 1;
    for (int64_t d : covered) n *= input[static_cast<size_t>(d)];
    return n;
}

void visit_points(const Points& p, At what, const Array& x, const Array& y) {
    if (product(p.result()) == 0) return;
    if (what == At::Read || what == At::Write)
        return with_item(x.dtype, [&](auto item) { visit_moves<decltype(item)>(p, what, x, y); });
    if (x.dtype ==
        DType::Bool) {  // truth values: a sum and a maximum are "or", a product and a minimum are "and"
        if (what == At::Add || what == At::Max)
            return visit_each<uint8_t>(p, x, y, [](uint8_t& a, uint8_t& b) { a |= b; });
        return visit_each<uint8_t>(p, x, y, [](uint8_t& a, uint8_t& b) { a &= b; });
    }
    visit<Family::Numbers>(x.dtype, "index",
                           [&](auto zero) { visit_numbers<decltype(zero)>(p, what, x, y); });
}

// ---- making points ----

PointsRef points_of_indices(const Tensor& x, const Tensors& indices) {
    if (static_cast<int64_t>(indices.size()) > x.ndim())
        fail_as(ErrorKind::Index, "too many indices for tensor of dimension {} (got {})", x.ndim(),
                indices.size());
    struct Entry {
        Array numbers;
        int64_t size;  // of the dimensions it covers, together
        int64_t dim;
    };
    Small<Entry, 2> entries;
    Dims covered;
    Ref<Layout> common = Layout::scalar();
    std::string shapes;
    int64_t dim = 0;
    for (const Tensor& t : indices) {
        if (!t) {
            ++dim;
            continue;
        }
        DType d = t.dtype();
        if (is_mask(d)) {
            if (d == DType::UInt8 &&
                PyErr_WarnEx(PyExc_UserWarning,
                             "indexing with dtype pullback.uint8 is now deprecated, please use a dtype "
                             "pullback.bool instead.",
                             1) < 0)
                throw PythonError();
            int64_t size = 1;
            for (int64_t k = 0; k < t.ndim(); ++k) {
                if (dim + k >= x.ndim())
                    fail_as(ErrorKind::Index, "too many indices for tensor of dimension {}", x.ndim());
                if (t.size(k) != x.size(dim + k))
                    fail_as(ErrorKind::Index,
                            "The shape of the mask {} at index {} does not match the shape of the indexed "
                            "tensor {} at index {}. A mask selects elements, so it has the size of each "
                            "dimension that it covers.",
                            shape_text(t.layout()), k, shape_text(x.layout()), dim + k);
                size = checked_mul(size, t.size(k));
                covered.push_back(dim + k);
            }
            entries.push_back({nonzero_rows(t.array()), size, dim});
            dim += t.ndim();
        } else if (is_index(d)) {
            if (dim >= x.ndim())
                fail_as(ErrorKind::Index, "too many indices for tensor of dimension {}", x.ndim());
            covered.push_back(dim);
            entries.push_back({t.array(), x.size(dim), dim});
            ++dim;
        } else {
            fail_as(ErrorKind::Index,
                    "tensors used as indices must be long, int, byte or bool tensors. This one is {}.",
                    dtype_name(d));
        }
        const Layout& l = *entries.back().numbers.layout;
        shapes += (shapes.empty() ? "" : ", ") + shape_text(l);
        try {
            common = Layout::contiguous(broadcast_shapes(*common, l));
        } catch (const Error&) {
            std::string all = shapes;
            for (size_t later = entries.size(); later < indices.size(); ++later)
                if (indices[later] && !is_differentiable(indices[later].dtype()))
                    all += ", " + shape_text(indices[later].layout());
            fail_as(ErrorKind::Index,
                    "shape mismatch: indexing tensors could not be broadcast together with shapes {}", all);
        }
    }
    // The points' shape stands where the indices stood if those are neighbours, else in front.
    size_t position = 0;
    bool neighbours =
        covered.empty() || covered.back() - covered[0] + 1 == static_cast<int64_t>(covered.size());
    if (neighbours && !covered.empty()) position = static_cast<size_t>(covered[0]);
    auto p = start(x.shape(), covered, common->dims(), position);
    bool empty = product(p->result()) == 0;
    int64_t n = common->numel();
    p->rows = Array::empty(DType::Int64, p->shape);
    bool first = true;
    if (entries.empty()) p->rows.as<int64_t>()[0] = 0;
    Small<Ref<Layout>, 2> layouts;
    for (const Entry& e : entries)
        layouts.push_back(Layout::strided(p->shape, iterated_strides(*e.numbers.layout, p->shape)));
    p->memory = memory_of_read(*p, x.layout(), layouts);
    for (size_t k = 0; k < entries.size() && !empty; ++k) {
        Array numbers = as_numbers(entries[k].numbers, p->shape);
        try {
            join(p->rows.as<int64_t>(), numbers.as<int64_t>(), n, entries[k].size, first);
        } catch (const Outside& o) {
            if (o.size == 0) fail_as(ErrorKind::Index, "index is out of bounds for dimension with size 0");
            fail_as(ErrorKind::Index,
                    "index {} is out of bounds for dimension {} with size {} (counting the dimensions that "
                    "are indexed by tensors; it is dimension {} of shape {})",
                    o.value, k, o.size, entries[k].dim, shape_text(x.layout()));
        }
        first = false;
    }
    return p;
}

PointsRef points_of_dim(const Tensor& x, int64_t dim, const Tensor& index, bool wrap,
                        void (*outside)(int64_t, int64_t, int64_t)) {
    // A 0-d tensor is a row of one element, which may be met any number of times.
    int64_t size = x.ndim() ? x.size(dim) : 1, n = index.numel();
    Dims input = x.shape(), covered;
    if (x.ndim()) covered.push_back(dim);
    auto p =
        start(input, covered, x.ndim() || n != 1 ? Dims{n} : Dims{}, x.ndim() ? static_cast<size_t>(dim) : 0);
    p->rows = Array::empty(DType::Int64, p->shape);
    Array numbers = as_numbers(index.array(), index.shape());
    const int64_t* from = numbers.as<int64_t>();
    int64_t* to = p->rows.as<int64_t>();
    for (int64_t i = 0; i < n; ++i) {
        int64_t v = from[i];
        if (v < (wrap ? -size : 0) || v >= size) outside(v, dim, size);
        to[i] = v < 0 ? v + size : v;
    }
    return p;
}

PointsRef points_of_all(const Tensor& x, const Tensor& index) {
    auto p = start(x.shape(), all_dims(static_cast<size_t>(x.ndim())), index.shape(), 0);
    p->rows = Array::empty(DType::Int64, p->shape);
    Array numbers = as_numbers(index.array(), p->shape);
    try {
        join(p->rows.as<int64_t>(), numbers.as<int64_t>(), index.numel(), x.numel(), true);
    } catch (const Outside& o) {
        fail_as(ErrorKind::Index, "out of range: tried to access index {} on a tensor of {} elements.",
                o.value, o.size);
    }
    return p;
}

PointsRef points_of_gather(const Dims& input, int64_t dim, const Tensor& index) {
    auto p = start(input, all_dims(input.size()), index.shape(), 0);
    p->rows = Array::empty(DType::Int64, p->shape);
    if (index.numel() == 0) return p;
    Array numbers = as_numbers(index.array(), p->shape);
    const int64_t* from = numbers.as<int64_t>();
    int64_t* to = p->rows.as<int64_t>();
    // Row-major strides of the tensor; its own dimension is walked with stride 0.
    Ref<Layout> whole = Layout::contiguous(input);
    bool scalar = input.empty();
    int64_t size = scalar ? 1 : input[static_cast<size_t>(dim)], stride = scalar ? 0 : whole->stride(dim);
    Axes others;
    for (size_t d = 0; d < p->shape.size(); ++d)
        others.add(p->shape[d],
                   scalar || static_cast<int64_t>(d) == dim ? 0 : whole->stride(static_cast<int64_t>(d)));
    const int64_t length = others.inner_size(), step = others.inner_stride();
    const Axes outer = others.without_inner();
    Odometer line(outer);
    do
        for (int64_t i = 0; i < length; ++i) {
            int64_t v = *from++;
            if (v < 0 || v >= size)
                fail(
                    "index {} is out of bounds for dimension {} with size {}. Negative indices do not count "
                    "from the end here.",
                    v, dim, size);
            *to++ = v * stride + line.at + i * step;
        }
    while (line.next());
    return p;
}

PointsRef points_of_mask(const Tensor& mask) {
    auto p = start(mask.shape(), all_dims(static_cast<size_t>(mask.ndim())), Dims{}, 0);
    p->rows = nonzero_rows(mask.array());
    p->shape = p->rows.layout->dims();
    return p;
}

Array nonzero_rows(const Array& given) {
    Array a = contiguous_array(given);
    if (a.dtype != DType::Bool) {  // a float is tested as itself: 0.5 is not zero
        Array truth = Array::empty(DType::Bool, a.layout->dims());
        if (a.numel()) copy_array(a, truth);
        a = truth;
    }
    const uint8_t* truth = a.as<uint8_t>();
    int64_t n = a.numel(), count = 0;
    for (int64_t i = 0; i < n; ++i) count += truth[i] != 0;
    Array out = Array::empty(DType::Int64, Dims{count});
    int64_t* to = out.as<int64_t>();
    // One store too many is avoided by stopping at the last element found.
    for (int64_t i = 0, found = 0; found < count; ++i) {
        to[found] = i;
        found += truth[i] != 0;
    }
    return out;
}

Tensor survivors(const Points& p) {
    if (product(p.result()) == 0) return Tensor();
    int64_t n = p.count();
    if (n == 1) return Tensor();
    const int64_t* rows = p.rows.as<int64_t>();
    // From the last to the first, in an order by number: the work goes by the points, however large the tensor.
    std::vector<int64_t> order(static_cast<size_t>(n));
    for (int64_t i = 0; i < n; ++i) order[static_cast<size_t>(i)] = i;
    std::stable_sort(order.begin(), order.end(), [rows](int64_t a, int64_t b) { return rows[a] < rows[b]; });
    Array out = Array::empty(DType::Bool, p.shape);
    bool all = true;
    for (size_t k = 0; k < order.size(); ++k) {
        bool last = k + 1 == order.size() || rows[order[k]] != rows[order[k + 1]];
        out.as<uint8_t>()[order[k]] = last;
        all = all && last;
    }
    return all ? Tensor() : Tensor::make(out);
}

Tensor against_result(const Tensor& t, const Points& p) {
    Dims shape = p.shape;
    size_t after = p.input.size() - p.covered.size() - p.position;
    for (size_t i = 0; i < after; ++i) shape.push_back(1);
    return reshape(t, shape);
}

}  // namespace pb::ops
