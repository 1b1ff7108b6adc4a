// The loops: how a functor on one element becomes the kernels of a primitive.
//
// A functor is a struct with a static template `apply(a, b)`. `install` makes kernels of it for every dtype of
// its row. The loops are plain; `omp simd` says that iterations are independent, which holds also when the result
// overwrites an operand, so the compiler needs no overlap checks.
//
// Functors of `Vector` rows call vector functions whose last bits differ from their scalar versions. Their loops
// therefore run over whole 64-byte vectors only; what remains is copied to a padded block, which goes through the
// same loop. The padding repeats the last element, so it takes no slow path that the element itself does not take.
#pragma once
#include "core/kernels/isa.h"

namespace pb {
namespace {

enum class Bits { Exact, Vector, Scalar };

// Bytes of bool tensors are read as `!= 0`: foreign memory may hold other bytes than 0 and 1.
template <class T> struct Stored {
    using type = T;
    static PB_INLINE T load(T x) { return x; }
};
template <> struct Stored<bool> {
    using type = uint8_t;
    static PB_INLINE bool load(uint8_t x) { return x != 0; }
};

template <> struct Stored<c10::Half> {
    using type = c10::Half;
    static PB_INLINE float load(c10::Half x) { return x; }
};
template <> struct Stored<c10::BFloat16> {
    using type = c10::BFloat16;
    static PB_INLINE float load(c10::BFloat16 x) { return x; }
};

template <> struct Stored<Complex<c10::Half>> {
    using type = Complex<c10::Half>;
    static PB_INLINE Complex<float> load(Complex<c10::Half> x) { return Complex<float>(x); }
};

template <class T> inline constexpr bool is_float_v = false;
template <> inline constexpr bool is_float_v<float> = true;
template <> inline constexpr bool is_float_v<double> = true;
template <class T> inline constexpr bool is_bool_v = false;
template <> inline constexpr bool is_bool_v<bool> = true;

template <Result result, class T> struct ResultType { using type = T; };
template <class T> struct ResultType<Result::Bool, T> { using type = bool; };
template <class T> struct ResultType<Result::Real, T> { using type = typename PartOf<T>::type; };

// Calls f(T{}) for every T of the family that kernels exist for.
template <Family family, class F> PB_INLINE void each(F f) {
#define PB_EACH(Name, T, name, legacy, c_name, format, kind, running) \
    if constexpr (is_visited<family, T>(Kind::kind)) f(T{});
    PB_DTYPES(PB_EACH)
#undef PB_EACH
}

// The number of elements in 64 bytes: a whole number of vectors on every instruction set.
template <class T> inline constexpr int64_t kLanes = 64 / sizeof(T);

template <class F, class T, class R> void unary(const void* const* in, void* out, int64_t n) {
    using A = Stored<T>;
    auto a = static_cast<const typename A::type*>(in[0]);
    auto o = static_cast<typename Stored<R>::type*>(out);
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) o[i] = static_cast<R>(F::template apply<T>(A::load(a[i])));
}

template <class F, class T, class R, int single> void binary(const void* const* in, void* out, int64_t n) {
    using A = Stored<T>;
    auto a = static_cast<const typename A::type*>(in[0]);
    auto b = static_cast<const typename A::type*>(in[1]);
    auto o = static_cast<typename Stored<R>::type*>(out);
    if constexpr (single == 1) {
        const T first = A::load(*a);
#pragma omp simd
        for (int64_t i = 0; i < n; ++i) o[i] = static_cast<R>(F::template apply<T>(first, A::load(b[i])));
    } else if constexpr (single == 2) {
        const T second = A::load(*b);
#pragma omp simd
        for (int64_t i = 0; i < n; ++i) o[i] = static_cast<R>(F::template apply<T>(A::load(a[i]), second));
    } else {
#pragma omp simd
        for (int64_t i = 0; i < n; ++i)
            o[i] = static_cast<R>(F::template apply<T>(A::load(a[i]), A::load(b[i])));
    }
}

// The first operand is bool, whatever the others are.
template <class F, class T> void conditional(const void* const* in, void* out, int64_t n) {
    using S = typename Stored<T>::type;
    auto c = static_cast<const uint8_t*>(in[0]);
    auto a = static_cast<const S*>(in[1]);
    auto b = static_cast<const S*>(in[2]);
    auto o = static_cast<S*>(out);
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) o[i] = F::template apply<S>(c[i] != 0, a[i], b[i]);
}

// Three operands of one type.
template <class F, class T> void ternary(const void* const* in, void* out, int64_t n) {
    auto a = static_cast<const T*>(in[0]);
    auto b = static_cast<const T*>(in[1]);
    auto c = static_cast<const T*>(in[2]);
    auto o = static_cast<T*>(out);
    for (int64_t i = 0; i < n; ++i) o[i] = static_cast<T>(F::template apply<T>(a[i], b[i], c[i]));
}

// Whole blocks of 64 bytes of floats. Never inlined or specialised: with its length known, the compiler would unroll
// a loop into scalar code.
template <class F, class T> PB_NOINLINE void unary_blocks(const T* a, T* o, int64_t n) {
    n &= -kLanes<T>;
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) o[i] = F::template apply<T>(a[i]);
}

