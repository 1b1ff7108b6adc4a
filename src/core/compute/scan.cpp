#include "compute/scan.h"

#include <cmath>
#include <limits>
#include <vector>

#include "array/visit.h"
#include "compute/lines.h"
#include "compute/wrapping.h"
#include "program/program.h"

namespace pb {

namespace {

// Runs `step(from, to, state, first)` over each line along `dim`; the state of neighbouring lines lies side by side.
template <class T, class State, class Step>
void scan(const Array& x, Array& y, int64_t dim, bool reverse, Step step) {
    Split s(*x.layout, dim);
    if (s.inner == 1) {  // the state of a single line stays in a register
        int64_t forth = reverse ? -1 : 1;
        for (int64_t o = 0; o < s.outer; ++o) {
            int64_t at = o * s.n + (reverse ? s.n - 1 : 0);
            State state{};
            for (int64_t k = 0; k < s.n; ++k, at += forth) step(x.as<T>()[at], y.as<T>()[at], state, k == 0);
        }
        return;
    }
    std::vector<State> state(static_cast<size_t>(s.inner));
    for (int64_t o = 0; o < s.outer; ++o)
        for (int64_t k = 0; k < s.n; ++k) {
            int64_t at = (o * s.n + (reverse ? s.n - 1 - k : k)) * s.inner;
            const T* from = x.as<T>() + at;
            T* to = y.as<T>() + at;
            for (int64_t i = 0; i < s.inner; ++i) step(from[i], to[i], state[static_cast<size_t>(i)], k == 0);
        }
}

template <class T> struct Best {
    T value;
    int64_t at;
};

struct LogState {
    double largest, sum;  // of exp(x - largest)
};
double advance(LogState& s, double v, bool first) {
    constexpr double inf = std::numeric_limits<double>::infinity();
    if (first || v == inf || v != v || s.largest == -inf) s = {v, v == -inf ? 0.0 : 1.0};
    else if (v <= s.largest) s.sum += s.largest == inf ? 0 : std::exp(v - s.largest);
    else if (v > s.largest) s = {v, s.sum * std::exp(s.largest - v) + 1};
    return std::log(s.sum);
}

}  // namespace

// What `join` makes of each element and all before it; `operation` is what messages call it.
template <class Join>
static Array running(const char* operation, const Array& given, int64_t dim, bool reverse, Join join) {
    Array x = contiguous_array(given), y = Array::empty(x.dtype, x.layout->dims());
    visit<Family::Any>(x.dtype, operation, [&](auto zero) {
        using T = decltype(zero);
        using W = Running<T>;
        scan<T, W>(x, y, dim, reverse, [join](T v, T& out, W& s, bool first) {
            out = static_cast<T>(s = first ? static_cast<W>(v) : join(s, static_cast<W>(v)));
        });
    });
    return y;
}

Array running_sums(const Array& x, int64_t dim, bool reverse) {
    return running("cumsum_out_cpu", x, dim, reverse, [](auto s, auto v) { return wrapping_sum(s, v); });
}

Array running_products(const Array& x, int64_t dim, bool reverse) {
    return running("cumprod_out_cpu", x, dim, reverse, [](auto s, auto v) { return wrapping_product(s, v); });
}

Array shifted(const Array& from, int64_t dim, int64_t by, double fill) {
    Array to = Array::empty(from.dtype, from.layout->dims());
    fill_array(to, Scalar(fill));
    const int64_t kept = line_length(*from.layout, dim) - std::abs(by);
    if (kept > 0 && dim) {
        Dims shape = with_length(*from.layout, dim, kept);
        auto part = [&](const Array& a, int64_t start) {
            return a.view(Layout::strided(shape, a.layout->stride_dims()),
                          a.offset + start * a.stride(a.ndim() + dim));
        };
        copy_array(part(from, by < 0 ? -by : 0), part(to, by > 0 ? by : 0));
    }
    return to;
}

Array linear_recurrence(const Array& factors, const Array& terms, int64_t dim, bool reverse) {
    Array a = contiguous_array(factors), b = contiguous_array(terms);
    Array r = Array::empty(b.dtype, b.layout->dims());
    visit<Family::Any>(b.dtype, "linear_recurrence", [&](auto zero) {
        using T = decltype(zero);
        Split s(*b.layout, dim);
        const T *as = a.as<T>(), *bs = b.as<T>();
        T* rs = r.as<T>();
        int64_t back = (reverse ? 1 : -1) * s.inner;
        for (int64_t o = 0; o < s.outer; ++o)
            for (int64_t k = 0; k < s.n; ++k) {
                int64_t at = (o * s.n + (reverse ? s.n - 1 - k : k)) * s.inner;
                for (int64_t i = at; i < at + s.inner; ++i) {
                    T before = k ? rs[i + back] : T(0);
                    rs[i] = before == T(0) ? bs[i] : wrapping_sum(bs[i], wrapping_product(as[i], before));
                }
            }
    });
    return r;
}

Array running_extremes(const Array& given, int64_t dim, bool greatest) {
    Array a = contiguous_array(given), index = Array::empty(DType::Int64, a.layout->dims());
    visit<Family::All>(a.dtype, greatest ? "cummax_cpu" : "cummin_cpu", [&](auto zero) {
        using T = decltype(zero);
        Split s(*a.layout, dim);
        std::vector<Best<T>> best(static_cast<size_t>(s.inner));
        const T* from = a.as<T>();
        auto* to = index.as<int64_t>();
        for (int64_t o = 0; o < s.outer; ++o)
            for (int64_t k = 0; k < s.n; ++k)
                for (int64_t i = 0; i < s.inner; ++i) {
                    T v = *from++;
                    Best<T>& b = best[static_cast<size_t>(i)];
                    if (k == 0 || v != v || (b.value == b.value && (greatest ? v >= b.value : v <= b.value)))
                        b = {v, k};
                    *to++ = b.at;
                }
    });
    return index;
}

RunningLogSum running_logsumexp(const Array& given, int64_t dim) {
    Array x = contiguous_array(given), y = Array::empty(x.dtype, x.layout->dims());
    Array r = Array::empty(x.dtype, y.layout), m = Array::empty(x.dtype, y.layout);
    visit<Family::Floats>(x.dtype, "logcumsumexp_out_cpu", [&](auto zero) {
        using T = decltype(zero);
        T *ys = y.as<T>(), *ms = m.as<T>();
        scan<T, LogState>(x, r, dim, false, [&](const T& v, T& out, LogState& s, bool first) {
            double log = advance(s, static_cast<double>(v), first);
            int64_t at = &out - r.as<T>();
            out = static_cast<T>(log);
            ms[at] = log == -std::numeric_limits<double>::infinity() ? T(0) : static_cast<T>(s.largest);
            ys[at] = static_cast<T>(s.largest + log);
        });
    });
    return {std::move(y), std::move(r), std::move(m)};
}

}  // namespace pb
