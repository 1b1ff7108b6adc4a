// Copies in another arrangement: repeated, flipped, rolled, turned, cut to a triangle.
#pragma once
#include "array/array.h"

namespace pb::compute {

// Each dimension so many times over, but the first `lead`; what `repeats` has too many are new dimensions behind those.
Array repeat(const Array& a, const Dims& repeats, int64_t lead);
// Index i along a dimension, counts[i] times; `counts` is a vector of int64, `total` its sum.
Array interleave(const Array& a, const Array& counts, int64_t dim, int64_t total);
// Its adjoint: the sum of each run of counts[i] neighbours. Floats.
Array sum_runs(const Array& a, const Array& counts, int64_t dim);
// The sum of a vector of int64 that says how often something is repeated: raises for a negative number.
int64_t total_of(const Array& counts);
// 0 counts[0] times, 1 counts[1] times and so on, as int64, into a vector that is as long as they sum to.
void repeated_positions(const Array& counts, const Array& out);

Array flip(const Array& a, const Dims& dims);
// By k quarter turns, 0 to 3, from dimension `from` towards `to`.
Array turn(const Array& a, int64_t k, int64_t from, int64_t to);
Array roll(const Array& a, int64_t shift, int64_t dim);

// A row-major copy of every matrix, with zeros beyond the diagonal; and the same in place.
Array triangle(const Array& a, int64_t diagonal, bool upper);
void cut_triangle(const Array& a, int64_t diagonal, bool upper);
// The sums along the diagonals of the matrices, of dtype `d`: `a` without its last two dimensions.
Array trace(const Array& a, DType d);

}  // namespace pb::compute
