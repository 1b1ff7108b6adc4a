// The cells of recurrent layers (compute/recurrence.cpp) and what comes back through them, a row of n hidden values at a
// time, in one pass over all of its operands.
#pragma once
#include <cstdint>

#include "core/array/dtype.h"

namespace pb {

// By dtype, of float32 and float64. No two operands overlap, and what is absent is a row of zeros. `given` is what the
// input contributes; `x` comes as what the state before contributes, to which the bias is added, and goes as what the
// gates let through.
struct CellKernels {
    void (*tanh[kDTypes])(const void* given, const void* bias, void* x, int64_t n);
    void (*relu[kDTypes])(const void* given, const void* bias, void* x, int64_t n);
    // Of parts i f g o; to the cells and the states, from the cells before.
    void (*lstm[kDTypes])(const void* given, const void* bias, const void* before, void* x, void* cells,
                          void* states, int64_t n);
    // Of parts r z n; `hidden` is what the state before contributes. To the gates r z n and the hidden part of n, and to the
    // states, from the states before.
    void (*gru[kDTypes])(const void* given, const void* bias, const void* hidden, const void* before,
                         void* gates, void* states, int64_t n);

    // Their pullbacks: `dh` is what comes to a state from the time after it, `gh` what comes to it as an output, and `dx` what
    // goes to the gates.
    void (*tanh_pull[kDTypes])(const void* states, const void* dh, const void* gh, void* dx, int64_t n);
    void (*relu_pull[kDTypes])(const void* states, const void* dh, const void* gh, void* dx, int64_t n);
    // `dc` and `gc` alike of the cells; `dc` goes as what comes to the cells before.
    void (*lstm_pull[kDTypes])(const void* gates, const void* before, const void* cells, const void* dh,
                               const void* gh, void* dc, const void* gc, void* dx, int64_t n);
    // dx goes to what was given, dq to the hidden part, and in `dh` what goes past the cell to the state before.
    void (*gru_pull[kDTypes])(const void* gates, const void* before, void* dh, const void* gh, void* dx,
                              void* dq, int64_t n);
};

const CellKernels& cell_kernels();

}  // namespace pb
