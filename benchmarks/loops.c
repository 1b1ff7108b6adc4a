/* Loops as a person writes them who fuses by hand, for benchmarks.loops. Compiled with OpenMP. */

#include <math.h>
#include <string.h>

#define ENOUGH 100000 /* elements from which threads pay */

void copy(char *target, const char *source, long n, long parts) {
#pragma omp parallel for schedule(static) if (parts > 1)
    for (long i = 0; i < parts; i++) {
        long from = n * i / parts, to = n * (i + 1) / parts;
        memcpy(target + from, source + from, to - from);
    }
}

#define LOOPS(T, suffix, SQRT)                                                                                  \
    void multiply_add_##suffix(const T *restrict a, const T *restrict b, const T *restrict c, T *restrict y,    \
                               long n) {                                                                        \
        _Pragma("omp parallel for simd schedule(static) if (n > ENOUGH)") for (long i = 0; i < n; i++) y[i] =   \
            a[i] * b[i] + c[i];                                                                                 \
    }                                                                                                           \
    void adam_##suffix(T *restrict p, T *restrict m, T *restrict v, const T *restrict g, long n) {              \
        _Pragma("omp parallel for simd schedule(static) if (n > ENOUGH)") for (long i = 0; i < n; i++) {        \
            T mi = m[i] + (T)0.1 * (g[i] - m[i]);                                                               \
            T vi = v[i] + (T)0.001 * (g[i] * g[i] - v[i]);                                                      \
            m[i] = mi;                                                                                          \
            v[i] = vi;                                                                                          \
            p[i] -= (T)0.001 * mi / (SQRT(vi) + (T)1e-8);                                                       \
        }                                                                                                       \
    }

LOOPS(float, float32, sqrtf)
LOOPS(double, float64, sqrt)
