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

template <class T, Step step, int64_t known>
PB_NOINLINE void gather_loop(const T* __restrict from, const Rows& r, T* __restrict to) {
    const int64_t length = known ? known : r.length, count = r.count, pitch = r.pitch;
    if constexpr (step == Step::none) {
        if (pitch == 1) {
            for (int64_t i = 0; i < count; ++i)
                for (int64_t j = 0; j < length; ++j) to[i * length + j] = from[i];
            return;
        }
    }
    for (int64_t i = 0; i < count; ++i, from += pitch, to += length) {
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
    if (r.step == 0) with_length<Step::none>(r, loop);
    else if (r.step == 1) with_length<Step::one>(r, loop);
    else with_length<Step::any>(r, loop);
}

template <class T> void scatter_rows(const void* in, void* base, const Rows& r) {
    auto loop = [&]<Step step, int64_t length>() {
        scatter_loop<T, step, length>(static_cast<const T*>(in), r, static_cast<T*>(base));
    };
    if (r.step == 1) with_length<Step::one>(r, loop);
    else with_length<Step::any>(r, loop);
}

}  // namespace

void PB_ISA::install_moves(MoveKernels& k) {
    k.gather_rows[2] = gather_rows<uint32_t>;
    k.gather_rows[3] = gather_rows<uint64_t>;
    k.scatter_rows[2] = scatter_rows<uint32_t>;
    k.scatter_rows[3] = scatter_rows<uint64_t>;
}

}  // namespace pb
