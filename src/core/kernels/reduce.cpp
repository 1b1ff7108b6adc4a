// Reductions along a run and across rows; `reduce.h` tells the tree that they follow.
#include "core/kernels/reduce.h"

#include "core/kernels/scalar.h"

namespace pb {
namespace {

// An operator says what one lane holds (Lane), what a leaf gives (Value), how a lane takes an element and how
// values combine. 1,024 elements in at least 64 lanes are at most 16 to a lane, which bounds what a lane counts.
template <bool condition, class A, class B> struct Either { using type = A; };
template <class A, class B> struct Either<false, A, B> { using type = B; };

template <class T> struct Sum {
    using Value = typename Either<is_float_v<T>, T, uint64_t>::type;
    using Lane = typename Either<(sizeof(T) == 1), uint16_t, Value>::type;
    static constexpr Value identity() { return 0; }
    static PB_INLINE Lane step(Lane lane, T x) { return static_cast<Lane>(lane + static_cast<Lane>(x)); }
    static PB_INLINE Value merge(Value a, Value b) { return a + b; }
};

template <class T> struct Prod {
    using Value = typename Either<is_float_v<T>, T, uint64_t>::type;
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
        else if constexpr (sizeof(T) == 1) return greater ? 0 : UINT8_MAX;
        else if constexpr (sizeof(T) == 4) return greater ? INT32_MIN : INT32_MAX;
        else return greater ? INT64_MIN : INT64_MAX;
    }
    // NaN replaces anything, and nothing replaces NaN.
    static PB_INLINE bool beats(Value a, Value b) {
        return (greater ? a > b : a < b) | ((a != a) & (b == b));
    }
    static PB_INLINE Lane step(Lane lane, T x) {
        return beats(static_cast<Value>(x), lane) ? static_cast<Value>(x) : lane;
    }
    static PB_INLINE Value merge(Value a, Value b) { return beats(b, a) ? b : a; }
};
template <class T> using Max = Extremum<T, true>;
template <class T> using Min = Extremum<T, false>;

template <class T> struct CountNonzero {
    using Value = uint64_t;
    // Lanes as wide as the elements: comparisons give masks of that width.
    using Lane = typename Either<(sizeof(T) == 1), uint8_t,
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
    for (int j = 0; i + j < n; ++j) lane[j] = Op::step(lane[j], Stored<T>::load(in[i + j]));
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
    constexpr int wide = sizeof(T) == 8 ? 32 : 64;
    if (n >= wide) return fold<Op, T, wide>(in, n);
    if (n >= 16) return fold<Op, T, 8>(in, n);
    auto value = Op::identity();
    for (int64_t i = 0; i < n; ++i) value = combine<Op>(value, Stored<T>::load(in[i]));
    return value;
}

// Contiguous elements are read where they are; others are gathered leaf by leaf.
template <class S> struct Source {
    const char* base;
    int64_t stride;
    S buffer[kReductionLeaf];  // not initialised
    Source(const void* in, int64_t stride) : base(static_cast<const char*>(in)), stride(stride) {}
    PB_INLINE const S* leaf_at(int64_t start, int64_t n) {
        const char* from = base + start * stride;
        if (stride == sizeof(S)) return reinterpret_cast<const S*>(from);
        for (int64_t i = 0; i < n; ++i) __builtin_memcpy(buffer + i, from + i * stride, sizeof(S));
        return buffer;
    }
};

PB_INLINE int64_t at_most_a_leaf(int64_t n) { return n < kReductionLeaf ? n : kReductionLeaf; }

// A stack of partial results, one for each set bit of the number of leaves so far.
template <class Op, class T> typename Op::Value tree(const void* in, int64_t stride, int64_t n) {
    using S = typename Stored<T>::type;
    if (stride == sizeof(S) && n <= kReductionLeaf) return leaf<Op, T>(static_cast<const S*>(in), n);
    Source<S> source(in, stride);
    typename Op::Value partial[64], value;
    int depth = 0;
    for (int64_t start = 0, index = 0; start < n; start += kReductionLeaf, ++index) {
        const int64_t length = at_most_a_leaf(n - start);
        value = leaf<Op, T>(source.leaf_at(start, length), length);
        for (int64_t bits = index; bits & 1; bits >>= 1) value = Op::merge(partial[--depth], value);
        partial[depth++] = value;
    }
    value = partial[--depth];
    while (depth) value = Op::merge(partial[--depth], value);
    return value;
}

// The leaf's extremum first, by the fast loop; its place only in leaves that beat all before them.
template <class Op, class T> int64_t first_index(const void* in, int64_t stride, int64_t n) {
    Source<T> source(in, stride);
    T best = T{0};
    int64_t place = -1;
    for (int64_t start = 0; start < n; start += kReductionLeaf) {
        const int64_t length = at_most_a_leaf(n - start);
        const T* x = source.leaf_at(start, length);
        const T value = leaf<Op, T>(x, length);
        if (place >= 0 && !Op::beats(value, best)) continue;
        best = value;
        int64_t i = 0;
        while (!(x[i] == value || x[i] != x[i])) ++i;
        place = start + i;
    }
    return place;
}

template <class Op, class T> void store(typename Op::Value value, void* out) {
    *static_cast<typename Op::Value*>(out) = value;
}

template <class Op, class T> struct Values {
    static void run(const void* in, int64_t n, void* out) {
        store<Op, T>(tree<Op, T>(in, sizeof(T), n), out);
    }
    static void strided(const void* in, int64_t stride, int64_t n, void* out) {
        store<Op, T>(tree<Op, T>(in, stride, n), out);
    }
    static void identity(void* out) { store<Op, T>(Op::identity(), out); }
    static void accumulate(const void* in, void* inout, int64_t n) {
        auto a = static_cast<const typename Stored<T>::type*>(in);
        auto o = static_cast<typename Op::Value*>(inout);
#pragma omp simd
        for (int64_t i = 0; i < n; ++i) {
            const T x = Stored<T>::load(a[i]);
            o[i] = combine<Op>(o[i], x);
        }
    }
};

template <class Op, class T> struct Indices {
    static void run(const void* in, int64_t n, void* out) {
        *static_cast<int64_t*>(out) = first_index<Op, T>(in, sizeof(T), n);
    }
    static void strided(const void* in, int64_t stride, int64_t n, void* out) {
        *static_cast<int64_t*>(out) = first_index<Op, T>(in, stride, n);
    }
    static void accumulate(const void* in, int64_t index, void* best, int64_t* where, int64_t n) {
        auto a = static_cast<const T*>(in);
        auto b = static_cast<T*>(best);
#pragma omp simd
        for (int64_t i = 0; i < n; ++i) {
            const bool better = (index == 0) | Op::beats(a[i], b[i]);
            b[i] = better ? a[i] : b[i];
            where[i] = better ? index : where[i];
        }
    }
};

template <template <class> class Op, class T> void install_values(Reductions& table, Reduction r) {
    const int k = static_cast<int>(r), d = static_cast<int>(dtype_of<T>());
    table.reduce[k][d] = Values<Op<T>, T>::run;
    table.reduce_strided[k][d] = Values<Op<T>, T>::strided;
    table.accumulate[k][d] = Values<Op<T>, T>::accumulate;
    table.identity[k][d] = Values<Op<T>, T>::identity;
}

template <template <class> class Op, class T> void install_indices(Reductions& table, Reduction r) {
    const int k = static_cast<int>(r), d = static_cast<int>(dtype_of<T>());
    table.reduce[k][d] = Indices<Op<T>, T>::run;
    table.reduce_strided[k][d] = Indices<Op<T>, T>::strided;
    table.accumulate_index[r == Reduction::argmin][d] = Indices<Op<T>, T>::accumulate;
}

template <class T> void install_dtype(Reductions& table) {
    install_values<Sum, T>(table, Reduction::sum);
    install_values<Prod, T>(table, Reduction::prod);
    install_values<Max, T>(table, Reduction::max);
    install_values<Min, T>(table, Reduction::min);
    install_values<Any, T>(table, Reduction::any);
    install_values<All, T>(table, Reduction::all);
    install_values<CountNonzero, T>(table, Reduction::count_nonzero);
    if constexpr (!is_bool_v<T>) {
        install_indices<Max, T>(table, Reduction::argmax);
        install_indices<Min, T>(table, Reduction::argmin);
    }
}

}  // namespace

void PB_ISA::install_reductions(Reductions& table) {
    install_dtype<uint8_t>(table);
    install_dtype<int32_t>(table);
    install_dtype<int64_t>(table);
    install_dtype<float>(table);
    install_dtype<double>(table);
    install_dtype<bool>(table);
}

}  // namespace pb
