// Short rows, gathered and scattered. `moves.h` says what each does.
#include "core/kernels/moves.h"

#include "core/kernels/isa.h"

namespace pb {
namespace {

constexpr int64_t kLoops = 8;  // rows of so many elements have loops of their own

// Where a row's elements lie: all in one place, side by side, or any number of elements apart. Known steps, and known
// lengths, make vector code.
enum class Step { none, one, any };

template <Step step> PB_INLINE int64_t apart(int64_t j, const Rows& r) {
    return step == Step::none ? 0 : step == Step::one ? j : j * r.step;
}

// The width of the store that a row of `known` elements fits: a power of two.
constexpr int64_t width_of(int64_t known) {
    int64_t width = 1;
    while (width < known) width *= 2;
    return width;
}

// Rows but the last may be stored as wide as a vector is: the row behind is stored after them. They are read as wide
// where that does not pass the next one.
template <class T, Step step, int64_t known>
PB_NOINLINE void gather_loop(const T* __restrict from, const Rows& r, T* __restrict to) {
    constexpr int64_t width = width_of(known);
    const int64_t length = known ? known : r.length, count = r.count, pitch = r.pitch;
    int64_t i = 0;
    if constexpr (step == Step::none && known) {
        typedef T Vector __attribute__((vector_size(width * sizeof(T))));
        for (; i + 1 < count; ++i, from += pitch, to += length) {
            const Vector all = *from - Vector{};  // of integers, whatever they stand for
            __builtin_memcpy(to, &all, sizeof all);
        }
    }
    if constexpr (step == Step::one && known) {
        if (pitch >= width)
            for (; i + 1 < count; ++i, from += pitch, to += length)
                __builtin_memcpy(to, from, width * sizeof(T));
    }
    for (; i < count; ++i, from += pitch, to += length) {
        if constexpr (step == Step::one && known) __builtin_memcpy(to, from, known * sizeof(T));
        else
            for (int64_t j = 0; j < length; ++j) to[j] = from[apart<step>(j, r)];
    }
}

template <class T, Step step, int64_t known>
PB_NOINLINE void scatter_loop(const T* __restrict from, const Rows& r, T* __restrict to) {
    const int64_t length = known ? known : r.length, count = r.count, pitch = r.pitch;
    for (int64_t i = 0; i < count; ++i, from += length, to += pitch) {
        if constexpr (step == Step::one && known) __builtin_memcpy(to, from, known * sizeof(T));
        else
            for (int64_t j = 0; j < length; ++j) to[apart<step>(j, r)] = from[j];
    }
}

template <class T, Step step, int64_t known>
PB_NOINLINE void add_loop(const T* __restrict from, const Rows& r, T* __restrict to) {
    const int64_t length = known ? known : r.length, count = r.count, pitch = r.pitch;
    for (int64_t i = 0; i < count; ++i, from += length, to += pitch) {
#pragma omp simd
        for (int64_t j = 0; j < length; ++j) to[j] = to[j] + from[j];
    }
}

template <class T>
PB_NOINLINE void begin_loop(const T* __restrict from, const Rows& r, T* __restrict to, int64_t before) {
    const int64_t length = r.length, pitch = r.pitch, past = before + length;
    for (int64_t i = 0; i < r.count; ++i, from += length, to += pitch) {
        for (int64_t j = 0; j < before; ++j) to[j] = 0;
#pragma omp simd
        for (int64_t j = 0; j < length; ++j) to[before + j] = from[j] + T(0);
        for (int64_t j = past; j < pitch; ++j) to[j] = 0;
    }
}

// Rows of `part` to twice as many elements: the first of them, and the last, some of which may be both.
template <class T, int64_t part>
PB_NOINLINE void two_parts(const T* __restrict from, int64_t step, T* __restrict to, int64_t pitch,
                           int64_t length, int64_t count) {
    const int64_t last = length - part;
    for (int64_t i = 0; i < count; ++i, from += step, to += pitch) {
        __builtin_memcpy(to, from, part * sizeof(T));
        __builtin_memcpy(to + last, from + last, part * sizeof(T));
    }
}

// Whether it was done: rows of middling length, whose elements lie side by side on both sides.
template <class T>
bool in_parts(const T* from, int64_t step, T* to, int64_t pitch, int64_t length, int64_t count) {
    if (length <= kLoops || length > 8 * kLoops) return false;
    auto move = length <= 2 * kLoops   ? two_parts<T, kLoops>
                : length <= 4 * kLoops ? two_parts<T, 2 * kLoops>
                                       : two_parts<T, 4 * kLoops>;
    move(from, step, to, pitch, length, count);
    return true;
}

// Calls f with the loop for such rows: its step, and its length as a number that is known, 0 for any.
template <Step step, int64_t length = kLoops, class F> PB_INLINE void with_length(const Rows& r, F f) {
    if constexpr (length == 1) f.template operator()<step, 0>();
    else if (r.length == length) f.template operator()<step, length>();
    else with_length<step, length - 1>(r, f);
}

template <class T> void gather_rows(const void* base, const Rows& r, void* out) {
    auto loop = [&]<Step step, int64_t length>() {
        gather_loop<T, step, length>(static_cast<const T*>(base), r, static_cast<T*>(out));
    };
    if (r.step == 1 &&
        in_parts(static_cast<const T*>(base), r.pitch, static_cast<T*>(out), r.length, r.length, r.count))
        return;
    if (r.step == 0) with_length<Step::none>(r, loop);
    else if (r.step == 1) with_length<Step::one>(r, loop);
    else with_length<Step::any>(r, loop);
}

template <class T> void scatter_rows(const void* in, void* base, const Rows& r) {
    auto loop = [&]<Step step, int64_t length>() {
        scatter_loop<T, step, length>(static_cast<const T*>(in), r, static_cast<T*>(base));
    };
    if (r.step == 1 &&
        in_parts(static_cast<const T*>(in), r.length, static_cast<T*>(base), r.pitch, r.length, r.count))
        return;
    if (r.step == 1) with_length<Step::one>(r, loop);
    else with_length<Step::any>(r, loop);
}

// Of elements that are as many numbers each.
template <int64_t parts> Rows as_numbers(const Rows& rows) {
    return {parts * rows.length, 1, rows.count, parts * rows.pitch};
}

template <class T, int64_t parts> void add_rows(const void* in, void* base, const Rows& rows) {
    const auto* from = static_cast<const T*>(in);
    auto* to = static_cast<T*>(base);
    const Rows r = as_numbers<parts>(rows);
    if (r.length == 1) return add_loop<T, Step::one, 1>(from, r, to);
    with_length<Step::one>(r, [&]<Step step, int64_t length>() { add_loop<T, step, length>(from, r, to); });
}

template <class T, int64_t parts>
void begin_rows(const void* in, void* base, const Rows& rows, int64_t before) {
    begin_loop(static_cast<const T*>(in), as_numbers<parts>(rows), static_cast<T*>(base), parts * before);
}

template <class T, int64_t parts> void install_sums(MoveKernels& k, DType type) {
    k.add_rows[static_cast<int>(type)] = add_rows<T, parts>;
    k.begin_rows[static_cast<int>(type)] = begin_rows<T, parts>;
}

}  // namespace

void PB_ISA::install_moves(MoveKernels& k) {
    k.gather_rows[2] = gather_rows<uint32_t>;
    k.gather_rows[3] = gather_rows<uint64_t>;
    k.scatter_rows[2] = scatter_rows<uint32_t>;
    k.scatter_rows[3] = scatter_rows<uint64_t>;
    install_sums<float, 1>(k, DType::Float32);
    install_sums<double, 1>(k, DType::Float64);
    install_sums<float, 2>(k, DType::Complex64);
    install_sums<double, 2>(k, DType::Complex128);
}

}  // namespace pb
