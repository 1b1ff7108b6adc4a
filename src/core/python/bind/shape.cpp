// Views, parts, joining and rearranging: operators/views.py, parts.py, joining.py, rearranging.py and geometry.py.
#include "ops/operators.h"
#include "python/bind/options.h"

namespace pb {

namespace {

// ---- another shape ----

// A dtype may also stand in the place of the sizes.
Tensor view(const Tensor& x, const Argument& size, MaybeDType dtype) {
    PyObject* given = size.object();
    if (dtype) return ops::view_dtype(x, *dtype);
    if (PyTuple_Check(given) && PyTuple_GET_SIZE(given) == 1 && is_dtype(PyTuple_GET_ITEM(given, 0)))
        return ops::view_dtype(x, dtype_of(PyTuple_GET_ITEM(given, 0)));
    return ops::view(x, size.dims());
}
Tensor view_as(const Tensor& x, const Tensor& other) { return ops::view(x, other.shape()); }
Tensor reshape_as(const Tensor& x, const Tensor& other) { return ops::reshape(x, other.shape()); }
Tensor expand_as(const Tensor& x, const Tensor& other) { return ops::expand(x, other.shape()); }
Tensor unflatten(const Tensor& x, int64_t dim, const Argument& sizes) {
    if (!sizes.is_list()) sizes.fail_type("tuple of ints");
    return ops::unflatten(x, dim, sizes.dims());
}
Tensor ravel(const Tensor& x) { return ops::view(ops::contiguous(x), Dims{-1}); }
Tensor adjoint(const Tensor& x) {
    if (x.ndim() == 0) {
        if (PyErr_WarnEx(PyExc_UserWarning,
                         "adjoint() is deprecated on 0-D tensors. Consider using x.conj().", 1) < 0)
            throw PythonError();
        return ops::conj(x);
    }
    if (x.ndim() < 2)
        fail("tensor.adjoint() is only supported on matrices or batches of matrices. Got {}-D tensor.",
             x.ndim());
    return ops::conj(ops::transpose(x, -2, -1));
}
Tensor squeeze(const Tensor& x, const Argument& dim) {
    if (!dim.given()) return ops::squeeze(x);
    return dim.is_list() ? ops::squeeze(x, dim.dims()) : ops::squeeze(x, dim.integer());
}
void squeeze_(const Tensor& x, const Argument& dim) {
    if (!dim.given()) ops::squeeze_(x);
    else if (dim.is_list()) ops::squeeze_(x, dim.dims());
    else ops::squeeze_(x, dim.integer());
}
// Without gaps in that order.
bool lies_so(const Tensor& x, Format order) {
    if (order == Format::ChannelsLast) return is_channels_last(x.layout(), 4);
    if (order == Format::ChannelsLast3d) return is_channels_last(x.layout(), 5);
    return x.is_contiguous();
}
void transpose_(const Tensor& x, int64_t a, int64_t b, CalledAs called) {
    ops::transpose_(x, a, b, called.name);
}
Tensor clone(const Tensor& x, MemoryFormat format) { return ops::as_layout(x, format.of(x)); }
Tensor contiguous(const Tensor& x, MemoryFormat format) {
    const Format order = format.given.value_or(Format::Contiguous);
    if (lies_so(x, order)) return x;
    if (order == Format::Preserve)
        fail("preserve memory format is unsupported by the contiguous operator. clone() takes it.");
    return ops::as_layout(x, formatted_layout(x.layout(), order));
}
bool is_contiguous(const Tensor& x, MemoryFormat format) {
    return lies_so(x, format.given.value_or(Format::Contiguous));
}
template <int64_t n> TensorOrTensors atleast(const Tensors& given) {
    if (given.size() == 1) return ops::atleast(given[0], n);
    Tensors xs = given;
    for (Tensor& x : xs) x = ops::atleast(x, n);
    return xs;
}

// ---- parts ----

Tensor narrow(const Tensor& x, int64_t dim, const Argument& start, int64_t length) {
    if (start.is_tensor()) {
        Tensor at = start.tensor();
        if (at.ndim() != 0 || !is_integral(at.dtype())) fail("start must be an 0-dim integral Tensor.");
    }
    return ops::narrow(x, dim, start.integer(), length);
}
Tensor as_strided(const Tensor& x, const Dims& size, const Dims& stride, MaybeDim offset) {
    return ops::as_strided(x, size, stride, offset.value_or(x->offset));
}
PyObject* iterate(const Tensor& x) {
    if (x.ndim() == 0) fail_as(ErrorKind::Type, "iteration over a 0-d tensor");
    Owned rows(tuple_of(ops::unbind(x, 0)));
    return checked(PyObject_GetIter(rows.o));
}
Tensors split(const Tensor& x, const Argument& size, int64_t dim) {
    return size.is_list() ? ops::split_with_sizes(x, size.dims(), dim) : ops::split(x, size.integer(), dim);
}

// At indices, or into so many sections.
Tensors split_at(const Tensor& x, const Argument& where, int64_t dim) {
    if (where.is_list()) return ops::tensor_split(x, where.dims(), dim);
    if (where.is_tensor()) {
        Tensor t = where.tensor();
        if (t.dtype() != DType::Int64)
            fail("tensor_split expected tensor_indices_or_sections to have dtype of long, but got {}",
                 dtype_legacy_name(t.dtype()));
        if (t.ndim() > 1)
            fail(
                "tensor_split expected tensor_indices_or_sections to be a zero-dimensional or "
                "one-dimensional tensor, but got a tensor with {} dims",
                t.ndim());
        if (t.ndim() == 1) {
            Array w = contiguous_array(t.array());
            return ops::tensor_split(x, Dims(w.as<int64_t>(), w.as<int64_t>() + w.numel()), dim);
        }
    }
    return ops::tensor_split(x, where.integer(), dim);
}
// `sections` and `indices` are other names.
Tensors tensor_split(const Tensor& x, const Argument& where, int64_t dim, const Argument& sections,
                     const Argument& indices) {
    for (const Argument* named : {&sections, &indices})
        if (named->given()) return split_at(x, *named, dim);
    if (!where.given()) where.fail_type("int or tuple of ints");
    return split_at(x, where, dim);
}
// hsplit, vsplit, dsplit: an exact division along the first, second or third dimension; hsplit's of a vector along its
// only one.
template <int64_t least> Tensors split_evenly(const Tensor& x, const Argument& where, CalledAs called) {
    if (x.ndim() < least)
        fail("torch.{} requires a tensor with at least {} dimension, but got a tensor with {} dimensions!",
             called.name, least, x.ndim());
    int64_t dim = least == 1 ? (x.ndim() == 1 ? 0 : 1) : least == 2 ? 0 : 2;
    if (!where.is_list() && !where.is_tensor()) {
        int64_t n = where.integer();
        if (n == 0 || x.size(dim) % n != 0)
            fail(
                "torch.{} attempted to split along dimension {}, but the size of the dimension {} is not "
                "divisible by the split_size {}!",
                called.name, dim, x.size(dim), n);
    }
    return split_at(x, where, dim);
}

Tensor slice_scatter(const Tensor& x, const Tensor& source, int64_t dim, MaybeDim start, MaybeDim stop,
                     int64_t step) {
    return ops::slice_scatter(x, source, dim, start.value_or(0), stop.value_or(INT64_MAX), step);
}
Tensor as_strided_scatter(const Tensor& x, const Tensor& source, const Dims& size, const Dims& stride,
                          MaybeDim given) {
    int64_t offset = given.value_or(x->offset);
    Ref<Layout> l = ops::as_strided_layout(x, size, stride, offset);
    if (!l->same_shape(source.layout()))
        fail("expected src to have a size equal to the slice of self. src size = {}, slice size = {}",
             shape_text(source.layout()), shape_text(*l));
    if (x.is_mapped()) l = Layout::mapped(*l, x.layout().axes());
    return ops::as_strided_scatter(x, x.layout_ref(), source, l, offset);
}

// ---- joining ----

// The parts with so many dimensions at least.
Tensors stackable(const Tensors& given, int64_t ndim, CalledAs called) {
    if (given.empty()) fail("{} expects a non-empty TensorList", called.name);
    Tensors parts = given;
    for (Tensor& x : parts) x = ops::atleast(x, ndim);
    return parts;
}
Tensor hstack(const Tensors& given, CalledAs called) {
    Tensors parts = stackable(given, 1, called);
    return ops::cat(parts, parts[0].ndim() == 1 ? 0 : 1);
}
Tensor vstack(const Tensors& given, CalledAs called) { return ops::cat(stackable(given, 2, called), 0); }
Tensor dstack(const Tensors& given, CalledAs called) { return ops::cat(stackable(given, 3, called), 2); }
Tensor column_stack(const Tensors& given, CalledAs called) {
    Tensors parts = stackable(given, 0, called);
    for (Tensor& x : parts)
        if (x.ndim() <= 1) x = ops::reshape(x, Dims{x.numel(), 1});
    return ops::cat(parts, 1);
}

// ---- rearranging ----

Tensor tile(const Tensor& x, const Dims& given) {
    Dims times = given;
    while (static_cast<int64_t>(times.size()) < x.ndim()) times.insert(0, 1);
    return ops::repeat(x, times);
}
Tensor repeat_interleave(const Tensor& x, const Argument& repeats, MaybeDim given, MaybeDim total) {
    const int64_t dim = given.value_or(0);
    if (!repeats.given()) return ops::repeat_interleave(x, total);
    Tensor from = given ? x : ops::flatten(x, 0, -1);
    if (repeats.is_tensor()) return ops::repeat_interleave(from, repeats.tensor(), dim, total);
    if (!repeats.is_list()) return ops::repeat_interleave(from, repeats.integer(), dim, total);
    Dims each = repeats.dims();
    Array counts = Array::empty(DType::Int64, Dims{static_cast<int64_t>(each.size())});
    std::copy(each.begin(), each.end(), counts.as<int64_t>());
    return ops::repeat_interleave(from, Tensor::make(counts), dim, total);
}
Tensor fliplr(const Tensor& x) {
    if (x.ndim() < 2) fail("Input must be >= 2-d.");
    return ops::flip(x, Dims{1});
}
Tensor flipud(const Tensor& x) {
    if (x.ndim() < 1) fail("Input must be >= 1-d.");
    return ops::flip(x, Dims{0});
}
template <bool upper> Tensor triangle_indices(int64_t rows, int64_t columns, int64_t offset, MaybeDType d) {
    return ops::tril_indices(rows, columns, offset, d.value_or(DType::Int64), upper);
}
// A vector becomes a matrix; of a matrix the diagonal is copied.
Tensor diag(const Tensor& x, int64_t diagonal) {
    if (x.ndim() == 1) return ops::diag_embed(x, diagonal, -2, -1);
    if (x.ndim() != 2) fail("diag(): Supports 1D or 2D tensors. Got {}D", x.ndim());
    return ops::diagonal_copy(x, diagonal);
}
Tensor diagflat(const Tensor& x, int64_t offset) { return ops::diag_embed(ravel(x), offset, -2, -1); }

// ---- geometry ----

int64_t checked_dim(const Tensor& x, int64_t d) {
    if (x.ndim() == 0) fail_as(ErrorKind::Index, "Dimension specified as {} but tensor has no dimensions", d);
    return wrap_dim(d, x.ndim());
}
PyObject* size(const Tensor& x, MaybeDim dim) {
    if (!dim) return shape_object(x.layout().shape(), x.ndim());
    return checked(PyLong_FromLongLong(x.size(checked_dim(x, *dim))));
}
PyObject* stride(const Tensor& x, MaybeDim dim) {
    if (dim) return checked(PyLong_FromLongLong(x.layout().stride(checked_dim(x, *dim))));
    Owned tuple(checked(PyTuple_New(x.ndim())));
    for (int64_t d = 0; d < x.ndim(); ++d)
        PyTuple_SET_ITEM(tuple.o, d, checked(PyLong_FromLongLong(x.layout().stride(d))));
    return tuple.release();
}
int64_t element_size(const Tensor& x) { return static_cast<int64_t>(item_size(x.dtype())); }
int64_t storage_offset(const Tensor& x) { return x->offset; }
PyObject* data_ptr(const Tensor& x) {
    if (!x.numel()) return PyLong_FromLong(0);
    before_write(x.array());  // whoever gets the address may write there, and expects it to stay
    x->cell->buffer->share();
    return checked(PyLong_FromVoidPtr(x.data()));
}
bool is_set_to(const Tensor& x, const Tensor& y) {
    return x->cell->buffer == y->cell->buffer && x->offset == y->offset && x.layout().same(y.layout());
}

const Binding bindings[] = {
    bind<&view>("view"),
    bind<&view_as>("view_as"),
    bind<&ops::reshape>("reshape"),
    bind<&reshape_as>("reshape_as"),
    bind<&ops::flatten>("flatten"),
    bind<&unflatten>("unflatten"),
    bind<&ravel>("ravel"),
    bind<&ops::expand>("expand"),
    bind<&expand_as>("expand_as"),
    bind<&ops::broadcast>("broadcast_tensors"),
    bind<&ops::permute>("permute"),
    bind<&ops::transpose, &transpose_>("transpose"),
    bind<&ops::t, &ops::t_>("t"),
    bind<&adjoint>("adjoint"),
    bind<&ops::movedim>("movedim"),
    bind<&squeeze, &squeeze_>("squeeze"),
    bind<&ops::unsqueeze, &ops::unsqueeze_>("unsqueeze"),
    bind<&ops::detach>("detach"),
    bind<&contiguous>("contiguous"),
    bind<&clone>("clone"),
    bind<&atleast<1>>("atleast_1d"),
    bind<&atleast<2>>("atleast_2d"),
    bind<&atleast<3>>("atleast_3d"),

    bind<&narrow>("narrow"),
    bind<&ops::select>("select"),
    bind<&ops::diagonal>("diagonal"),
    bind<&ops::unfold>("unfold"),
    bind<&as_strided>("as_strided"),
    bind<&ops::unbind>("unbind"),
    bind<&iterate>("iterate"),
    bind<&split>("split"),
    bind<&ops::split_with_sizes>("split_with_sizes"),
    bind<&ops::chunk>("chunk"),
    bind<&tensor_split>("tensor_split"),
    bind<&split_evenly<1>>("hsplit"),
    bind<&split_evenly<2>>("vsplit"),
    bind<&split_evenly<3>>("dsplit"),
    bind<&ops::select_scatter>("select_scatter"),
    bind<&slice_scatter>("slice_scatter"),
    bind<&ops::diagonal_scatter>("diagonal_scatter"),
    bind<&as_strided_scatter>("as_strided_scatter"),

    bind<&ops::cat>("cat"),
    bind<&ops::stack>("stack"),
    bind<&hstack>("hstack"),
    bind<&vstack>("vstack"),
    bind<&dstack>("dstack"),
    bind<&column_stack>("column_stack"),
    bind<&ops::constant_pad>("constant_pad_nd"),

    bind<&ops::repeat>("repeat"),
    bind<&tile>("tile"),
    bind<&repeat_interleave>("repeat_interleave"),
    bind<&ops::flip>("flip"),
    bind<&fliplr>("fliplr"),
    bind<&flipud>("flipud"),
    bind<&ops::roll>("roll"),
    bind<&ops::rot90>("rot90"),
    bind<&ops::tril, &ops::tril_>("tril"),
    bind<&ops::triu, &ops::triu_>("triu"),
    bind<&triangle_indices<false>>("tril_indices"),
    bind<&triangle_indices<true>>("triu_indices"),
    bind<&diag>("diag"),
    bind<&ops::diag_embed>("diag_embed"),
    bind<&diagflat>("diagflat"),
    bind<&ops::trace>("trace"),

    bind<&ops::view_as_real>("view_as_real"),
    bind<&ops::view_as_complex>("view_as_complex"),
    bind<&ops::real>("real"),
    bind<&ops::imag>("imag"),
    bind<&ops::complex>("complex"),
    bind<&ops::polar>("polar"),
    bind<&ops::angle>("angle"),
    bind<&ops::conj>("conjugate"),

    bind<&size>("size"),
    bind<&stride>("stride"),
    bind<&Tensor::ndim>("dim"),
    bind<&Tensor::numel>("numel"),
    bind<&is_contiguous>("is_contiguous"),
    bind<&element_size>("element_size"),
    bind<&storage_offset>("storage_offset"),
    bind<&data_ptr>("data_ptr"),
    bind<&is_set_to>("is_set_to"),
};

}  // namespace

void bind_shape() { add_bindings(bindings); }

}  // namespace pb
