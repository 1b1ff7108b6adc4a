// The numbers of points: indices of every kind, checked and wrapped.
#include <algorithm>
#include <string>

#include "array/order.h"
#include "compute/axes.h"
#include "compute/masks.h"
#include "compute/points.h"
#include "program/program.h"

namespace pb::compute {

namespace {

// An index without the dimensions that lead, if it is the same along them.
Array without_lead(const Array& index, int64_t lead) {
    if (lead <= 0 || differs_along(*index.layout, lead)) return index;
    const Layout& l = *index.layout;
    return index.view(Layout::strided(Dims(l.shape() + lead, l.shape() + l.ndim()),
                                      Dims(l.strides() + lead, l.strides() + l.ndim())),
                      index.offset);
}

// An int64 copy of `index`, contiguous; the index itself where it already is that.
Array as_numbers(const Array& index) {
    if (index.dtype == DType::Int64 && index.is_contiguous()) return index;
    Array out = Array::empty(DType::Int64,
                             Layout::contiguous(index.layout->shape(), static_cast<size_t>(index.ndim())));
    if (out.numel()) copy_array(index, out);
    return out;
}

// The same, broadcast to `shape`; dimensions that lead, if it has them, meet those
// of the shape.
Array as_numbers(const Array& given, const Dims& shape, int64_t lead) {
    if (given.dtype == DType::Int64 && given.is_contiguous() && given.layout->dims() == shape) return given;
    Array index = given;
    if (lead && index.ndim() < static_cast<int64_t>(shape.size())) {
        Dims sizes = index.layout->dims(), strides = index.layout->stride_dims();
        while (sizes.size() < shape.size()) {
            sizes.insert(static_cast<size_t>(lead), 1);
            strides.insert(static_cast<size_t>(lead), 0);
        }
        index = index.view(Layout::strided(sizes, strides), index.offset);
    }
    Array out = Array::empty(DType::Int64, shape);
    if (out.numel()) copy_array(index, out);
    return out;
}

struct Outlier {
    int64_t value, size;
};

// Whether every number lies within [0, size): then they need not be wrapped, and may stay where they are.
bool all_within(const int64_t* index, int64_t n, int64_t size) {
    uint64_t outside = 0;
    for (int64_t i = 0; i < n; ++i)
        outside |= static_cast<uint64_t>(static_cast<uint64_t>(index[i]) >= static_cast<uint64_t>(size));
    return !outside;
}

// Multiplies the numbers so far by `size` and adds the index, wrapped.
void join(int64_t* joined, const int64_t* index, int64_t n, int64_t size, bool first) {
    for (int64_t i = 0; i < n; ++i) {
        int64_t v = index[i];
        if (v < -size || v >= size) throw Outlier{v, size};
        if (v < 0) v += size;
        joined[i] = first ? v : joined[i] * size + v;
    }
}

// One index, wrapped; itself where nothing has to be.
Array wrapped(const Array& numbers, int64_t size) {
    const int64_t n = numbers.numel();
    if (all_within(numbers.as<int64_t>(), n, size)) return numbers;
    Array out = Array::empty(DType::Int64, numbers.layout);
    join(out.as<int64_t>(), numbers.as<int64_t>(), n, size, true);
    return out;
}

// What one of several indices names.
struct Entry {
    Array numbers;
    int64_t size;  // of the dimensions it covers, together
    int64_t dim;   // the first of those
    int64_t lead;  // how many dimensions of the numbers lead
};

[[noreturn]] void fail_shapes(const Small<Entry, 2>& entries, const Arrays& indices) {
    std::string all;
    for (const Entry& e : entries) all += (all.empty() ? "" : ", ") + shape_text(*e.numbers.layout);
    for (size_t later = entries.size(); later < indices.size(); ++later)
        all += ", " + shape_text(*indices[later].layout);
    fail_as(ErrorKind::Index,
            "shape mismatch: indexing tensors could not be broadcast together with shapes {}", all);
}

Array number_each(const Naming& n, const Dims& input, int64_t lead, const Arrays& indices, Layouts* layouts) {
    const Dims entry(input.begin() + lead, input.end());
    Small<Entry, 2> entries;
    Ref<Layout> common = Layout::scalar();
    bool varies = false;
    size_t at = 0;  // among the covered dimensions
    for (const Array& given : indices) {
        const Array index = without_lead(given, lead);
        const int64_t own = index.ndim() == given.ndim() ? lead : 0;
        const int64_t dim = n.covered[at] + n.rank;
        if (is_mask(index.dtype)) {
            const int64_t size =
                checked_product(index.layout->shape() + own, index.layout->shape() + index.ndim());
            entries.push_back({nonzero_numbers(index, own, Asking::Index), size, dim, own});
            at += static_cast<size_t>(index.ndim() - own);
        } else {
            entries.push_back({index, entry[static_cast<size_t>(dim)], dim, own});
            ++at;
        }
        varies = varies || own > 0;
        const Layout& l = *entries.back().numbers.layout;
        try {
            common = Layout::contiguous(
                own ? broadcast_shapes(
                          *common, *Layout::contiguous(l.shape() + own, static_cast<size_t>(l.ndim() - own)))
                    : broadcast_shapes(*common, l));
        } catch (const Error&) {
            fail_shapes(entries, indices);
        }
        if (layouts) layouts->push_back(entries.back().numbers.layout);
    }
    Dims shape(input.begin(), input.begin() + (varies ? lead : 0));
    for (int64_t s : common->dims()) shape.push_back(s);
    if (entries.empty()) {
        Array first = Array::empty(DType::Int64, shape);
        fill_array(first, Scalar(0));
        return first;
    }
    // What reads nothing is not checked.
    bool reads = checked_product(shape) != 0;
    for (size_t d = 0; d < entry.size(); ++d)
        if (std::find(n.covered.begin(), n.covered.end(), static_cast<int64_t>(d) - n.rank) ==
            n.covered.end())
            reads = reads && entry[d];
    Array joined;
    for (size_t k = 0; k < entries.size(); ++k) {
        const Entry& e = entries[k];
        Array numbers = as_numbers(e.numbers, shape, e.lead);
        if (!reads) return numbers;
        try {
            if (entries.size() == 1) return is_mask(indices[0].dtype) ? numbers : wrapped(numbers, e.size);
            if (k == 0) joined = Array::empty(DType::Int64, shape);
            join(joined.as<int64_t>(), numbers.as<int64_t>(), numbers.numel(), e.size, k == 0);
        } catch (const Outlier& o) {
            if (o.size == 0) fail_as(ErrorKind::Index, "index is out of bounds for dimension with size 0");
            fail_as(ErrorKind::Index,
                    "index {} is out of bounds for dimension {} with size {} (counting the dimensions that "
                    "are indexed by tensors; it is dimension {} of shape {})",
                    o.value, k, o.size, e.dim, shape_text(entry));
        }
    }
    return joined;
}

Array number_along(const Naming& n, const Dims& input, const Array& index) {
    // A 0-d tensor is a vector of one element, which may be met any number of times.
    const int64_t size = n.covered.empty() ? 1 : input[input.size() + static_cast<size_t>(n.covered[0])];
    Array numbers = as_numbers(index);
    const int64_t* from = numbers.as<int64_t>();
    const int64_t count = numbers.numel();
    if (all_within(from, count, size)) return numbers;
    Array out = Array::empty(DType::Int64, numbers.layout);
    for (int64_t i = 0; i < count; ++i) {
        int64_t v = from[i];
        if (v < (n.wraps ? -size : 0) || v >= size)
            n.outside(v, n.covered.empty() ? 0 : n.covered[0] + n.rank, size);
        out.as<int64_t>()[i] = v < 0 ? v + size : v;
    }
    return out;
}

Array number_gather(const Naming& n, const Dims& input, int64_t lead, const Array& index) {
    const Array numbers = as_numbers(index);
    Array joined = Array::empty(DType::Int64, numbers.layout);
    if (index.numel() == 0) return joined;
    const int64_t* from = numbers.as<int64_t>();
    int64_t* to = joined.as<int64_t>();
    // Row-major strides of the tensor; its own dimension is walked with stride 0, and so are those that lead.
    const bool scalar = n.rank == 0;
    Ref<Layout> whole = Layout::contiguous(input.begin() + lead, n.rank);
    const int64_t dim = n.along + n.rank, first = index.ndim() - n.dims;
    const int64_t size = scalar ? 1 : whole->size(dim), stride = scalar ? 0 : whole->stride(dim);
    Axes others;
    for (int64_t d = 0; d < index.ndim(); ++d)
        others.add(index.size(d), scalar || d < first || d - first == dim ? 0 : whole->stride(d - first));
    const int64_t length = others.inner_size(), step = others.inner_stride();
    const Axes outer = others.without_inner();
    Odometer line(outer);
    do
        for (int64_t i = 0; i < length; ++i) {
            int64_t v = *from++;
            if (v < 0 || v >= size) {
                if (!n.wraps || v < -size || v >= size)
                    fail("index {} is out of bounds for dimension {} with size {}.{}", v, dim, size,
                         n.wraps ? "" : " Negative indices do not count from the end here.");
                v += size;
            }
            *to++ = v * stride + line.at + i * step;
        }
    while (line.next());
    return joined;
}

}  // namespace

Array number(const Naming& n, const Dims& input, const Arrays& indices, Layouts* layouts) {
    const int64_t lead = static_cast<int64_t>(input.size()) - n.rank;
    if (n.kind == Naming::Each) return number_each(n, input, lead, indices, layouts);
    const Array& given = indices[0];
    if (n.kind == Naming::Numbers && !lead) return as_numbers(given);
    const Array index = without_lead(given, given.ndim() - (n.kind == Naming::Mask ? n.rank : n.dims));
    switch (n.kind) {
        case Naming::Numbers:
        case Naming::Each: break;
        case Naming::Along: return number_along(n, input, index);
        case Naming::Gather: return number_gather(n, input, lead, index);
        case Naming::Flat: {
            const Array numbers = as_numbers(index);
            const int64_t size = checked_product(input.begin() + lead, input.end());
            try {
                return wrapped(numbers, size);
            } catch (const Outlier& o) {
                fail_as(ErrorKind::Index,
                        "out of range: tried to access index {} on a tensor of {} elements.", o.value,
                        o.size);
            }
        }
        case Naming::Mask: return nonzero_numbers(index, index.ndim() - n.rank, Asking::Select);
    }
    return as_numbers(index);
}

bool differs_along(const Layout& index, int64_t lead) {
    for (int64_t d = 0; d < lead; ++d)
        if (index.size(d) != 1 && index.stride(d) != 0) return true;
    return false;
}

Points points(const Naming& n, const Dims& input, const Array& numbers) {
    Points p;
    p.input = input;
    p.lead = input.size() - n.rank;
    p.varies = numbers.ndim() > static_cast<int64_t>(n.dims);
    if (n.all)
        for (size_t d = p.lead; d < input.size(); ++d) p.covered.push_back(static_cast<int64_t>(d));
    else
        for (int64_t d : n.covered) p.covered.push_back(d + static_cast<int64_t>(input.size()));
    p.position = input.size() - p.covered.size() - n.after;
    const Layout& l = *numbers.layout;
    p.shape = Dims(l.shape() + (p.varies ? p.lead : 0), l.shape() + l.ndim());
    p.numbers = numbers;
    return p;
}

// It lies as PyTorch's iterator lays it (`array/order.h`), over x with 0 along the points and the indices, each reshaped
// to have a dimension of size 1 for those of x that stay.
Ref<Layout> memory_of_read(const Points& p, const Layout& x, const Layouts& indices) {
    Dims shape = p.result();
    const size_t rank = shape.size(), points = p.shape.size();
    if (rank < 2 || p.lead) return nullptr;
    Small<Dims, 4> operands;
    Dims own(rank, 0);
    for (size_t d = 0, i = 0; d < p.input.size(); ++d)
        if (std::find(p.covered.begin(), p.covered.end(), static_cast<int64_t>(d)) == p.covered.end()) {
            own[i < p.position ? i : i + points] = x.stride(static_cast<int64_t>(d));
            ++i;
        }
    operands.push_back(own);
    Dims alone(rank, 1);
    for (size_t i = 0; i < points; ++i) alone[p.position + i] = p.shape[i];
    for (const Ref<Layout>& index : indices)
        operands.push_back(iterated_strides(
            *Layout::strided(p.shape, iterated_strides(*index, p.shape))->viewed(alone), shape));
    Ref<Layout> l = ordered_layout(shape, operands.data(), operands.size());
    return l->is_standard() ? nullptr : l;
}

}  // namespace pb::compute
