// Reductions along a run and across rows; `reduce.h` tells the tree that they follow.
#include "core/kernels/reduce_tree.h"

namespace pb {
namespace {

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

// The first of n elements that is `value`, or NaN; there is one. Whole blocks without it are passed over.
template <class T> PB_INLINE int64_t find(const T* x, T value, int64_t n) {
    constexpr int block = 64;
    int64_t i = 0;
    for (; i + block <= n; i += block) {
        int hits = 0;
#pragma omp simd reduction(| : hits)
        for (int j = 0; j < block; ++j) hits |= (x[i + j] == value) | (x[i + j] != x[i + j]);
        if (hits) break;
    }
    while (!(x[i] == value || x[i] != x[i])) ++i;
    return i;
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
        place = start + find<T>(x, value, length);
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
    const int k = static_cast<int>(r), d = code_of<T>;
    table.reduce[k][d] = Values<Op<T>, T>::run;
    table.reduce_strided[k][d] = Values<Op<T>, T>::strided;
    table.accumulate[k][d] = Values<Op<T>, T>::accumulate;
    table.identity[k][d] = Values<Op<T>, T>::identity;
}

template <template <class> class Op, class T> void install_indices(Reductions& table, Reduction r) {
    const int k = static_cast<int>(r), d = code_of<T>;
    table.reduce[k][d] = Indices<Op<T>, T>::run;
    table.reduce_strided[k][d] = Indices<Op<T>, T>::strided;
    table.accumulate_index[r == Reduction::argmin][d] = Indices<Op<T>, T>::accumulate;
}

template <class T> void install_dtype(Reductions& table) {
    install_values<Sum, T>(table, Reduction::sum);
    install_values<Prod, T>(table, Reduction::prod);
    install_values<Any, T>(table, Reduction::any);
    install_values<All, T>(table, Reduction::all);
    install_values<CountNonzero, T>(table, Reduction::count_nonzero);
    if constexpr (!is_complex_v<T>) {
        install_values<Max, T>(table, Reduction::max);
        install_values<Min, T>(table, Reduction::min);
    }
    if constexpr (!is_bool_v<T> && !is_complex_v<T>) {
        install_indices<Max, T>(table, Reduction::argmax);
        install_indices<Min, T>(table, Reduction::argmin);
    }
}

}  // namespace

void PB_ISA::install_reductions(Reductions& table) {
    each<Family::Any>([&](auto zero) { install_dtype<decltype(zero)>(table); });
}

}  // namespace pb
