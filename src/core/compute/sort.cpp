#include "compute/sort.h"

#include <algorithm>
#include <vector>

#include "array/visit.h"
#include "compute/lines.h"

namespace pb {

namespace {

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

// For each line: `choose(items, to)` writes `m` indices. The result has size m there.
template <Family family = Family::All, class Choose>
Array indices_along(const Array& a, int64_t dim, int64_t m, const char* kernel, Choose choose) {
    Array rows = lines_along(a, dim);
    int64_t n = line_length(*a.layout, dim), count = n ? a.numel() / n : 0;
    Array index = Array::empty(DType::Int64, with_length(*rows.layout, dim ? -1 : 0, m));
    visit<family>(a.dtype, kernel, [&](auto zero) {
        using T = decltype(zero);
        std::vector<Item<T>> items(static_cast<size_t>(n));
        const T* from = rows.as<T>();
        auto* to = index.as<int64_t>();
        for (int64_t r = 0; r < count; ++r, from += n, to += m) {
            for (int64_t i = 0; i < n; ++i) items[static_cast<size_t>(i)] = {from[i], i};
            choose(items, to);
        }
    });
    return from_lines(index, *Layout::contiguous(with_length(*a.layout, dim, m)), dim);
}

// The index of the k-th smallest of each line; k may depend on the line.
template <class Rank> Array ranked(const Array& a, int64_t dim, const char* kernel, Rank rank) {
    return indices_along(a, dim, 1, kernel, [&](auto& items, int64_t* to) {
        using V = std::remove_reference_t<decltype(items[0].value)>;
        auto k = items.begin() + rank(items);
        std::nth_element(items.begin(), k, items.end(), ascending<V>);
        *to = k->at;
    });
}

}  // namespace

Array sorted_indices(const Array& a, int64_t dim, bool descending) {
    auto choose = [&](auto& items, int64_t* to) {
        using V = std::remove_reference_t<decltype(items[0].value)>;
        std::sort(items.begin(), items.end(), descending ? descending_order<V> : ascending<V>);
        for (auto& item : items) *to++ = item.at;
    };
    return indices_along<Family::AllBare>(a, dim, line_length(*a.layout, dim), "sort", choose);
}

Array top_indices(const Array& a, int64_t dim, int64_t k, bool largest) {
    return indices_along(a, dim, k, "topk_cpu", [&](auto& items, int64_t* to) {
        using V = std::remove_reference_t<decltype(items[0].value)>;
        auto order = largest ? descending_order<V> : ascending<V>;
        std::partial_sort(items.begin(), items.begin() + k, items.end(), order);
        for (int64_t i = 0; i < k; ++i) to[i] = items[static_cast<size_t>(i)].at;
    });
}

Array ranked_indices(const Array& a, int64_t dim, int64_t k) {
    return ranked(a, dim, "kthvalue_cpu", [=](auto&) { return k; });
}

Array median_indices(const Array& a, int64_t dim, bool ignore_nan) {
    return ranked(a, dim, "median_cpu", [=](auto& items) -> int64_t {
        auto n = static_cast<int64_t>(items.size()), nans = int64_t{0};
        for (auto& item : items) nans += is_nan(item.value);
        if (nans && !ignore_nan) return n - nans;  // the first NaN
        return std::max<int64_t>(n - nans - 1, 0) / 2;
    });
}

Array mode_indices(const Array& a, int64_t dim) {
    return indices_along(a, dim, 1, "mode_cpu", [](auto& items, int64_t* to) {
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
}

}  // namespace pb
