#include "compute/matrices.h"

#include <utility>

#include "array/error.h"
#include "library/blas.h"

namespace pb {

Array by_columns(DType dtype, const Dims& shape) {
    const size_t n = shape.size();
    Dims turned(shape), strides(n);
    std::swap(turned[n - 1], turned[n - 2]);
    int64_t step = 1;
    for (size_t d = n; d-- > 0;) {
        strides[d] = step;
        step = checked_mul(step, std::max<int64_t>(turned[d], 1));
    }
    std::swap(strides[n - 1], strides[n - 2]);
    return Array::empty(dtype, Layout::strided(shape, strides));
}

lapack::Int lapack_size(int64_t n) {
    if (!blas::fits(n))
        fail("a matrix with {} rows or columns is too large for LAPACK, which counts with 32 bits", n);
    return static_cast<lapack::Int>(n);
}

}  // namespace pb
