// Decompositions of matrices, and what is solved with them: from arrays to arrays, any batch in front. What is not said to
// be one of `Flags` or `Numbers` is an input. Shapes have been checked. `info` (int32) is LAPACK's: 0, or what failed.
#pragma once
#include "compute/matrices.h"

namespace pb {

// What a decomposition is asked for besides its operands, flags and numbers in the order of its declaration.
using Options = Small<double, 4>;

namespace decompose {

// factors.cpp
Arrays lu(const Arrays& x, const Options&);               // a -> lu, pivots, info
Arrays cholesky(const Arrays& x, const Options&);         // a; upper -> l, info
Arrays ldl(const Arrays& x, const Options&);              // a; hermitian -> ld, pivots, info
Arrays determinant(const Arrays& x, const Options&);      // a, lu, pivots -> det
Arrays log_determinant(const Arrays& x, const Options&);  // a, lu, pivots -> sign, log|det|
Arrays permutation(const Arrays& x, const Options&);      // pivots; rows -> p, float like the second input

// solving.cpp
Arrays lu_solve(const Arrays& x, const Options&);          // lu, pivots, b; transposed -> x
Arrays solve(const Arrays& x, const Options&);             // a, lu, pivots, b; transposed -> x
Arrays triangular_solve(const Arrays& x, const Options&);  // a, b; upper, transposed, unit -> x
Arrays ldl_solve(const Arrays& x, const Options&);         // ld, pivots, b; hermitian -> x

// spectra.cpp
Arrays eigh(const Arrays& x, const Options&);  // a; upper, vectors -> w, v, info
Arrays svd(const Arrays& x, const Options&);   // a; full, vectors -> u, s, vh, info
Arrays eig(const Arrays& x, const Options&);   // a; real, vectors -> w, v, info

inline Arrays eigvalsh(const Arrays& x, const Options& o) {  // a; upper -> w, info
    Arrays found = eigh(x, {o[0], 0});
    return {found[0], found[2]};
}
inline Arrays svdvals(const Arrays& x, const Options&) {  // a -> s, info
    Arrays found = svd(x, {0, 0});
    return {found[1], found[3]};
}

inline Arrays eigvals(const Arrays& x, const Options& o) {  // a; real -> w, info
    Arrays found = eig(x, {o[0], 0});
    return {found[0], found[2]};
}

// orthogonal.cpp
Arrays geqrf(const Arrays& x, const Options&);  // a -> a, tau
Arrays qr(const Arrays& x, const Options&);     // a; complete, with q -> q, r

// least_squares.cpp
Arrays lstsq(const Arrays& x, const Options&);  // a, b; driver, rcond -> x, residuals, rank, s

// matrix_exp.cpp
Arrays matrix_exp(const Arrays& x, const Options&);  // a -> e

// distances.cpp: of an order of 1 or 2
Arrays distances(const Arrays& x, const Options&);             // a, b; order -> d
Arrays slopes_along_points(const Arrays& x, const Options&);   // y, a, b; order -> s
Arrays slopes_across_points(const Arrays& x, const Options&);  // w, a, b; order -> r

// distribution_slopes.cpp: of equal shapes; derivatives of distribution functions by parameters, over their densities
Arrays gamma_slope(const Arrays& x, const Options&);  // y, a; order -> slope
Arrays beta_slope(const Arrays& x, const Options&);   // y, a, b; order by a, by b -> slope
Arrays gamma_cdf(const Arrays& x, const Options&);    // y, a -> p
Arrays beta_cdf(const Arrays& x, const Options&);     // y, a, b -> p

// The last operand: what has been found in other ways, and is differentiated as a function of the others.
inline Arrays given(const Arrays& x, const Options&) { return {x.back()}; }

// The first element that is not 0: its number, and what it is; -1 if there is none.
std::pair<int64_t, int64_t> first_failure(const Array& info);
bool holds_anywhere(const Array& mask);  // of bool
// The largest number of pivots of a matrix, of any in the batch, that are as good as zero beside its largest one.
int64_t small_pivots(const Array& lu, double threshold);

}  // namespace decompose
}  // namespace pb
