// The pullbacks of recurrent cells.
#include "core/kernels/cells.h"

#include "core/kernels/scalar.h"

namespace pb {
namespace {

template <class T>
PB_NOINLINE void lstm_pull(const T* __restrict x, const T* __restrict before, const T* __restrict u,
                           const T* __restrict dh, T* __restrict dc, T* __restrict dx, int64_t n) {
    const T *i = x, *f = x + n, *g = x + 2 * n, *o = x + 3 * n;
#pragma omp simd
    for (int64_t j = 0; j < n; ++j) {
        const T d = dc[j] + dh[j] * o[j] * (1 - u[j] * u[j]);
        dx[j] = d * g[j] * i[j] * (1 - i[j]);
        dx[n + j] = d * before[j] * f[j] * (1 - f[j]);
        dx[2 * n + j] = d * i[j] * (1 - g[j] * g[j]);
        dx[3 * n + j] = dh[j] * u[j] * o[j] * (1 - o[j]);
        dc[j] = d * f[j];
    }
}

template <class T>
PB_NOINLINE void gru_pull(const T* __restrict x, const T* __restrict before, T* __restrict dh,
                          T* __restrict dx, T* __restrict dq, int64_t n) {
    const T *r = x, *z = x + n, *m = x + 2 * n, *q = x + 3 * n;
#pragma omp simd
    for (int64_t j = 0; j < n; ++j) {
        const T slope = dh[j] * (1 - z[j]) * (1 - m[j] * m[j]);
        dx[j] = dq[j] = slope * q[j] * r[j] * (1 - r[j]);
        dx[n + j] = dq[n + j] = dh[j] * (before[j] - m[j]) * z[j] * (1 - z[j]);
        dx[2 * n + j] = slope;
        dq[2 * n + j] = slope * r[j];
        dh[j] = dh[j] * z[j];
    }
}

template <class T> void install(CellKernels& k) {
    constexpr int d = code_of<T>;
    k.lstm_pull[d] = [](const void* gates, const void* before, const void* bent, const void* dh, void* dc,
                        void* dx, int64_t n) {
        lstm_pull(static_cast<const T*>(gates), static_cast<const T*>(before), static_cast<const T*>(bent),
                  static_cast<const T*>(dh), static_cast<T*>(dc), static_cast<T*>(dx), n);
    };
    k.gru_pull[d] = [](const void* gates, const void* before, void* dh, void* dx, void* dq, int64_t n) {
        gru_pull(static_cast<const T*>(gates), static_cast<const T*>(before), static_cast<T*>(dh),
                 static_cast<T*>(dx), static_cast<T*>(dq), n);
    };
}

}  // namespace

void PB_ISA::install_cells(CellKernels& k) {
    install<float>(k);
    install<double>(k);
}

}  // namespace pb
