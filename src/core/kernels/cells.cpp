// Recurrent cells and their pullbacks. Each is one loop, so that a value is read and written once; no operand overlaps
// another, which lets the compiler take several values at once.
#include "core/kernels/cells.h"

#include "core/kernels/transcendental.h"

#define PB_RESTRICT __restrict

namespace pb {
namespace {

template <class T> PB_INLINE T rectified(T x) { return select(x < 0, T{0}, x); }

template <class T>
PB_NOINLINE void tanh_cell(const T* PB_RESTRICT given, const T* PB_RESTRICT bias, T* PB_RESTRICT x,
                           int64_t n) {
#pragma omp simd
    for (int64_t j = 0; j < n; ++j) x[j] = hyperbolic_tangent(given[j] + (x[j] + bias[j]));
}

template <class T>
PB_NOINLINE void relu_cell(const T* PB_RESTRICT given, const T* PB_RESTRICT bias, T* PB_RESTRICT x,
                           int64_t n) {
#pragma omp simd
    for (int64_t j = 0; j < n; ++j) x[j] = rectified(given[j] + (x[j] + bias[j]));
}

template <class T>
PB_NOINLINE void lstm_cell(const T* PB_RESTRICT given, const T* PB_RESTRICT bias, const T* PB_RESTRICT before,
                           T* PB_RESTRICT x, T* PB_RESTRICT c, T* PB_RESTRICT h, int64_t n) {
#pragma omp simd
    for (int64_t j = 0; j < n; ++j) {
        auto entering = [&](int64_t part) { return given[part + j] + (x[part + j] + bias[part + j]); };
        const T i = logistic(entering(0)), f = logistic(entering(n)), g = hyperbolic_tangent(entering(2 * n)),
                o = logistic(entering(3 * n));
        x[j] = i;
        x[n + j] = f;
        x[2 * n + j] = g;
        x[3 * n + j] = o;
        const T cell = f * before[j] + i * g;
        c[j] = cell;
        h[j] = o * hyperbolic_tangent(cell);
    }
}

template <class T>
PB_NOINLINE void gru_cell(const T* PB_RESTRICT given, const T* PB_RESTRICT bias, const T* PB_RESTRICT hidden,
                          const T* PB_RESTRICT before, T* PB_RESTRICT x, T* PB_RESTRICT h, int64_t n) {
#pragma omp simd
    for (int64_t j = 0; j < n; ++j) {
        const T r = logistic(given[j] + (hidden[j] + bias[j])),
                z = logistic(given[n + j] + (hidden[n + j] + bias[n + j])),
                q = hidden[2 * n + j] + bias[2 * n + j], m = hyperbolic_tangent(given[2 * n + j] + r * q);
        x[j] = r;
        x[n + j] = z;
        x[2 * n + j] = m;
        x[3 * n + j] = q;
        h[j] = (1 - z) * m + z * before[j];
    }
}

template <class T>
PB_NOINLINE void tanh_pull(const T* PB_RESTRICT h, const T* PB_RESTRICT dh, const T* PB_RESTRICT gh,
                           T* PB_RESTRICT dx, int64_t n) {
#pragma omp simd
    for (int64_t j = 0; j < n; ++j) dx[j] = (dh[j] + gh[j]) * (1 - h[j] * h[j]);
}

template <class T>
PB_NOINLINE void relu_pull(const T* PB_RESTRICT h, const T* PB_RESTRICT dh, const T* PB_RESTRICT gh,
                           T* PB_RESTRICT dx, int64_t n) {
#pragma omp simd
    for (int64_t j = 0; j < n; ++j) dx[j] = select(h[j] <= 0, T{0}, dh[j] + gh[j]);
}

template <class T>
PB_NOINLINE void lstm_pull(const T* PB_RESTRICT x, const T* PB_RESTRICT before, const T* PB_RESTRICT cells,
                           const T* PB_RESTRICT dh, const T* PB_RESTRICT gh, T* PB_RESTRICT dc,
                           const T* PB_RESTRICT gc, T* PB_RESTRICT dx, int64_t n) {
#pragma omp simd
    for (int64_t j = 0; j < n; ++j) {
        const T i = x[j], f = x[n + j], g = x[2 * n + j], o = x[3 * n + j], u = hyperbolic_tangent(cells[j]),
                s = dh[j] + gh[j], d = (dc[j] + gc[j]) + s * o * (1 - u * u);
        dx[j] = d * g * i * (1 - i);
        dx[n + j] = d * before[j] * f * (1 - f);
        dx[2 * n + j] = d * i * (1 - g * g);
        dx[3 * n + j] = s * u * o * (1 - o);
        dc[j] = d * f;
    }
}

template <class T>
PB_NOINLINE void gru_pull(const T* PB_RESTRICT x, const T* PB_RESTRICT before, T* PB_RESTRICT dh,
                          const T* PB_RESTRICT gh, T* PB_RESTRICT dx, T* PB_RESTRICT dq, int64_t n) {
#pragma omp simd
    for (int64_t j = 0; j < n; ++j) {
        const T r = x[j], z = x[n + j], m = x[2 * n + j], q = x[3 * n + j], s = dh[j] + gh[j],
                slope = s * (1 - z) * (1 - m * m);
        dx[j] = dq[j] = slope * q * r * (1 - r);
        dx[n + j] = dq[n + j] = s * (before[j] - m) * z * (1 - z);
        dx[2 * n + j] = slope;
        dq[2 * n + j] = slope * r;
        dh[j] = s * z;
    }
}

// The entry of a table for a function of typed operands.
template <auto function> struct Untyped;
template <class... Operands, void (*function)(Operands...)> struct Untyped<function> {
    template <class T> struct Bare { using type = T; };
    template <class T> struct Bare<T*> { using type = void*; };
    template <class T> struct Bare<const T*> { using type = const void*; };
    static void run(typename Bare<Operands>::type... operands) {
        function(static_cast<Operands>(operands)...);
    }
};

template <class T> void install(CellKernels& k) {
    constexpr int d = code_of<T>;
    k.tanh[d] = Untyped<tanh_cell<T>>::run;
    k.relu[d] = Untyped<relu_cell<T>>::run;
    k.lstm[d] = Untyped<lstm_cell<T>>::run;
    k.gru[d] = Untyped<gru_cell<T>>::run;
    k.tanh_pull[d] = Untyped<tanh_pull<T>>::run;
    k.relu_pull[d] = Untyped<relu_pull<T>>::run;
    k.lstm_pull[d] = Untyped<lstm_pull<T>>::run;
    k.gru_pull[d] = Untyped<gru_pull<T>>::run;
}

}  // namespace

void PB_ISA::install_cells(CellKernels& k) {
    install<float>(k);
    install<double>(k);
}

}  // namespace pb
