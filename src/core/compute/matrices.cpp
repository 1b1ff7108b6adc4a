#include "compute/matrices.h"

#include <utility>

#include "array/error.h"
#include "library/blas.h"

namespace pb {

Dims batch_of(const Array& a, int64_t inside, std::initializer_list<int64_t> rest) {
    Dims shape = a.layout->dims();
    shape.resize(static_cast<size_t>(a.ndim() - inside));
    for (int64_t n : rest) shape.push_back(n);
    return shape;
}

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

Batch::Batch(std::initializer_list<Operand> operands) {
    size_t nd = 0;
    for (const Operand& o : operands) nd = std::max(nd, static_cast<size_t>(o.array.ndim() - o.inside));
    shape = Dims(nd, 1);
    for (const Operand& o : operands) {
        const auto own = static_cast<size_t>(o.array.ndim() - o.inside);
        for (size_t d = 0; d < own; ++d) {
            int64_t& size = shape[nd - own + d];
            if (size == 1) size = o.array.size(static_cast<int64_t>(d));
        }
    }
    for (int64_t n : shape) count = checked_mul(count, n);
    for (const Operand& o : operands) {
        const auto own = static_cast<size_t>(o.array.ndim() - o.inside);
        for (size_t d = 0; d < nd; ++d) {
            const auto at = static_cast<int64_t>(d) - static_cast<int64_t>(nd - own);
            strides_.push_back(at < 0 || o.array.size(at) == 1 ? 0 : o.array.stride(at));
        }
        // Seen as one dimension: each stride is that of the next one, as often as that is long.
        const int64_t* strides = strides_.end() - nd;
        int64_t step = 0, expected = 0;
        bool first = true;
        for (size_t d = nd; d-- > 0;) {
            if (shape[d] == 1) continue;
            if (first) step = expected = strides[d];
            else if (strides[d] != expected) step = kUneven;
            first = false;
            if (step == kUneven) break;
            expected *= shape[d];
        }
        steps_.push_back(step);
    }
}

}  // namespace pb
