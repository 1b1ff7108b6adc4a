// Updates: steps of optimisers over a parameter, its gradient and what they remember of earlier ones, in one pass.
//
// Each element goes through the operations that `optim` writes down, one by one, and is rounded as often: the bits are those
// of the operators.
#pragma once
#include <cstdint>

#include "core/array/dtype.h"

namespace pb {

struct AdamStep {
    double weight;        // of the gradient in its mean: 1 - beta1
    double kept, square;  // of the mean of squares: beta2 and 1 - beta2
    double root, eps;     // the root of the mean of squares is divided by `root`, and `eps` is added
    double rate;          // times mean over that is added to the parameter
    double shrink;        // the parameter before that
    double penalty;       // times the parameter is added to the gradient, if it is not 0
};
struct MomentumStep {
    double kept, weight;  // of the velocity, and of the gradient in it
    double rate;          // times velocity is added to the parameter
    double penalty;       // as above
};

// By dtype, of float32 and float64. None of the memory overlaps.
struct UpdateKernels {
    void (*adam[kDTypes])(void* parameter, const void* gradient, void* mean, void* squares, const AdamStep&,
                          int64_t n);
    void (*momentum[kDTypes])(void* parameter, const void* gradient, void* velocity, const MomentumStep&,
                              int64_t n);
};

const UpdateKernels& update_kernels();

}  // namespace pb
