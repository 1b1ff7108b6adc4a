// Joining and rearranging.
#include "ops/operators.h"
#include "python/read/convert.h"

namespace pb {

namespace {

PyObject* same(const Args& a, const Tensor&) {
    Py_INCREF(a.raw(0));
    return a.raw(0);
}

PyObject* cat(const Args& a) { return wrap(ops::cat(a.tensors(0), a.integer(1))); }
PyObject* stack(const Args& a) { return wrap(ops::stack(a.tensors(0), a.integer(1))); }

Tensors stackable(const Args& a, int64_t ndim) {
    Tensors parts = a.tensors(0);
    if (parts.empty()) fail("{} expects a non-empty TensorList", a.operation);
    for (Tensor& x : parts) x = ops::atleast(x, ndim);
    return parts;
}
PyObject* hstack(const Args& a) {
    Tensors parts = stackable(a, 1);
    return wrap(ops::cat(parts, parts[0].ndim() == 1 ? 0 : 1));
}
PyObject* vstack(const Args& a) { return wrap(ops::cat(stackable(a, 2), 0)); }
PyObject* dstack(const Args& a) { return wrap(ops::cat(stackable(a, 3), 2)); }
PyObject* column_stack(const Args& a) {
    Tensors parts = a.tensors(0);
    if (parts.empty()) fail("{} expects a non-empty TensorList", a.operation);
    for (Tensor& x : parts)
        if (x.ndim() <= 1) x = ops::reshape(x, Dims{x.numel(), 1});
    return wrap(ops::cat(parts, 1));
}

PyObject* repeat(const Args& a) { return wrap(ops::repeat(a.tensor(0), a.dims(1))); }
PyObject* tile(const Args& a) {
    Tensor x = a.tensor(0);
    Dims reps = a.dims(1);
    while (static_cast<int64_t>(reps.size()) < x.ndim()) reps.insert(0, 1);
    return wrap(ops::repeat(x, reps));
}
// repeat_interleave(input, repeats=None, dim=None, *, output_size=None)
PyObject* repeat_interleave(const Args& a) {
    Tensor x = a.tensor(0);
    int64_t total = a.given(3) ? a.integer(3) : -1;
    if (!a.given(1)) return wrap(ops::repeat_interleave(x, total));
    int64_t dim = 0;
    if (a.given(2)) dim = a.integer(2);
    else x = ops::flatten(x, 0, -1);
    if (a.is_tensor(1)) return wrap(ops::repeat_interleave(x, a.tensor(1), dim, total));
    if (PyTuple_Check(a.raw(1)) || PyList_Check(a.raw(1))) {
        Dims each = a.dims(1);
        Array counts = Array::empty(DType::Int64, Dims{static_cast<int64_t>(each.size())});
        std::copy(each.begin(), each.end(), counts.as<int64_t>());
        return wrap(ops::repeat_interleave(x, Tensor::make(counts), dim, total));
    }
    return wrap(ops::repeat_interleave(x, a.integer(1), dim, total));
}

PyObject* flip(const Args& a) { return wrap(ops::flip(a.tensor(0), a.dims(1))); }
PyObject* fliplr(const Args& a) {
    Tensor x = a.tensor(0);
    if (x.ndim() < 2) fail("Input must be >= 2-d.");
    return wrap(ops::flip(x, Dims{1}));
}
PyObject* flipud(const Args& a) {
    Tensor x = a.tensor(0);
    if (x.ndim() < 1) fail("Input must be >= 1-d.");
    return wrap(ops::flip(x, Dims{0}));
}
PyObject* roll(const Args& a) {
    return wrap(ops::roll(a.tensor(0), a.dims(1), a.given(2) ? a.dims(2) : Dims{}));
}
PyObject* rot90(const Args& a) { return wrap(ops::rot90(a.tensor(0), a.integer(1), a.dims(2))); }

PyObject* tril(const Args& a) { return wrap(ops::tril(a.tensor(0), a.integer(1))); }
PyObject* triu(const Args& a) { return wrap(ops::triu(a.tensor(0), a.integer(1))); }
PyObject* tril_(const Args& a) { return same(a, ops::tril_(a.tensor(0), a.integer(1))); }
PyObject* triu_(const Args& a) { return same(a, ops::triu_(a.tensor(0), a.integer(1))); }
// tril_indices(row, col, offset=0, *, dtype=None)
template <bool Upper> PyObject* triangle_indices(const Args& a) {
    return wrap(
        ops::tril_indices(a.integer(0), a.integer(1), a.integer(2), a.dtype_or(3, DType::Int64), Upper));
}

// diag(input, diagonal=0): a vector becomes a matrix; of a matrix the diagonal is copied.
PyObject* diag(const Args& a) {
    Tensor x = a.tensor(0);
    if (x.ndim() == 1) return wrap(ops::diag_embed(x, a.integer(1), -2, -1));
    if (x.ndim() != 2) fail("diag(): Supports 1D or 2D tensors. Got {}D", x.ndim());
    return wrap(ops::diagonal_copy(x, a.integer(1)));
}
PyObject* diag_embed(const Args& a) {
    return wrap(ops::diag_embed(a.tensor(0), a.integer(1), a.integer(2), a.integer(3)));
}
PyObject* diagflat(const Args& a) {
    Tensor x = a.tensor(0);
    return wrap(ops::diag_embed(ops::view(ops::contiguous(x), Dims{-1}), a.integer(1), -2, -1));
}
PyObject* trace(const Args& a) { return wrap(ops::trace(a.tensor(0))); }

PyObject* constant_pad_nd(const Args& a) {
    return wrap(ops::constant_pad(a.tensor(0), a.dims(1), a.scalar(2)));
}

const OperatorEntry entries[] = {
    {"constant_pad_nd", constant_pad_nd},
    {"cat", cat},
    {"stack", stack},
    {"hstack", hstack},
    {"vstack", vstack},
    {"dstack", dstack},
    {"column_stack", column_stack},
    {"repeat", repeat},
    {"tile", tile},
    {"repeat_interleave", repeat_interleave},
    {"flip", flip},
    {"fliplr", fliplr},
    {"flipud", flipud},
    {"roll", roll},
    {"rot90", rot90},
    {"tril", tril},
    {"triu", triu},
    {"tril_", tril_},
    {"triu_", triu_},
    {"tril_indices", triangle_indices<false>},
    {"triu_indices", triangle_indices<true>},
    {"diag", diag},
    {"diag_embed", diag_embed},
    {"diagflat", diagflat},
    {"trace", trace},
};

}  // namespace

void bind_join() { register_operators(entries, sizeof entries / sizeof *entries); }

}  // namespace pb
