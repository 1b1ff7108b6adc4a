#include "core/kernels/transcendental.h"

namespace pb {
namespace {

template <class T, class F> PB_NOINLINE void map(const T* a, T* o, int64_t n, F f) {
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) o[i] = f(a[i]);
}

// One exponent for all: the same values without computing the others.
template <class T> void power_by_one(const void* const* in, void* out, int64_t n) {
    auto a = static_cast<const T*>(in[0]);
    auto o = static_cast<T*>(out);
    const T b = *static_cast<const T*>(in[1]);
    if (b == 2) map(a, o, n, [](T x) { return x * x; });
    else if (b == 3) map(a, o, n, [](T x) { return x * x * x; });
    else if (b == 1) map(a, o, n, [](T x) { return x; });
    else if (b == -1) map(a, o, n, [](T x) { return 1 / x; });
    else if (b == T(0.5)) map(a, o, n, [](T x) { return square_root_power(x); });
    else whole_binary<pow_functor, T, 2>(in, out, n);
}

}  // namespace

void PB_ISA::install_transcendental(Kernels& table) {
    PB_TRANSCENDENTAL_PRIMITIVES(PB_INSTALL)
    auto& powers = table.elementwise[static_cast<int>(Primitive::pow)];
    each<Family::Floats>([&](auto zero) {
        using T = decltype(zero);
        powers[code_of<T>][2] = power_by_one<T>;
    });
}

}  // namespace pb
