// Moves of short rows: between where they lie and one contiguous run.
//
// What is broadcast along a short dimension, or is a part of one, lies in rows of a few elements. A call for each would take
// longer than what it moves; so one call moves many, or adds them to what is there, and the commonest lengths have loops of
// their own.
#pragma once
#include <cstdint>

#include "core/array/dtype.h"

namespace pb {

// `count` rows, `pitch` elements apart, of `length` elements, `step` apart.
struct Rows {
    int64_t length, step, count, pitch;
};

using AddRows = void (*)(const void* in, void* base, const Rows& rows);
using BeginRows = void (*)(const void* in, void* base, const Rows& rows, int64_t before);

struct MoveKernels {
    // By `size_index` of the dtype, null for elements that are smaller than floats or larger than doubles.
    void (*gather_rows[kSizes])(const void* base, const Rows& rows, void* out);
    void (*scatter_rows[kSizes])(const void* in, void* base, const Rows& rows);
    // To rows whose elements lie side by side, by dtype: of floats, doubles and complex numbers of those; null for all others.
    AddRows add_rows[kDTypes];
    // The same to rows of zeros, each `pitch` long, from their element `before` on: whatever was in them.
    BeginRows begin_rows[kDTypes];
};

const MoveKernels& move_kernels();
inline AddRows adding_rows(DType d) { return move_kernels().add_rows[static_cast<int>(d)]; }

}  // namespace pb
