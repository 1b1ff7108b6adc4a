// Whether an operation leaves its result pending.
#pragma once
#include "program/expression.h"
#include "tensor/modes.h"

namespace pb::ops {

// A result of this shape, computed from these. In anomaly mode everything is computed at the call.
inline bool leaves_pending(const Source* inputs, int n, const Layout& layout, DType result) {
    return !modes.anomaly && is_deferred(inputs, n, layout, result);
}

}  // namespace pb::ops
