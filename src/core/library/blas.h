// BLAS: the products that OpenBLAS computes for us, which are those of complex numbers, and, where our own kernels
// (kernels/products.h) are not compiled for the processor, all others.
//
// The library is not linked. The wheel `scipy-openblas32` brings it, and it is loaded by the first that needs it, so
// that importing the package costs nothing for those who never multiply matrices. Our copy is private (its
// symbols are not seen by NumPy's or SciPy's) and single-threaded: compute/products.cpp shares out the rows of a product.
// Everything is row-major. Sizes and strides are ints in this interface; `fits` says whether they do.
#pragma once
#include <cstdint>
#include <string>

#include "array/complex.h"

namespace pb::blas {

constexpr int64_t kLargest = INT32_MAX;
inline bool fits(int64_t n) { return n <= kLargest; }

// c = alpha * op(a) op(b) + beta * c, where op(a) is m by k and op(b) is k by n.
template <class T>
void gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, T alpha, const T* a,
          int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc);
// y = alpha * op(a) x + beta * y, where a (not op(a)) is m by n. Strides are positive.
template <class T>
void gemv(bool transpose, int64_t m, int64_t n, T alpha, const T* a, int64_t lda, const T* x, int64_t incx,
          T beta, T* y, int64_t incy);
template <class T> T dot(int64_t n, const T* x, int64_t incx, const T* y, int64_t incy);

// Whether it has kernels that do not pack small factors: those that it chooses for AVX-512.
bool takes_factors_as_they_lie();

// Any function of the library (LAPACK's too), by its usual name ("LAPACKE_dgesv"); raises when it has none.
void* symbol(const char* name);
// "OpenBLAS 0.3.30 ... SkylakeX": the library's own words; loads it.
const char* description();
bool is_loaded();
void load();  // does nothing when it is loaded; raises ImportError

// The path of the library, asked for by `load`. Installed by python/, for the package knows what else is installed.
extern std::string (*library_path)();

}  // namespace pb::blas
