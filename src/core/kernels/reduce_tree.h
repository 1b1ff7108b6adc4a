// What the reductions compute, and a leaf of their tree (reduce.h).
#pragma once
#include "core/kernels/scalar.h"

namespace pb {
namespace {

// An operator says what one lane holds (Lane), what a leaf gives (Value), how a lane takes an element and how
// values combine. 1,024 elements in at least 64 lanes are at most 16 to a lane, which bounds what a lane counts.
template <bool condition, class A, class B> struct Either { using type = A; };
template <class A, class B> struct Either<false, A, B> { using type = B; };

template <class T> struct Sum {
    using Value = typename Either<is_float_v<T>, T, uint64_t>::type;
    // Of the elements' sign: a lane that becomes a value carries it along.
    using Narrow = typename Either<(static_cast<T>(-1) < T{0}), int16_t, uint16_t>::type;
    using Middle = typename Either<(sizeof(T) == 2), int32_t, Value>::type;
    using Lane = typename Either<(sizeof(T) == 1), Narrow, Middle>::type;
    static constexpr Value identity() { return 0; }
    static PB_INLINE Lane step(Lane lane, T x) { return static_cast<Lane>(lane + static_cast<Lane>(x)); }
    static PB_INLINE Value merge(Value a, Value b) { return a + b; }
};

template <class T> struct Sum<Complex<T>> {
    using Value = Complex<T>;
    using Lane = Value;
    static constexpr Value identity() { return 0; }
    static PB_INLINE Lane step(Lane lane, Value x) { return lane + x; }
    static PB_INLINE Value merge(Value a, Value b) { return a + b; }
};

template <class T> struct Prod {
    using Value = typename Either<is_float_v<T> || is_complex_v<T>, T, uint64_t>::type;
    using Lane = Value;
    static constexpr Value identity() { return 1; }
    static PB_INLINE Lane step(Lane lane, T x) { return lane * static_cast<Lane>(x); }
    static PB_INLINE Value merge(Value a, Value b) { return a * b; }
};

template <class T, bool greater> struct Extremum {
    using Value = typename Stored<T>::type;
    using Lane = Value;
    static constexpr Value identity() {
        if constexpr (is_float_v<T>) return static_cast<T>(greater ? -__builtin_inf() : __builtin_inf());
        else if constexpr (is_bool_v<T>) return greater ? 0 : 1;
        else return greater ? lowest<T>() : static_cast<T>(~lowest<T>());
    }
    // NaN replaces anything, and nothing replaces NaN.
    static PB_INLINE bool beats(Value a, Value b) {
        return (greater ? a > b : a < b) | ((a != a) & (b == b));
    }
    static PB_INLINE Lane step(Lane lane, T x) { return merge(lane, static_cast<Value>(x)); }
    // By bits: a branch would be mispredicted half the time, and two of them in a row are not made into vectors.
    static PB_INLINE Value merge(Value a, Value b) {
        if constexpr (is_float_v<Value>) {
            using Bits = decltype(to_bits(a));
            const Bits takes = -static_cast<Bits>(beats(b, a));
            return from_bits((to_bits(b) & takes) | (to_bits(a) & ~takes));
        } else {
            return beats(b, a) ? b : a;
        }
    }
};
template <class T> using Max = Extremum<T, true>;
template <class T> using Min = Extremum<T, false>;

template <class T> struct CountNonzero {
    using Value = uint64_t;
    // Lanes as wide as the elements: comparisons give masks of that width.
    using Short = typename Either<(sizeof(T) == 1), uint8_t, uint16_t>::type;
    using Lane = typename Either<(sizeof(T) <= 2), Short,
                                 typename Either<(sizeof(T) == 4), uint32_t, uint64_t>::type>::type;
    static constexpr Value identity() { return 0; }
    static PB_INLINE Lane step(Lane lane, T x) { return static_cast<Lane>(lane + (x != T{0})); }
    static PB_INLINE Value merge(Value a, Value b) { return a + b; }
};

template <class T> struct Any {
    using Value = uint8_t;
    using Lane = typename CountNonzero<T>::Lane;
    static constexpr Value identity() { return 0; }
    static PB_INLINE Lane step(Lane lane, T x) { return lane | (x != T{0}); }
    static PB_INLINE Value merge(Value a, Value b) { return a | b; }
};

template <class T> struct All {
    using Value = uint8_t;
    using Lane = typename CountNonzero<T>::Lane;
    static constexpr Value identity() { return 1; }
    static PB_INLINE Lane step(Lane lane, T x) { return lane & (x != T{0}); }
    static PB_INLINE Value merge(Value a, Value b) { return a & b; }
};

// A value takes one more element; where a lane is narrower than a value, the element passes through an empty lane.
template <class Op, class T> PB_INLINE typename Op::Value combine(typename Op::Value value, T x) {
    using Lane = typename Op::Lane;
    if constexpr (sizeof(Lane) == sizeof(value)) return Op::step(value, x);
    else return Op::merge(value, Op::step(static_cast<Lane>(Op::identity()), x));
}

// Fewer elements than lanes. With masked loads, the other lanes take an element that changes nothing. (A sum that
// starts from +0 is never -0, so adding +0 does not change it.)
template <class Op, class T, int lanes>
PB_INLINE void last_step(typename Op::Lane* lane, const typename Stored<T>::type* in, int64_t n) {
    if (n <= 0 || n >= lanes) return;
    if constexpr (PB_VECTOR_BYTES == 64 || (PB_VECTOR_BYTES == 32 && sizeof(T) >= 4)) {
        using S = typename Stored<T>::type;
        constexpr S neutral = static_cast<S>(Op::identity());
        alignas(64) S block[lanes];
#pragma omp simd
        for (int j = 0; j < lanes; ++j) block[j] = j < n ? in[j] : neutral;
#pragma omp simd
        for (int j = 0; j < lanes; ++j) lane[j] = Op::step(lane[j], Stored<T>::load(block[j]));
    } else {
        for (int j = 0; j < n; ++j) lane[j] = Op::step(lane[j], Stored<T>::load(in[j]));
    }
}

// Elements in `lanes` lanes side by side, folded in halves: lane j meets lane j + half.
template <class Op, class T, int lanes>
PB_INLINE typename Op::Value fold(const typename Stored<T>::type* in, int64_t n) {
    using Lane = typename Op::Lane;
    using Value = typename Op::Value;
    alignas(64) Lane lane[lanes];
    for (int j = 0; j < lanes; ++j) lane[j] = Op::identity();
    int64_t i = 0;
    for (; i + lanes <= n; i += lanes) {
#pragma omp simd
        for (int j = 0; j < lanes; ++j) lane[j] = Op::step(lane[j], Stored<T>::load(in[i + j]));
    }
    last_step<Op, T, lanes>(lane, in + i, n - i);
    alignas(64) Value value[lanes];
    for (int j = 0; j < lanes; ++j) value[j] = lane[j];
#pragma GCC unroll 8
    for (int half = lanes / 2; half >= 1; half /= 2) {
#pragma omp simd
        for (int j = 0; j < half; ++j) value[j] = Op::merge(value[j], value[j + half]);
    }
    return value[0];
}

template <class Op, class T>
PB_NOINLINE typename Op::Value leaf(const typename Stored<T>::type* in, int64_t n) {
    constexpr int wide = sizeof(T) >= 8 ? 32 : 64;
    if (n >= wide) return fold<Op, T, wide>(in, n);
    if (n >= 16) return fold<Op, T, 8>(in, n);
    auto value = Op::identity();
    for (int64_t i = 0; i < n; ++i) value = combine<Op>(value, Stored<T>::load(in[i]));
    return value;
}

PB_INLINE int64_t at_most_a_leaf(int64_t n) { return n < kReductionLeaf ? n : kReductionLeaf; }

}  // namespace
}  // namespace pb
