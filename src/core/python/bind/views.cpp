// Views, and what a tensor says about its geometry.
#include "ops/operators.h"
#include "python/read/convert.h"

namespace pb {

namespace {

PyObject* same(const Args& a, const Tensor&) {  // in-place operators return their argument
    Py_INCREF(a.raw(0));
    return a.raw(0);
}
int64_t integer_or(const Args& a, size_t i, int64_t fallback) { return a.given(i) ? a.integer(i) : fallback; }
bool is_list(PyObject* o) { return PyTuple_Check(o) || PyList_Check(o); }

// view(input, *size, dtype=None): a dtype may also stand in the place of the sizes.
PyObject* view(const Args& a) {
    Tensor x = a.tensor(0);
    PyObject* size = a.raw(1);
    if (a.given(2)) return wrap(ops::view_dtype(x, a.dtype(2)));
    if (PyTuple_Check(size) && PyTuple_GET_SIZE(size) == 1 && is_dtype(PyTuple_GET_ITEM(size, 0)))
        return wrap(ops::view_dtype(x, dtype_of(PyTuple_GET_ITEM(size, 0))));
    return wrap(ops::view(x, a.dims(1)));
}
PyObject* view_as(const Args& a) { return wrap(ops::view(a.tensor(0), a.tensor(1).shape())); }
PyObject* reshape(const Args& a) { return wrap(ops::reshape(a.tensor(0), a.dims(1))); }
PyObject* reshape_as(const Args& a) { return wrap(ops::reshape(a.tensor(0), a.tensor(1).shape())); }
PyObject* flatten(const Args& a) { return wrap(ops::flatten(a.tensor(0), a.integer(1), a.integer(2))); }
PyObject* unflatten(const Args& a) {
    if (!a.raw(2) || !is_list(a.raw(2))) a.fail_type(2, "tuple of ints");
    return wrap(ops::unflatten(a.tensor(0), a.integer(1), a.dims(2)));
}
PyObject* ravel(const Args& a) { return wrap(ops::view(ops::contiguous(a.tensor(0)), Dims{-1})); }
PyObject* expand(const Args& a) { return wrap(ops::expand(a.tensor(0), a.dims(1))); }
PyObject* expand_as(const Args& a) { return wrap(ops::expand(a.tensor(0), a.tensor(1).shape())); }
PyObject* broadcast_tensors(const Args& a) { return wrap_tuple(ops::broadcast(a.tensors(0))); }
PyObject* permute(const Args& a) { return wrap(ops::permute(a.tensor(0), a.dims(1))); }
PyObject* transpose(const Args& a) { return wrap(ops::transpose(a.tensor(0), a.integer(1), a.integer(2))); }
PyObject* t(const Args& a) { return wrap(ops::t(a.tensor(0))); }
PyObject* adjoint(const Args& a) {
    Tensor x = a.tensor(0);
    if (x.ndim() < 2)
        fail("tensor.adjoint() is only supported on matrices or batches of matrices. Got {}-D tensor.",
             x.ndim());
    return wrap(ops::transpose(x, -2, -1));
}
PyObject* movedim(const Args& a) { return wrap(ops::movedim(a.tensor(0), a.dims(1), a.dims(2))); }
PyObject* squeeze(const Args& a) {
    Tensor x = a.tensor(0);
    if (!a.given(1)) return wrap(ops::squeeze(x));
    return wrap(is_list(a.raw(1)) ? ops::squeeze(x, a.dims(1)) : ops::squeeze(x, a.integer(1)));
}
PyObject* unsqueeze(const Args& a) { return wrap(ops::unsqueeze(a.tensor(0), a.integer(1))); }
PyObject* detach(const Args& a) { return wrap(ops::detach(a.tensor(0))); }
PyObject* contiguous(const Args& a) { return wrap(ops::contiguous(a.tensor(0))); }
// clone(input, *, memory_format=None): the contiguous format is the one that changes anything.
PyObject* clone(const Args& a) {
    Tensor x = a.tensor(0);
    if (a.given(1)) {
        Owned text(checked(PyObject_Str(a.raw(1))));
        if (PyUnicode_Tailmatch(text.o, Owned(checked(PyUnicode_FromString("contiguous_format"))).o, 0,
                                PY_SSIZE_T_MAX, 1) == 1)
            return wrap(ops::as_layout(x, Layout::contiguous(x.shape())));
    }
    return wrap(ops::clone(x));
}

template <int64_t N> PyObject* atleast(const Args& a) {
    Tensors xs = a.tensors(0);
    if (xs.size() == 1) return wrap(ops::atleast(xs[0], N));
    for (Tensor& x : xs) x = ops::atleast(x, N);
    return wrap_tuple(xs);
}

// ---- parts ----

PyObject* narrow(const Args& a) {
    if (a.is_tensor(2)) {
        Tensor start = a.tensor(2);
        if (start.ndim() != 0 || !is_integral(start.dtype())) fail("start must be an 0-dim integral Tensor.");
    }
    return wrap(ops::narrow(a.tensor(0), a.integer(1), a.integer(2), a.integer(3)));
}
PyObject* select(const Args& a) { return wrap(ops::select(a.tensor(0), a.integer(1), a.integer(2))); }
PyObject* diagonal(const Args& a) {
    return wrap(ops::diagonal(a.tensor(0), a.integer(1), a.integer(2), a.integer(3)));
}
PyObject* unfold(const Args& a) {
    return wrap(ops::unfold(a.tensor(0), a.integer(1), a.integer(2), a.integer(3)));
}
PyObject* as_strided(const Args& a) {
    Tensor x = a.tensor(0);
    return wrap(ops::as_strided(x, a.dims(1), a.dims(2), integer_or(a, 3, x->offset)));
}
PyObject* unbind(const Args& a) { return wrap_tuple(ops::unbind(a.tensor(0), a.integer(1))); }
PyObject* iterate(const Args& a) {
    Tensor x = a.tensor(0);
    if (x.ndim() == 0) fail_as(ErrorKind::Type, "iteration over a 0-d tensor");
    Owned rows(wrap_tuple(ops::unbind(x, 0)));
    return checked(PyObject_GetIter(rows.o));
}
PyObject* split(const Args& a) {
    Tensor x = a.tensor(0);
    int64_t dim = a.integer(2);
    return wrap_tuple(a.raw(1) && is_list(a.raw(1)) ? ops::split_with_sizes(x, a.dims(1), dim)
                                                    : ops::split(x, a.integer(1), dim));
}
PyObject* split_with_sizes(const Args& a) {
    return wrap_tuple(ops::split_with_sizes(a.tensor(0), a.dims(1), a.integer(2)));
}
PyObject* chunk(const Args& a) { return wrap_tuple(ops::chunk(a.tensor(0), a.integer(1), a.integer(2))); }

Tensors split_at(const Args& a, const Tensor& x, int64_t dim) {
    if (a.is_tensor(1)) {
        Tensor where = a.tensor(1);
        if (where.dtype() != DType::Int64)
            fail("tensor_split expected tensor_indices_or_sections to have dtype of long, but got {}",
                 dtype_legacy_name(where.dtype()));
        if (where.ndim() > 1)
            fail(
                "tensor_split expected tensor_indices_or_sections to be a zero-dimensional or "
                "one-dimensional tensor, but got a tensor with {} dims",
                where.ndim());
        if (where.ndim() == 0) return ops::tensor_split(x, a.integer(1), dim);
        Array w = contiguous_array(where.array());
        return ops::tensor_split(x, Dims(w.as<int64_t>(), w.as<int64_t>() + w.numel()), dim);
    }
    if (a.raw(1) && is_list(a.raw(1))) return ops::tensor_split(x, a.dims(1), dim);
    return ops::tensor_split(x, a.integer(1), dim);
}
// tensor_split(input, indices_or_sections, dim=0, *, sections=None, indices=None): the last two are other names.
PyObject* tensor_split(const Args& a) {
    int64_t dim = a.integer(2);
    for (size_t other : {size_t(3), size_t(4)}) {
        if (!a.given(other)) continue;
        PyObject* values[] = {a.raw(0), a.raw(other)};
        return wrap_tuple(split_at(Args{values, a.names, a.operation}, a.tensor(0), dim));
    }
    if (!a.given(1)) a.fail_type(1, "int or tuple of ints");
    return wrap_tuple(split_at(a, a.tensor(0), dim));
}

// hsplit, vsplit, dsplit: an exact division along dimension N, or of a vector along its only one (hsplit).
template <int64_t Least> PyObject* split_evenly(const Args& a) {
    Tensor x = a.tensor(0);
    if (x.ndim() < Least)
        fail("torch.{} requires a tensor with at least {} dimension, but got a tensor with {} dimensions!",
             a.operation, Least, x.ndim());
    int64_t dim = Least == 1 ? (x.ndim() == 1 ? 0 : 1) : Least == 2 ? 0 : 2;
    if (a.raw(1) && !is_list(a.raw(1)) && !a.is_tensor(1)) {
        int64_t n = a.integer(1);
        if (n == 0 || x.size(dim) % n != 0)
            fail(
                "torch.{} attempted to split along dimension {}, but the size of the dimension {} is not "
                "divisible by the split_size {}!",
                a.operation, dim, x.size(dim), n);
    }
    return wrap_tuple(split_at(a, x, dim));
}

PyObject* select_scatter(const Args& a) {
    return wrap(ops::select_scatter(a.tensor(0), a.tensor(1), a.integer(2), a.integer(3)));
}
PyObject* slice_scatter(const Args& a) {
    return wrap(ops::slice_scatter(a.tensor(0), a.tensor(1), a.integer(2), integer_or(a, 3, 0),
                                   integer_or(a, 4, INT64_MAX), a.integer(5)));
}
PyObject* diagonal_scatter(const Args& a) {
    return wrap(ops::diagonal_scatter(a.tensor(0), a.tensor(1), a.integer(2), a.integer(3), a.integer(4)));
}
PyObject* as_strided_scatter(const Args& a) {
    Tensor x = a.tensor(0), source = a.tensor(1);
    int64_t offset = integer_or(a, 4, x->offset);
    Ref<Layout> l = ops::as_strided_layout(x, a.dims(2), a.dims(3), offset);
    if (!l->same_shape(source.layout()))
        fail("expected src to have a size equal to the slice of self. src size = {}, slice size = {}",
             shape_text(source.layout()), shape_text(*l));
    return wrap(ops::as_strided_scatter(x, source, l, offset));
}

// ---- in place ----

PyObject* squeeze_(const Args& a) {
    Tensor x = a.tensor(0);
    if (!a.given(1)) return same(a, ops::squeeze_(x));
    return same(a, is_list(a.raw(1)) ? ops::squeeze_(x, a.dims(1)) : ops::squeeze_(x, a.integer(1)));
}
PyObject* unsqueeze_(const Args& a) { return same(a, ops::unsqueeze_(a.tensor(0), a.integer(1))); }
PyObject* transpose_(const Args& a) {
    return same(a, ops::transpose_(a.tensor(0), a.integer(1), a.integer(2), a.operation));
}
PyObject* t_(const Args& a) { return same(a, ops::t_(a.tensor(0))); }

// ---- geometry ----

int64_t checked_dim(const Args& a, const Tensor& x) {
    int64_t d = a.integer(1);
    if (x.ndim() == 0) fail_as(ErrorKind::Index, "Dimension specified as {} but tensor has no dimensions", d);
    return wrap_dim(d, x.ndim());
}
PyObject* size(const Args& a) {
    Tensor x = a.tensor(0);
    if (!a.given(1)) return shape_object(x.layout().shape(), x.ndim());
    return checked(PyLong_FromLongLong(x.size(checked_dim(a, x))));
}
PyObject* stride(const Args& a) {
    Tensor x = a.tensor(0);
    if (a.given(1)) return checked(PyLong_FromLongLong(x.layout().stride(checked_dim(a, x))));
    Owned tuple(checked(PyTuple_New(x.ndim())));
    for (int64_t d = 0; d < x.ndim(); ++d)
        PyTuple_SET_ITEM(tuple.o, d, checked(PyLong_FromLongLong(x.layout().stride(d))));
    return tuple.release();
}
PyObject* dim(const Args& a) { return checked(PyLong_FromLongLong(a.tensor(0).ndim())); }
PyObject* numel(const Args& a) { return checked(PyLong_FromLongLong(a.tensor(0).numel())); }
PyObject* element_size(const Args& a) { return checked(PyLong_FromSize_t(item_size(a.tensor(0).dtype()))); }
PyObject* storage_offset(const Args& a) { return checked(PyLong_FromLongLong(a.tensor(0)->offset)); }
PyObject* data_ptr(const Args& a) {
    Tensor x = a.tensor(0);
    if (!x.numel()) return PyLong_FromLong(0);
    before_write(x.array());  // whoever gets the address may write there, and expects it to stay
    x->cell->buffer->share();
    return checked(PyLong_FromVoidPtr(x.data()));
}
PyObject* is_contiguous(const Args& a) { return boolean(a.tensor(0).is_contiguous()); }
PyObject* is_set_to(const Args& a) {
    Tensor x = a.tensor(0), y = a.tensor(1);
    return boolean(x->cell->buffer == y->cell->buffer && x->offset == y->offset &&
                   x.layout().same(y.layout()));
}

const OperatorEntry entries[] = {
    {"view", view},
    {"view_as", view_as},
    {"reshape", reshape},
    {"reshape_as", reshape_as},
    {"flatten", flatten},
    {"unflatten", unflatten},
    {"ravel", ravel},
    {"expand", expand},
    {"expand_as", expand_as},
    {"broadcast_tensors", broadcast_tensors},
    {"permute", permute},
    {"transpose", transpose},
    {"t", t},
    {"adjoint", adjoint},
    {"movedim", movedim},
    {"squeeze", squeeze},
    {"unsqueeze", unsqueeze},
    {"detach", detach},
    {"contiguous", contiguous},
    {"clone", clone},
    {"atleast_1d", atleast<1>},
    {"atleast_2d", atleast<2>},
    {"atleast_3d", atleast<3>},
    {"narrow", narrow},
    {"select", select},
    {"diagonal", diagonal},
    {"unfold", unfold},
    {"as_strided", as_strided},
    {"unbind", unbind},
    {"iterate", iterate},
    {"split", split},
    {"split_with_sizes", split_with_sizes},
    {"chunk", chunk},
    {"tensor_split", tensor_split},
    {"hsplit", split_evenly<1>},
    {"vsplit", split_evenly<2>},
    {"dsplit", split_evenly<3>},
    {"select_scatter", select_scatter},
    {"slice_scatter", slice_scatter},
    {"diagonal_scatter", diagonal_scatter},
    {"as_strided_scatter", as_strided_scatter},
    {"squeeze_", squeeze_},
    {"unsqueeze_", unsqueeze_},
    {"transpose_", transpose_},
    {"t_", t_},
    {"size", size},
    {"stride", stride},
    {"dim", dim},
    {"numel", numel},
    {"element_size", element_size},
    {"storage_offset", storage_offset},
    {"data_ptr", data_ptr},
    {"is_contiguous", is_contiguous},
    {"is_set_to", is_set_to},
};

}  // namespace

void bind_views() { register_operators(entries, sizeof entries / sizeof *entries); }

}  // namespace pb
