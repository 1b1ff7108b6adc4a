/* Loops as a person writes them who fuses by hand, for benchmarks.loops. Compiled with OpenMP. */

#include <math.h>
#include <string.h>

/* Threads pay from some number of elements; without `parallel :`, `if` would also switch the vectors off. */
#define IN_PARALLEL _Pragma("omp parallel for simd schedule(static) if (parallel : n > 100000)")

void copy(char* target, const char* source, long n, long parts) {
#pragma omp parallel for schedule(static) if (parts > 1)
    for (long i = 0; i < parts; i++) {
        long from = n * i / parts, to = n * (i + 1) / parts;
        memcpy(target + from, source + from, to - from);
    }
}

#define MULTIPLY_ADD(name, T)                                                                                \
    void name(const T* restrict a, const T* restrict b, const T* restrict c, T* restrict y, long n) {        \
        IN_PARALLEL                                                                                          \
        for (long i = 0; i < n; i++) y[i] = a[i] * b[i] + c[i];                                              \
    }

MULTIPLY_ADD(multiply_add_float32, float)
MULTIPLY_ADD(multiply_add_float64, double)

#define ADAM(name, T, SQRT)                                                                                  \
    void name(T* restrict p, T* restrict m, T* restrict v, const T* restrict g, long n) {                    \
        IN_PARALLEL                                                                                          \
        for (long i = 0; i < n; i++) {                                                                       \
            m[i] += (T)0.1 * (g[i] - m[i]);                                                                  \
            v[i] += (T)0.001 * (g[i] * g[i] - v[i]);                                                         \
            p[i] -= (T)0.001 * m[i] / (SQRT(v[i]) + (T)1e-8);                                                \
        }                                                                                                    \
    }

ADAM(adam_float32, float, sqrtf)
ADAM(adam_float64, double, sqrt)
