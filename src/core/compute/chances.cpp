// Draws whose chances elements give: of categories with weights, and of counts.
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "array/error.h"
#include "array/visit.h"
#include "compute/draw.h"
#include "program/program.h"

namespace pb::compute {

namespace {

// ---- categories ----

template <class T> void check_weights(const T* weight, int64_t n, int64_t needed) {
    double total = 0;
    int64_t possible = 0;
    for (int64_t i = 0; i < n; ++i) {
        if (!(weight[i] >= 0) || std::isinf(weight[i]))
            fail("probability tensor contains either `inf`, `nan` or element < 0");
        total += static_cast<double>(weight[i]);
        possible += weight[i] != 0;
    }
    if (!(total > 0)) fail("invalid multinomial distribution (sum of probabilities <= 0)");
    if (possible < needed)
        fail(
            "invalid multinomial distribution (with replacement=False, not enough non-negative category to "
            "sample): {} draws from {} categories whose weight is not 0. Draw less, or with replacement.",
            needed, possible);
}

// By inversion of the cumulated weights.
template <class T>
void draw_replacing(Generator& g, int64_t* out, const T* weight, int64_t n, int64_t draws) {
    std::vector<T> cumulated(static_cast<size_t>(n));
    T sum = 0;
    for (int64_t i = 0; i < n; ++i) cumulated[static_cast<size_t>(i)] = sum += weight[i];
    for (T& c : cumulated) c /= sum;
    for (int64_t k = 0; k < draws; ++k) {
        double u = g.unit_double();
        int64_t at = std::lower_bound(cumulated.begin(), cumulated.end() - 1, u,
                                      [](T c, double v) { return static_cast<double>(c) < v; }) -
                     cumulated.begin();
        while (at > 0 && weight[at] == 0)
            --at;  // rounding may end on a weight of zero, and so may a draw of 0
        while (weight[at] == 0) ++at;
        out[k] = at;
    }
}

// A race: the largest of weight over waiting time are a draw without replacement, in its order. Of equal ones, which only
// rounding makes, PyTorch takes those that these functions of the C++ library leave in front.
template <class T> void draw_racing(int64_t* out, const T* weight, const T* wait, int64_t n, int64_t draws) {
    struct Runner {
        T pace;
        int64_t at;
    };
    auto ahead = [](const Runner& a, const Runner& b) { return a.pace > b.pace; };
    const std::unique_ptr<Runner[]> runners(new Runner[static_cast<size_t>(n)]);
    Runner *first = runners.get(), *last = first + n, *won = first + draws;
    for (int64_t i = 0; i < n; ++i)  // a weight of zero comes behind all that can be drawn
        first[i] = {weight[i] == 0 ? T(-1) : weight[i] / wait[i], i};
    if (draws == 1) {
        std::swap(*first, *std::max_element(first, last, [&](auto& a, auto& b) { return ahead(b, a); }));
    } else if (draws * 64 <= n) {
        std::partial_sort(first, won, last, ahead);
    } else {
        std::nth_element(first, won - 1, last, ahead);
        std::sort(first, won - 1, ahead);
    }
    for (int64_t k = 0; k < draws; ++k) out[k] = first[k].at;
}

// ---- counts ----

// Hörmann, "The transformed rejection method for generating Poisson random variables" (1993): PTRS; and for small rates
// the product of uniform numbers.
double poisson(Generator& g, double rate) {
    if (!(rate >= 0)) fail("invalid Poisson rate, expected rate to be non-negative");
    if (rate == 0) return 0;
    if (rate < 10) {
        const double least = std::exp(-rate);
        int64_t count = 0;
        for (double product = g.unit_double(); product > least; product *= g.unit_double()) ++count;
        return static_cast<double>(count);
    }
    const double root = std::sqrt(rate), log_rate = std::log(rate);
    const double b = 0.931 + 2.53 * root, a = -0.059 + 0.02483 * b;
    const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), squeeze = 0.9277 - 3.6224 / (b - 2);
    for (;;) {
        const double u = g.unit_double() - 0.5, v = g.unit_double(), near = 0.5 - std::fabs(u);
        const double k = std::floor((2 * a / near + b) * u + rate + 0.43);
        if (near >= 0.07 && v <= squeeze) return k;
        if (k < 0 || (near < 0.013 && v > near)) continue;
        if (std::log(v) + std::log(inverse_alpha) - std::log(a / (near * near) + b) <=
            -rate + k * log_rate - std::lgamma(k + 1))
            return k;
    }
}

// The rest of Stirling's formula for log(k!).
double stirling_rest(double k) {
    constexpr double kRest[] = {
        0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509, 0.0166446911898211,
        0.0138761288230707, 0.0118967099458917, 0.0104112652619720, 0.00925546218271273, 0.00833056343336287};
    if (k <= 9) return kRest[static_cast<size_t>(k)];
    const double square = (k + 1) * (k + 1);
    return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1);
}

