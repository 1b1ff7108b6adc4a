// Searching and counting: unique, searchsorted, bucketize, bincount, histc. Nothing here has a derivative.
#include "ops/reduce/reduction.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace pb::ops {

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

Tensor from_ints(const std::vector<int64_t>& v, const Dims& shape) {
    Array a = Array::empty(DType::Int64, shape);
    std::copy(v.begin(), v.end(), a.as<int64_t>());
    return Tensor::make(a);
}

}  // namespace

Tensors unique(const Tensor& x, MaybeDim given, bool consecutive) {
    const bool flat = !given;
    if (!is_supported(x.dtype())) fail_unsupported("unique", x.dtype());
    Array a = x.array();
    if (!flat && x.ndim() == 0)
        fail_as(ErrorKind::Index, "Dimension specified as {} but tensor has no dimensions", *given);
    const int64_t dim = flat ? 0 : wrap_dim(*given, x.ndim());
    // The things compared, one a row: elements, or slices of `dim`.
    int64_t n, width = 1;
    Array rows;
    Dims moved;
    if (flat) {
        rows = contiguous_array(a);
        n = rows.numel();
    } else {
        Dims order{dim};
        for (int64_t d = 0; d < x.ndim(); ++d)
            if (d != dim) order.push_back(d);
        Dims strides;
        for (int64_t d : order) {
            moved.push_back(a.size(d));
            strides.push_back(a.stride(d));
        }
        rows = contiguous_array(a.view(Layout::strided(moved, strides), a.offset));
        n = a.size(dim);
        if (n == 0 && x.numel() == 0 && std::count(moved.begin(), moved.end(), 0) > 1)
            fail("There are 0 sized dimensions, and they aren't selected, so unique cannot be applied");
        width = n ? rows.numel() / n : 0;
    }
    std::vector<int64_t> order(static_cast<size_t>(n)), first, ids, counts;
    std::iota(order.begin(), order.end(), 0);
    Tensor values;
    visit<Family::All>(a.dtype, "unique", [&](auto zero) {
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
        values = Tensor::make(out);
    });
    auto found = static_cast<int64_t>(first.size());
    if (!flat) {
        moved[0] = found;
        Array out = values.array().view(Layout::contiguous(moved), 0);
        Dims shape = x.shape();
        shape[static_cast<size_t>(dim)] = found;
        Array placed = Array::empty(a.dtype, shape);
        Dims strides{placed.stride(dim)};
        for (int64_t d = 0; d < x.ndim(); ++d)
            if (d != dim) strides.push_back(placed.stride(d));
        copy_array(out, placed.view(Layout::strided(moved, strides), 0));
        values = Tensor::make(placed);
    }
    return {values, from_ints(ids, flat ? x.shape() : Dims{n}), from_ints(counts, Dims{found})};
}

Tensor searchsorted(const Tensor& sequence, const Operand& values, bool right, const MaybeTensor& sorter,
                    bool int32) {
    Tensor v = values.tensor ? *values.tensor : scalar_tensor(values.scalar, result_type(&values, 1));
    if (sequence.ndim() == 0)
        fail("torch.searchsorted(): boundaries tensor should have positive dimension, but got 0 dimension");
    if (sequence.ndim() != 1) {
        bool fits = v.ndim() == sequence.ndim();
        for (int64_t d = 0; fits && d + 1 < v.ndim(); ++d) fits = v.size(d) == sequence.size(d);
        if (v.ndim() == 0)
            fail(
                "torch.searchsorted(): input value can be a scalar only when boundaries tensor dimension is "
                "1, but we got boundaries tensor dim({}) and input value's dim(0) numel(1)",
                sequence.ndim());
        if (!fits)
            fail(
                "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions "
                "of boundaries tensor and input value tensor must match, but we got boundaries tensor {} and "
                "input value tensor {}",
                shape_text(sequence.layout()), shape_text(v.layout()));
    }
    if (sorter && !sorter.layout().same_shape(sequence.layout()))
        fail(
            "torch.searchsorted(): boundary and sorter must have the same size, but got boundary tensor {} "
            "and got sorter tensor {}",
            shape_text(sequence.layout()), shape_text(sorter.layout()));
    if (sorter && sorter.dtype() != DType::Int64)
        fail("torch.searchsorted(): sorter must be a tensor of long dtype but got dtype {}",
             dtype_legacy_name(sorter.dtype()));
    DType d = promote(sequence.dtype(), v.dtype());
    Array s = contiguous_array(converted(sequence.array(), d)), x = contiguous_array(converted(v.array(), d));
    if (sorter) {
        Array order = contiguous_array(sorter.array());
        const auto* first = order.as<int64_t>();
        int64_t length = s.size(s.ndim() - 1);
        if (!std::all_of(first, first + order.numel(), [&](int64_t i) { return i >= 0 && i < length; }))
            fail("torch.searchsorted(): sorter index out of range: the last dimension has size {}", length);
        s = pick_array(s, s.ndim() - 1, order);
    }
    Array out = Array::empty(DType::Int64, v.shape());
    int64_t n = s.size(s.ndim() - 1), m = s.ndim() == 1 ? x.numel() : x.size(x.ndim() - 1);
    visit<Family::All>(d, "searchsorted", [&](auto zero) {
        using T = decltype(zero);
        const T *row = s.as<T>(), *from = x.as<T>();
        auto* to = out.as<int64_t>();
        auto below = [](T a, T b) { return a < b || (b != b && a == a); };  // NaN is the greatest
        for (int64_t at = 0; at < x.numel(); at += m, row += s.ndim() == 1 ? 0 : n)
            for (int64_t i = 0; i < m; ++i)
                *to++ = (right ? std::upper_bound(row, row + n, from[at + i], below)
                               : std::lower_bound(row, row + n, from[at + i], below)) -
                        row;
    });
    return Tensor::make(int32 ? converted(out, DType::Int32) : out);
}

