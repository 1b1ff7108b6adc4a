// Moves of short rows: between where they lie and one contiguous run.
//
// What is broadcast along a short dimension, or is a part of one, lies in rows of a few elements. A call for each would take
// longer than what it moves; so one call moves many, and the commonest lengths have loops of their own.
#pragma once
#include <cstdint>

#include "core/array/dtype.h"

namespace pb {

// `count` rows, `pitch` elements apart, of `length` elements, `step` apart.
struct Rows {
    int64_t length, step, count, pitch;
};

struct MoveKernels {
    // By `size_index` of the dtype, null for elements that are smaller than floats or larger than doubles.
    void (*gather_rows[kSizes])(const void* base, const Rows& rows, void* out);
    void (*scatter_rows[kSizes])(const void* in, void* base, const Rows& rows);
};

const MoveKernels& move_kernels();

}  // namespace pb