// The number of successes by the geometric waiting times between them, for few.
template <class T> T few_successes(Generator& g, T count, T p) {
    const double log_failure = std::log1p(-p);
    double trials = 0;
    for (T found = 0;; ++found) {
        trials += std::ceil(std::log(g.unit_double()) / log_failure);
        if (trials > count) return found;
    }
}

// Hörmann, "The generation of binomial random variates" (1993): BTRS, for ten expected successes and more. What is computed
// in T, not in double, is so in PyTorch.
template <class T> T many_successes(Generator& g, T count, T p) {
    const double deviation = std::sqrt(count * p * (1 - p));
    const double b = 1.15 + 2.53 * deviation, a = -0.0873 + 0.0248 * b + 0.01 * p;
    const double centre = count * p + 0.5, squeeze = 0.92 - 4.2 / b, odds = p / (1 - p);
    const double alpha = (2.83 + 5.1 / b) * deviation, mode = std::floor((count + 1) * p);
    for (;;) {
        const double u = g.unit_double() - 0.5, v = g.unit_double(), near = 0.5 - std::fabs(u);
        const T k = static_cast<T>(std::floor((2 * a / near + b) * u + centre));
        if (near >= 0.07 && v <= squeeze) return k;
        if (k < 0 || k > count) continue;
        const double bound = (mode + 0.5) * std::log((mode + 1) / (odds * (count - mode + 1))) +
                             (count + 1) * std::log((count - mode + 1) / (count - k + 1)) +
                             (k + 0.5) * std::log(odds * (count - k + 1) / (k + 1)) + stirling_rest(mode) +
                             stirling_rest(count - mode) - stirling_rest(k) - stirling_rest(count - k);
        if (std::log(v * alpha / (a / (near * near) + b)) <= bound) return k;
    }
}

template <class T> T successes(Generator& g, T count, T p) {
    if (count <= 0 || p <= 0) return 0;
    if (p >= 1) return count;
    if (std::isnan(p) || std::isnan(count)) return std::numeric_limits<T>::quiet_NaN();
    auto of = [&](T q) { return count * q >= 10 ? many_successes(g, count, q) : few_successes(g, count, q); };
    return p <= T(0.5) ? of(p) : count - of(static_cast<T>(1.0 - p));
}

}  // namespace

Array draw_multinomial(Generator& g, const Array& weights, int64_t draws, bool replacement) {
    Dims shape = weights.layout->dims();
    shape.back() = draws;
    Array out = Array::empty(DType::Int64, shape);
    const int64_t rows = out.numel() / draws;
    int64_t* to = out.as<int64_t>();
    const Array w = contiguous_array(weights);
    const int64_t n = rows ? w.numel() / rows : 0;
    visit<Family::Floats>(w.dtype, "multinomial", [&](auto zero) {
        using T = decltype(zero);
        const T* weight = w.template as<T>();
        for (int64_t r = 0; r < rows; ++r) check_weights(weight + r * n, n, replacement ? 0 : draws);
        if (replacement && draws > 1) {
            for (int64_t r = 0; r < rows; ++r) draw_replacing(g, to + r * draws, weight + r * n, n, draws);
            return;
        }
        Array waits = Array::empty(w.dtype, weights.layout->packed());  // drawn in the order of these weights
        draw(g, {Distribution::Exponential, 1}, waits);
        waits = contiguous_array(waits);
        const T* wait = waits.template as<T>();
        for (int64_t r = 0; r < rows; ++r)
            draw_racing(to + r * draws, weight + r * n, wait + r * n, n, draws);
    });
    return out;
}

Array draw_poisson(Generator& g, const Array& rate) {
    const Array from = contiguous_array(rate);
    const Array out = Array::empty(rate.dtype, rate.layout->dims());
    visit<Family::Floats>(rate.dtype, "poisson_cpu", [&](auto zero) {
        using T = decltype(zero);
        const T* r = from.template as<T>();
        T* to = out.template as<T>();
        for (int64_t i = 0, n = out.numel(); i < n; ++i)
            to[i] = static_cast<T>(poisson(g, static_cast<double>(r[i])));
    });
    return out;
}

Array draw_binomial(Generator& g, const Array& count, const Array& probability) {
    const Array counts = contiguous_array(count), probabilities = contiguous_array(probability);
    const Array out = Array::empty(count.dtype, count.layout->dims());
    visit<Family::Floats>(count.dtype, "binomial_cpu", [&](auto zero) {
        using T = decltype(zero);
        const T *n = counts.template as<T>(), *p = probabilities.template as<T>();
        T* to = out.template as<T>();
        for (int64_t i = 0, all = out.numel(); i < all; ++i) to[i] = successes(g, n[i], p[i]);
    });
    return out;
}

}  // namespace pb::compute
