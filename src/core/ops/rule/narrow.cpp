#include "ops/rule/narrow.h"

#include "program/program.h"

namespace pb {

Tensors widened(const Tensors& all) {
    Tensors wide(all);
    for (Tensor& t : wide)
        if (t && is_stored_only(t.dtype())) t = ops::to_dtype(t, computed_as(t.dtype()));
    return wide;
}

void narrow_results(Tensors& out, const Tensors& inputs) {
    DType common = DType::Bool;
    for (const Tensor& x : inputs)
        if (x && is_differentiable(x.dtype())) common = promote(common, x.dtype());
    if (!is_stored_only(common)) return;
    for (Tensor& y : out)
        if (y) y = ops::to_dtype(y, stored_like(y.dtype(), common));
}

void narrow_each(Tensors& all, const Tensors& like) {
    for (size_t i = 0; i < all.size(); ++i)
        if (all[i] && like[i]) all[i] = ops::to_dtype(all[i], like[i].dtype());
}

void write_back(const Tensor& changed, const Tensor& to) {
    if (!changed.is(to)) copy_array(changed.array(), to.array());
}

}  // namespace pb
