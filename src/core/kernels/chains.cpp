// Several instructions in one pass; chains.h has the essay.
#include "core/kernels/chains.h"

#include "core/kernels/narrow.h"
#include "core/kernels/scalar.h"

namespace pb {
namespace {

constexpr int kTile = 8;  // vectors: as many as the smallest register file holds beside operands

template <class T> struct VectorOf { typedef T type __attribute__((vector_size(PB_VECTOR_BYTES))); };

template <class V> PB_INLINE V load(const char* from) {
    V x;
    __builtin_memcpy(&x, from, sizeof x);
    return x;
}

template <class T, class V> PB_INLINE V square_roots(V x) {
    constexpr int lanes = sizeof(V) / sizeof(T);
    alignas(V) T each[lanes];
    __builtin_memcpy(each, &x, sizeof x);
#pragma omp simd
    for (int i = 0; i < lanes; ++i) each[i] = square_root(each[i]);
    return load<V>(reinterpret_cast<const char*>(each));
}

// Element by element, in float.
template <class T, class V, class F> PB_INLINE V each_lane(V x, F f) {
    constexpr int lanes = sizeof(V) / sizeof(T);
    alignas(V) T all[lanes];
    __builtin_memcpy(all, &x, sizeof x);
    for (int i = 0; i < lanes; ++i) all[i] = static_cast<T>(f(static_cast<float>(all[i])));
    return load<V>(reinterpret_cast<const char*>(all));
}

// Vectors of the chain's type from, and to, memory where elements lie in some form; `at` counts bytes of that type. Only
// chains of float32 have narrow ones.
template <class T, class V, Chain::Form form> PB_INLINE V take(const char* start, int j) {
    constexpr int size = sizeof(V), each = sizeof(V) / 2;
    if constexpr (form == Chain::Block || sizeof(T) != sizeof(float)) return load<V>(start + j * size);
    else if constexpr (form == Chain::Half) return load_halves<V>(start + j * each);
    else return load_bfloats<V>(start + j * each);
}
template <class T, class V, Chain::Form form> PB_INLINE void put(V x, char* start, int j) {
    constexpr int size = sizeof(V), each = sizeof(V) / 2;
    if constexpr (form == Chain::Block || sizeof(T) != sizeof(float))
        __builtin_memcpy(start + j * size, &x, size);
    else if constexpr (form == Chain::Half) store_halves(x, start + j * each);
    else store_bfloats(x, start + j * each);
}
template <class T, class V> PB_INLINE V halves(V x) {
    if constexpr (sizeof(T) == sizeof(float)) return rounded_to_half(x);
    else return each_lane<T>(x, [](float lane) { return rounded_to_half(lane); });
}
template <class T, class V> PB_INLINE V bfloats(V x) {
    if constexpr (sizeof(T) == sizeof(float)) return rounded_to_bfloat16(x);
    else return each_lane<T>(x, [](float lane) { return rounded_to_bfloat16(lane); });
}

// Keeps the compiler from keeping eight sums for eight vectors where one address and offsets do.
PB_INLINE const char* one_register(const char* address) {
    __asm__("" : "+r"(address));
    return address;
}

// One tile: `width` vectors of type V, or one element. `at` counts bytes.
template <class T, class V, int width>
PB_INLINE void tile(const Chain& chain, const void* const* in, char* out, int64_t at) {
    const V zero{}, one = T{1} - zero;  // a vector less zero: the way to repeat a number that keeps -0
    V a[width];
    const char* start = one_register(static_cast<const char*>(in[0]) + (chain.start ? at / 2 : at));
#define PB_START(form) \
    _Pragma("GCC unroll 8") for (int j = 0; j < width; ++j) a[j] = take<T, V, Chain::form>(start, j);
    if (chain.start == Chain::Block) {
        PB_START(Block)
    } else if (chain.start == Chain::Half) {
        PB_START(Half)
    } else {
        PB_START(BFloat16)
    }
#undef PB_START
    for (const Chain::Step *s = chain.steps, *end = s + chain.length; s != end; ++s) {
        const auto* operand = static_cast<const char*>(in[s->operand]);
        switch (s->code) {
#define PB_BLOCKS(name, form, offset, result)                          \
    case Chain::kForms* static_cast<int>(Link::name) + Chain::form: {  \
        operand = one_register(operand + (offset));                    \
        _Pragma("GCC unroll 8") for (int j = 0; j < width; ++j) {      \
            const V x = a[j], y = take<T, V, Chain::form>(operand, j); \
            a[j] = result;                                             \
        }                                                              \
        break;                                                         \
    }
#define PB_CASE(name, result)                                           \
    PB_BLOCKS(name, Block, at, result)                                  \
    PB_BLOCKS(name, Half, at / 2, result)                               \
    PB_BLOCKS(name, BFloat16, at / 2, result)                           \
    case Chain::kForms* static_cast<int>(Link::name) + Chain::Single: { \
        const V y = load<T>(operand) - zero;                            \
        _Pragma("GCC unroll 8") for (int j = 0; j < width; ++j) {       \
            const V x = a[j];                                           \
            a[j] = result;                                              \
        }                                                               \
        break;                                                          \
    }
            PB_LINKS(PB_CASE)
#undef PB_CASE
#undef PB_BLOCKS
#define PB_CASE(name, result)                                     \
    case Chain::kForms* static_cast<int>(Link::name):             \
        _Pragma("GCC unroll 8") for (int j = 0; j < width; ++j) { \
            const V x = a[j];                                     \
            a[j] = result;                                        \
        }                                                         \
        break;
            PB_LONE_LINKS(PB_CASE)
#undef PB_CASE
            default: __builtin_unreachable();
        }
    }
    out += chain.end ? at / 2 : at;
#define PB_END(form) \
    _Pragma("GCC unroll 8") for (int j = 0; j < width; ++j) put<T, V, Chain::form>(a[j], out, j);
    if (chain.end == Chain::Block) {
        PB_END(Block)
    } else if (chain.end == Chain::Half) {
        PB_END(Half)
    } else {
        PB_END(BFloat16)
    }
#undef PB_END
}

// Tiles, then vectors, then elements: all operations are exact, so the width does not show.
template <class T> void run(const Chain& chain, const void* const* in, void* result, int64_t n) {
    using V = typename VectorOf<T>::type;
    constexpr int64_t vector = sizeof(V), element = sizeof(T);
    auto* out = static_cast<char*>(result);
    int64_t at = 0;
    for (; at + kTile * vector <= n * element; at += kTile * vector) tile<T, V, kTile>(chain, in, out, at);
    for (; at + vector <= n * element; at += vector) tile<T, V, 1>(chain, in, out, at);
    for (; at < n * element; at += element) tile<T, T, 1>(chain, in, out, at);
}

}  // namespace

void PB_ISA::install_chains(ChainKernels& table) {
    each<Family::Floats>([&](auto zero) {
        using T = decltype(zero);
        table.run[code_of<T>] = run<T>;
    });
}

}  // namespace pb
