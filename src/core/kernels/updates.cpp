// Steps of optimisers: loops of their own for what is penalised, since 0 times infinity is nan.
#include "core/kernels/updates.h"

#include "core/kernels/scalar.h"

namespace pb {
namespace {

PB_INLINE float root_of(float x) { return __builtin_sqrtf(x); }
PB_INLINE double root_of(double x) { return __builtin_sqrt(x); }

template <bool penalised, class T>
PB_NOINLINE void adam(T* __restrict parameter, const T* __restrict gradient, T* __restrict mean,
                      T* __restrict squares, const AdamStep& step, int64_t n) {
    const T weight = static_cast<T>(step.weight), kept = static_cast<T>(step.kept),
            square = static_cast<T>(step.square), root = static_cast<T>(step.root),
            eps = static_cast<T>(step.eps), rate = static_cast<T>(step.rate),
            shrink = static_cast<T>(step.shrink), penalty = static_cast<T>(step.penalty);
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) {
        const T p = parameter[i] * shrink;
        const T g = penalised ? gradient[i] + penalty * p : gradient[i];
        const T m = mean[i] + weight * (g - mean[i]);
        const T v = squares[i] * kept + square * g * g;
        mean[i] = m;
        squares[i] = v;
        parameter[i] = p + rate * m / (root_of(v) / root + eps);
    }
}

template <bool penalised, class T>
PB_NOINLINE void momentum(T* __restrict parameter, const T* __restrict gradient, T* __restrict velocity,
                          const MomentumStep& step, int64_t n) {
    const T kept = static_cast<T>(step.kept), weight = static_cast<T>(step.weight),
            rate = static_cast<T>(step.rate), penalty = static_cast<T>(step.penalty);
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) {
        const T g = penalised ? gradient[i] + penalty * parameter[i] : gradient[i];
        const T v = velocity[i] * kept + weight * g;
        velocity[i] = v;
        parameter[i] = parameter[i] + rate * v;
    }
}

template <class T> void install(UpdateKernels& k) {
    constexpr int d = code_of<T>;
    k.adam[d] = [](void* p, const void* g, void* m, void* v, const AdamStep& step, int64_t n) {
        auto run = step.penalty == 0 ? adam<false, T> : adam<true, T>;
        run(static_cast<T*>(p), static_cast<const T*>(g), static_cast<T*>(m), static_cast<T*>(v), step, n);
    };
    k.momentum[d] = [](void* p, const void* g, void* v, const MomentumStep& step, int64_t n) {
        auto run = step.penalty == 0 ? momentum<false, T> : momentum<true, T>;
        run(static_cast<T*>(p), static_cast<const T*>(g), static_cast<T*>(v), step, n);
    };
}

}  // namespace

void PB_ISA::install_updates(UpdateKernels& k) {
    install<float>(k);
    install<double>(k);
}

}  // namespace pb
