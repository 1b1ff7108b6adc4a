// The inverses of the error function and the normal distribution, and its logarithm; the gamma function's logarithm and its
// derivatives, with Hurwitz' zeta function. The functions themselves are in normal.h.
#include "core/kernels/normal.h"

namespace pb {
namespace {

constexpr double kPi = 3.14159265358979323846;

// The logarithm of Phi(x), and exp(x^2) erfc(x), which is twice the tail over the density at x sqrt 2. Beyond 38 that is its
// asymptotic series (DLMF 7.12.1).
PB_INLINE double any_tail_over_density(double a) {
    const double c = a > 38 ? 38 : a, far = a > 38 ? a : 38, z = 1 / (far * far);
    const double series =
        0.39894228040143267794 / far * polynomial(z, 1.0, -1.0, 3.0, -15.0, 105.0, -945.0, 10395.0);
    return a > 38 ? series : tail_over_density(c);
}
PB_INLINE double log_normal_cumulative(double x) {
    const double a = absolute(x), left = vector_log(any_tail_over_density(a)) - 0.5 * a * a;
    return x < 0 ? left : vector_log1p(-normal_cumulative(-a));
}
PB_INLINE double scaled_erfc(double x) {
    const double a = absolute(x), tail = 2 * any_tail_over_density(1.4142135623730950488 * a);
    constexpr auto upper = ~((uint64_t{1} << 27) - 1);
    const double c = a > 27 ? 27 : a, high = from_word(word_of(c) & upper), low = (c - high) * (c + high);
    const double grown = exponential(high * high) * polynomial(low, 1.0, 1.0, 0.5, 1.0 / 6);
    return x < 0 ? (a > 27 ? __builtin_inf() : 2 * grown - tail) : tail;
}

// Wichura's algorithm AS 241 (Applied Statistics 37, 1988) for the normal quantile of 1/2 + q, whose nearer tail is given: a
// rational function of q^2 in the middle, two of sqrt(-log tail) in the tails.
PB_INLINE double normal_quantile(double q, double tail) {
    const double r = 0.180625 - q * q;
    const double middle =
        q *
        polynomial(r, 3.3871328727963666080e0, 1.3314166789178437745e+2, 1.9715909503065514427e+3,
                   1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
                   3.3430575583588128105e+4, 2.5090809287301226727e+3) /
        polynomial(r, 1.0, 4.2313330701600911252e+1, 6.8718700749205790830e+2, 5.3941960214247511077e+3,
                   2.1213794301586595867e+4, 3.9307895800092710610e+4, 2.8729085735721942674e+4,
                   5.2264952788528545610e+3);
    const double s = square_root(-vector_log(tail));
    const bool far = s > 5;
    const double t = far ? s - 5 : s - 1.6;
    const double near_value =
        polynomial(t, 1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
                   3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
                   2.27238449892691845833e-2, 7.74545014278341407640e-4) /
        polynomial(t, 1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
                   1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
                   1.05075007164441684324e-9);
    const double far_value =
        polynomial(t, 6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
                   2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                   2.71155556874348757815e-5, 2.01033439929228813265e-7) /
        polynomial(t, 1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
                   7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
                   2.04426310338993978564e-15);
    const double outer = with_sign(tail == 0 ? __builtin_inf() : far ? far_value : near_value, q);
    return absolute(q) <= 0.425 ? middle : outer;
}
// erfinv x = quantile((1 + x) / 2) / sqrt 2.
PB_INLINE double inverse_erf(double x) {
    return 0.70710678118654752440 * normal_quantile(0.5 * x, 0.5 - absolute(0.5 * x));
}

// psi(y) for y > 0. Below 10 the recurrence psi(y) = psi(y + 10) - sum of 1 / (y + k) leads to the asymptotic
// series, whose coefficients are B_2j / 2j. Around the root between 1 and 2 a factor y - root, the root given in two
// parts, keeps the relative accuracy; the other factor is a Chebyshev fit in y - 1.5, with error 2e-17.
PB_INLINE double digamma_of_positive(double y) {
    const double low = y < 10 ? y : 1;
    double sum = 0, product = 1;  // their quotient is the sum of 1 / (low + k) from k = 1
#pragma GCC unroll 9
    for (int k = 1; k < 10; ++k) {
        sum = fma(sum, low + k, product);
        product *= low + k;
    }
    const double high = y < 10 ? y + 10 : y;
    const double z = 1 / (high * high);
    const double series = z * polynomial(z, 8.3333333333333333e-2, -8.3333333333333333e-3,
                                         3.9682539682539683e-3, -4.1666666666666667e-3, 7.5757575757575758e-3,
                                         -2.1092796092796093e-2, 8.3333333333333333e-2);
    const double tail = vector_log(high) - 0.5 / high - series;
    const double around_root =
        ((y - 0x1.762d86356be3fp+0) - 0x1.b86a722197829p-54) *
        polynomial(y - 1.5, 0.951055876031833, -0.4236274212814605, 0.2405424842407742, -0.14840492305390884,
                   0.09498872445494122, -0.061922133273064534, 0.04076083381242074, -0.02697579675613825,
                   0.0179072524394512, -0.011908218001568644, 0.007926944646403797, -0.005279964873257405,
                   0.003519006401502276, -0.002345267632540769, 0.0015566317474486838, -0.0010376374098418604,
                   0.0007233266279287554, -0.0004821990530566789, 0.0002272331660987376,
                   -0.00015148586836773365, 0.00025968482126430747, -0.00017312261802727394);
    const double shifted = (tail - sum / product) - 1 / low;
    return (y >= 1) & (y <= 2) ? around_root : y < 10 ? shifted : tail;
}

// Reflected at 1/2 for x <= 0: psi(x) = psi(1 - x) - pi / tan(pi x), with x reduced to its distance from an integer.
PB_INLINE double digamma_of(double x) {
    const bool reflect = x <= 0;
    const double positive = digamma_of_positive(reflect ? 1 - x : x);
    const double distance = reflect ? x - nearest_integer(x) : 0.25;
    const double cotangent = 1 / vector_tan(kPi * distance);
    const double value = reflect ? positive - kPi * cotangent : positive;
    const double at_pole = x == 0 ? with_sign(__builtin_inf(), -x) : __builtin_nan("");
    return distance == 0 ? at_pole : value;
}

// a^-s: for s = 1, 2, ... short products where the library's power would take longer.
PB_INLINE double negative_power(double a, double s) {
    if (s > 16 || s != round_to_zero(s)) return __builtin_pow(a, -s);
    double result = 1;
    for (int i = static_cast<int>(s); i; i >>= 1, a *= a)
        if (i & 1) result *= a;
    return 1 / result;
}

// Hurwitz' zeta function, the sum of (q + k)^-s over k >= 0, for s > 1 and q > 0: some terms, then Euler and
// Maclaurin's formula with the Bernoulli numbers up to B_20. Its terms shrink once q + k exceeds s / 4 or so.
PB_NOINLINE double hurwitz_zeta(double s, double q) {
    double sum = 0;
    const double enough = 10 + 0.5 * s;
    for (; q < enough; q += 1) {
        const double term = negative_power(q, s);
        sum += term;
        if (!(term > 1e-17 * sum)) return sum;
    }
    const double integral = negative_power(q, s - 1), power = integral / q, z = 1 / (q * q);
    sum += integral / (s - 1) + 0.5 * power;
    // B_2j / (2j)!
    constexpr double factors[10] = {8.3333333333333333e-2,  -1.3888888888888889e-3,  3.3068783068783069e-5,
                                    -8.2671957671957672e-7, 2.0876756987868099e-8,   -5.2841901386874932e-10,
                                    1.3382536530684679e-11, -3.3896802963225829e-13, 8.5860620562778446e-15,
                                    -2.1748686985580619e-16};
    double factor = s * power / q;
    for (int j = 0; j < 10; ++j) {
        const double term = factors[j] * factor;
        sum += term;
        if (!(absolute(term) > 1e-17 * sum)) break;
        factor *= (s + 2 * j + 1) * (s + 2 * j + 2) * z;
    }
    return sum;
}

// zeta(s, q) for s = 2, 3, ... and any q. Left of 0 the terms with negative q + k are summed from the other side: with f the
// fractional part of q it is zeta(s, f) + (-1)^s (zeta(s, 1 - f) - zeta(s, 1 - q)).
PB_NOINLINE double zeta_of_whole(double s, double q) {
    if (q == __builtin_inf()) return 0;
    if (q > 0) return hurwitz_zeta(s, q);
    const double below = -q - round_down(-q);  // 1 - f, exact
    if (below == 0) return __builtin_inf();
    const double mirrored = hurwitz_zeta(s, below) - hurwitz_zeta(s, 1 - q);
    return hurwitz_zeta(s, 1 - below) + (is_even(s) ? mirrored : -mirrored);
}
// For any s; NaN where powers of negative numbers have none.
PB_NOINLINE double zeta_of(double s, double q) {
    if (is_nan(q) || !(s >= 1)) return __builtin_nan("");
    if (s == 1) return __builtin_inf();
    if (s == __builtin_inf()) return q < 1 ? (q > 0 ? __builtin_inf() : __builtin_nan("")) : q == 1;
    if (q > 0) return q == __builtin_inf() ? 0 : hurwitz_zeta(s, q);
    if (q == round_down(q)) return __builtin_inf();
    return s == round_to_zero(s) && q > -__builtin_inf() ? zeta_of_whole(s, q) : __builtin_nan("");
}

// (-1)^(n+1) n! zeta(n + 1, x).
PB_NOINLINE double polygamma_of_order(double n, double x) {
    const double s = n + 1, sign = is_even(n) ? -1 : 1;
    const double zeta = zeta_of_whole(s, x);
    if (absolute(zeta) == __builtin_inf()) return sign * zeta;
    // Beyond 170! the factorial overflows where the product need not.
    const double value =
        s <= 171 ? __builtin_tgamma(s) * zeta : __builtin_exp(log_gamma(s) + __builtin_log(zeta));
    return sign * value;
}

PB_INLINE double polygamma_of(double n, double x) {
    const bool defined = (n >= 0) & (n == round_to_zero(n)) & !is_nan(x) & (x > -__builtin_inf());
    return !defined ? __builtin_nan("") : n == 0 ? digamma_of(x) : polygamma_of_order(n, x);
}

PB_UNARY(erfinv, inverse_erf(a))
PB_UNARY(log_ndtr, log_normal_cumulative(a))
PB_UNARY(erfcx, scaled_erfc(a))
PB_UNARY(ndtri, normal_quantile(a - 0.5, a < T(0.5) ? a : 1 - a))
PB_UNARY(lgamma, log_gamma(a))
PB_UNARY(digamma, digamma_of(a))
PB_BINARY(polygamma, polygamma_of(a, b))
PB_BINARY(zeta, zeta_of(a, b))

}  // namespace

void PB_ISA::install_special(Kernels& table) { PB_SPECIAL_PRIMITIVES(PB_INSTALL) }

}  // namespace pb