// A single operand is a block of equal values, which is read again and again: were it known to be one value, the
// compiler would call the scalar functions on it, once.
template <class F, class T, int single>
PB_NOINLINE void binary_blocks(const T* a, const T* b, T* o, int64_t n) {
    for (int64_t i = 0; i < n; i += kLanes<T>) {
        const T* x = single == 1 ? a : a + i;
        const T* y = single == 2 ? b : b + i;
#pragma omp simd
        for (int64_t j = 0; j < kLanes<T>; ++j) o[i + j] = F::template apply<T>(x[j], y[j]);
    }
}

// `count` elements, and the last of them repeated up to 64 bytes.
template <class T> PB_INLINE void pad(T* block, const T* from, int64_t count) {
    const T last = from[count - 1];
    for (int64_t i = 0; i < kLanes<T>; ++i) block[i] = last;
    for (int64_t i = 0; i < count - 1; ++i) block[i] = from[i];
}

// Whole blocks in place, then the rest on padded ones.
template <class F, class T> void whole_unary(const void* const* in, void* out, int64_t n) {
    auto a = static_cast<const T*>(in[0]);
    auto o = static_cast<T*>(out);
    const int64_t body = n & -kLanes<T>, rest = n - body;
    if (body) unary_blocks<F, T>(a, o, body);
    if (!rest) return;
    alignas(64) T x[kLanes<T>], result[kLanes<T>];
    pad(x, a + body, rest);
    unary_blocks<F, T>(x, result, kLanes<T>);
    for (int64_t i = 0; i < rest; ++i) o[body + i] = result[i];
}

template <class F, class T, int single> void whole_binary(const void* const* in, void* out, int64_t n) {
    auto a = static_cast<const T*>(in[0]);
    auto b = static_cast<const T*>(in[1]);
    auto o = static_cast<T*>(out);
    const int64_t body = n & -kLanes<T>, rest = n - body;
    alignas(64) T x[kLanes<T>], y[kLanes<T>], result[kLanes<T>];
    if constexpr (single == 1) pad(x, a, 1), a = x;
    if constexpr (single == 2) pad(y, b, 1), b = y;
    if (body) binary_blocks<F, T, single>(a, b, o, body);
    if (!rest) return;
    if constexpr (single != 1) pad(x, a + body, rest);
    if constexpr (single != 2) pad(y, b + body, rest);
    binary_blocks<F, T, single>(x, y, result, kLanes<T>);
    for (int64_t i = 0; i < rest; ++i) o[body + i] = result[i];
}

template <class F, int arity, Result result, Bits bits, class T>
void install_for(BlockKernel (&slots)[kDTypes][3]) {
    using R = typename ResultType<result, T>::type;
    // Integers have no vector functions: their loops are exact.
    constexpr bool whole = bits == Bits::Vector && is_float_v<T>;
    BlockKernel* slot = slots[code_of<T>];
    if constexpr (arity == 3 && bits == Bits::Exact) {
        slot[0] = conditional<F, T>;
    } else if constexpr (arity == 3) {
        slot[0] = ternary<F, T>;
    } else if constexpr (arity == 1) {
        if constexpr (whole) slot[0] = whole_unary<F, T>;
        else slot[0] = unary<F, T, R>;
    } else if constexpr (whole) {
        slot[0] = whole_binary<F, T, 0>;
        slot[1] = whole_binary<F, T, 1>;
        slot[2] = whole_binary<F, T, 2>;
    } else {
        slot[0] = binary<F, T, R, 0>;
        slot[1] = binary<F, T, R, 1>;
        slot[2] = binary<F, T, R, 2>;
    }
}

template <class F, int arity, Result result, Bits bits, Family family>
void install(Kernels& table, Primitive primitive) {
    auto& slots = table.elementwise[static_cast<int>(primitive)];
    each<family>([&](auto zero) { install_for<F, arity, result, bits, decltype(zero)>(slots); });
}

}  // namespace
}  // namespace pb

// A functor on one, two or three elements, as an expression in `a`, `b` and `c` of type T. The result is converted to the
// result's type, so unsigned arithmetic is a way to wrap, and a count is a way to say bool.
#define PB_UNARY(name, ...)                                                         \
    struct name##_functor {                                                         \
        template <class T> static PB_INLINE auto apply(T a) { return __VA_ARGS__; } \
    };
#define PB_BINARY(name, ...)                                                             \
    struct name##_functor {                                                              \
        template <class T> static PB_INLINE auto apply(T a, T b) { return __VA_ARGS__; } \
    };

#define PB_TERNARY(name, ...)                                                                 \
    struct name##_functor {                                                                   \
        template <class T> static PB_INLINE auto apply(T a, T b, T c) { return __VA_ARGS__; } \
    };

// Installs one row of the list in `table`.
#define PB_INSTALL(name, arity, result, bits, types, ...) \
    install<name##_functor, arity, Result::result, Bits::bits, Family::types>(table, Primitive::name);
