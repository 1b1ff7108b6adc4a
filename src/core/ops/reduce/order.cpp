// Orders: sort, topk, kthvalue, median, mode.
//
// Each finds indices first, from values alone; the result is then the elements picked there, and its derivative
// puts the cotangent back. NaN is greater than everything. Equal elements keep their order, always.
#include "ops/reduce/reduction.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace pb::ops {

namespace {

// Elements picked at indices found beforehand.
struct Chosen {
    const char* node;
    int64_t dim;
    bool squeezed;  // one index along dim, and the dimension is gone from the result
    Array index;
    Ref<Layout> memory;  // how the results lie; null: contiguously
    static constexpr bool saves_output = true;
    static constexpr uint8_t saved_output = 1;
    const char* node_name() const { return node; }
    Tensors forward(const Tensors& x) {
        Array values = pick_array(x[0].array(), dim, index);
        if (memory) return {Tensor::make(relaid(values, memory)), Tensor::make(relaid(index, memory))};
        if (!squeezed) return {Tensor::make(values), Tensor::make(index)};
        Dims shape = index.layout->dims();
        shape.erase(static_cast<size_t>(dim));
        Ref<Layout> l = Layout::contiguous(shape);
        return {Tensor::make(values.view(l, 0)), Tensor::make(index.view(l, 0))};
    }
    Tensor wide(const Tensor& t) const { return squeezed ? unsqueeze(t, dim) : t; }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        out[0] = place_along(wide(g[0]), dim, wide(c.output(1)), c.input_shape(0));
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        Tensor values = pick_along(t[0], dim, wide(c.output(1)));
        return {squeezed ? squeeze(values, Dims{dim}) : values, Tensor()};
    }
};

template <class T> struct Item {
    T value;
    int64_t at;
};

template <class T> bool is_nan(T v) { return v != v; }
template <class T> bool ascending(const Item<T>& a, const Item<T>& b) {
    if (a.value < b.value) return true;
    if (b.value < a.value) return false;
    if (is_nan(a.value) != is_nan(b.value)) return is_nan(b.value);
    return a.at < b.at;
}
template <class T> bool descending_order(const Item<T>& a, const Item<T>& b) {
    if (b.value < a.value) return true;
    if (a.value < b.value) return false;
    if (is_nan(a.value) != is_nan(b.value)) return is_nan(a.value);
    return a.at < b.at;
}

// For each line along `dim`: `choose(items, to)` writes `m` indices. The result has size m there.
template <class Choose>
Array indices_along(const Array& a, int64_t dim, int64_t m, const char* kernel, Choose choose) {
    Array rows = rows_along(a, dim);
    int64_t n = a.ndim() ? a.size(dim) : 1, count = n ? a.numel() / n : 0;
    Dims shape = rows.layout->dims();
    if (a.ndim()) shape.back() = m;
    Array index = Array::empty(DType::Int64, shape);
    visit<Family::All>(a.dtype, kernel, [&](auto zero) {
        using T = decltype(zero);
        std::vector<Item<T>> items(static_cast<size_t>(n));
        const T* from = rows.as<T>();
        auto* to = index.as<int64_t>();
        for (int64_t r = 0; r < count; ++r, from += n, to += m) {
            for (int64_t i = 0; i < n; ++i) items[static_cast<size_t>(i)] = {from[i], i};
            choose(items, to);
        }
    });
    Dims whole = a.layout->dims();
    if (a.ndim()) whole[static_cast<size_t>(dim)] = m;
    return from_rows(index, *Layout::contiguous(whole), dim);
}

Array sorted_indices(const Array& a, int64_t dim, bool descending) {
    int64_t n = a.ndim() ? a.size(dim) : 1;
    return indices_along(a, dim, n, "sort", [&](auto& items, int64_t* to) {
        using T = decltype(items[0].value);
        using V = std::remove_reference_t<T>;
        std::sort(items.begin(), items.end(), descending ? descending_order<V> : ascending<V>);
        for (auto& item : items) *to++ = item.at;
    });
}

// The index of the k-th smallest of each line, counted from 0; k may depend on the line.
template <class Rank> Array ranked_index(const Array& a, int64_t dim, const char* kernel, Rank rank) {
    return indices_along(a, dim, 1, kernel, [&](auto& items, int64_t* to) {
        using V = std::remove_reference_t<decltype(items[0].value)>;
        auto k = items.begin() + rank(items);
        std::nth_element(items.begin(), k, items.end(), ascending<V>);
        *to = k->at;
    });
}

// The lower median of a line. NaN, if there is one, is the median, or does not count.
Array median_index(const Array& a, int64_t dim, bool ignore_nan) {
    return ranked_index(a, dim, "median_cpu", [&](auto& items) -> int64_t {
        auto n = static_cast<int64_t>(items.size()), nans = int64_t{0};
        for (auto& item : items) nans += is_nan(item.value);
        if (nans && !ignore_nan) return n - nans;  // the first NaN
        return std::max<int64_t>(n - nans - 1, 0) / 2;
    });
}

