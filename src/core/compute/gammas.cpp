// Draws of the gamma distribution, and of Dirichlet's, which are made of them.
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "array/visit.h"
#include "compute/draw.h"
#include "program/program.h"

namespace pb::compute {

namespace {

// Marsaglia and Tsang, "A simple method for generating gamma variables" (2000); below 1 a draw of shape + 1, made smaller by
// the power of a uniform number. What is computed in T or with a number of float, not in double, is so in PyTorch.
template <class T> T gamma(Generator& g, T shape) {
    double scale = 1;
    if (shape < 1) {
        if (shape == 0) return 0;
        scale = std::pow(1 - g.unit_double(), static_cast<double>(1.0f / shape));
        shape += 1;
    }
    if (std::isnan(shape)) return shape;
    const double d = shape - 1.0f / 3.0f, c = 1 / std::sqrt(9 * d);
    for (;;) {
        double x, y;
        do {
            x = g.normal();
            y = 1 + c * x;
        } while (y <= 0);
        const double v = y * y * y, u = 1 - g.unit_double(), xx = x * x;
        if (u < 1.0 - static_cast<double>(0.0331f) * xx * xx ||
            std::log(u) < 0.5 * xx + d * (1 - v + std::log(v)))
            return static_cast<T>(scale * d * v);
    }
}

// No draw is 0, nor, of a share, 1: logarithms of them are finite.
template <class T> T above_zero(T x) {
    const T least = std::numeric_limits<T>::min();
    return x < least ? least : x;
}

// The sum of a row as PyTorch adds it: vectors of four in four accumulators, what is left of the row before their lanes.
double total(const double* x, int64_t n) {
    double part[4][4] = {};
    const int64_t vectors = n / 4, whole = vectors / 4 * 4;
    for (int64_t v = 0; v < vectors; ++v)
        for (int lane = 0; lane < 4; ++lane) part[v < whole ? v % 4 : 0][lane] += x[4 * v + lane];
    double sum = 0;
    for (int64_t i = 4 * vectors; i < n; ++i) sum += x[i];
    for (int lane = 0; lane < 4; ++lane) sum += part[0][lane] + part[1][lane] + part[2][lane] + part[3][lane];
    return sum;
}

}  // namespace

Array draw_gamma(Generator& g, const Array& shapes) {
    const Array from = contiguous_array(shapes);
    const Array out = Array::empty(shapes.dtype, shapes.layout->dims());
    visit<Family::Floats>(shapes.dtype, "gamma_cpu", [&](auto zero) {
        using T = decltype(zero);
        const T* shape = from.template as<T>();
        T* to = out.template as<T>();
        for (int64_t i = 0, n = out.numel(); i < n; ++i) to[i] = above_zero(gamma<T>(g, shape[i]));
    });
    return out;
}

Array draw_dirichlet(Generator& g, const Array& concentrations) {
    const Array from = contiguous_array(concentrations);
    const Array out = Array::empty(concentrations.dtype, concentrations.layout->dims());
    const int64_t all = out.numel(), n = all ? out.size(out.ndim() - 1) : 1;
    const std::unique_ptr<double[]> gammas(new double[static_cast<size_t>(all)]);
    visit<Family::Floats>(concentrations.dtype, "dirichlet", [&](auto zero) {
        using T = decltype(zero);
        const T* shape = from.template as<T>();
        T* to = out.template as<T>();
        const T below_one = std::nextafter(T(1), T(0));
        for (int64_t i = 0; i < all; ++i)  // in double, where fewer vanish
            gammas[static_cast<size_t>(i)] = above_zero(gamma<double>(g, static_cast<double>(shape[i])));
        for (int64_t row = 0; row < all; row += n) {
            const double sum = total(&gammas[static_cast<size_t>(row)], n);
            for (int64_t i = row; i < row + n; ++i)
                to[i] = std::min(below_one, above_zero(static_cast<T>(gammas[static_cast<size_t>(i)] / sum)));
        }
    });
    return out;
}

}  // namespace pb::compute
