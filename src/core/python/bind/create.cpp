// Making tensors: operators/creation.py.
#include "ops/shape/create.h"
#include "python/bind/options.h"
#include "tensor/mapped.h"

namespace pb {

namespace {

void warn_copy(PyObject* data, const char* name) {
    if (!is_tensor(data)) return;
    std::string text =
        "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
        "sourceTensor.detach().clone().requires_grad_(True), rather than ";
    if (PyErr_WarnEx(PyExc_UserWarning, (text + name + "(sourceTensor).").c_str(), 1) < 0)
        throw PythonError();
}

Tensor tensor(const Argument& data, const ShortOptions& o) {
    warn_copy(data.object(), "pullback.tensor");
    return o.finish(tensor_from_data(data.object(), o.dtype ? &*o.dtype : nullptr));
}

// A new tensor of one number, which its dtype has to hold.
Tensor filled(Tensor t, Scalar value) {
    check_fits(value, t.dtype());
    fill_array(reveal_value(t, t.layout().axes()), value);
    return t;
}

// ---- of given sizes ----

Tensor sized(const Dims& size, Scalar value, const Options& o) {
    return o.finish(ops::full(o.dtype.value_or(default_dtype), Layout::contiguous(size), value));
}
Tensor zeros(const Dims& size, const Options& o) {
    for (int64_t n : size)
        if (n < 0)
            fail("zeros: Dimension size must be non-negative. The sizes asked for are {}.", shape_text(size));
    return sized(size, Scalar(0), o);
}
Tensor ones(const Dims& size, const Options& o) { return sized(size, Scalar(1), o); }
Tensor empty(const Dims& size, const Options& o, MemoryFormat format) {
    Tensor t = ops::empty(o.dtype.value_or(default_dtype), size);
    if (format.given == Format::Preserve)
        fail(
            "unsupported memory format Preserve. There is nothing whose order could be kept; empty_like "
            "has.");
    if (format.given && *format.given != Format::Contiguous) t = Tensor::make(t.dtype(), format.of(t));
    return o.finish(std::move(t));
}
Tensor full(const Dims& size, Scalar value, const Options& o) {
    DType d = o.dtype.value_or(number_dtype(value.cat()));
    check_fits(value, d);
    return o.finish(ops::full(d, Layout::contiguous(size), value));
}
Tensor empty_strided(const Dims& size, const Dims& stride, const Options& o) {
    return o.finish(ops::empty_strided(o.dtype.value_or(default_dtype), size, stride));
}

// ---- of the shape and strides of another ----

Tensor room_like(const Tensor& x, const Options& o, MemoryFormat format) {
    return ops::for_each_entry(Tensor::make(o.dtype.value_or(x.dtype()), format.of(x)), x);
}
Tensor zeros_like(const Tensor& x, const Options& o, MemoryFormat format) {
    return o.finish(filled(room_like(x, o, format), Scalar(0)));
}
Tensor ones_like(const Tensor& x, const Options& o, MemoryFormat format) {
    return o.finish(filled(room_like(x, o, format), Scalar(1)));
}
Tensor empty_like(const Tensor& x, const Options& o, MemoryFormat format) {
    return o.finish(room_like(x, o, format));
}
Tensor full_like(const Tensor& x, Scalar value, const Options& o, MemoryFormat format) {
    return o.finish(filled(room_like(x, o, format), value));
}

// ---- of the dtype of another ----

Tensor new_room(const Tensor& x, const Dims& size, const Options& o) {
    return ops::for_each_entry(ops::empty(o.dtype.value_or(x.dtype()), size), x);
}
Tensor new_zeros(const Tensor& x, const Dims& size, const Options& o) {
    return o.finish(filled(new_room(x, size, o), Scalar(0)));
}
Tensor new_ones(const Tensor& x, const Dims& size, const Options& o) {
    return o.finish(filled(new_room(x, size, o), Scalar(1)));
}
Tensor new_empty(const Tensor& x, const Dims& size, const Options& o) {
    return o.finish(new_room(x, size, o));
}
Tensor new_full(const Tensor& x, const Dims& size, Scalar value, const Options& o) {
    return o.finish(filled(new_room(x, size, o), value));
}
Tensor new_tensor(const Tensor& x, const Argument& data, const ShortOptions& o) {
    warn_copy(data.object(), "tensor.new_tensor");
    DType d = o.dtype.value_or(data.is_tensor() ? data.tensor().dtype() : x.dtype());
    return o.finish(tensor_from_data(data.object(), &d));
}

// ---- numbers in a row ----

// arange(end), arange(start, end), arange(start, end, step)
Tensor arange(const Argument& first, const Argument& second, const Argument& third, const Options& o) {
    bool one = !second.given();
    if (one && !first.given())
        fail_as(ErrorKind::Type, "arange() missing 1 required positional arguments: \"end\"");
    Scalar start = one || !first.given() ? Scalar(0) : first.scalar(), end = (one ? first : second).scalar();
    Scalar step = third.given() ? third.scalar() : Scalar(1);
    for (const Scalar& s : {start, end, step})
        if (s.kind == Scalar::Complex) fail("arange(): complex numbers have no order to count in.");
    bool whole = start.kind != Scalar::Float && end.kind != Scalar::Float && step.kind != Scalar::Float;
    DType d = o.dtype.value_or(whole ? DType::Int64 : default_dtype);
    return o.finish(ops::arange(start, end, step, d));
}
// The dtype of numbers between two: complex where one of them is.
DType spaced_dtype(const char* name, Scalar start, Scalar end, const Options& o) {
    const bool fields = start.kind == Scalar::Complex || end.kind == Scalar::Complex;
    const DType found = fields ? complex_of(default_dtype) : default_dtype;
    if (fields && o.dtype && !is_complex(*o.dtype))
        fail("torch.{}(): inferred dtype {} can't be safely cast to passed dtype {}", name,
             dtype_c_name(found), dtype_legacy_name(*o.dtype));
    return o.dtype.value_or(found);
}
// The ends of a line: numbers, or tensors of one, whatever becomes of their gradients.
std::array<Scalar, 2> ends_of(const char* name, const Argument& start, const Argument& end) {
    std::string wrong;
    bool any = false;
    auto read = [&](const char* which, const Argument& given) {
        if (!given.is_tensor()) return given.scalar();
        Tensor t = given.tensor();
        any = any || t.ndim();
        wrong += std::string(wrong.empty() ? "" : " and ") + which + " with " + std::to_string(t.ndim()) +
                 " dimension(s)";
        return t.ndim() ? Scalar(0) : t.number();
    };
    std::array<Scalar, 2> ends{read("start", start), read("end", end)};
    if (any) fail("{} only supports 0-dimensional start and end tensors, but got {}.", name, wrong);
    return ends;
}
Tensor linspace(const Argument& from, const Argument& to, int64_t steps, const Options& o) {
    const auto [start, end] = ends_of("linspace", from, to);
    return o.finish(ops::linspace(start, end, steps, spaced_dtype("linspace", start, end, o)));
}
Tensor logspace(const Argument& from, const Argument& to, int64_t steps, double base, const Options& o) {
    const auto [start, end] = ends_of("logspace", from, to);
    return o.finish(ops::logspace(start, end, steps, base, spaced_dtype("logspace", start, end, o)));
}
Tensor eye(int64_t n, MaybeDim m, const Options& o) {
    return o.finish(ops::eye(n, m.value_or(n), o.dtype.value_or(default_dtype)));
}
Tensor scalar_tensor(Scalar value, const Options& o) {
    DType d = o.dtype.value_or(default_dtype);
    check_fits(value, d);
    return o.finish(ops::scalar_tensor(value, d));
}

// ---- in place ----

void fill_(const Tensor& x, const Argument& value) {
    if (value.is_tensor()) {
        warn_of_parts(value.tensor().dtype(), x.dtype());
        ops::fill_(x, value.tensor());
    } else {
        ops::fill_(x, value.scalar(), "FillBackward2");
    }
}
void zero_(const Tensor& x) { ops::fill_(x, Scalar(0), "ZeroBackward0", "zero_"); }
void copy_(const Tensor& x, const Operand& from) {
    if (from.tensor) warn_of_parts(from.tensor->dtype(), x.dtype());
    ops::copy_(x,
               from.tensor ? *from.tensor : ops::scalar_tensor(from.scalar, number_dtype(from.scalar.cat())));
}

const Binding bindings[] = {
    bind<&tensor>("tensor"),
    bind<&zeros>("zeros"),
    bind<&ones>("ones"),
    bind<&empty>("empty"),
    bind<&full>("full"),
    bind<&empty_strided>("empty_strided"),
    bind<&zeros_like>("zeros_like"),
    bind<&ones_like>("ones_like"),
    bind<&empty_like>("empty_like"),
    bind<&full_like>("full_like"),
    bind<&new_zeros>("new_zeros"),
    bind<&new_ones>("new_ones"),
    bind<&new_empty>("new_empty"),
    bind<&new_full>("new_full"),
    bind<&new_tensor>("new_tensor"),
    bind<&arange>("arange"),
    bind<&linspace>("linspace"),
    bind<&logspace>("logspace"),
    bind<&eye>("eye"),
    bind<&scalar_tensor>("scalar_tensor"),
    bind_in_place<&fill_>("fill_"),
    bind_in_place<&zero_>("zero_"),
    bind_in_place<&copy_>("copy_"),
};

}  // namespace

void bind_create() { add_bindings(bindings); }

}  // namespace pb
