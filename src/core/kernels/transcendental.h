// Exponentials, logarithms, trigonometric and hyperbolic functions, powers. Errors are at most 4 ulp.
#pragma once
#include "core/kernels/logarithm.h"
#include "core/kernels/vector_math.h"

namespace pb {
namespace {

// By repeated squaring, wrapping around. Of the negative powers only those of 1 and -1 are integers.
template <class T> PB_INLINE T integer_power(T base, T exponent) {
    if (exponent < 0)
        return base == 1 ? T{1} : base == static_cast<T>(-1) ? static_cast<T>(exponent & 1 ? -1 : 1) : T{0};
    auto result = wrap(T{1}), square = wrap(base);
    for (auto e = wrap(exponent); e != 0; e >>= 1) {
        if (e & 1) result *= square;
        square *= square;
    }
    return static_cast<T>(result);
}

// libmvec is slow for negative bases; the power of the magnitude needs a sign for odd integers and a NaN for
// fractions.
template <class T> PB_INLINE T float_power(T a, T b) {
    const T magnitude = vector_pow(absolute(a), b);
    const T half = b / 2;
    const auto integer = nearest_integer(b) == b, even = nearest_integer(half) == half;
    const T odd = select((with_sign(T{1}, a) < 0) & integer & !even, -magnitude, magnitude);
    const auto undefined = (a < 0) & (absolute(a) < infinity<T>()) & !integer;
    return select(undefined, static_cast<T>(__builtin_nan("")), odd);
}

// The powers that are written most are products, quotients and roots.
template <class T> PB_INLINE T square_root_power(T a) {
    return select(a == -infinity<T>(), -a, square_root(a + T{0}));
}

template <class T> PB_INLINE T power(T a, T b) {
    if constexpr (is_float_v<T>) {
        const T y = float_power(a, b);
        const T small = select(b == 2, a * a, select(b == 3, a * a * a, y));
        const T smaller = select(b == T(0.5), square_root_power(a), small);
        return select(b == 1, a, select(b == -1, 1 / a, smaller));
    } else if constexpr (is_bool_v<T>) {
        return a | !b;
    } else {
        return integer_power(a, b);
    }
}

// log2 and log10 without libmvec's slow path for zero, negative, denormal and infinite arguments: denormals
// are scaled by 2^54, the others replaced by 1 and given their value afterwards. `log_of_2` undoes the scaling.
template <class T, class Log> PB_INLINE T guarded_log(T x, T log_of_2, Log log) {
    const auto tiny = x < T(FloatFormat<T>::least_normal);
    const T scaled = select(tiny, x * T(0x1p54), x);
    const auto ordinary = (scaled > 0) & (scaled < infinity<T>());
    const T value = log(select(ordinary, scaled, T{1})) - select(tiny, 54 * log_of_2, T{0});
    const T none = static_cast<T>(__builtin_nan(""));
    const T special = select(x == 0, -infinity<T>(), select(x < 0, none, x));
    return select(ordinary, value, special);
}
template <class T> PB_INLINE T binary_log(T x) {
    return guarded_log(x, T{1}, [](T y) { return vector_log2(y); });
}
template <class T> PB_INLINE T decimal_log(T x) {
    return guarded_log(x, T(0x1.34413509f79ffp-2), [](T y) { return vector_log10(y); });
}

// The exponential is that of -|x|, which cannot overflow; both branches then keep full precision.
template <class T> PB_INLINE T logistic(T x) {
    const T e = decayed(-absolute(x));
    return select(x < 0, e, T{1}) / (T{1} + e);
}

// Its slope, the density of the logistic distribution, from whose tails neither branch subtracts.
template <class T> PB_INLINE T logistic_density(T x) {
    const T e = decayed(-absolute(x)), d = 1 + e;
    return e / (d * d);
}
// 1 / cosh(x)^2
template <class T> PB_INLINE T hyperbolic_slope(T x) {
    const T e = decayed(-2 * absolute(x)), d = 1 + e;
    return 4 * e / (d * d);
}

// x * logistic(x) and its slope. What lies beyond the range of exp is 0, but for the product of -infinity and 0.
template <class T> PB_INLINE T times_logistic(T x) {
    const Decay<T> e(absolute(x));
    const T right = x / (1 + e.value()), left = select(x < least_exponent<T>, x * 0, e.times(right));
    return select(x < 0, left, right);
}
template <class T> PB_INLINE T times_logistic_slope(T x) {
    const T a = clamp(absolute(x), T{0}, T(-least_exponent<T>));
    const Decay<T> decay(a);
    const T e = decay.value(), d = 1 + e, square = d * d;
    const T left = decay.times((d - a) / square), right = fma(a, e, d) / square;
    return select(x < 0, left, right);
}

// x * tanh(log(1 + exp x)), where the step is a rational function of exp(-|x|).
template <class T> PB_INLINE T times_mish_step(T x) {
    const Decay<T> decay(absolute(x));
    const T e = decay.value(), below = 2 + e, above = 1 + 2 * e;
    const auto negative = x < 0;
    const T upper = select(negative, below, above);
    const T right = x * (upper / select(negative, fma(e, below, T{2}), fma(2 * e, e, above)));
    const T left = select(x < least_exponent<T>, x * 0, decay.times(right));
    return select(negative, left, right);
}

// t / (t + 2) with t = exp 2|x| - 1; from 20 on it is 1.
template <class T> PB_INLINE T hyperbolic_tangent(T x) {
    const T a = absolute(x), t = expm1_of_positive(2 * select(a > 20, T{20}, a));
    return with_sign(t / (t + 2), x);
}

// x - tanh x. Up to 2 from Lambert's continued fraction for the tangent, whose 7th or 12th convergent, x N / D, leaves
// x (D - N) / D, without a difference: relative error 2^-26 and 2^-59.
template <class T> PB_INLINE T less_tangent_near_of_float(T x) {
    const T z = x * x;
    return x *
           (z * polynomial(z, 45045.0f, 2772.0f, 27.0f) / polynomial(z, 135135.0f, 62370.0f, 3150.0f, 28.0f));
}
template <class T> PB_INLINE T less_tangent_near_of_double(T x) {
    const T z = x * x;
    return x *
           (z * polynomial(z, 105411381075.0, 8249586345.0, 174594420.0, 1276275.0, 2925.0, 1.0) /
            polynomial(z, 316234143225.0, 151242416325.0, 9820936125.0, 192972780.0, 1351350.0, 3003.0, 1.0));
}
template <class T> PB_INLINE T less_tangent_near(T x) {
    if constexpr (sizeof(T) == 4) return less_tangent_near_of_float(x);
    else return less_tangent_near_of_double(x);
}
template <class T> PB_INLINE T less_tangent(T x) {
    const T near = less_tangent_near(clamp(x, T{-2}, T{2})), far = x - hyperbolic_tangent(x);
    return select(absolute(x) < 2, near, far);
}

// max + log(1 + exp(-difference)). Equal operands have difference 0, also if they are infinite.
template <class T> PB_INLINE T larger(T a, T b) { return select((a > b) | is_nan(a), a, b); }
template <class T> PB_INLINE T minus_distance(T a, T b) { return select(a == b, T{0}, -absolute(a - b)); }

// libmvec's takes three quarters of the time for float64.
template <class T> PB_INLINE T log_one_plus(T x) {
    if constexpr (sizeof(T) == 4) return log_one_plus_of_float(x);
    else return vector_log1p(x);
}

// x * log y and x * log1p y, where x = 0 wins over an infinite logarithm, but not over NaN.
template <class T> PB_INLINE T zero_wins(T x, T y, T product) {
    return select((x == 0) & !is_nan(y), T{0}, product);
}

PB_UNARY(exp, exponential(a))
PB_UNARY(exp2, exponential2(a))
PB_UNARY(expm1, vector_expm1(a))
PB_UNARY(log, natural_log(a))
PB_UNARY(log2, binary_log(a))
PB_UNARY(log10, decimal_log(a))
PB_UNARY(log1p, log_one_plus(a))
PB_UNARY(sin, vector_sin(a))
PB_UNARY(cos, vector_cos(a))
PB_UNARY(tan, vector_tan(a))
PB_UNARY(asin, vector_asin(a))
PB_UNARY(acos, vector_acos(a))
PB_UNARY(atan, vector_atan(a))
PB_UNARY(sinh, vector_sinh(a))
PB_UNARY(cosh, vector_cosh(a))
PB_UNARY(tanh, hyperbolic_tangent(a))
PB_UNARY(asinh, vector_asinh(a))
PB_UNARY(acosh, vector_acosh(a))
PB_UNARY(atanh, vector_atanh(a))
PB_BINARY(atan2, vector_atan2(a, b))
PB_BINARY(hypot, vector_hypot(a, b))
PB_BINARY(pow, power(a, b))
PB_UNARY(sigmoid, logistic(a))
PB_UNARY(sigmoid_slope, logistic_density(a))
PB_UNARY(tanh_slope, hyperbolic_slope(a))
PB_UNARY(silu, times_logistic(a))
PB_UNARY(silu_slope, times_logistic_slope(a))
PB_UNARY(mish, times_mish_step(a))
PB_UNARY(tanhshrink, less_tangent(a))
PB_BINARY(logaddexp, larger(a, b) + log_one_plus_part(select(a == b, T{1}, decayed(-absolute(a - b)))))
PB_BINARY(logaddexp2,
          larger(a, b) + T(0x1.71547652b82fep0) * log_one_plus_part(exponential2(minus_distance(a, b))))
PB_BINARY(xlogy, zero_wins(a, b, a* natural_log(b)))
PB_BINARY(xlog1py, zero_wins(a, b, a* log_one_plus(b)))

}  // namespace
}  // namespace pb
