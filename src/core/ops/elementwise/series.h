// Series of a row of the table: a program that computes coefficients from coefficients (calculus/series.py), played
// through the ordinary recorder.
#pragma once
#include "ops/elementwise/elementwise.h"

namespace pb::ops {

// Gives `y`, the row's value at what the operands are `below` a level of series, its coefficients.
void expand_row(const Row& row, const Tensors& operands, const Operand* below, const Tensor& y,
                uint64_t level);

}  // namespace pb::ops
