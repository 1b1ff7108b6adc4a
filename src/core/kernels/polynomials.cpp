// Orthogonal polynomials of degree n at x, by their recurrences (DLMF 18.9).
//
// Slopes are polynomials of their families again (DLMF 18.9.19 to 18.9.26), so that every derivative is a value: those of
// Chebyshev's and Legendre's are Gegenbauer's C_n^(lambda), those of Laguerre's L_n^(alpha), with lambda and alpha one larger.
// A degree below 0 gives 0, a fraction of a degree is dropped. Between -1 and 1 Chebyshev's are what they are of an angle, from a
// degree on where that is shorter.
#include "core/kernels/scalar.h"

namespace pb {
namespace {

constexpr double kByAngle = 6;       // degrees beyond are computed from the angle
constexpr double kLongest = 0x1p24;  // degrees beyond take no recurrence: NaN, where nothing shorter is known

// Degree n from degrees 0 and 1, by `next` of k, p_k and p_(k-1). Values that grow are kept small, and become what they are, or
// infinite, at the end. `outside` says that x is beyond all zeros, so that the sign of `far` to the n is known.
template <class F>
PB_INLINE double degrees(double n, double first, double second, double far, bool outside, F next) {
    n = round_to_zero(n);
    if (is_nan(n) || is_nan(second)) return __builtin_nan("");
    if (n < 0) return 0;
    if (n == 0) return first;
    double below = first, value = second;
    int reduced = 0;
    for (double k = 1; k < n; ++k) {
        if (k > kLongest || (n > kLongest && !outside)) return __builtin_nan("");
        const double above = next(k, value, below);
        below = value;
        value = above;
        if (absolute(value) > 0x1p800) {
            if (outside && (reduced || absolute(value) == __builtin_inf()))
                return far < 0 && !is_even(n) ? -__builtin_inf() : __builtin_inf();
            value *= 0x1p-700;
            below *= 0x1p-700;
            ++reduced;
        }
    }
    for (; reduced; --reduced) value *= 0x1p700;
    return value;
}

// T_n(x) = cos(n arccos x).
PB_NOINLINE double chebyshev_first(double x, double n) {
    n = round_to_zero(n);
    if (n > kByAngle && absolute(x) < 1) return __builtin_cos(n * __builtin_acos(x));
    if (absolute(x) == 1) return n < 0 ? 0 : x > 0 || is_even(n) ? 1 : -1;
    if (n > kLongest && absolute(x) > 1) {
        const double value = __builtin_cosh(n * __builtin_acosh(absolute(x)));
        return x > 0 || is_even(n) ? value : -value;
    }
    return degrees(n, 1, x, x, absolute(x) > 1, [x](double, double p, double q) { return 2 * x * p - q; });
}
// V_n(x) = cos((n + 1/2) t) / cos(t / 2) with t = arccos x; W_n(x) is (-1)^n V_n(-x).
PB_NOINLINE double chebyshev_third(double x, double n) {
    n = round_to_zero(n);
    if (n > kByAngle && absolute(x) < 1) {
        const double t = __builtin_acos(x), below = __builtin_cos(0.5 * t);
        if (below > 1e-3 || n > kLongest) return __builtin_cos((n + 0.5) * t) / below;
    }
    if (x == 1) return n >= 0;
    if (x == -1 && n >= 0) return is_even(n) ? 2 * n + 1 : -2 * n - 1;
    return degrees(n, 1, 2 * x - 1, x, absolute(x) > 1,
                   [x](double, double p, double q) { return 2 * x * p - q; });
}
// Gegenbauer's C_n^(lambda)(x): U_n for lambda = 1, P_n for lambda = 1/2.
PB_NOINLINE double gegenbauer_of(double n, double lambda, double x) {
    n = round_to_zero(n);
    if (lambda == 1 && n > kByAngle && absolute(x) < 1) {
        const double t = __builtin_acos(x), below = __builtin_sin(t);
        if (below > 1e-3 || n > kLongest) return __builtin_sin((n + 1) * t) / below;
    }
    if (absolute(x) == 1 && n >= 0) {
        const double sign = x > 0 || is_even(n) ? 1 : -1;
        if (lambda == 1) return sign * (n + 1);
        if (lambda == 0.5) return sign;
    }
    auto next = [x, lambda](double k, double p, double q) {
        return (2 * (k + lambda) * x * p - (k + 2 * lambda - 1) * q) / (k + 1);
    };
    return degrees(n, 1, 2 * lambda * x, x, absolute(x) > 1, next);
}
PB_NOINLINE double hermite_of(double x, double n) {
    auto next = [x](double k, double p, double q) { return 2 * (x * p - k * q); };
    return degrees(n, 1, 2 * x, x, x * x > 2 * n + 2, next);
}
PB_NOINLINE double hermite_e_of(double x, double n) {
    auto next = [x](double k, double p, double q) { return x * p - k * q; };
    return degrees(n, 1, x, x, x * x > 4 * n + 4, next);
}
PB_NOINLINE double laguerre_of(double n, double alpha, double x) {
    auto next = [x, alpha](double k, double p, double q) {
        return ((2 * k + 1 + alpha - x) * p - (k + alpha) * q) / (k + 1);
    };
    return degrees(n, 1, 1 + alpha - x, -x, x < 0 || x > 4 * n + 2 * alpha + 2, next);
}

PB_BINARY(chebyshev_polynomial_t, chebyshev_first(a, b))
PB_BINARY(chebyshev_polynomial_v, chebyshev_third(a, b))
PB_BINARY(hermite_polynomial_h, hermite_of(a, b))
PB_BINARY(hermite_polynomial_he, hermite_e_of(a, b))
PB_TERNARY(gegenbauer, gegenbauer_of(a, b, c))
PB_TERNARY(laguerre, laguerre_of(a, b, c))

}  // namespace

void PB_ISA::install_polynomials(Kernels& table) { PB_POLYNOMIAL_PRIMITIVES(PB_INSTALL) }

}  // namespace pb
