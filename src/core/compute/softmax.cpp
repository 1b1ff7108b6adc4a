// softmax, log_softmax, logsumexp of arrays: exponentials of differences from the largest element of a line. Many short
// lines are taken together, so that the exponential sees whole blocks; lines that lie side by side, as the channels of an
// image do, are taken as they lie. ops/reduce/softmax.cpp has the derivatives.
#include <algorithm>
#include <cstring>

#include "array/visit.h"
#include "compute/line_functions.h"
#include "compute/line_loops.h"
#include "compute/lines.h"

namespace pb {

namespace {

// to = from (op) v for a line.
template <class T> inline void with_value(BlockKernel fn, const T* from, T v, T* to, int64_t n) {
    const void* in[2] = {from, &v};
    fn(in, to, n);
}
BlockKernel kernel_by_value(Primitive p, DType d) {
    return kernels().elementwise[static_cast<int>(p)][static_cast<int>(d)][2];
}

// Lines that lie side by side, if they are so many. Calls f(at, width) for some of them at a time: where they begin, and
// how many.
constexpr int64_t kSideBySide = 16, kLanesTogether = 256;
template <class F> void share_sides(const Split& s, double work, F f) {
    const int64_t parts = parts_of(s.inner, kLanesTogether);
    const double total = work * static_cast<double>(s.outer * s.n) * static_cast<double>(s.inner);
    parallel(s.outer * parts, total, [&](int64_t part, int) {
        const int64_t from = part % parts * kLanesTogether;
        f(part / parts * s.n * s.inner + from, std::min(kLanesTogether, s.inner - from));
    });
}
bool side_by_side(const Split& s) { return s.inner >= kSideBySide && s.n > 0 && s.outer > 0; }

template <class T> void log1p_of(const T* x, T* to, int64_t n) {
    const void* in = x;
    kernels().elementwise[static_cast<int>(Primitive::log1p)][code_of<T>][0](&in, to, n);
}

template <class T> void softmax_beside(const T* x, T* y, const Split& s, bool logarithm) {
    const LineKernels& k = line_kernels();
    constexpr int f = code_of<T>;
    share_sides(s, kExpWork * sizeof(T) / 4, [&](int64_t at, int64_t width) {
        T shifts[kLanesTogether], rests[kLanesTogether];
        k.side_exponentials[f](x + at, s.inner, s.n, width, true, logarithm ? nullptr : y + at, shifts,
                               rests);
        if (!logarithm) return k.side_over[f](y + at, s.inner, s.n, width, rests, y + at);
        log1p_of(rests, rests, width);
        k.side_less_both[f](x + at, s.inner, s.n, width, shifts, rests, y + at);
    });
}

}  // namespace

Array softmax(const Array& a, int64_t dim, bool logarithm) {
    if (const Split s(*a.layout, dim); side_by_side(s)) {
        const Array x = contiguous_array(a), y = Array::empty(a.dtype, x.layout->dims());
        visit<Family::Floats>(a.dtype, "softmax_kernel_impl", [&](auto zero) {
            using T = decltype(zero);
            softmax_beside(x.as<T>(), y.as<T>(), s, logarithm);
        });
        return y;
    }
    Array x = lines_along(a, dim), y = Array::empty(a.dtype, x.layout->dims());
    int64_t n = line_length(*a.layout, dim);
    if (x.numel())
        visit<Family::Floats>(a.dtype, "softmax_lastdim_kernel_impl", [&](auto zero) {
            using T = decltype(zero);
            T* out = y.as<T>();
            BlockKernel over = kernel_by_value(Primitive::div, a.dtype);
            auto less_both = line_kernels().less_both[code_of<T>];
            exponentials(x.as<T>(), x.numel() / n, n, true,
                         [&](int64_t r, const T* from, const T* e, T shift, T rest, T log) {
                             T *to = out + r * n, sum = 1 + rest;
                             if (n >= kLongLine) {
                                 if (logarithm) {
                                     less_both(from, &shift, &log, to, n);
                                 } else {
                                     with_value(over, e, sum, to, n);
                                 }
                             } else if (logarithm)
                                 for (int64_t j = 0; j < n; ++j) to[j] = (from[j] - shift) - log;
                             else
                                 for (int64_t j = 0; j < n; ++j) to[j] = e[j] / sum;
                         });
        });
    return from_lines(y, *a.layout, dim);
}

namespace {

template <class T> T total(const T* x, int64_t n) {
    T sum;
    reductions().reduce[static_cast<int>(Reduction::sum)][code_of<T>](x, n, &sum);
    return sum;
}
template <class T> void pull_softmax(const T* y, const T* u, T* scratch, T* out, int64_t n) {
    const LineKernels& k = line_kernels();
    constexpr int f = code_of<T>;
    const int64_t winner = k.majority[f](y, n);
    const T centre = winner < 0 ? T(0) : u[winner];
    k.softmax_products[f](y, u, &centre, scratch, n);
    const T sum = total(scratch, n);
    k.softmax_pull[f](y, u, &centre, &sum, out, n);
}
// `p` is as before afterwards.
template <class T> void pull_log_softmax(T* p, const T* u, T* scratch, T* out, int64_t n) {
    const LineKernels& k = line_kernels();
    constexpr int f = code_of<T>;
    const int64_t winner = k.majority[f](p, n);
    if (winner < 0) {
        const T all = total(u, n);
        k.log_softmax_pull[f](p, u, &all, out, n);
        return;
    }
    const T share = p[winner], mine = u[winner];
    std::memcpy(scratch, u, static_cast<size_t>(n) * sizeof(T));
    scratch[winner] = p[winner] = 0;
    const T others = total(scratch, n), rest = total(p, n), all = others + mine;
    p[winner] = share;
    k.log_softmax_pull[f](p, u, &all, out, n);
    auto pulled = [](T g, T partial) { return g == 0 ? g : g * partial; };  // as zmul, also in a line of NaN
    out[winner] = pulled(mine, rest) - pulled(others, share);
}

}  // namespace

namespace {

LogSum logsumexp_beside(const Array& a, const Split& s, const Dims& dims, bool keepdim) {
    const Array x = contiguous_array(a), out = Array::empty(a.dtype, reduced_shape(*a.layout, dims, keepdim)),
                shifts = Array::empty(a.dtype, reduced_shape(*a.layout, dims, true)),
                inverses = Array::empty(a.dtype, shifts.layout);
    visit<Family::Floats>(a.dtype, "softmax_kernel_impl", [&](auto zero) {
        using T = decltype(zero);
        share_sides(s, kExpWork * sizeof(T) / 4, [&](int64_t at, int64_t width) {
            const int64_t to = at / (s.n * s.inner) * s.inner + at % s.inner;
            T rests[kLanesTogether], *o = out.as<T>() + to, *shift = shifts.as<T>() + to;
            line_kernels().side_exponentials[code_of<T>](x.as<T>() + at, s.inner, s.n, width, false, nullptr,
                                                         shift, rests);
            log1p_of(rests, o, width);
            for (int64_t j = 0; j < width; ++j) {
                o[j] += shift[j];
                inverses.as<T>()[to + j] = rests[j] == -1 ? T(1) : 1 / (1 + rests[j]);
            }
        });
    });
    return {out, shifts, inverses};
}

}  // namespace

// Of lines one after the other the results are those of the differentiable forms (ops/reduce/softmax.cpp), bit for bit.
Array softmax_pull(const Array& cotangent, const Array& output, int64_t dim, bool logarithm) {
    if (const Split s(*output.layout, dim); side_by_side(s)) {
        const Array g = contiguous_array(cotangent), y = contiguous_array(output),
                    out = Array::empty(y.dtype, y.layout->dims());
        visit<Family::Floats>(y.dtype, "softmax_kernel_impl", [&](auto zero) {
            using T = decltype(zero);
            const LineKernels& k = line_kernels();
            const auto pull = (logarithm ? k.side_log_softmax_pull : k.side_softmax_pull)[code_of<T>];
            share_sides(s, logarithm ? kExpWork : kExpWork / 2, [&](int64_t at, int64_t width) {
                pull(y.as<T>() + at, g.as<T>() + at, s.inner, s.n, width, out.as<T>() + at);
            });
        });
        return out;
    }
    Array g = lines_along(cotangent, dim), y = lines_along(output, dim),
          out = Array::empty(y.dtype, y.layout->dims());
    int64_t n = line_length(*output.layout, dim);
    if (y.numel())
        visit<Family::Floats>(y.dtype, "softmax_lastdim_kernel_impl", [&](auto zero) {
            using T = decltype(zero);
            auto d = static_cast<int>(y.dtype);
            auto exp = kernels().elementwise[static_cast<int>(Primitive::exp)][d][0];
            constexpr int f = code_of<T>;
            const LineKernels& k = line_kernels();
            int64_t lines = y.numel() / n, together = std::max<int64_t>(1, std::min(lines, kLineBlock / n));
            Rooms<T> rooms(together * n + n);
            share_lines(lines, n, logarithm ? kExpWork : kExpWork / 2,
                        [&](int64_t first, int64_t count, int worker) {
                            T *p = rooms.of(worker), *scratch = p + together * n;
                            for (int64_t r = first; r < first + count; r += together) {
                                int64_t m = std::min(together, first + count - r);
                                const void* in = y.as<T>() + r * n;
                                if (logarithm) exp(&in, p, m * n);
                                if (n < 16) {
                                    (logarithm ? k.log_softmax_pull_short : k.softmax_pull_short)[f](
                                        logarithm ? p : in, g.as<T>() + r * n, out.as<T>() + r * n, m, n);
                                    continue;
                                }
                                for (int64_t i = r; i < r + m; ++i) {
                                    const T* u = g.as<T>() + i * n;
                                    if (logarithm)
                                        pull_log_softmax(p + (i - r) * n, u, scratch, out.as<T>() + i * n, n);
                                    else pull_softmax(y.as<T>() + i * n, u, scratch, out.as<T>() + i * n, n);
                                }
                            }
                        });
        });
    return from_lines(out, *output.layout, dim);
}

LogSum logsumexp(const Array& a, const Dims& dims, bool keepdim) {
    if (dims.size() == 1)
        if (const Split s(*a.layout, dims[0]); side_by_side(s)) return logsumexp_beside(a, s, dims, keepdim);
    Array lines = reduced_last(a, dims);
    Array out = Array::empty(a.dtype, reduced_shape(*a.layout, dims, keepdim));
    Array shifts = Array::empty(a.dtype, reduced_shape(*a.layout, dims, true));
    Array inverses = Array::empty(a.dtype, shifts.layout);
    int64_t n = reduced_count(*a.layout, dims);
    if (n == 0) fill_array(out, Scalar(-std::numeric_limits<double>::infinity()));
    else if (out.numel())
        visit<Family::Floats>(a.dtype, "softmax_lastdim_kernel_impl", [&](auto zero) {
            using T = decltype(zero);
            T *o = out.as<T>(), *shift_of = shifts.as<T>(), *inverse_of = inverses.as<T>();
            exponentials(lines.as<T>(), out.numel(), n, false,
                         [&](int64_t r, const T*, const T*, T shift, T rest, T log) {
                             o[r] = log + shift;
                             shift_of[r] = shift;
                             inverse_of[r] = rest == -1 ? T(1) : 1 / (1 + rest);
                         });
        });
    return {std::move(out), std::move(shifts), std::move(inverses)};
}

Array logsumexp_pull(const Array& x, const Array& shifts, const Array& inverses, const Array& cotangent,
                     const Dims& dims) {
    Array g = contiguous_array(cotangent), out = Array::empty(x.dtype, x.layout->dims());
    const int64_t n = reduced_count(*x.layout, dims), lines = g.numel();
    visit<Family::Floats>(x.dtype, "softmax_lastdim_kernel_impl", [&](auto zero) {
        using T = decltype(zero);
        auto scaled_exp = line_kernels().scaled_exp[code_of<T>];
        share_lines(lines, n, kExpWork * sizeof(T) / 4, [&](int64_t first, int64_t count, int) {
            for (int64_t r = first; r < first + count; ++r) {
                T *to = out.as<T>() + r * n, u = g.as<T>()[r], scale = u * inverses.as<T>()[r];
                if (u == 0) std::memset(to, 0, static_cast<size_t>(n) * sizeof(T));
                else scaled_exp(x.as<T>() + r * n, shifts.as<T>() + r, &scale, to, n);
            }
        });
    });
    return out;
}

}  // namespace pb
