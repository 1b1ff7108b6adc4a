#include "compute/bins.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>
#include <vector>

#include "array/error.h"
#include "array/visit.h"
#include "compute/lines.h"
#include "compute/points.h"
#include "program/program.h"

namespace pb {

namespace {

// Groups equal neighbours of `order`; ids and counts of the groups.
template <class Same>
void group(const std::vector<int64_t>& order, Same same, std::vector<int64_t>* first,
           std::vector<int64_t>* ids, std::vector<int64_t>* counts) {
    ids->assign(order.size(), 0);
    for (size_t i = 0; i < order.size(); ++i) {
        if (i == 0 || !same(order[i - 1], order[i])) {
            first->push_back(order[i]);
            counts->push_back(0);
        }
        ++counts->back();
        (*ids)[static_cast<size_t>(order[i])] = static_cast<int64_t>(counts->size()) - 1;
    }
}

Array from_ints(const std::vector<int64_t>& v, const Dims& shape) {
    Array a = Array::empty(DType::Int64, shape);
    std::copy(v.begin(), v.end(), a.as<int64_t>());
    return a;
}

// Dimension `at` first: a view.
Array moved_first(const Array& a, int64_t at) {
    Dims shape{a.size(at)}, strides{a.stride(at)};
    for (int64_t d = 0; d < a.ndim(); ++d) {
        if (d == at) continue;
        shape.push_back(a.size(d));
        strides.push_back(a.stride(d));
    }
    return a.view(Layout::strided(shape, strides), a.offset);
}

void count_in_bins(const double* p, int64_t n, int64_t bins, double low, double high, double* out) {
    if (low == high && n) {
        low = *std::min_element(p, p + n);
        high = *std::max_element(p, p + n);
    }
    if (low == high) {
        low -= 1;
        high += 1;
    }
    if (!std::isfinite(low) || !std::isfinite(high))
        fail("torch.histc: range of [{}, {}] is not finite", low, high);
    if (low > high) fail("torch.histc: max must be larger than min");
    // A range of huge numbers can be wider than any number, or empty after one has been added.
    const double unit = std::isfinite(high - low) ? 1 : 0.5;
    for (int64_t i = 0; i < n; ++i) {
        if (!(p[i] >= low && p[i] <= high)) continue;
        double part = low < high ? (p[i] * unit - low * unit) / (high * unit - low * unit) : 0.5;
        auto bin = static_cast<int64_t>(part * static_cast<double>(bins));
        out[std::min(bin, bins - 1)] += 1;
    }
}

}  // namespace

Distinct distinct(const Array& a, int64_t dim, bool consecutive) {
    // The things compared, one a row: elements, or slices of `dim`.
    const int64_t at = a.ndim() + dim;
    Array rows = contiguous_array(dim ? moved_first(a, at) : a);
    const int64_t n = dim ? a.size(at) : rows.numel(), width = dim ? (n ? rows.numel() / n : 0) : 1;
    std::vector<int64_t> order(static_cast<size_t>(n)), first, ids, counts;
    std::iota(order.begin(), order.end(), 0);
    Array values = visit<Family::AllBare>(a.dtype, "unique", [&](auto zero) {
        using T = decltype(zero);
        const T* p = rows.as<T>();
        auto less = [&](int64_t i, int64_t j) {
            for (int64_t k = 0; k < width; ++k) {
                T u = p[i * width + k], v = p[j * width + k];
                if (u < v) return true;
                if (v < u) return false;
                if ((u != u) != (v != v)) return v != v;  // NaN last
            }
            return i < j;
        };
        auto same = [&](int64_t i, int64_t j) {
            for (int64_t k = 0; k < width; ++k)
                if (!(p[i * width + k] == p[j * width + k])) return false;
            return true;
        };
        if (!consecutive) std::sort(order.begin(), order.end(), less);
        group(order, same, &first, &ids, &counts);
        Array out = Array::empty(a.dtype, Dims{static_cast<int64_t>(first.size()) * width});
        T* to = out.as<T>();
        for (int64_t i : first) to = std::copy(p + i * width, p + (i + 1) * width, to);
        return out;
    });
    const auto found = static_cast<int64_t>(first.size());
    if (dim) {
        Array placed = Array::empty(a.dtype, with_length(*a.layout, dim, found)),
              seen = moved_first(placed, at);
        copy_array(values.view(Layout::contiguous(seen.layout->dims()), 0), seen);
        values = placed;
    }
    return {values, from_ints(ids, dim ? Dims{n} : a.layout->dims()), from_ints(counts, Dims{found})};
}

Array in_order_of(const Array& sequence, const Array& sorter) {
    Array order = contiguous_array(sorter);
    const auto* first = order.as<int64_t>();
    const int64_t length = sequence.size(sequence.ndim() - 1);
    if (!std::all_of(first, first + order.numel(), [&](int64_t i) { return i >= 0 && i < length; }))
        fail("torch.searchsorted(): sorter index out of range: the last dimension has size {}", length);
    return pick_array(sequence, -1, order);
}

Array places_in(const Array& sequence, const Array& values, bool right) {
    Array s = contiguous_array(sequence), x = contiguous_array(values);
    Array out = Array::empty(DType::Int64, x.layout->dims());
    const int64_t n = s.size(s.ndim() - 1), rows = Split(*s.layout, -1).outer;
    if (!rows) return out;
    const int64_t m = x.numel() / rows;
    visit<Family::All>(s.dtype, "searchsorted_out_cpu", [&](auto zero) {
        using T = decltype(zero);
        const T *row = s.as<T>(), *from = x.as<T>();
        auto* to = out.as<int64_t>();
        auto below = [](T a, T b) { return a < b || (b != b && a == a); };  // NaN is the greatest
        for (int64_t r = 0; r < rows; ++r, row += n)
            for (int64_t i = 0; i < m; ++i, ++from)
                *to++ = (right ? std::upper_bound(row, row + n, *from, below)
                               : std::lower_bound(row, row + n, *from, below)) -
                        row;
    });
    return out;
}

Array contained(const Array& x, const Array& among, bool invert, int64_t lead) {
    Array a = contiguous_array(x), b = contiguous_array(among);
    Array out = Array::empty(DType::Bool, a.layout->dims());
    const int64_t entries = checked_product(a.layout->shape(), a.layout->shape() + lead);
    if (!entries) return out;
    const int64_t n = a.numel() / entries, m = b.numel() / entries;
    const bool apart = compute::differs_along(*among.layout, lead);
    visit<Family::Numbers>(a.dtype, "isin_default_cpu", [&](auto zero) {
        using T = decltype(zero);
        std::vector<T> sorted;
        for (int64_t e = 0; e < entries; ++e) {
            const T *from = b.as<T>() + e * m, *p = a.as<T>() + e * n;
            if (!e || apart) {
                sorted.clear();
                std::copy_if(from, from + m, std::back_inserter(sorted), [](T v) { return v == v; });
                std::sort(sorted.begin(), sorted.end());
            }
            std::transform(p, p + n, out.as<bool>() + e * n, [&](T v) {
                return (v == v && std::binary_search(sorted.begin(), sorted.end(), v)) != invert;
            });
        }
    });
    return out;
}

Array counts_of(const Array& x, const Array& weights, int64_t minlength, int64_t rank) {
    Array a = contiguous_array(converted(x, DType::Int64));
    const auto* at = a.as<int64_t>();
    Dims shape(x.layout->shape(), x.layout->shape() + (x.ndim() - rank));
    const int64_t entries = checked_product(shape), n = entries ? a.numel() / entries : 0;
    int64_t bins = minlength;
    bool fits = rank == 1;
    for (int64_t e = 0; e < entries; ++e) {
        int64_t own = minlength;
        for (int64_t i = 0; fits && i < n; ++i) {
            const int64_t number = at[e * n + i];
            fits = number >= 0;
            if (number == INT64_MAX)
                fail("maximum value of input overflowed, it should be < {} but got {}", INT64_MAX, number);
            own = std::max(own, number + 1);
        }
        if (e && fits && own != bins)
            fail(
                "vmap: We do not support batching operators that can output dynamic shape. bincount has {} "
                "bins in "
                "one entry and {} in another: say how many with minlength.",
                bins, own);
        bins = own;
    }
    if (!fits) fail("bincount only supports 1-d non-negative integral inputs.");
    if (weights.buffer && !weights.layout->same_shape(*x.layout))
        fail("weights should be 1-d and have the same length as input");
    shape.push_back(bins);
    Array out = Array::empty(weights.buffer ? DType::Float64 : DType::Int64, shape);
    fill_array(out, Scalar(0));
    if (!weights.buffer) {
        for (int64_t i = 0; i < a.numel(); ++i) ++out.as<int64_t>()[i / n * bins + at[i]];
        return out;
    }
    Array w = contiguous_array(converted(weights, DType::Float64));
    const auto* weight = w.as<double>();
    for (int64_t i = 0; i < a.numel(); ++i) out.as<double>()[i / n * bins + at[i]] += weight[i];
    return is_float(weights.dtype) ? converted(out, weights.dtype) : out;
}

Array histogram(const Array& x, int64_t rank, int64_t bins, double low, double high) {
    Array a = flattened(converted(x, DType::Float64), rank);
    const int64_t n = a.size(a.ndim() - 1), entries = Split(*a.layout, -1).outer;
    Array out = Array::empty(DType::Float64, with_length(*a.layout, -1, bins));
    fill_array(out, Scalar(0));
    for (int64_t e = 0; e < entries; ++e)
        count_in_bins(a.as<double>() + e * n, n, bins, low, high, out.as<double>() + e * bins);
    return converted(out, x.dtype);
}

}  // namespace pb
