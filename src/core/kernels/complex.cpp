// The primitives of complex numbers: what the calculus has a meaning for without an order.
//
// Two of order are here all the same, >= and <=, which compare real parts, and a hypotenuse that is the root of a sum of
// squares: partial derivatives of rows that take complex numbers read them. The rows of these names refuse complex
// operands. `sign` is likewise the direction, z / |z|.
#include "core/kernels/complex_math.h"
#include "core/kernels/exponential.h"
#include "core/kernels/vector_math.h"

namespace pb {
namespace {

template <class T> using Part = typename PartOf<T>::type;

PB_INLINE float length(float x, float y) { return __builtin_hypotf(x, y); }
PB_INLINE double length(double x, double y) { return __builtin_hypot(x, y); }

template <class T> PB_INLINE bool infinite(T x) { return absolute(x) == infinity<T>(); }
template <class T> PB_INLINE bool finite(T x) { return absolute(x) < infinity<T>(); }

template <class T> PB_INLINE T direction(T z) {
    const Part<T> size = length(z.re, z.im);
    return size == 0 ? T(0) : T(z.re / size, z.im / size);
}
template <class T> PB_INLINE T logistic(T z) {
    const bool left = z.re < 0;  // where e**-z overflows, and a quotient by that is nan
    const T e = complex_exp(left ? z : -z);
    return (left ? e : T(1)) / (T(1) + e);
}
template <class T> PB_INLINE T tanh_steepness(T z) {
    const T y = complex_tanh(z);
    return (T(1) - y) * (T(1) + y);
}

// A gradient times a partial. What is infinite in any part is infinite, 1 / 0 = (inf, nan), and so is the product with it
// (C, annex G.5.1), where the sums of two products would be nan: its parts are taken for 1 and 0, and inf is a factor.
template <class T> PB_INLINE T pulled(T g, T p) {
    using P = Part<T>;
    const bool re = infinite(p.re), im = infinite(p.im), any = re | im;
    const P one_re = __builtin_copysign(P(1), p.re), one_im = __builtin_copysign(P(1), p.im);
    const T y = g * T(any ? re ? one_re : P(0) : p.re, any ? im ? one_im : P(0) : p.im);
    const P factor = any ? infinity<P>() : P(1);
    return T(y.re * factor, y.im * factor);
}

PB_BINARY(add, a + b)
PB_BINARY(sub, a - b)
PB_BINARY(mul, a* b)
PB_BINARY(div, a / b)
PB_UNARY(neg, -a)
PB_UNARY(abs, length(a.re, a.im))
PB_UNARY(sign, direction(a))
PB_UNARY(conj, T(a.re, -a.im))
PB_UNARY(square, a* a)
PB_UNARY(one_minus_square, (T(1) - a) * (T(1) + a))
PB_UNARY(times_complement, a*(T(1) - a))
PB_UNARY(reciprocal, T(1) / a)
PB_UNARY(sqrt, complex_sqrt(a))
PB_UNARY(rsqrt, T(1) / complex_sqrt(a))
PB_BINARY(zmul, a == T(0) ? a : pulled(a, b))
PB_BINARY(gmul, a == T(0) ? a : b == T(0) ? b : a * b)
PB_BINARY(hypot, complex_sqrt(a* a + b * b))
PB_BINARY(eq, a == b)
PB_BINARY(ne, a != b)
PB_BINARY(ge, a.re >= b.re)
PB_BINARY(le, a.re <= b.re)
PB_BINARY(logical_and, (a != T(0)) & (b != T(0)))
PB_BINARY(logical_or, (a != T(0)) | (b != T(0)))
PB_BINARY(logical_xor, (a != T(0)) != (b != T(0)))
PB_UNARY(logical_not, a == T(0))
PB_UNARY(isnan, is_nan(a.re) | is_nan(a.im))
PB_UNARY(isinf, infinite(a.re) | infinite(a.im))
PB_UNARY(isfinite, finite(a.re) & finite(a.im))
struct where_functor {
    template <class T> static PB_INLINE T apply(bool c, T a, T b) { return c ? a : b; }
};
#define PB_FUNCTION(name) PB_UNARY(name, complex_##name(a))
PB_FUNCTION(exp)
PB_FUNCTION(exp2)
PB_FUNCTION(expm1)
PB_FUNCTION(log)
PB_FUNCTION(log2)
PB_FUNCTION(log10)
PB_FUNCTION(log1p)
PB_FUNCTION(sin)
PB_FUNCTION(cos)
PB_FUNCTION(tan)
PB_FUNCTION(asin)
PB_FUNCTION(acos)
PB_FUNCTION(atan)
PB_FUNCTION(sinh)
PB_FUNCTION(cosh)
PB_FUNCTION(tanh)
PB_FUNCTION(asinh)
PB_FUNCTION(acosh)
PB_FUNCTION(atanh)
#undef PB_FUNCTION
PB_BINARY(pow, complex_pow(a, b))
PB_UNARY(sigmoid, logistic(a))
PB_UNARY(sigmoid_slope, logistic(a) * logistic(-a))
PB_UNARY(tanh_slope, tanh_steepness(a))
PB_UNARY(silu, a* logistic(a))
PB_UNARY(silu_slope, logistic(a) * (T(1) + a * logistic(-a)))

// Those that are products of functions of the parts, by vector functions: `growing` is the part that an exponential is taken
// of. Where its size is no ordinary number, or anything is infinite or NaN, the C library says what the value is.
template <class T> inline constexpr int most_growth = sizeof(T) == 4 ? 80 : 700;
#define PB_OF_PARTS(name, growing, turning, real, imaginary)                                             \
    struct name##_of_parts {                                                                             \
        template <class T> static PB_INLINE void apply(T x, T y, T& re, T& im) {                         \
            re = real;                                                                                   \
            im = imaginary;                                                                              \
        }                                                                                                \
        template <class T> static PB_INLINE bool is_ordinary(T x, T y) {                                 \
            return (absolute(growing) < most_growth<T>)&finite(turning);                                 \
        }                                                                                                \
        template <class T> static PB_INLINE Complex<T> other(Complex<T> z) { return complex_##name(z); } \
    };
PB_OF_PARTS(exp, x, y, exponential(x) * vector_cos(y), exponential(x) * vector_sin(y))
PB_OF_PARTS(sin, y, x, vector_sin(x) * vector_cosh(y), vector_cos(x) * vector_sinh(y))
PB_OF_PARTS(cos, y, x, vector_cos(x) * vector_cosh(y), -(vector_sin(x) * vector_sinh(y)))
PB_OF_PARTS(sinh, x, y, vector_sinh(x) * vector_cos(y), vector_cosh(x) * vector_sin(y))
PB_OF_PARTS(cosh, x, y, vector_cosh(x) * vector_cos(y), vector_sinh(x) * vector_sin(y))
#undef PB_OF_PARTS

// Some vectors of each part at a time, so that none waits for the one before it. The loops are apart, and over whole vectors,
// so that each becomes vector code.
template <class T> constexpr int64_t kTogether = 8 * kLanes<T>;
template <class F, class T>
PB_NOINLINE bool apply_to_parts(const Complex<T>* a, Complex<T>* o, T* x, T* y, int64_t n) {
    alignas(64) T re[kTogether<T>], im[kTogether<T>];
#pragma omp simd
    for (int64_t j = 0; j < n; ++j) x[j] = a[j].re, y[j] = a[j].im;
    T others = 0;
#pragma omp simd reduction(+ : others)
    for (int64_t j = 0; j < n; ++j) others += F::is_ordinary(x[j], y[j]) ? T(0) : T(1);
#pragma omp simd
    for (int64_t j = 0; j < n; ++j) F::apply(x[j], y[j], re[j], im[j]);
#pragma omp simd
    for (int64_t j = 0; j < n; ++j) o[j].re = re[j], o[j].im = im[j];
    return others == 0;
}
template <class F, class T> void by_parts(const void* const* in, void* out, int64_t n) {
    auto a = static_cast<const Complex<T>*>(in[0]);
    auto o = static_cast<Complex<T>*>(out);
    alignas(64) T x[kTogether<T>], y[kTogether<T>];
    alignas(64) Complex<T> rest[kLanes<T>];
    for (int64_t i = 0; i < n;) {
        const int64_t left = n - i, whole = left & -kLanes<T>;
        const bool last = !whole;  // what is no vector any more is made one, of its own last element
        const int64_t count = last ? left : whole < kTogether<T> ? whole : kTogether<T>;
        if (last)
            for (int64_t j = 0; j < kLanes<T>; ++j) rest[j] = a[i + (j < count ? j : count - 1)];
        const bool ordinary =
            apply_to_parts<F>(last ? rest : a + i, last ? rest : o + i, x, y, last ? kLanes<T> : count);
        if (last)
            for (int64_t j = 0; j < count; ++j) o[i + j] = rest[j];
        if (!ordinary)
            for (int64_t j = 0; j < count; ++j)
                if (!F::is_ordinary(x[j], y[j])) o[i + j] = F::other(Complex<T>(x[j], y[j]));
        i += count;
    }
}

}  // namespace

void PB_ISA::install_complex(Kernels& table) {
#define PB_INSTALL_COMPLEX(name, arity, result) \
    install<name##_functor, arity, Result::result, Bits::Exact, Family::Complexes>(table, Primitive::name);
    PB_COMPLEX_PRIMITIVES(PB_INSTALL_COMPLEX)
#undef PB_INSTALL_COMPLEX
#define PB_INSTALL_OF_PARTS(name)                                                       \
    table.elementwise[static_cast<int>(Primitive::name)][code_of<Complex<float>>][0] =  \
        by_parts<name##_of_parts, float>;                                               \
    table.elementwise[static_cast<int>(Primitive::name)][code_of<Complex<double>>][0] = \
        by_parts<name##_of_parts, double>;
    PB_INSTALL_OF_PARTS(exp)
    PB_INSTALL_OF_PARTS(sin)
    PB_INSTALL_OF_PARTS(cos)
    PB_INSTALL_OF_PARTS(sinh)
    PB_INSTALL_OF_PARTS(cosh)
#undef PB_INSTALL_OF_PARTS
}

}  // namespace pb
