// Conversions between dtypes, and the copies between strided memory and blocks.
#include "core/kernels/narrow.h"
#include "core/kernels/scalar.h"

namespace pb {
namespace {

template <int size> struct SignedOf { using type = int32_t; };
template <> struct SignedOf<8> { using type = int64_t; };

// What the machine's truncating conversion gives, said without undefined behaviour: out of range, the least integer.
template <class To, class From> PB_INLINE To truncated(From x) {
    constexpr From least = sizeof(To) == 8 ? From(-0x1p63) : From(-0x1p31);
    const bool fits =
        sizeof(To) < sizeof(From) ? (x > least - 1) & (x < -least) : (x >= least) & (x < -least);
    constexpr To lowest = static_cast<To>(sizeof(To) == 8 ? INT64_MIN : INT32_MIN);
    return fits ? static_cast<To>(fits ? x : From{0}) : lowest;
}

// The machine's conversion to an unsigned number: from half of its range on by that of what is left over the half.
template <class To, class From> PB_INLINE To truncated_unsigned(From x) {
    using Signed = typename SignedOf<sizeof(To)>::type;
    constexpr From half = sizeof(To) == 8 ? From(0x1p63) : From(0x1p31);
    constexpr To top = To{1} << (8 * sizeof(To) - 1);
    const bool large = x >= half;
    return static_cast<To>(truncated<Signed>(large ? x - half : x)) ^ (large ? top : To{0});
}

template <class To, class From> PB_INLINE To converted(From x) {
    if constexpr (is_complex_v<From> && is_complex_v<To>) return To(x);
    else if constexpr (is_bool_v<To>) return x != From{0};
    else if constexpr (is_complex_v<From>) return converted<To>(x.re);
    else if constexpr (is_complex_v<To>) return To(converted<typename PartOf<To>::type>(x));
    else if constexpr (is_narrow<To>) return static_cast<float>(x);
    else if constexpr (is_float_v<From> && !is_float_v<To> && sizeof(To) < 4)
        return static_cast<To>(truncated<int32_t>(x));
    else if constexpr (is_float_v<From> && is_bare_v<To>) return truncated_unsigned<To>(x);
    else if constexpr (is_float_v<From> && !is_float_v<To>) return truncated<To>(x);
    else return static_cast<To>(x);
}

// Between float16 and float the processor has instructions: how many elements they have done, whole vectors.
template <class From, class To, class A, class O>
PB_INLINE int64_t convert_vectors(const A* a, O* o, int64_t n) {
    int64_t i = 0;
    typedef float V __attribute__((vector_size(PB_VECTOR_BYTES)));
    constexpr int64_t lanes = PB_VECTOR_BYTES / sizeof(float);
    if constexpr (__is_same(From, c10::Half) && __is_same(To, float))
        for (; i + lanes <= n; i += lanes) {
            const V x = load_halves<V>(reinterpret_cast<const char*>(a + i));
            __builtin_memcpy(o + i, &x, sizeof x);
        }
    if constexpr (__is_same(From, float) && __is_same(To, c10::Half))
        for (; i + lanes <= n; i += lanes) {
            V x;
            __builtin_memcpy(&x, a + i, sizeof x);
            store_halves(x, reinterpret_cast<char*>(o + i));
        }
    return i;
}

template <class From, class To> void cast_kernel(const void* const* in, void* out, int64_t n) {
    auto a = static_cast<const typename Stored<From>::type*>(in[0]);
    auto o = static_cast<typename Stored<To>::type*>(out);
    int64_t i = convert_vectors<From, To>(a, o, n);
#pragma omp simd
    for (int64_t j = i; j < n; ++j) o[j] = converted<To>(Stored<From>::load(a[j]));
}

template <class From> void install_casts_from(BlockKernel (&row)[kDTypes]) {
    each<Family::Elements>([&](auto zero) {
        using To = decltype(zero);
        row[code_of<To>] = cast_kernel<From, To>;
    });
}

// Strided elements are moved by memcpy, which is one instruction and asks for no alignment; as many as make a few stores at
// a time. Where they lie so few elements apart, as the compiler is told, they become vector code.
template <class T, int64_t step>
PB_NOINLINE void gather_near(const char* __restrict from, char* __restrict to, int64_t n) {
    for (int64_t i = 0; i < n; ++i)
        __builtin_memcpy(to + i * sizeof(T), from + i * step * sizeof(T), sizeof(T));
}

template <class T> void gather_kernel(const void* base, int64_t byte_stride, void* out, int64_t n) {
    auto from = static_cast<const char*>(base);
    auto to = static_cast<char*>(out);
    constexpr int64_t item = sizeof(T), together = 8;
    switch (byte_stride) {
        case item: return void(__builtin_memmove(to, from, n * item));
        case 2 * item: return gather_near<T, 2>(from, to, n);
        case 3 * item: return gather_near<T, 3>(from, to, n);
        case 4 * item: return gather_near<T, 4>(from, to, n);
        default: break;
    }
    for (; n >= together; n -= together, from += together * byte_stride, to += together * item) {
        char some[together * item];
        for (int64_t k = 0; k < together; ++k)
            __builtin_memcpy(some + k * item, from + k * byte_stride, item);
        __builtin_memcpy(to, some, sizeof some);
    }
    for (int64_t i = 0; i < n; ++i) __builtin_memcpy(to + i * item, from + i * byte_stride, item);
}

template <class T> void scatter_kernel(const void* in, void* base, int64_t byte_stride, int64_t n) {
    auto from = static_cast<const char*>(in);
    auto to = static_cast<char*>(base);
    if (byte_stride == sizeof(T)) {
        __builtin_memmove(to, from, n * sizeof(T));
        return;
    }
    for (int64_t i = 0; i < n; ++i) __builtin_memcpy(to + i * byte_stride, from + i * sizeof(T), sizeof(T));
}

template <class T> void fill_kernel(const void* value, void* out, int64_t n) {
    T v;
    __builtin_memcpy(&v, value, sizeof(T));
    auto to = static_cast<T*>(out);
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) to[i] = v;
}

}  // namespace

void PB_ISA::install_conversions(Kernels& table) {
    each<Family::Elements>([&](auto zero) {
        using From = decltype(zero);
        install_casts_from<From>(table.cast[code_of<From>]);
    });
#define PB_MOVES(index, T)                    \
    table.gather[index] = gather_kernel<T>;   \
    table.scatter[index] = scatter_kernel<T>; \
    table.fill[index] = fill_kernel<T>;
    PB_MOVES(0, uint8_t)
    PB_MOVES(1, uint16_t)
    PB_MOVES(2, uint32_t)
    PB_MOVES(3, uint64_t)
    PB_MOVES(4, Unread<16>)
#undef PB_MOVES
}

}  // namespace pb
