// The incomplete gamma functions, and the density of the gamma distribution, which is their slope.
//
// All share the power x^a exp(-x) / Gamma(a + 1), in C. Loader's form ("Fast and Accurate Computation of Binomial
// Probabilities", 2000): the exponents of Stirling's formula cancel before anything is rounded. P(a, x) is its series
// of positive terms left of a, Q(a, x) a continued fraction (DLMF 8.9.2) right of it, or, for small x, what remains when the
// terms of order 0 in x are taken out analytically. Around a = x, for a >= 20, both are N. M. Temme's uniform expansion
// (DLMF 8.12), whose coefficients are polynomials in eta. So every value takes a bounded number of terms.
#include "core/kernels/exponential.h"
#include "core/kernels/tails.h"

namespace pb {
namespace {

// u - log(1 + u) for |u| < 0.35. With s = u / (2 + u) the logarithm is 2 (s + s^3 / 3 + ...), and u - 2 s is u s.
PB_INLINE double less_log1p(double u) {
    const double s = u / (2 + u), z = s * s;
    return s * (u - 2 * z *
                        polynomial(z, 1.0 / 3, 1.0 / 5, 1.0 / 7, 1.0 / 9, 1.0 / 11, 1.0 / 13, 1.0 / 15,
                                   1.0 / 17, 1.0 / 19, 1.0 / 21, 1.0 / 23));
}

// log Gamma(a + 1) - log(sqrt(2 pi a) a^a exp(-a)) for a >= 10.
PB_INLINE double stirling_error(double a) {
    const double z = 1 / (a * a);
    return polynomial(z, 0.083333333333333329, -0.0027777777777777779, 0.00079365079365079365,
                      -0.00059523809523809529, 0.00084175084175084171, -0.0019175269175269176,
                      0.00641025641025641, -0.029550653594771242) /
           a;
}

// x^a exp(-x) / Gamma(a + 1) for a > 0 and x >= 0.
PB_NOINLINE double gamma_power(double a, double x) {
    if (x == 0) return 0;
    if (a < 10) {
        if (x < 300) return __builtin_pow(x, a) * exponential(-x) / __builtin_tgamma(a + 1);
        return exponential(a * __builtin_log(x) - x - log_gamma(a + 1));
    }
    const double u = (x - a) / a;
    const double exponent = absolute(u) < 0.35 ? a * less_log1p(u) : x - a - a * __builtin_log(x / a);
    return exponential(-exponent - stirling_error(a)) / square_root(6.2831853071795864769 * a);
}

// P or Q by the uniform expansion.
PB_NOINLINE double uniform_gamma(double a, double x, bool upper) {
    const double mu = (x - a) / a, half = less_log1p(mu), eta = with_sign(square_root(2 * half), mu);
    const double coefficients[] = {
        polynomial(eta, -0.33333333333333331, 0.083333333333333329, -0.014814814814814815,
                   0.0011574074074074073, 0.00035273368606701942, -0.0001787551440329218,
                   3.9192631785224377e-05, -2.185448510679992e-06, -1.85406221071516e-06,
                   8.2967113409530865e-07, -1.7665952736826078e-07, 6.7078535434014984e-09,
                   1.0261809784240309e-08, -4.3820360184533529e-09, 9.1476995822367902e-10,
                   -2.5514193994946248e-11, -5.8307721325504256e-11),
        polynomial(eta, -0.0018518518518518519, -0.003472222222222222, 0.0026455026455026454,
                   -0.00099022633744855963, 0.00020576131687242798, -4.018775720164609e-07,
                   -1.8098550334489977e-05, 7.6491609160811098e-06, -1.6120900894563446e-06,
                   4.647127802807434e-09, 1.3786334469157209e-07, -5.7525456035177047e-08,
                   1.1951628599778148e-08, -1.7543241719747647e-11, -1.0091543710600413e-09,
                   4.1627929918425828e-10),
        polynomial(eta, 0.0041335978835978834, -0.0026813271604938273, 0.0007716049382716049,
                   2.0093878600823047e-06, -0.0001073665322636516, 5.2923448829120125e-05,
                   -1.2760635188618728e-05, 3.4235787340961378e-08, 1.3721957309062934e-06,
                   -6.2989921383800548e-07, 1.4280614206064242e-07, -2.0477098421990866e-10,
                   -1.409252991086752e-08, 6.2289740849220218e-09),
        polynomial(eta, 0.00064943415637860077, 0.00022947209362139917, -0.0004691894943952557,
                   0.00026772063206283885, -7.5618016718839766e-05, -2.3965051138672968e-07,
                   1.1082654115347302e-05, -5.6749528269915965e-06, 1.4230900732435883e-06,
                   -2.7861080291528143e-11, -1.6958404091930278e-07, 8.0994649053880827e-08,
                   -1.9111168485973655e-08),
        polynomial(eta, -0.00086188829091671173, 0.00078403922172006662, -0.00029907248030319018,
                   -1.4638452578843418e-06, 6.6414982154651219e-05, -3.9683650471794347e-05,
                   1.1375726970678419e-05, 2.5074972262375329e-10, -1.6954149536558305e-06,
                   8.9075075322053094e-07, -2.2929348340008049e-07),
        polynomial(eta, -0.00033679855336635813, -6.9728137583658571e-05, 0.00027727532449593918,
                   -0.00019932570516188847, 6.797780477937208e-05, 1.4190629206439671e-07,
                   -1.3594048189768693e-05, 8.018470256334202e-06, -2.2914811765080952e-06,
                   -3.2524735512984538e-10, 3.4652846491085265e-07),
        polynomial(eta, 0.00053130793646399225, -0.00059216643735369393, 0.0002708782096718045,
                   7.9023532326603281e-07, -8.1539693675619691e-05, 5.6116827531062497e-05,
                   -1.8329116582843375e-05, -3.0796134506033047e-09, 3.4651553688036091e-06,
                   -2.0291327396058603e-06),
        polynomial(eta, 0.00034436760689237765, 5.1717909082605919e-05, -0.00033493161081142234,
                   0.00028126951547632369, -0.00010976582244684731, -1.2741009095484485e-07,
                   2.7744451511563645e-05, -1.8263488805711332e-05),
        polynomial(eta, -0.00065262391859530937, 0.00083949872067208726, -0.00043829709854172099,
                   -6.9690914584205523e-07, 0.00016644846642067547, -0.00012783517679769218,
                   4.6299532636913042e-05),
        polynomial(eta, -0.00059676129019274626, -7.2048954160200109e-05, 0.0006782308837667328,
                   -0.0006401475260262758, 0.00027750107634328704),
        polynomial(eta, 0.0013324454494800656, -0.0019144384985654776, 0.0011089369134596636),
        polynomial(eta, 0.001579727660730835, 0.00016251626278391583, -0.0020633421035543276)};
    double sum = 0;
    for (int k = 11; k >= 0; --k) sum = sum / a + coefficients[k];
    const double decay = exponential(-a * half);
    const double rest = decay * sum / square_root(6.2831853071795864769 * a);
    const double tail = decay * tail_over_density(square_root(2 * a * half));
    if (upper) return (mu < 0 ? 1 - tail : tail) + rest;
    return (mu < 0 ? tail : 1 - tail) - rest;
}

PB_INLINE double lower_series(double a, double x) {
    double sum = 1, term = 1;
    for (double k = a + 1; term > 0x1p-54 * sum; ++k) {
        term *= x / k;
        sum += term;
    }
    return gamma_power(a, x) * sum;
}
// Lentz's algorithm for 1 / (x + 1 - a - 1 (1 - a) / (x + 3 - a - ...)).
PB_INLINE double upper_fraction(double a, double x) {
    double b = x + 1 - a, d = 1 / b, c = 1e300, value = d;
    for (int k = 1; k < 2000; ++k) {
        const double numerator = k * (a - k);
        b += 2;
        d = 1 / (numerator * d + b);
        c = b + numerator / c;
        const double factor = c * d;
        value *= factor;
        if (absolute(factor - 1) < 0x1p-53) break;
    }
    return gamma_power(a, x) * a * value;
}
// log Gamma(1 + a), of full precision near 0.
PB_INLINE double log_gamma_next(double a) {
    if (absolute(a) > 0.25) return log_gamma(1 + a);
    return a * polynomial(
                   a, -0.57721566490153287, 0.8224670334241132, -0.40068563438653143, 0.27058080842778454,
                   -0.20738555102867398, 0.16955717699740819, -0.14404989676884611, 0.12550966952474304,
                   -0.11133426586956469, 0.10009945751278181, -0.090954017145829041, 0.083353840546109004,
                   -0.076932516411352195, 0.07143294629536133, -0.066668705882420465, 0.062500955141213038,
                   -0.058823978658684585, 0.055555767627403614, -0.052631679379616658, 0.050000047698101693,
                   -0.047619070330142226, 0.045454556293204669, -0.043478266053040261, 0.041666669150341208,
                   -0.040000001192140137, 0.038461539034675182, -0.037037037312989324, 0.035714285847333355,
                   -0.034482758684919304, 0.033333333364377583, -0.032258064531150418, 0.031250000007275971,
                   -0.030303030306558044, 0.029411764707594344, -0.02857142857226011, 0.027777777778181998,
                   -0.027027027027223673, 0.026315789473779948, -0.025641025641072283);
}
// Q = 1 - x^a / Gamma(1 + a) - x^a / Gamma(a) sum of (-x)^k / (k! (a + k)) over k > 0, for small x.
PB_INLINE double upper_series(double a, double x) {
    double sum = 0, term = 1;
    for (int k = 1; k < 100; ++k) {
        term *= -x / k;
        sum += term / (a + k);
        if (absolute(term) < 0x1p-56 * absolute(sum) * (a + k)) break;
    }
    const double exponent = a * __builtin_log(x) - log_gamma_next(a);
    return -__builtin_expm1(exponent) - a * exponential(exponent) * sum;
}

PB_NOINLINE double incomplete_gamma(double a, double x, bool upper) {
    if (!(a >= 0 && x >= 0)) return __builtin_nan("");
    const bool at_end = a == 0 || x == __builtin_inf(), at_start = x == 0 || a == __builtin_inf();
    if (at_end || at_start) return at_end && at_start ? __builtin_nan("") : at_end != upper;
    if (a >= 20 && absolute(x - a) < 0.3 * a) return uniform_gamma(a, x, upper);
    if (x <= 1.1 && a < 2) {
        if (upper)
            return x < 0.5 && a > -0.4 / __builtin_log(x) ? 1 - lower_series(a, x) : upper_series(a, x);
        const bool small = x < 0.5 ? a > -0.4 / __builtin_log(x) : a > 0.5 * x;
        return small ? lower_series(a, x) : 1 - upper_series(a, x);
    }
    const bool left = x < a;
    const double value = left ? lower_series(a, x) : upper_fraction(a, x);
    return left == upper ? 1 - value : value;
}

// x^(a-1) exp(-x) / Gamma(a).
PB_NOINLINE double density(double a, double x) {
    if (is_nan(a) || !(x >= 0) || a < -150) return __builtin_nan("");
    if (a <= 0 && a == round_down(a)) return 0;  // 1 / Gamma(a), also for slopes in x
    if (x == 0) return a < 1 ? with_sign(__builtin_inf(), __builtin_tgamma(a)) : a == 1;
    if (x == __builtin_inf() || a == __builtin_inf()) return 0;
    if (a <= 0 || (a < 10 && x < 300)) return __builtin_pow(x, a - 1) * exponential(-x) / __builtin_tgamma(a);
    return gamma_power(a, x) * (a / x);
}

PB_BINARY(igamma, incomplete_gamma(a, b, false))
PB_BINARY(igammac, incomplete_gamma(a, b, true))
PB_BINARY(gamma_density, density(a, b))

}  // namespace

void PB_ISA::install_incomplete_gamma(Kernels& table) { PB_INCOMPLETE_GAMMA_PRIMITIVES(PB_INSTALL) }

}  // namespace pb
