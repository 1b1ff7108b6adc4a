#include "ops/reduce/reduction.h"

#include <algorithm>

namespace pb::ops {

Dims reduced_dims(const Tensor& x, const Dims& dims) {
    const int64_t n = x.ndim();
    Dims out;
    if (dims.empty()) {
        for (int64_t d = -n; d < 0; ++d) out.push_back(d);
        return out;
    }
    for (int64_t d : dims) {
        d = wrap_dim(d, n);
        if (std::find(out.begin(), out.end(), d - n) != out.end())
            fail("dim {} appears multiple times in the list of dims", d);
        if (n) out.push_back(d - n);
    }
    std::sort(out.begin(), out.end());
    return out;
}

Array reduced(Reduction r, const Array& a, const Dims& dims, bool keepdim) {
    return reduce_value(r, a, dims, keepdim, !modes.anomaly);
}

Tensor pick_along(const Tensor& x, int64_t dim, const Tensor& index) { return gather(x, dim, index); }

Tensor place_along(const Tensor& g, int64_t dim, const Tensor& index, const Dims& shape) {
    return scatter_add(zeros(g.dtype(), shape), dim, index, g);
}

void check_recordable(const Tensor& x, DType d) {
    if (modes.grad && x.requires_grad() && !is_differentiable(d))
        fail(
            "Autograd not support dtype: {}. The input requires grad, and integers have no derivative: "
            "detach() it first.",
            dtype_legacy_name(d));
}

}  // namespace pb::ops
