// Others lie side by side, coordinate by coordinate, and are the lanes. So a point of two coordinates keeps vectors as full
// as one of a hundred. Only where sums over the others come to many coordinates are those the lanes. Sums are of 64 terms,
// and then of those sums; where lanes are summed they are 256 bytes, whatever the width of a vector: every instruction set
// gives the same bits.
#include "core/kernels/distances.h"

#include "core/kernels/vectors.h"

namespace pb {
namespace {

constexpr int64_t kTogether = 64;

struct Absolute {
    template <class V, class Y> static PB_INLINE V term(V d, Y) { return d < 0 ? -d : d; }
};
struct Square {
    template <class V, class Y> static PB_INLINE V term(V d, Y) { return d * d; }
};
// Times a weight. The sign of what is no number is 0.
struct Sign {
    template <class V, class Y> static PB_INLINE V term(V d, Y y) {
        const V weight = y - V{}, none{};
        return (d > 0 ? weight : none) - (d < 0 ? weight : none);
    }
};
struct Itself {
    template <class V, class Y> static PB_INLINE V term(V d, Y y) { return d * y; }
};

// The sum of n terms, term(i, v) for each of some vectors.
template <class T, int vectors, class F> PB_INLINE void add_up(int64_t n, Vector<T> (&sum)[vectors], F term) {
    for (int64_t from = 0; from < n; from += kTogether) {
        const int64_t end = from + kTogether < n ? from + kTogether : n;
        Vector<T> part[vectors] = {};
        for (int64_t i = from; i < end; ++i)
            for (int v = 0; v < vectors; ++v) part[v] += term(i, v);
        for (int v = 0; v < vectors; ++v) sum[v] += part[v];
    }
}

template <int vectors, class F, class T>
PB_INLINE void strip(const T* y, const T* a, const T* b, int64_t lead, int64_t dims, T* out) {
    Vector<T> sum[vectors] = {};
    add_up<T>(
        dims, sum, [&](int64_t k, int v) __attribute__((always_inline)) {
            return F::term(a[k] - load(b + k * lead + v * kWidth<T>), y[k]);
        });
    for (int v = 0; v < vectors; ++v) store(out + v * kWidth<T>, sum[v]);
}

template <class F, class T>
PB_NOINLINE void along(const T* y, const T* a, const T* b, int64_t lead, int64_t dims, int64_t count,
                       T* out) {
    constexpr int64_t border = kPointBorder<T>, wide = 4 * kWidth<T>;
    int64_t j = 0;
    for (; j + wide <= count; j += wide) strip<4, F>(y, a, b + j, lead, dims, out + j);
    for (; j < count; j += border) strip<64 / PB_VECTOR_BYTES, F>(y, a, b + j, lead, dims, out + j);
}

template <class F, class T>
PB_NOINLINE void across(const T* w, const T* a, const T* b, int64_t lead, int64_t dims, int64_t count,
                        T* out) {
    constexpr int lanes = kWidth<T>, vectors = 256 / PB_VECTOR_BYTES, all = 256 / sizeof(T);
    for (int64_t k = 0; k < dims; ++k, b += lead) {
        if (count < all / 4) {
            T sum{};
            for (int64_t j = 0; j < count; ++j) sum += F::term(a[k] - b[j], w[j]);
            out[k] += sum;
            continue;
        }
        Vector<T> sums[vectors] = {};
        int64_t j = 0;
        for (; j + all <= count; j += all)
            for (int v = 0; v < vectors; ++v)
                sums[v] += F::term(a[k] - load(b + j + v * lanes), load(w + j + v * lanes));
        T each[all];
        __builtin_memcpy(each, sums, sizeof each);
        for (int lane = 0; j < count; ++j, ++lane) each[lane] += F::term(a[k] - b[j], w[j]);
        for (int half = all / 2; half; half /= 2)
            for (int lane = 0; lane < half; ++lane) each[lane] += each[lane + half];
        out[k] += each[0];
    }
}

template <int vectors, class F, class T>
PB_INLINE void strip_onto(const T* w, const T* a, const T* b, int64_t dims, int64_t count, T* out) {
    Vector<T> sum[vectors] = {};
    add_up<T>(
        count, sum, [&](int64_t j, int v) __attribute__((always_inline)) {
            return F::term(load(a + v * kWidth<T>) - load(b + j * dims + v * kWidth<T>), w[j]);
        });
    for (int v = 0; v < vectors; ++v) store(out + v * kWidth<T>, load(out + v * kWidth<T>) + sum[v]);
}

template <class F, class T>
PB_NOINLINE void onto(const T* w, const T* a, const T* b, int64_t dims, int64_t count, T* out) {
    constexpr int64_t border = kPointBorder<T>, wide = 4 * kWidth<T>;
    int64_t k = 0;
    for (; k + wide <= dims; k += wide) strip_onto<4, F>(w, a + k, b + k, dims, count, out + k);
    for (; k + border <= dims; k += border)
        strip_onto<64 / PB_VECTOR_BYTES, F>(w, a + k, b + k, dims, count, out + k);
    for (; k < dims; ++k) {
        T sum{};
        for (int64_t from = 0; from < count; from += kTogether) {
            const int64_t end = from + kTogether < count ? from + kTogether : count;
            T part{};
            for (int64_t j = from; j < end; ++j) part += F::term(a[k] - b[j * dims + k], w[j]);
            sum += part;
        }
        out[k] += sum;
    }
}

template <class T> PB_NOINLINE bool roots(const void* sums, void* out, int64_t n) {
    constexpr T epsilon = sizeof(T) == 4 ? T(0x1p-23) : T(0x1p-52);
    constexpr T least = (sizeof(T) == 4 ? T(0x1p-126) : T(0x1p-1022)) / epsilon;
    auto s = static_cast<const T*>(sums);
    auto o = static_cast<T*>(out);
    int doubtful = 0;
#pragma omp simd reduction(| : doubtful)
    for (int64_t i = 0; i < n; ++i) {
        const T x = s[i];
        doubtful |= !((x >= least) & (x - x == 0));
        o[i] = __builtin_sqrt(x);
    }
    return doubtful;
}

template <class T> void install(DistanceKernels& k) {
    constexpr int d = code_of<T>;
    using Out = void*;
    using In = const void*;
#define PB_TERMS(order, F)                                                                                 \
    k.terms[d][order] = [](In a, In b, int64_t lead, int64_t dims, int64_t count, Out out) {               \
        along<F>(static_cast<const T*>(a), static_cast<const T*>(a), static_cast<const T*>(b), lead, dims, \
                 count, static_cast<T*>(out));                                                             \
    };
#define PB_SLOPES(sums, order, F)                                                                         \
    k.sums[d][order] = [](In y, In a, In b, int64_t lead, int64_t dims, int64_t count, Out out) {         \
        sums<F>(static_cast<const T*>(y), static_cast<const T*>(a), static_cast<const T*>(b), lead, dims, \
                count, static_cast<T*>(out));                                                             \
    };
    PB_TERMS(0, Absolute)
    PB_TERMS(1, Square)
    PB_SLOPES(along, 0, Sign)
    PB_SLOPES(along, 1, Itself)
    PB_SLOPES(across, 0, Sign)
    PB_SLOPES(across, 1, Itself)
#define PB_ONTO(order, F)                                                                                  \
    k.onto[d][order] = [](In w, In a, In b, int64_t dims, int64_t count, Out out) {                        \
        onto<F>(static_cast<const T*>(w), static_cast<const T*>(a), static_cast<const T*>(b), dims, count, \
                static_cast<T*>(out));                                                                     \
    };
    PB_ONTO(0, Sign)
    PB_ONTO(1, Itself)
    k.roots[d] = roots<T>;
#undef PB_TERMS
#undef PB_SLOPES
#undef PB_ONTO
}

}  // namespace

void PB_ISA::install_distances(DistanceKernels& k) {
    install<float>(k);
    install<double>(k);
}

}  // namespace pb
