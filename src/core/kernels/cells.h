// What comes back through the cells of recurrent layers (compute/recurrence.cpp), a row of n hidden values at a time.
#pragma once
#include <cstdint>

#include "core/array/dtype.h"

namespace pb {

// By dtype, of float32 and float64. No two operands overlap.
struct CellKernels {
    // An LSTM's, from its gates i f g o, the cells before, tanh of the cells and what comes to the states and the cells: what
    // comes to the gates, and in `dc` to the cells before.
    void (*lstm_pull[kDTypes])(const void* gates, const void* before, const void* bent, const void* dh,
                               void* dc, void* dx, int64_t n);
    // A GRU's, from its gates r z n and the hidden part of n, and the states before: dx for what was given, dq for the hidden
    // part, and in `dh` what goes past the cell.
    void (*gru_pull[kDTypes])(const void* gates, const void* before, void* dh, void* dx, void* dq, int64_t n);
};

const CellKernels& cell_kernels();

}  // namespace pb
