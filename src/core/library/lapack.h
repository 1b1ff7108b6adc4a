// LAPACK: the decompositions of matrices, from the same library as BLAS.
//
// The functions are Fortran's: matrices lie column by column, everything is passed by its address, and a character
// is followed by its length at the end of the list. Nothing is copied or checked here. `functions<T>()` loads the
// library and must be called before the interpreter's lock is released.
#pragma once
#include <cstddef>
#include <cstdint>

#include "array/complex.h"

namespace pb::lapack {

using Int = int;  // of the library: 32 bits

// Those that are alike for real and complex numbers.
template <class T> struct Factoring {
    // Linear systems
    void (*getrf)(Int* m, Int* n, T* a, Int* lda, Int* pivots, Int* info);
    void (*getrs)(const char* trans, Int* n, Int* nrhs, const T* a, Int* lda, const Int* pivots, T* b,
                  Int* ldb, Int* info, size_t);
    void (*potrf)(const char* uplo, Int* n, T* a, Int* lda, Int* info, size_t);
    void (*sytrf)(const char* uplo, Int* n, T* a, Int* lda, Int* pivots, T* work, Int* lwork, Int* info,
                  size_t);
    void (*sytrs)(const char* uplo, Int* n, Int* nrhs, const T* a, Int* lda, const Int* pivots, T* b,
                  Int* ldb, Int* info, size_t);
    void (*trsm)(const char* side, const char* uplo, const char* trans, const char* diag, Int* m, Int* n,
                 T* alpha, const T* a, Int* lda, T* b, Int* ldb, size_t, size_t, size_t, size_t);
    // Orthogonal factors
    void (*geqrf)(Int* m, Int* n, T* a, Int* lda, T* tau, T* work, Int* lwork, Int* info);
    void (*orgqr)(Int* m, Int* n, Int* k, T* a, Int* lda, const T* tau, T* work, Int* lwork, Int* info);
    // Least squares
    void (*gels)(const char* trans, Int* m, Int* n, Int* nrhs, T* a, Int* lda, T* b, Int* ldb, T* work,
                 Int* lwork, Int* info, size_t);
};

template <class T> struct Functions : Factoring<T> {
    // Spectra
    void (*syevd)(const char* jobz, const char* uplo, Int* n, T* a, Int* lda, T* w, T* work, Int* lwork,
                  Int* iwork, Int* liwork, Int* info, size_t, size_t);
    void (*gesdd)(const char* jobz, Int* m, Int* n, T* a, Int* lda, T* s, T* u, Int* ldu, T* vt, Int* ldvt,
                  T* work, Int* lwork, Int* iwork, Int* info, size_t);
    void (*gesvd)(const char* jobu, const char* jobvt, Int* m, Int* n, T* a, Int* lda, T* s, T* u, Int* ldu,
                  T* vt, Int* ldvt, T* work, Int* lwork, Int* info, size_t, size_t);
    void (*geev)(const char* jobvl, const char* jobvr, Int* n, T* a, Int* lda, T* wr, T* wi, T* vl, Int* ldvl,
                 T* vr, Int* ldvr, T* work, Int* lwork, Int* info, size_t, size_t);
    // Least squares
    void (*gelsy)(Int* m, Int* n, Int* nrhs, T* a, Int* lda, T* b, Int* ldb, Int* jpvt, T* rcond, Int* rank,
                  T* work, Int* lwork, Int* info);
    void (*gelss)(Int* m, Int* n, Int* nrhs, T* a, Int* lda, T* b, Int* ldb, T* s, T* rcond, Int* rank,
                  T* work, Int* lwork, Int* info);
    void (*gelsd)(Int* m, Int* n, Int* nrhs, T* a, Int* lda, T* b, Int* ldb, T* s, T* rcond, Int* rank,
                  T* work, Int* lwork, Int* iwork, Int* info);
};

template <class R> struct Functions<Complex<R>> : Factoring<Complex<R>> {
    using T = Complex<R>;
    // Hermitian systems: sytrf and sytrs are about symmetric ones
    void (*hetrf)(const char* uplo, Int* n, T* a, Int* lda, Int* pivots, T* work, Int* lwork, Int* info,
                  size_t);
    void (*hetrs)(const char* uplo, Int* n, Int* nrhs, const T* a, Int* lda, const Int* pivots, T* b,
                  Int* ldb, Int* info, size_t);
    // Spectra
    void (*heevd)(const char* jobz, const char* uplo, Int* n, T* a, Int* lda, R* w, T* work, Int* lwork,
                  R* rwork, Int* lrwork, Int* iwork, Int* liwork, Int* info, size_t, size_t);
    void (*gesdd)(const char* jobz, Int* m, Int* n, T* a, Int* lda, R* s, T* u, Int* ldu, T* vt, Int* ldvt,
                  T* work, Int* lwork, R* rwork, Int* iwork, Int* info, size_t);
    void (*gesvd)(const char* jobu, const char* jobvt, Int* m, Int* n, T* a, Int* lda, R* s, T* u, Int* ldu,
                  T* vt, Int* ldvt, T* work, Int* lwork, R* rwork, Int* info, size_t, size_t);
    void (*geev)(const char* jobvl, const char* jobvr, Int* n, T* a, Int* lda, T* w, T* vl, Int* ldvl, T* vr,
                 Int* ldvr, T* work, Int* lwork, R* rwork, Int* info, size_t, size_t);
    // Least squares
    void (*gelsy)(Int* m, Int* n, Int* nrhs, T* a, Int* lda, T* b, Int* ldb, Int* jpvt, R* rcond, Int* rank,
                  T* work, Int* lwork, R* rwork, Int* info);
    void (*gelss)(Int* m, Int* n, Int* nrhs, T* a, Int* lda, T* b, Int* ldb, R* s, R* rcond, Int* rank,
                  T* work, Int* lwork, R* rwork, Int* info);
    void (*gelsd)(Int* m, Int* n, Int* nrhs, T* a, Int* lda, T* b, Int* ldb, R* s, R* rcond, Int* rank,
                  T* work, Int* lwork, R* rwork, Int* iwork, Int* info);
};

template <class T> const Functions<T>& functions();

}  // namespace pb::lapack
