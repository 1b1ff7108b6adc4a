// Complex tensors as pairs of real ones: views both ways, what is made of two parts, and what follows from parts.
//
// The real and the imaginary part of a complex tensor are views of its memory. So whatever of it has no complex derivative
// is an operation on parts, which are real, and is differentiated as that.
#include "ops/elementwise/named.h"
#include "ops/operators.h"
#include "program/program.h"

namespace pb::ops {

namespace {

// Another dtype, whose items are `wide` times as large or, where it is negative, as many times smaller.
Tensor seen_as(const Tensor& x, DType dtype, const Dims& shape, const Dims& strides, int64_t wide) {
    auto scaled = [wide](int64_t v) { return wide > 0 ? v / wide : v * -wide; };
    MappedAxes axes = x.layout().axes();
    for (MappedAxis& a : axes) a.stride = scaled(a.stride);
    Tensor y = x.alias();
    y->offset = scaled(x->offset);
    set_layout(y, Layout::mapped(*Layout::strided(shape, strides), axes));
    y->dtype = dtype;
    return y;
}

// Whether pairs along the last dimension lie as complex numbers do.
bool lies_in_pairs(const Tensor& x) {
    const Layout& l = x.layout();
    bool even = l.stride(l.ndim() - 1) == 1 && x->offset % 2 == 0;
    for (int64_t d = 0; d + 1 < l.ndim(); ++d) even = even && l.stride(d) % 2 == 0;
    for (const MappedAxis& a : l.axes()) even = even && a.stride % 2 == 0;
    return even;
}
// Tangents and cotangents may lie otherwise than what they belong to.
Tensor in_pairs(const Tensor& x) { return lies_in_pairs(x) ? x : row_major_copy(x); }

struct AsReal {
    static constexpr const char* name = "ViewAsRealBackward0";
    static constexpr bool view = true, linear = true;
    Tensor forward(const Tensors& x) {
        Dims shape = x[0].shape(), strides = x[0].strides();
        for (int64_t& s : strides) s *= 2;
        shape.push_back(2);
        strides.push_back(1);
        return seen_as(x[0], part_of(x[0].dtype()), shape, strides, -2);
    }
    void pullback(Context&, const Tensors& g, Tensors& out) { out[0] = view_as_complex(in_pairs(g[0])); }
};

struct AsComplex {
    static constexpr const char* name = "ViewAsComplexBackward0";
    static constexpr bool view = true, linear = true;
    Tensor forward(const Tensors& x) {
        if (!lies_in_pairs(x[0])) return forward({row_major_copy(x[0])});
        Dims shape = x[0].shape(), strides = x[0].strides();
        shape.pop_back();
        strides.pop_back();
        for (int64_t& s : strides) s /= 2;
        return seen_as(x[0], complex_of(x[0].dtype()), shape, strides, 2);
    }
    void pullback(Context&, const Tensors& g, Tensors& out) { out[0] = view_as_real(g[0]); }
};

struct OfParts {
    static constexpr const char* name = "ComplexBackward0";
    static constexpr bool linear = true, leads = true, aligned = true, moves = true;
    Tensor forward(const Tensors& x) {
        const Dims shape = broadcast_shapes(x[0].layout(), x[1].layout());
        Tensor z = empty(complex_of(x[0].dtype()), shape);
        Tensor parts = view_as_real(z);
        for (size_t i : {0, 1})
            copy_array(expand(x[i], shape).array(), select(parts, -1, static_cast<int64_t>(i)).array());
        return z;
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        if (c.wants(0)) out[0] = real(g[0]);
        if (c.wants(1)) out[1] = imag(g[0]);
    }
};

}  // namespace

// Whether there are complex numbers with such parts.
static bool makes_parts(DType d) { return is_float(d) && part_of(complex_of(d)) == d; }

Tensor view_as_real(const Tensor& x) {
    if (!is_complex(x.dtype()))
        fail("view_as_real is only supported for complex tensors. This one is of {}.", dtype_name(x.dtype()));
    return apply(AsReal{}, {x});
}

Tensor view_as_complex(const Tensor& x) {
    if (!makes_parts(x.dtype()))
        fail(
            "view_as_complex is only supported for half, float and double tensors, but got a tensor of "
            "scalar "
            "type: {}",
            dtype_legacy_name(x.dtype()));
    if (x.ndim() == 0) fail("Input tensor must have one or more dimensions");
    if (x.size(x.ndim() - 1) != 2)
        fail("Tensor must have a last dimension of size 2. The shape is {}.", shape_text(x.layout()));
    if (x.layout().stride(x.ndim() - 1) != 1)
        fail("Tensor must have a last dimension with stride 1. contiguous() makes such a copy.");
    if (x->offset % 2) fail("Tensor must have a storage_offset divisible by 2. This one has {}.", x->offset);
    if (!lies_in_pairs(x)) fail("Tensor must have a stride divisible by 2 for all but last dimension");
    return apply(AsComplex{}, {x});
}

Tensor real(const Tensor& x) { return is_complex(x.dtype()) ? select(view_as_real(x), -1, 0) : x; }

Tensor imag(const Tensor& x) {
    if (!is_complex(x.dtype())) fail("imag is not implemented for tensors with non-complex dtypes.");
    return select(view_as_real(x), -1, 1);
}

static void check_parts(const Tensor& re, const Tensor& im) {
    if (!makes_parts(re.dtype()) || !makes_parts(im.dtype()))
        fail("Expected both inputs to be Half, Float or Double tensors but got {} and {}",
             dtype_legacy_name(re.dtype()), dtype_legacy_name(im.dtype()));
    if (re.dtype() != im.dtype())
        fail("Expected object of scalar type {} but got scalar type {} for second argument",
             dtype_legacy_name(re.dtype()), dtype_legacy_name(im.dtype()));
}

Tensor complex(const Tensor& re, const Tensor& im) {
    check_parts(re, im);
    return apply(OfParts{}, {re, im});
}

Tensor polar(const Tensor& length, const Tensor& angle) {
    check_parts(length, angle);
    return complex(mul(length, unary("cos", angle)), mul(length, unary("sin", angle)));
}

Tensor angle(const Tensor& x) {
    if (is_complex(x.dtype())) return elementwise(*find_row("atan2"), {imag(x), real(x)});
    Tensor t = is_float(x.dtype()) ? x : to_dtype(x, default_dtype);
    const Tensor bounded = elementwise(*find_row("clamp"), {t, -1.0, 1.0});  // of infinity, too, 0 is left
    return where(elementwise(*rows.lt, {t, 0.0}), 3.14159265358979323846, mul(bounded, 0.0));
}

}  // namespace pb::ops
