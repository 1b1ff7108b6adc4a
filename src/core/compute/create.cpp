#include "compute/create.h"

#include <algorithm>
#include <cmath>
#include <complex>

#include "array/visit.h"
#include "compute/narrow.h"
#include "program/program.h"

namespace pb::compute {

namespace {

// A double as an element; out of range it becomes something, never undefined behaviour.
template <class T> T convert(double v) {
    if constexpr (std::is_floating_point_v<T>) return static_cast<T>(v);
    else return static_cast<T>(Scalar(v).to_int());
}

// Counted from both ends, so that the ends are met exactly; `apart` elements from each other. Integers step in double, as
// PyTorch does.
template <class T, class F> void spaced(T* x, int64_t apart, int64_t n, double start, double end, F&& f) {
    using Step = std::conditional_t<std::is_floating_point_v<T>, T, double>;
    auto first = static_cast<Step>(convert<T>(start)), last = static_cast<Step>(convert<T>(end));
    Step step = n > 1 ? (last - first) / static_cast<Step>(n - 1) : 0;
    for (int64_t i = 0; i < n; ++i)
        x[i * apart] = f(i < n / 2 || n == 1 ? first + step * static_cast<Step>(i)
                                             : last - step * static_cast<Step>(n - 1 - i));
}

// The parts of complex numbers, each by itself.
template <class T> void spaced_parts(Complex<T>* x, int64_t n, Scalar start, Scalar end) {
    auto* parts = reinterpret_cast<T*>(x);
    auto same = [](T v) { return v; };
    spaced(parts, 2, n, start.to_double(), end.to_double(), same);
    spaced(parts + 1, 2, n, start.im, end.im, same);
}

}  // namespace

void count_up(const Array& a, Scalar start, Scalar step) {
    if (filled_wide(a, [&](const Array& wide) { count_up(wide, start, step); })) return;
    visit<Family::Numbers>(a.dtype, "arange_cpu", [&](auto zero) {
        using T = decltype(zero);
        T* x = a.as<T>();
        const int64_t n = a.numel();
        if constexpr (std::is_floating_point_v<T>) {
            double low = start.to_double(), by = step.to_double();
            for (int64_t i = 0; i < n; ++i) x[i] = static_cast<T>(low + by * static_cast<double>(i));
        } else {  // unsigned, so that what lies beyond the last element may overflow
            uint64_t v = static_cast<uint64_t>(start.to_int()), s = static_cast<uint64_t>(step.to_int());
            for (int64_t i = 0; i < n; ++i, v += s) x[i] = static_cast<T>(v);
        }
    });
}

void space_evenly(const Array& a, Scalar start, Scalar end) {
    if (filled_wide(a, [&](const Array& wide) { space_evenly(wide, start, end); })) return;
    visit<Family::Rings>(a.dtype, "linspace_cpu", [&](auto zero) {
        using T = decltype(zero);
        if constexpr (is_complex_v<T>) spaced_parts(a.as<T>(), a.numel(), start, end);
        else
            spaced(a.as<T>(), 1, a.numel(), start.to_double(), end.to_double(),
                   [](auto v) { return convert<T>(v); });
    });
}

void space_powers(const Array& a, Scalar start, Scalar end, double base) {
    if (filled_wide(a, [&](const Array& wide) { space_powers(wide, start, end, base); })) return;
    visit<Family::Rings>(a.dtype, "logspace_cpu", [&](auto zero) {
        using T = decltype(zero);
        if constexpr (is_complex_v<T>) {
            using R = typename PartOf<T>::type;
            T* x = a.as<T>();
            spaced_parts(x, a.numel(), start, end);
            for (int64_t i = 0; i < a.numel(); ++i) {
                const auto power =
                    std::pow(std::complex<R>(static_cast<R>(base)), std::complex<R>(x[i].re, x[i].im));
                x[i] = {power.real(), power.imag()};
            }
        } else {
            spaced(a.as<T>(), 1, a.numel(), start.to_double(), end.to_double(),
                   [&](auto v) { return convert<T>(std::pow(static_cast<decltype(v)>(base), v)); });
        }
    });
}

Array identity(DType dtype, int64_t rows, int64_t columns) {
    Array a = Array::empty(dtype, Dims{rows, columns});
    fill_array(a, Scalar(0));
    int64_t shortest = std::min(rows, columns);
    if (shortest) fill_array(a.view(Layout::strided({shortest}, {columns + 1}), 0), Scalar(1));
    return a;
}

Array triangle_positions(int64_t rows, int64_t columns, int64_t diagonal, bool upper, int64_t n) {
    Array out = Array::empty(DType::Int64, Dims{2, n});
    auto* p = out.as<int64_t>();
    int64_t at = 0;
    for (int64_t r = 0; r < rows; ++r) {
        const int64_t edge = triangle_edge(r, columns, diagonal, upper);
        for (int64_t c = upper ? edge : 0, stop = upper ? columns : edge; c < stop; ++c, ++at) {
            p[at] = r;
            p[n + at] = c;
        }
    }
    return out;
}

Array of_number(Scalar value, DType dtype) {
    Array a = Array::empty(dtype, Layout::scalar());
    fill_array(a, value);
    return a;
}

}  // namespace pb::compute
