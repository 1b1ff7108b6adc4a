// Indexing, gathering and scattering: operators/indexing.py.
#include "ops/index/index.h"

#include <cstring>

#include "ops/operators.h"
#include "python/bind/bind.h"

namespace pb {

using ops::Form;

template <> struct Reading<Form> : Plain<Form> {  // which form was called; no argument
    static constexpr Wants wants = {""};
    static constexpr size_t width = 0;
    Reading(const Args& a, size_t) : Plain{a.of.in_place ? Form::InPlace : Form::New} {}
};
template <> struct Reading<ops::Reduce> : Plain<ops::Reduce> {
    static constexpr Wants wants = {"text"};
    Reading(const Args& a, size_t i)
        : Plain{static_cast<ops::Reduce>(1 + word_of(a, i, {"sum", "prod", "mean", "amax", "amin"}))} {
        if (value > ops::Reduce::AMin)
            fail("reduce argument must be either sum, prod, mean, amax or amin, got {}", a.text(a.at(i)));
    }
};

namespace {

// `src`, a tensor, or `value`, a number, which may stand in its place.
Tensor scatter(Form form, const Tensor& x, int64_t dim, const Tensor& index, const Argument& src,
               const Argument& value, const Argument& reduce, CalledAs called) {
    if (src.given() == value.given())
        fail_as(ErrorKind::Type,
                "{}() received an invalid combination of arguments: give either src, a tensor, or value, a "
                "number",
                called.name);
    Tensor hold;
    Operand from = src.given() ? src.operand(hold) : value.operand(hold);
    if (value.given() && from.tensor) from = value.scalar();
    if (!reduce.given()) return ops::scatter(form, x, dim, index, from);
    const char* how = reduce.text();
    bool add = !std::strcmp(how, "add");
    if (!add && std::strcmp(how, "multiply")) fail("reduce argument must be either add or multiply.");
    if (!from.tensor) hold = ops::expand(ops::scalar_tensor(from.scalar, x.dtype()), index.shape());
    return add ? ops::scatter_add(form, x, dim, index, hold)
               : ops::scatter_reduce(form, x, dim, index, hold, ops::Reduce::Prod, true);
}
Tensor scatter_add(Form form, const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src) {
    return ops::scatter_add(form, x, dim, index, src);
}
Tensor masked_fill(Form form, const Tensor& x, const Tensor& mask, const Operand& value) {
    return ops::masked_fill(form, x, mask, value);
}

Tensor take_along_dim(const Tensor& input, const Tensor& indices, MaybeDim given) {
    Tensor x = input, index = indices;
    if (!given) {
        if (!is_index(index.dtype())) return ops::gather(x, 0, index);  // raises
        return ops::gather(ops::reshape(x, Dims{-1}), 0, ops::reshape(index, Dims{-1}));
    }
    if (x.ndim() != index.ndim())
        fail(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, but got {} "
            "dimensions for input, and {} dimensions for indices",
            x.ndim(), index.ndim());
    int64_t dim = wrap_dim(*given, x.ndim());
    if (x.ndim() == 0)
        fail_as(ErrorKind::Index, "Dimension specified as {} but tensor has no dimensions", *given);
    // All dimensions but `dim` broadcast.
    Dims xs = x.shape(), is = index.shape();
    for (size_t d = 0; d < xs.size(); ++d) {
        if (static_cast<int64_t>(d) == dim) continue;
        int64_t n = broadcast_shapes(*Layout::contiguous(Dims{xs[d]}), *Layout::contiguous(Dims{is[d]}))[0];
        xs[d] = is[d] = n;
    }
    if (!(xs == x.shape())) x = ops::expand(x, xs);
    if (!(is == index.shape())) index = ops::expand(index, is);
    return ops::gather_wrapped(x, dim, index);
}

// Where elements are not zero: one index tensor a dimension.
Tensors positions(const Tensor& x) {
    Tensor t = x.ndim() ? x : ops::reshape(x, Dims{1});
    GradMode off(false);
    Tensor n = ops::nonzero(ops::detach(t));
    Tensors out;
    for (int64_t d = 0; d < n.size(1); ++d) out.push_back(ops::detach(ops::select(n, 1, d)));
    return out;
}
TensorOrTensors nonzero(const Tensor& x, bool as_tuple) {
    if (as_tuple) return positions(x);
    return ops::nonzero(x);
}
TensorOrTensors where_or_positions(const Tensor& condition, const Argument& input, const Argument& other) {
    const bool values = input.object() != Py_NotImplemented;  // stands for what was not given: None was
    if (!values && other.object() == Py_NotImplemented) return positions(condition);
    if (!values || other.object() == Py_NotImplemented || !input.given() || !other.given())
        fail_as(ErrorKind::Type,
                "where() received an invalid combination of arguments: give a condition alone, or a "
                "condition and both values");
    Tensor x, y;
    return ops::where(condition, input.operand(x), other.operand(y));
}
Tensor where_method(const Operand& input, const Tensor& condition, const Operand& other) {
    return ops::where(condition, input, other);
}

const Binding bindings[] = {
    bind_both<&ops::index_put>("index_put"),
    bind<&ops::gather>("gather"),
    bind_both<&scatter>("scatter"),
    bind_both<&scatter_add>("scatter_add"),
    bind_both<&ops::scatter_reduce>("scatter_reduce"),
    bind<&ops::index_select>("index_select"),
    bind_both<&ops::index_add>("index_add"),
    bind_both<&ops::index_copy>("index_copy"),
    bind_both<&ops::index_fill>("index_fill"),
    bind_both<&masked_fill>("masked_fill"),
    bind<&ops::masked_select>("masked_select"),
    bind_both<&ops::masked_scatter>("masked_scatter"),
    bind<&ops::take>("take"),
    bind<&take_along_dim>("take_along_dim"),
    bind_both<&ops::put_flat>("put"),
    bind<&nonzero>("nonzero"),
    bind<&where_or_positions>("where_or_positions"),
    bind<&where_method>("where_method"),
};

}  // namespace

void bind_index() { add_bindings(bindings); }

}  // namespace pb
