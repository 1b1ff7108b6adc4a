// Where an array is true.
#pragma once
#include "array/array.h"

namespace pb::compute {

// Who asks, as PyTorch names it where the entries of a vmap would have results of different lengths.
enum class Asking { Nonzero, Index, Select };

// Row-major numbers of the elements that are not zero: int64. Of each entry of `lead` leading dimensions, which have to
// have the same number of them, behind those dimensions.
Array nonzero_numbers(const Array& a, int64_t lead, Asking who);
// Their positions: one row an element, stored column by column, as PyTorch does: each column is one index.
Array nonzero(const Array& a, int64_t lead = 0);

}  // namespace pb::compute
