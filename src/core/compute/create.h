// Arrays of numbers that follow from their position: ranges, identities, the positions of a triangle.
#pragma once
#include "array/array.h"

namespace pb::compute {

// start, start + step, ... over a vector. Integers are counted in integers: doubles lose the last bits.
void count_up(const Array& a, Scalar start, Scalar step);
// Evenly from `start` to `end`, over a vector, both parts of complex numbers; and powers of `base` with such exponents.
void space_evenly(const Array& a, Scalar start, Scalar end);
void space_powers(const Array& a, Scalar start, Scalar end, double base);
Array identity(DType dtype, int64_t rows, int64_t columns);

// Where a row of a matrix is cut by a diagonal: the first column that a lower triangle drops, or that an upper one keeps.
inline int64_t triangle_edge(int64_t row, int64_t columns, int64_t diagonal, bool upper) {
    __int128 edge = static_cast<__int128>(row) + diagonal + (upper ? 0 : 1);
    return edge < 0 ? 0 : edge > columns ? columns : static_cast<int64_t>(edge);
}
// The positions of a triangle of a matrix, int64: [2, n]. `n` is the number of them.
Array triangle_positions(int64_t rows, int64_t columns, int64_t diagonal, bool upper, int64_t n);

// One number, as an array of no dimensions.
Array of_number(Scalar value, DType dtype);

}  // namespace pb::compute
