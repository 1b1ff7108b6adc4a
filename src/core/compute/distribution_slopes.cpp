// How distribution functions move with their parameters: the derivatives of the gamma distribution's P(a, y) and of the beta
// distribution's I_y(a, b) by a and b, over the densities at y. A draw that keeps its quantile moves by minus the first of
// them: M. Figurnov, S. Mohamed and A. Mnih, "Implicit reparameterization gradients" (2018).
//
// All orders by one way. A distribution function is its density times a factor F, that has a series or a continued fraction.
// These are evaluated in truncated Taylor polynomials of the parameters (`Taylor`) instead of numbers. What is left of the
// density, over itself, is the exponential of a polynomial whose coefficients are polygamma functions. Where 1/a would cancel
// between both, it has been taken out by psi(a + 1) = psi(a) + 1/a. The rest is accurate wherever the density is not 0, in
// double, whatever the dtype. Large parameters have integrals instead. With the orders 0 this is I itself; P is a primitive
// (kernels/incomplete_gamma.cpp).
#include <algorithm>
#include <cmath>

#include "array/error.h"
#include "array/visit.h"
#include "compute/decompositions.h"
#include "kernels/kernels.h"
#include "program/program.h"
#include "program/threads.h"

namespace pb::decompose {

namespace {

constexpr double kRounding = 0x1p-53;
constexpr int kMost = 4;  // the largest order of a derivative

// A polynomial in the steps of two parameters, up to the powers I and J of them.
template <int I, int J> struct Taylor {
    double c[I + 1][J + 1] = {};

    Taylor(double constant = 0) { c[0][0] = constant; }
    // value + by_a * (step of a) + by_b * (step of b)
    static Taylor linear(double value, double by_a, double by_b) {
        Taylor t(value);
        if constexpr (I > 0) t.c[1][0] = by_a;
        if constexpr (J > 0) t.c[0][1] = by_b;
        return t;
    }
    [[gnu::always_inline]] friend Taylor operator+(const Taylor& x, const Taylor& y) {
        Taylor t;
        for (int i = 0; i <= I; ++i)
            for (int j = 0; j <= J; ++j) t.c[i][j] = x.c[i][j] + y.c[i][j];
        return t;
    }
    [[gnu::always_inline]] friend Taylor operator*(const Taylor& x, const Taylor& y) {
        Taylor t;
        for (int i = 0; i <= I; ++i)
            for (int j = 0; j <= J; ++j)
                for (int k = 0; k <= i; ++k)
                    for (int l = 0; l <= j; ++l) t.c[i][j] += x.c[k][l] * y.c[i - k][j - l];
        return t;
    }
    [[gnu::always_inline]] friend Taylor operator/(const Taylor& x, const Taylor& y) {
        Taylor t;
        const double inverse = 1 / y.c[0][0];
        for (int i = 0; i <= I; ++i)
            for (int j = 0; j <= J; ++j) {
                double rest = x.c[i][j];
                for (int k = 0; k <= i; ++k)
                    for (int l = 0; l <= j; ++l)
                        if (k || l) rest -= y.c[k][l] * t.c[i - k][j - l];
                t.c[i][j] = rest * inverse;
            }
        return t;
    }
    // Whether a change is all rounding: it does not get smaller any more.
    bool is_noise_beside(const Taylor& whole, const Taylor& last) const {
        for (int i = 0; i <= I; ++i)
            for (int j = 0; j <= J; ++j) {
                const double size = std::fabs(c[i][j]), beside = std::fabs(whole.c[i][j]);
                const bool stays = size >= std::fabs(last.c[i][j]) && size <= 0x1p-30 * beside;
                if (size > 2 * kRounding * beside && !stays) return false;
            }
        return true;
    }
    bool is_small_beside(const Taylor& whole) const {
        for (int i = 0; i <= I; ++i)
            for (int j = 0; j <= J; ++j)
                if (std::fabs(c[i][j]) > kRounding * std::fabs(whole.c[i][j])) return false;
        return true;
    }
};

// exp of a polynomial without constant.
template <int I, int J> Taylor<I, J> exponential(const Taylor<I, J>& u) {
    Taylor<I, J> sum(1), power(1);
    for (int m = 1; m <= I + J; ++m) {
        power = power * u;
        for (int i = 0; i <= I; ++i)
            for (int j = 0; j <= J; ++j) power.c[i][j] /= m;
        sum = sum + power;
    }
    return sum;
}

// The C library's, without its global sign variable.
double log_gamma(double x) {
    int sign;
    return lgamma_r(x, &sign);
}

constexpr double kFactorial[] = {1, 1, 2, 6, 24};

// psi of order n at x > 0, over n!: the recurrence up to where the asymptotic series is exact.
double polygamma_over_factorial(int n, double x) {
    if (!(x > 0)) return std::nan("");
    auto power = [](double base, int exponent) {
        double product = 1;
        for (int i = 0; i < exponent; ++i) product *= base;
        return product;
    };
    double sum = 0;
    for (; x < 16; ++x) sum += power(1 / x, n + 1);
    const double inverse = 1 / x, square = inverse * inverse, tail = power(inverse, n);
    // B_2k / (2k)!
    constexpr double kBernoulli[] = {1.0 / 12,       -1.0 / 720,     1.0 / 30240,
                                     -1.0 / 1209600, 1.0 / 47900160, -691.0 / 1307674368000.0};
    sum += 0.5 * tail * inverse;
    if (n) sum += tail / n;
    double term = (n + 1) * tail * square;  // (2k + n - 1)! / n! / x^(2k + n)
    for (int k = 1, m = n + 1; k <= 6; ++k, m += 2) {
        sum += kBernoulli[k - 1] * term;
        term *= static_cast<double>(m + 1) * (m + 2) * square;
    }
    return n == 0 ? std::log(x) - sum : n % 2 ? sum : -sum;
}

// The terms of a logarithm of gamma functions: psi at `a`, `a + b` and `b`, as coefficients of steps, with these weights.
template <int I, int J> void add_log_gamma(Taylor<I, J>& u, double weight, double x, bool by_a, bool by_b) {
    for (int i = 0; i <= (by_a ? I : 0); ++i)
        for (int j = 0; j <= (by_b ? J : 0); ++j) {
            if (i + j == 0) continue;
            // the derivative of order i + j, over i! j!
            const double coefficient = polygamma_over_factorial(i + j - 1, x) * kFactorial[i + j - 1];
            u.c[i][j] += weight * coefficient / (kFactorial[i] * kFactorial[j]);
        }
}

// 1 / (b(0) + a(1) / (b(1) + a(2) / (b(2) + ...))) by Wallis' recurrence, without divisions; whether it changes any more
// is looked at after every eight terms.
template <class Value, class A, class B> Value continued_fraction(A&& a, B&& b) {
    Value before(1), above = b(0), under_before(0), under(1), found(0), last(HUGE_VAL);
    for (int k = 1; k < 100'000; ++k) {
        const Value an = a(k), bn = b(k);
        const Value next = bn * above + an * before, under_next = bn * under + an * under_before;
        before = above;
        above = next;
        under_before = under;
        under = under_next;
        if (k % 8) continue;
        const Value now = under / above;
        const Value change = now + Value(-1) * found;
        if (change.is_noise_beside(now, last)) return now;
        found = now;
        last = change;
        const Value scale(1 / above.c[0][0]);
        before = before * scale;
        above = above * scale;
        under_before = under_before * scale;
        under = under * scale;
    }
    return Value(std::nan(""));  // no such parameters are known
}

// ---- large parameters, for which series and fractions take long: integrals ----

constexpr double kLarge = 500;  // from here on

// Gauss and Legendre's points and weights on [0, 1].
struct Points {
    static constexpr int n = 32;
    double x[n], weight[n];
    Points() {
        for (int i = 0; i < n; ++i) {
            double z = std::cos(3.14159265358979323846 * (i + 0.75) / (n + 0.5)), slope = 1;
            for (int step = 0; step < 10; ++step) {
                double before = 1, value = z;
                for (int k = 2; k <= n; ++k) {
                    const double next = ((2 * k - 1) * z * value - (k - 1) * before) / k;
                    before = value;
                    value = next;
                }
                slope = n * (z * value - before) / (z * z - 1);
                z -= value / slope;
            }
            x[i] = 0.5 * (1 - z);
            weight[i] = 1 / ((1 - z * z) * slope * slope);
        }
    }
};

// The integral of exp(f(u)) over u > 0, where f falls from 0 on and is concave, as a polynomial in the steps of parameters
// that add `by_a` and `by_b` to f; each is a function of u. `width` is a guess of how far it goes.
template <class Value, class F, class A, class B>
Value falling_integral(double width, F&& f, A&& by_a, B&& by_b) {
    static const Points points;
    constexpr double kEnd = -45;  // e^-45 is rounded off
    while (f(width) > kEnd) width *= 1.5;
    while (f(width / 1.5) < kEnd) width /= 1.5;
    Value sum;
    for (int panel = 0; panel < 2; ++panel)
        for (int k = 0; k < Points::n; ++k) {
            const double u = 0.5 * width * (panel + points.x[k]);
            const Value term = exponential(Value::linear(0, by_a(u), by_b(u)));
            sum = sum + term * Value(0.5 * width * points.weight[k] * std::exp(f(u)));
        }
    return sum;
}

// ---- the gamma distribution ----

// P's derivative of order I by a, over the density.
template <int I> double gamma_slope_at(double y, double a) {
    using Value = Taylor<I, 0>;
    if (!(y > 0 && a > 0 && y < HUGE_VAL && a < HUGE_VAL)) return y == 0 && a > 0 ? 0 : std::nan("");
    Value u = Value::linear(0, std::log(y), 0);
    if (a > kLarge) {
        // P = y * density * integral of exp(-a v + y (1 - e^-v)), or 1 - P likewise to the other side.
        const double side = y < a + 1 ? 1 : -1;
        const Value integral = falling_integral<Value>(
            4 / std::sqrt(y), [&](double v) { return -side * a * v - y * std::expm1(-side * v); },
            [&](double v) { return -side * v; }, [](double) { return 0.0; });
        add_log_gamma(u, -1, a, true, false);
        return side * kFactorial[I] * y * (integral * exponential(u)).c[I][0];
    }
    if (y < a + 1) {
        // P = y/a * density * (1 + y/(a+1) + y^2/((a+1)(a+2)) + ...)
        Value sum(1), term(1);
        for (int k = 1; k < 1'000'000; ++k) {
            term = term * Value(y) / Value::linear(a + k, 1, 0);
            sum = sum + term;
            if (term.is_small_beside(sum)) break;
        }
        add_log_gamma(u, -1, a + 1, true, false);
        return kFactorial[I] * y / a * (sum * exponential(u)).c[I][0];
    }
    // 1 - P = y * density / (y + 1 - a + 1 (a-1) / (y + 3 - a + 2 (a-2) / (y + 5 - a + ...)))
    const Value fraction =
        continued_fraction<Value>([&](int k) { return Value::linear(k * (a - k), k, 0); },
                                  [&](int k) { return Value::linear(y + 2 * k + 1 - a, -1, 0); });
    add_log_gamma(u, -1, a, true, false);
    return -kFactorial[I] * y * (fraction * exponential(u)).c[I][0];
}

// ---- the beta distribution ----

// I's derivative of orders I by a and J by b, over the density, for y below the mean or so.
template <int I, int J> double lower_beta_slope(double y, double rest, double a, double b) {
    using Value = Taylor<I, J>;
    Value u = Value::linear(0, std::log(y), std::log(rest));
    add_log_gamma(u, 1, a + b, true, true);
    if (a + b > kLarge && std::min(a, b) > 10) {  // otherwise the fraction is short
        // I = y * density * integral of exp(-a v + (b - 1) log((1 - y e^-v) / (1 - y)))
        auto rises = [&](double v) { return std::log1p(-y / rest * std::expm1(-v)); };
        const Value integral = falling_integral<Value>(
            4 / std::sqrt(a * (1 + a / b)), [&](double v) { return -a * v + (b - 1) * rises(v); },
            [](double v) { return -v; }, rises);
        add_log_gamma(u, -1, a, true, false);
        add_log_gamma(u, -1, b, false, true);
        return kFactorial[I] * kFactorial[J] * y * (integral * exponential(u)).c[I][J];
    }
    // The fraction 1 / (1 + d(1) / (1 + ...)) of DLMF 8.17.22, whose denominators (a+k-1) (a+k) are brought to the others.
    const Value whole = Value::linear(a, 1, 0);
    const Value fraction =
        whole * continued_fraction<Value>(
                    [&](int k) {
                        const double m = k / 2;
                        return k % 2 ? Value(-y) * Value::linear(a + m, 1, 0) * Value::linear(a + b + m, 1, 1)
                                     : Value::linear(m * y * (b - m), 0, m * y);
                    },
                    [&](int k) { return Value::linear(a + k, 1, 0); });
    add_log_gamma(u, -1, a + 1, true, false);
    add_log_gamma(u, -1, b, false, true);
    return kFactorial[I] * kFactorial[J] * y * rest / a * (fraction * exponential(u)).c[I][J];
}
template <int I, int J> double beta_slope_at(double y, double a, double b) {
    if (!(a > 0 && b > 0 && a < HUGE_VAL && b < HUGE_VAL && y >= 0 && y <= 1)) return std::nan("");
    if (y == 0 || y == 1) return 0;
    // I_y(a, b) = 1 - I_{1-y}(b, a)
    return y * (a + b + 2) < a + 1 ? lower_beta_slope<I, J>(y, 1 - y, a, b)
                                   : -lower_beta_slope<J, I>(1 - y, y, b, a);
}

// ---- the beta distribution function itself: density times factor ----

// What Stirling's formula for log gamma(x) leaves out, x >= 10.
double stirling_rest(double x) {
    const double z = 1 / (x * x);
    return (1.0 / 12 - z * (1.0 / 360 - z * (1.0 / 1260 - z * (1.0 / 1680 - z / 1188)))) / x;
}

// log gamma(x + step) - log gamma(x), of which both may be large.
double log_gamma_step(double x, double step) {
    if (x < 10) return log_gamma(x + step) - log_gamma(x);
    return (x - 0.5) * std::log1p(step / x) + step * (std::log(x + step) - 1) + stirling_rest(x + step) -
           stirling_rest(x);
}

double beta_function(double y, double a, double b) {
    if (!(a > 0 && b > 0 && y >= 0 && y <= 1)) return std::nan("");
    if (y == 0 || y == 1) return y;
    const double less = std::min(a, b), more = std::max(a, b);
    const double density =
        (a - 1) * std::log(y) + (b - 1) * std::log1p(-y) + log_gamma_step(more, less) - log_gamma(less);
    const double value = std::exp(density) * beta_slope_at<0, 0>(y, a, b);
    return y * (a + b + 2) < a + 1 ? value : 1 + value;
}

[[noreturn]] void fail_order(const char* name) {
    fail_as(ErrorKind::NotImplemented,
            "derivative for {} is not implemented: draws have derivatives up to the order {}.", name, kMost);
}

using GammaSlope = double (*)(double, double);
GammaSlope gamma_slope_of(int i) {
    switch (i) {
        case 1: return gamma_slope_at<1>;
        case 2: return gamma_slope_at<2>;
        case 3: return gamma_slope_at<3>;
        case 4: return gamma_slope_at<4>;
    }
    fail_order("_standard_gamma");
}

using BetaSlope = double (*)(double, double, double);
template <int I> BetaSlope beta_slope_of(int j) {
    switch (j) {
        case 0:
            if constexpr (I > 0) return beta_slope_at<I, 0>;
            break;
        case 1:
            if constexpr (I < 4) return beta_slope_at<I, 1>;
            break;
        case 2:
            if constexpr (I < 3) return beta_slope_at<I, 2>;
            break;
        case 3:
            if constexpr (I < 2) return beta_slope_at<I, 3>;
            break;
        case 4:
            if constexpr (I < 1) return beta_slope_at<I, 4>;
            break;
    }
    fail_order("_sample_dirichlet");
}
BetaSlope beta_slope_of(int i, int j) {
    switch (i) {
        case 0: return beta_slope_of<0>(j);
        case 1: return beta_slope_of<1>(j);
        case 2: return beta_slope_of<2>(j);
        case 3: return beta_slope_of<3>(j);
        case 4: return beta_slope_of<4>(j);
    }
    fail_order("_sample_dirichlet");
}

template <class F> Arrays of_elements(const Arrays& given, double cost, F&& f) {
    // Where others have the axes of a vmap in front, an array may have ones.
    Ref<Layout> all = given[0].layout;
    for (const Array& a : given) all = Layout::contiguous(broadcast_shapes(*all, *a.layout));
    const Dims shape = all->dims();
    Arrays x;
    for (const Array& a : given)
        x.push_back(
            contiguous_array(a.view(Layout::strided(shape, broadcast_strides(*a.layout, shape)), a.offset)));
    const Array out = Array::empty(x[0].dtype, shape);
    visit<Family::Floats>(out.dtype, "_standard_gamma_grad", [&](auto zero) {
        using T = decltype(zero);
        const T *y = x[0].as<T>(), *a = x[1].as<T>(), *b = x[x.size() - 1].as<T>();
        T* to = out.as<T>();
        constexpr int64_t kChunk = 64;
        const int64_t n = out.numel();
        parallel((n + kChunk - 1) / kChunk, static_cast<double>(n) * cost, [&](int64_t chunk, int) {
            for (int64_t i = chunk * kChunk, end = std::min(n, i + kChunk); i < end; ++i)
                to[i] = static_cast<T>(
                    f(static_cast<double>(y[i]), static_cast<double>(a[i]), static_cast<double>(b[i])));
        });
    });
    return {out};
}

}  // namespace

Arrays gamma_slope(const Arrays& x, const Options& options) {
    const GammaSlope f = gamma_slope_of(static_cast<int>(options[0]));
    return of_elements(x, 2000, [f](double y, double a, double) { return f(y, a); });
}

Arrays gamma_cdf(const Arrays& x, const Options&) {
    const BlockKernel igamma =
        kernels().elementwise[static_cast<int>(Primitive::igamma)][static_cast<int>(dtype_of<double>())][0];
    return of_elements(x, 500, [igamma](double y, double a, double) {
        const void* in[] = {&a, &y};
        double p;
        igamma(in, &p, 1);
        return p;
    });
}
Arrays beta_cdf(const Arrays& x, const Options&) { return of_elements(x, 2000, beta_function); }

Arrays beta_slope(const Arrays& x, const Options& options) {
    return of_elements(x, 4000, beta_slope_of(static_cast<int>(options[0]), static_cast<int>(options[1])));
}

}  // namespace pb::decompose