Tensor bincount(const Tensor& x, const MaybeTensor& weights, int64_t minlength) {
    if (is_differentiable(x.dtype()) || x.dtype() == DType::Bool) fail_unsupported("bincount_cpu", x.dtype());
    if (minlength < 0) fail("minlength should be >= 0");
    Array a = contiguous_array(converted(x.array(), DType::Int64));
    const auto* at = a.as<int64_t>();
    int64_t n = a.numel(), bins = minlength;
    bool fits = x.ndim() == 1;
    for (int64_t i = 0; fits && i < n; ++i) {
        fits = at[i] >= 0;
        if (at[i] == INT64_MAX)
            fail("maximum value of input overflowed, it should be < {} but got {}", INT64_MAX, at[i]);
        bins = std::max(bins, at[i] + 1);
    }
    if (!fits) fail("bincount only supports 1-d non-negative integral inputs.");
    if (weights && !weights.layout().same_shape(x.layout()))
        fail("weights should be 1-d and have the same length as input");
    if (!weights) {
        Tensor out = zeros(DType::Int64, Dims{bins});
        auto* counts = out.array().as<int64_t>();
        for (int64_t i = 0; i < n; ++i) ++counts[at[i]];
        return out;
    }
    DType d = is_float(weights.dtype()) ? weights.dtype() : DType::Float64;
    Array w = contiguous_array(converted(weights.array(), DType::Float64));
    Array sums = Array::empty(DType::Float64, Dims{bins});
    fill_array(sums, Scalar(0));
    for (int64_t i = 0; i < n; ++i) sums.as<double>()[at[i]] += w.as<double>()[i];
    return Tensor::make(converted(sums, d));
}

Tensor histc(const Tensor& x, int64_t bins, double low, double high) {
    if (!is_float(x.dtype()) || !is_supported(x.dtype())) fail_unsupported("histogram_cpu", x.dtype());
    if (bins <= 0) fail("torch.histc(): bins must be > 0");
    Array a = contiguous_array(converted(x.array(), DType::Float64));
    const double* p = a.as<double>();
    int64_t n = a.numel();
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
    Array out = Array::empty(DType::Float64, Dims{bins});
    fill_array(out, Scalar(0));
    // A range of huge numbers can be wider than any number, or empty after one has been added.
    const double unit = std::isfinite(high - low) ? 1 : 0.5;
    for (int64_t i = 0; i < n; ++i) {
        if (!(p[i] >= low && p[i] <= high)) continue;
        double part = low < high ? (p[i] * unit - low * unit) / (high * unit - low * unit) : 0.5;
        auto bin = static_cast<int64_t>(part * static_cast<double>(bins));
        out.as<double>()[std::min(bin, bins - 1)] += 1;
    }
    return Tensor::make(converted(out, x.dtype()));
}

}  // namespace pb::ops