void check_length(const Tensor& x, int64_t dim, const char* name) {
    if (x.ndim() && x.size(dim) == 0)
        fail_as(ErrorKind::Index, "{}(): Expected reduction dim {} to have non-zero size.", name, dim);
}
void check_not_bool(const Tensor& x, const char* kernel) {
    if (x.dtype() == DType::Bool) fail_unsupported(kernel, x.dtype());
}

Tensors choose(const Tensor& x, const char* node, int64_t dim, const Array& index, bool squeezed) {
    return apply_all(Chosen{node, dim, squeezed && x.ndim() > 0, index, nullptr}, {x});
}

// Sorted values lie as the input does.
Ref<Layout> sorted_layout(const Tensor& x) {
    return x.layout().is_standard() ? nullptr : x.layout().packed();
}

}  // namespace

Tensors sort(const Tensor& x, int64_t dim, bool descending, bool stable) {
    dim = wrap_dim(dim, x.ndim());
    return apply_all(Chosen{stable ? "SortBackward1" : "SortBackward0", dim, false,
                            sorted_indices(x.array(), dim, descending), sorted_layout(x)},
                     {x});
}

Tensor argsort(const Tensor& x, int64_t dim, bool descending) {
    Array index = sorted_indices(x.array(), wrap_dim(dim, x.ndim()), descending);
    Ref<Layout> memory = sorted_layout(x);
    return Tensor::make(memory ? relaid(index, memory) : index);
}

Tensors topk(const Tensor& x, int64_t k, int64_t dim, bool largest) {
    dim = wrap_dim(dim, x.ndim());
    if (x.dtype() == DType::Bool)
        fail("topk does not support bool dtypes on CPU. Convert it first: x.int().");
    int64_t n = x.ndim() ? x.size(dim) : 1;
    if (k < 0 || k > n)
        fail("selected index k out of range. k is {}, and dimension {} has {} elements.", k, dim, n);
    if (!x.ndim() && k == 0) k = 1;
    Array index = indices_along(x.array(), dim, k, "topk", [&](auto& items, int64_t* to) {
        using V = std::remove_reference_t<decltype(items[0].value)>;
        auto order = largest ? descending_order<V> : ascending<V>;
        std::partial_sort(items.begin(), items.begin() + k, items.end(), order);
        for (int64_t i = 0; i < k; ++i) to[i] = items[static_cast<size_t>(i)].at;
    });
    return choose(x, "TopkBackward0", dim, index, false);
}

Tensors kthvalue(const Tensor& x, int64_t k, int64_t dim, bool keepdim) {
    dim = wrap_dim(dim, x.ndim());
    check_length(x, dim, "kthvalue");
    check_not_bool(x, "kthvalue_cpu");
    int64_t n = x.ndim() ? x.size(dim) : 1;
    if (k < 1 || k > n)
        fail(
            "kthvalue(): selected number k out of range for dimension {}. k is {}, counted from 1, of {} "
            "elements.",
            dim, k, n);
    Array index = ranked_index(x.array(), dim, "kthvalue_cpu", [&](auto&) { return k - 1; });
    return choose(x, "KthvalueBackward0", dim, index, !keepdim);
}

Tensor median(const Tensor& x, bool ignore_nan) {
    check_not_bool(x, "median_cpu");
    Array a = contiguous_array(x.array());
    a = a.view(Layout::contiguous(Dims{a.numel()}), a.offset);
    Array value = Array::empty(a.dtype, Layout::scalar());
    if (a.numel()) value = pick_array(a, 0, median_index(a, 0, ignore_nan)).view(Layout::scalar(), 0);
    else fill_array(value, is_float(a.dtype) ? Scalar(std::nan("")) : Scalar(INT64_MIN));
    return shared_choice(ignore_nan ? "NanmedianBackward0" : "MedianBackward0", x, value);
}

Tensors median_along(const Tensor& x, int64_t dim, bool keepdim, bool ignore_nan) {
    dim = wrap_dim(dim, x.ndim());
    check_not_bool(x, "median_out_impl");
    check_length(x, dim, ignore_nan ? "nanmedian" : "median");
    return choose(x, ignore_nan ? "NanmedianBackward1" : "MedianBackward1", dim,
                  median_index(x.array(), dim, ignore_nan), !keepdim);
}

Tensors mode(const Tensor& x, int64_t dim, bool keepdim) {
    dim = wrap_dim(dim, x.ndim());
    check_length(x, dim, "mode");
    // The smallest of the most frequent values, at its last place.
    Array index = indices_along(x.array(), dim, 1, "mode", [&](auto& items, int64_t* to) {
        using V = std::remove_reference_t<decltype(items[0].value)>;
        std::sort(items.begin(), items.end(), ascending<V>);
        size_t most = 0;
        for (size_t i = 0, run = 0; i < items.size(); ++i) {
            run = i && items[i].value == items[i - 1].value ? run + 1 : 1;
            if (run > most) {
                most = run;
                *to = items[i].at;
            }
        }
    });
    return choose(x, "ModeBackward0", dim, index, !keepdim);
}

}  // namespace pb::ops
