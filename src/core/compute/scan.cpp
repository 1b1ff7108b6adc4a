#include "compute/scan.h"

#include <cmath>
#include <limits>

#include "array/visit.h"
#include "compute/line_loops.h"
#include "compute/lines.h"
#include "compute/wrapping.h"
#include "program/threads.h"

namespace pb {

namespace {

// A state waits for the one before it, so the lines of a contiguous dimension go side by side, and so do neighbouring
// lines of any other. Threads share groups of lines.
constexpr int kAbreast = 4;
constexpr int64_t kColumns = 256;  // neighbouring lines of a chunk of work

template <int lines, class State, class T, class Out, class Step>
void scan_lines(const T* from, Out* to, int64_t n, bool reverse, Step step) {
    State states[lines] = {};
    int64_t at = reverse ? n - 1 : 0, forth = reverse ? -1 : 1;
    if (!n) return;
#pragma GCC unroll 8
    for (int l = 0; l < lines; ++l) step(from[l * n + at], to[l * n + at], states[l], true);
    for (int64_t k = 1; k < n; ++k) {
        at += forth;
#pragma GCC unroll 8
        for (int l = 0; l < lines; ++l) step(from[l * n + at], to[l * n + at], states[l], false);
    }
}

template <class State, class T, class Out, class Step>
void scan_columns(const T* from, Out* to, Split s, int64_t columns, bool reverse, Step step) {
    State states[kColumns] = {};
    for (int64_t k = 0; k < s.n; ++k) {
        int64_t at = (reverse ? s.n - 1 - k : k) * s.inner;
        for (int64_t i = 0; i < columns; ++i) step(from[at + i], to[at + i], states[i], k == 0);
    }
}

// Runs `step(from, to, state, first)` over each line along `dim`; `work` nanoseconds an element.
template <class State, class T, class Out, class Step>
void scan(const Layout& layout, int64_t dim, const T* from, Out* to, bool reverse, double work, Step step) {
    Split s(layout, dim);
    if (s.inner == 1)
        return share_lines(s.outer, s.n, work, [=](int64_t first, int64_t count, int) {
            int64_t l = first, end = first + count;
            for (; l + kAbreast <= end; l += kAbreast)
                scan_lines<kAbreast, State>(from + l * s.n, to + l * s.n, s.n, reverse, step);
            for (; l < end; ++l) scan_lines<1, State>(from + l * s.n, to + l * s.n, s.n, reverse, step);
        });
    int64_t blocks = parts_of(s.inner, kColumns);
    parallel(s.outer * blocks, work * static_cast<double>(layout.numel()), [=](int64_t chunk, int) {
        int64_t first = chunk % blocks * kColumns, at = chunk / blocks * s.n * s.inner + first;
        scan_columns<State>(from + at, to + at, s, std::min(kColumns, s.inner - first), reverse, step);
    });
}

template <class T> struct Best {
    T value;
    int64_t at, next;
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
        scan<W>(*x.layout, dim, x.as<T>(), y.as<T>(), reverse, 1, [join](T v, T& out, W& s, bool first) {
            s = first ? static_cast<W>(v) : join(s, static_cast<W>(v));
            out = static_cast<T>(s);
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

RunningExtremes running_extremes(const Array& given, int64_t dim, bool greatest) {
    Array x = contiguous_array(given), y = Array::empty(x.dtype, x.layout->dims());
    Array index = Array::empty(DType::Int64, y.layout);
    visit<Family::All>(x.dtype, greatest ? "cummax_cpu" : "cummin_cpu", [&](auto zero) {
        using T = decltype(zero);
        T* ys = y.as<T>();
        auto* at = index.as<int64_t>();
        scan<Best<T>>(*x.layout, dim, x.as<T>(), ys, false, 2, [=](T v, T& out, Best<T>& b, bool first) {
            bool wins = first || v != v || (greatest ? v >= b.value : v <= b.value);
            b = {wins ? v : b.value, wins ? b.next : b.at, b.next + 1};
            out = b.value;
            at[&out - ys] = b.at;
        });
    });
    return {std::move(y), std::move(index)};
}

RunningLogSum running_logsumexp(const Array& given, int64_t dim) {
    Array x = contiguous_array(given), y = Array::empty(x.dtype, x.layout->dims());
    Array r = Array::empty(x.dtype, y.layout), m = Array::empty(x.dtype, y.layout);
    visit<Family::Floats>(x.dtype, "logcumsumexp_out_cpu", [&](auto zero) {
        using T = decltype(zero);
        T *ys = y.as<T>(), *rs = r.as<T>(), *ms = m.as<T>();
        scan<LogState>(*x.layout, dim, x.as<T>(), rs, false, 20, [=](T v, T& out, LogState& s, bool first) {
            double log = advance(s, static_cast<double>(v), first);
            int64_t at = &out - rs;
            out = static_cast<T>(log);
            ms[at] = log == -std::numeric_limits<double>::infinity() ? T(0) : static_cast<T>(s.largest);
            ys[at] = static_cast<T>(s.largest + log);
        });
    });
    return {std::move(y), std::move(r), std::move(m)};
}

}  // namespace pb
