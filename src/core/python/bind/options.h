// What every function that makes a tensor takes besides its contents: dtype, layout, device, pin_memory,
// requires_grad, in this order in every signature.
#pragma once
#include "array/limits.h"
#include "ops/operators.h"
#include "python/read/from_data.h"

namespace pb {

struct Options {
    bool dtype_given = false;
    DType dtype = DType::Float32;
    bool requires_grad = false;
    DType dtype_or(DType fallback) const { return dtype_given ? dtype : fallback; }
};

// The five arguments from position `first` on.
Options read_options(const Args& a, size_t first);
// The same without a layout: dtype, device, pin_memory, requires_grad.
Options read_short_options(const Args& a, size_t first);
PyObject* finish(Tensor t, const Options& o);
bool keeps_strides(PyObject* memory_format);  // False: contiguous
void require_kernels(const char* operation, DType d);

}  // namespace pb
