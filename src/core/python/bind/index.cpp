// Indexing, gathering and scattering: the C++ halves of operators/indexing.py.
#include <cstring>

#include "ops/index/index.h"
#include "ops/operators.h"
#include "python/read/convert.h"

namespace pb {

namespace {

using ops::Place;

// What an operator and its in-place form share: the latter returns the object it was given.
PyObject* result(Place place, const Args& a, Tensor t) {
    if (place == Place::New) return wrap(std::move(t));
    Py_INCREF(a.raw(0));
    return a.raw(0);
}
template <PyObject* (*f)(Place, const Args&)> PyObject* fresh(const Args& a) { return f(Place::New, a); }
template <PyObject* (*f)(Place, const Args&)> PyObject* here(const Args& a) { return f(Place::Here, a); }

// index_put(input, indices, values, accumulate=False)
PyObject* index_put(Place place, const Args& a) {
    return result(place, a, ops::index_put(place, a.tensor(0), a.tensors(1), a.tensor(2), a.flag(3)));
}

// gather(input, dim, index, *, sparse_grad=False)
PyObject* gather(const Args& a) { return wrap(ops::gather(a.tensor(0), a.integer(1), a.tensor(2))); }

ops::Reduce reduce_of(const char* name) {
    static const char* const names[] = {"sum", "prod", "mean", "amax", "amin"};
    for (int i = 0; i < 5; ++i)
        if (!std::strcmp(names[i], name)) return static_cast<ops::Reduce>(i + 1);
    fail("reduce argument must be either sum, prod, mean, amax or amin, got {}", name);
}

// scatter(input, dim, index, src=None, *, value=None, reduce=None)
PyObject* scatter(Place place, const Args& a) {
    if (a.given(3) == a.given(4))
        fail_as(ErrorKind::Type,
                "{}() received an invalid combination of arguments: give either src, a tensor, or value, a "
                "number",
                a.operation);
    size_t at = a.given(3) ? 3 : 4;
    Tensor hold;
    Operand src = a.operand(at, hold);
    if (at == 4 && src.tensor) src = a.scalar(4);
    Tensor x = a.tensor(0), index = a.tensor(2);
    int64_t dim = a.integer(1);
    if (!a.given(5)) return result(place, a, ops::scatter(place, x, dim, index, src));
    const char* reduce = a.text(5);
    bool add = !std::strcmp(reduce, "add");
    if (!add && std::strcmp(reduce, "multiply")) fail("reduce argument must be either add or multiply.");
    if (!src.tensor) {
        hold = ops::expand(ops::scalar_tensor(src.scalar, x.dtype()), index.shape());
        src = hold;
    }
    if (add) return result(place, a, ops::scatter_add(place, x, dim, index, hold));
    return result(place, a, ops::scatter_reduce(place, x, dim, index, hold, ops::Reduce::Prod, true));
}

// scatter_add(input, dim, index, src)
PyObject* scatter_add(Place place, const Args& a) {
    return result(place, a, ops::scatter_add(place, a.tensor(0), a.integer(1), a.tensor(2), a.tensor(3)));
}

// scatter_reduce(input, dim, index, src, reduce, *, include_self=True)
PyObject* scatter_reduce(Place place, const Args& a) {
    return result(place, a,
                  ops::scatter_reduce(place, a.tensor(0), a.integer(1), a.tensor(2), a.tensor(3),
                                      reduce_of(a.text(4)), a.flag(5)));
}

// index_select(input, dim, index)
PyObject* index_select(const Args& a) {
    return wrap(ops::index_select(a.tensor(0), a.integer(1), a.tensor(2)));
}

// index_add(input, dim, index, source, *, alpha=1)
PyObject* index_add(Place place, const Args& a) {
    return result(place, a,
                  ops::index_add(place, a.tensor(0), a.integer(1), a.tensor(2), a.tensor(3), a.scalar(4)));
}

// index_copy(input, dim, index, source)
PyObject* index_copy(Place place, const Args& a) {
    return result(place, a, ops::index_copy(place, a.tensor(0), a.integer(1), a.tensor(2), a.tensor(3)));
}

// index_fill(input, dim, index, value)
PyObject* index_fill(Place place, const Args& a) {
    Tensor hold;
    return result(place, a,
                  ops::index_fill(place, a.tensor(0), a.integer(1), a.tensor(2), a.operand(3, hold)));
}

// masked_fill(input, mask, value)
PyObject* masked_fill(Place place, const Args& a) {
    Tensor hold;
    return result(place, a, ops::masked_fill(place, a.tensor(0), a.tensor(1), a.operand(2, hold)));
}

// masked_select(input, mask)
PyObject* masked_select(const Args& a) { return wrap(ops::masked_select(a.tensor(0), a.tensor(1))); }

// masked_scatter(input, mask, source)
PyObject* masked_scatter(Place place, const Args& a) {
    return result(place, a, ops::masked_scatter(place, a.tensor(0), a.tensor(1), a.tensor(2)));
}

// take(input, index)
PyObject* take(const Args& a) { return wrap(ops::take(a.tensor(0), a.tensor(1))); }

// take_along_dim(input, indices, dim=None)
PyObject* take_along_dim(const Args& a) {
    Tensor x = a.tensor(0), index = a.tensor(1);
    if (!a.given(2)) {
        if (!is_index(index.dtype())) return wrap(ops::gather(x, 0, index));  // raises
        return wrap(ops::gather(ops::reshape(x, Dims{-1}), 0, ops::reshape(index, Dims{-1})));
    }
    if (x.ndim() != index.ndim())
        fail(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, but got {} "
            "dimensions for input, and {} dimensions for indices",
            x.ndim(), index.ndim());
    int64_t dim = wrap_dim(a.integer(2), x.ndim());
    // All dimensions but `dim` broadcast.
    Dims xs = x.shape(), is = index.shape();
    for (size_t d = 0; d < xs.size(); ++d) {
        if (static_cast<int64_t>(d) == dim) continue;
        int64_t n = broadcast_shapes(*Layout::contiguous(Dims{xs[d]}), *Layout::contiguous(Dims{is[d]}))[0];
        xs[d] = is[d] = n;
    }
    if (!(xs == x.shape())) x = ops::expand(x, xs);
    if (!(is == index.shape())) index = ops::expand(index, is);
    return wrap(ops::gather(x, dim, index));
}

// put(input, index, source, accumulate=False)
PyObject* put(Place place, const Args& a) {
    return result(place, a, ops::put_flat(place, a.tensor(0), a.tensor(1), a.tensor(2), a.flag(3)));
}

PyObject* columns(const Tensor& x) {
    Tensor t = x.ndim() ? x : ops::reshape(x, Dims{1});
    GradMode off(false);
    Tensor n = ops::nonzero(ops::detach(t));
    Tensors out;
    for (int64_t d = 0; d < n.size(1); ++d) out.push_back(ops::detach(ops::select(n, 1, d)));
    return wrap_tuple(out);
}

// nonzero(input, *, as_tuple=False)
PyObject* nonzero(const Args& a) {
    return a.flag(1) ? columns(a.tensor(0)) : wrap(ops::nonzero(a.tensor(0)));
}

// where(condition, input=None, other=None)
PyObject* where_or_positions(const Args& a) {
    if (!a.given(1) && !a.given(2)) return columns(a.tensor(0));
    if (!a.given(1) || !a.given(2))
        fail_as(ErrorKind::Type,
                "where() received an invalid combination of arguments: give a condition alone, or a "
                "condition and both values");
    Tensor condition = a.tensor(0), x, y;
    return wrap(ops::where(condition, a.operand(1, x), a.operand(2, y)));
}

// input.where(condition, other)
PyObject* where_method(const Args& a) {
    PyObject* reordered[3] = {a.raw(1), a.raw(0), a.raw(2)};
    return where_or_positions(Args{reordered, a.names, a.operation});
}

const OperatorEntry entries[] = {
    {"index_put", fresh<index_put>},
    {"index_put_", here<index_put>},
    {"gather", gather},
    {"scatter", fresh<scatter>},
    {"scatter_", here<scatter>},
    {"scatter_add", fresh<scatter_add>},
    {"scatter_add_", here<scatter_add>},
    {"scatter_reduce", fresh<scatter_reduce>},
    {"scatter_reduce_", here<scatter_reduce>},
    {"index_select", index_select},
    {"index_add", fresh<index_add>},
    {"index_add_", here<index_add>},
    {"index_copy", fresh<index_copy>},
    {"index_copy_", here<index_copy>},
    {"index_fill", fresh<index_fill>},
    {"index_fill_", here<index_fill>},
    {"masked_fill", fresh<masked_fill>},
    {"masked_fill_", here<masked_fill>},
    {"masked_select", masked_select},
    {"masked_scatter", fresh<masked_scatter>},
    {"masked_scatter_", here<masked_scatter>},
    {"take", take},
    {"take_along_dim", take_along_dim},
    {"put", fresh<put>},
    {"put_", here<put>},
    {"nonzero", nonzero},
    {"where_or_positions", where_or_positions},
    {"where_method", where_method},
};

}  // namespace

void bind_index() { register_operators(entries, sizeof entries / sizeof *entries); }

}  // namespace pb
