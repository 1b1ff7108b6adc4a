// Variances and deviations of arrays, from their moments: mean and sum of squared distances from it.
//
// In float64: squares may leave the range of float32 though their roots do not, and the mean needs the digits. Parts are
// cut at fixed places, so the number of threads does not show; the moments of parts are joined by a kernel (kernels/line_functions.h).
#include <cmath>
#include <vector>

#include "array/checked.h"
#include "array/visit.h"
#include "compute/line_functions.h"
#include "compute/line_loops.h"

namespace pb {

namespace {

constexpr int64_t kStrip = 256;        // columns that one kernel takes together
constexpr int64_t kPart = 64 * 1024;   // elements of a long line that one thread takes
constexpr double kMomentsWork = 0.15;  // nanoseconds an element

// What is made of a sum of squared distances.
struct Made {
    double freedom;
    bool root;
    double operator()(double squares) const {
        const double variance = squares / freedom;
        return root ? std::sqrt(variance) : variance;
    }
};

template <class T> void spread_of_lines(const T* x, int64_t lines, int64_t n, T* out, T* means, Made of) {
    const LineKernels& k = line_kernels();
    if (n <= kPart) {
        share_lines(lines, n, kMomentsWork, [&](int64_t first, int64_t count, int) {
            double mean[kStrip], squares[kStrip];
            for (int64_t r = first, m; r < first + count; r += m) {
                m = std::min(kStrip, first + count - r);
                k.line_moments[code_of<T>](x + r * n, m, n, mean, squares);
                for (int64_t i = 0; i < m; ++i) means[r + i] = static_cast<T>(mean[i]);
                for (int64_t i = 0; i < m; ++i) out[r + i] = static_cast<T>(of(squares[i]));
            }
        });
        return;
    }
    const int64_t parts = parts_of(n, kPart);
    std::vector<double> all(static_cast<size_t>(2 * lines * parts));
    double *mean = all.data(), *squares = mean + lines * parts;
    parallel(lines * parts, kMomentsWork * static_cast<double>(lines * n), [&](int64_t p, int) {
        const int64_t start = p % parts * kPart, count = std::min(kPart, n - start);
        k.moments[code_of<T>](x + p / parts * n + start, count, mean + p, squares + p);
    });
    for (int64_t r = 0; r < lines; ++r, mean += parts, squares += parts) {
        for (int64_t p = 1; p < parts; ++p)
            k.join_moments(mean + p, squares + p, 1, static_cast<double>(std::min(kPart, n - p * kPart)),
                           static_cast<double>(p * kPart), mean, squares);
        out[r] = static_cast<T>(of(*squares));
        means[r] = static_cast<T>(*mean);
    }
}

template <class T>
void spread_of_columns(const T* x, int64_t outer, int64_t n, int64_t width, T* out, T* means, Made of) {
    const LineKernels& k = line_kernels();
    const int64_t strips = parts_of(width, kStrip),
                  rows = std::max<int64_t>(kPart / std::min(width, kStrip), 1);
    const int64_t parts = parts_of(n, rows);
    const auto each = static_cast<size_t>(parts * width);
    std::vector<double> all(2 * each * static_cast<size_t>(outer));
    parallel(outer * parts * strips, kMomentsWork * static_cast<double>(outer * n * width),
             [&](int64_t p, int) {
                 const int64_t start = p % strips * kStrip, line = p / strips, first = line % parts * rows;
                 const T* from = x + (line / parts * n + first) * width + start;
                 double* to = all.data() + 2 * line * width + start;
                 k.column_moments[code_of<T>](from, width, std::min(rows, n - first),
                                              std::min(kStrip, width - start), to, to + width);
             });
    for (int64_t o = 0; o < outer; ++o) {
        double *mean = all.data() + 2 * o * parts * width, *squares = mean + width;
        for (int64_t p = 1; p < parts; ++p)
            k.join_moments(mean + 2 * p * width, squares + 2 * p * width, width,
                           static_cast<double>(std::min(rows, n - p * rows)), static_cast<double>(p * rows),
                           mean, squares);
        for (int64_t j = 0; j < width; ++j) {
            out[o * width + j] = static_cast<T>(of(squares[j]));
            means[o * width + j] = static_cast<T>(mean[j]);
        }
    }
}

}  // namespace

Spread spread(const Array& given, const Dims& dims, bool keepdim, double freedom, bool root) {
    const Made of{freedom, root};
    Array out = Array::empty(given.dtype, reduced_shape(*given.layout, dims, keepdim));
    Array means = Array::empty(given.dtype, reduced_shape(*given.layout, dims, true));
    const int64_t n = reduced_count(*given.layout, dims);
    if (out.numel() == 0) return {std::move(out), std::move(means)};
    if (n == 0) {
        fill_array(out, Scalar(of(0.0)));
        fill_array(means, Scalar(std::numeric_limits<double>::quiet_NaN()));
        return {std::move(out), std::move(means)};
    }
    // The dimensions after the reduced ones, where those follow each other.
    int64_t width = 1, first = 0, last = -given.ndim() - 1;
    for (int64_t d : dims) first = std::min(first, d), last = std::max(last, d);
    for (int64_t d = last + 1; d < 0; ++d) width = checked_mul(width, given.size(given.ndim() + d));
    const bool together = dims.empty() || last - first + 1 == static_cast<int64_t>(dims.size());
    visit<Family::Floats>(given.dtype, "std_var_cpu", [&](auto zero) {
        using T = decltype(zero);
        if (together) {
            Array x = contiguous_array(given);
            const int64_t outer = out.numel() / width;
            if (width == 1 || n == 1)
                spread_of_lines(x.as<T>(), out.numel(), n, out.as<T>(), means.as<T>(), of);
            else spread_of_columns(x.as<T>(), outer, n, width, out.as<T>(), means.as<T>(), of);
        } else {
            Array x = reduced_last(given, dims);
            spread_of_lines(x.as<T>(), out.numel(), n, out.as<T>(), means.as<T>(), of);
        }
    });
    return {std::move(out), std::move(means)};
}

Array out_of_range(const Array& y, double order) {
    return visit<Family::Floats>(y.dtype, "norm_cpu", [&](auto zero) -> Array {
        using T = decltype(zero);
        const double low = std::pow(static_cast<double>(std::numeric_limits<T>::min()) * 1e8, 1 / order);
        const T *from = y.as<T>(), *end = from + y.numel();
        auto out = [=](T v) { return !(v > low && v < std::numeric_limits<T>::infinity()); };
        if (std::none_of(from, end, out)) return Array();
        Array found = Array::empty(DType::Bool, y.layout);
        std::transform(from, end, found.as<bool>(), out);
        return found;
    });
}

}  // namespace pb
