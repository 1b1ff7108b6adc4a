// Products of matrices whose factors are read where they lie. products.cpp has the essay.
#pragma once
#include <cstdint>

#include "core/array/dtype.h"

namespace pb {

// c = alpha a b + beta c, where a is m by k, b is k by n, and neither is empty; with beta 0 the old c is not read. Steps
// between elements are counted in elements, and those of c along a row are 1.
struct MatrixProduct {
    int64_t m, n, k;
    const void* a;
    int64_t a_row, a_column;
    const void* b;
    int64_t b_row, b_column;  // one of them is 1
    void* c;
    int64_t c_row;
    double alpha, beta;
    void* room;  // kProductRoom bytes, on a border of kProductBorder, that nobody else uses meanwhile
};
constexpr int64_t kProductRoom = 1 << 16, kProductBorder = 64;

// By dtype; null where there is none: of dtypes that are not float32 or float64, and where the processor has no
// instruction that multiplies and adds.
struct ProductKernels {
    void (*multiply[kDTypes])(const MatrixProduct&);
    void (*dot[kDTypes])(const void* x, const void* y, int64_t n, void* sum);  // of contiguous vectors
};

const ProductKernels& product_kernels();

}  // namespace pb
