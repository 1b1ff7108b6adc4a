// Reductions, orders, scans and functions of lines: operators/reductions.py, ordering.py, scans.py and line_functions.py.
#include <cmath>
#include <cstring>

#include "ops/operators.h"
#include "ops/reduce/line_functions.h"
#include "python/bind/bind.h"

namespace pb {

namespace {

// max(x), max(x, dim), max(x, y)
TensorOrTensors extreme(bool greatest, const Tensor& x, const Argument& dim, bool keepdim,
                        const MaybeTensor& other) {
    const char* name = greatest ? "max" : "min";
    if (other || dim.is_tensor())
        return ops::elementwise(*find_row(greatest ? "maximum" : "minimum"),
                                {x, other ? Tensor(other) : dim.tensor()});
    if (!dim.given()) {
        if (keepdim)
            fail_as(ErrorKind::Type,
                    "{}() received an invalid combination of arguments - got (Tensor, keepdim=bool). keepdim "
                    "needs a dim.",
                    name);
        return ops::extreme(x, greatest);
    }
    int64_t d;
    if (!to_int(dim.object(), &d))
        fail_as(
            ErrorKind::Type,
            "{}() received an invalid combination of arguments - got ({}), but expected one of: (), (Tensor "
            "other), (int dim, bool keepdim = False). For several dimensions use a{}(x, dim=(...)).",
            name, Py_TYPE(dim.object())->tp_name, name);
    return ops::extreme_along(x, greatest, d, keepdim);
}
TensorOrTensors max(const Tensor& x, const Argument& dim, bool keepdim, const MaybeTensor& other) {
    return extreme(true, x, dim, keepdim, other);
}
TensorOrTensors min(const Tensor& x, const Argument& dim, bool keepdim, const MaybeTensor& other) {
    return extreme(false, x, dim, keepdim, other);
}

// var(x, unbiased) too. A correction of 1 is what `unbiased` means.
template <auto f>
auto spread(const Tensor& x, const Argument& dim, const Argument& unbiased, bool keepdim,
            const Argument& correction, CalledAs called) {
    const Argument& flag = dim.is_flag() ? dim : unbiased;
    if (flag.given() && correction.given())
        fail_as(ErrorKind::Type,
                "{}() received an invalid combination of arguments - got both unbiased and correction. "
                "unbiased=True is correction=1, unbiased=False is correction=0.",
                called.name);
    Dims dims = dim.given() && !dim.is_flag() ? dim.dims() : Dims{};
    double less = flag.given() ? flag.flag() : 1;
    return f(x, dims, correction.given() ? correction.number() : less, keepdim);
}

// linear_algebra.norms.nuclear_of, of all dimensions where none are given.
Tensor nuclear_norm(const Tensor& x, DimsOrAll dims, bool keepdim, MaybeDType dtype) {
    Dims all = dims;
    if (!dims.given())
        for (int64_t d = 0; d < x.ndim(); ++d) all.push_back(d);
    Owned module(checked(PyImport_ImportModule("pullback.linear_algebra.norms")));
    Owned where(checked(shape_object(all.data(), static_cast<int64_t>(all.size()))));
    Owned found(
        checked(PyObject_CallMethod(module.o, "nuclear_of", "OOOO", x.py(), where.o,
                                    keepdim ? Py_True : Py_False, dtype ? dtype_object(*dtype) : Py_None)));
    return Tensor(found.o);
}

Tensor norm(const Tensor& x, const Argument& p, DimsOrAll dims, bool keepdim, MaybeDType dtype) {
    double order = 2;
    if (p.is_text()) {
        const char* text = p.text();
        if (!std::strcmp(text, "nuc")) return nuclear_norm(x, dims, keepdim, dtype);
        if (!std::strcmp(text, "inf") || !std::strcmp(text, "-inf"))
            order = text[0] == '-' ? -INFINITY : INFINITY;
        else if (std::strcmp(text, "fro"))
            fail("linalg.matrix_norm: Order {} not supported. p is a number, inf, 'fro' or 'nuc'.", text);
    } else if (p.given()) {
        order = p.number();
    }
    return ops::vector_norm(x, order, dims, keepdim, dtype);
}

// ---- orders ----

Tensors sort(const Tensor& x, int64_t dim, bool descending, std::optional<bool> stable) {
    return ops::sort(x, dim, descending, stable.has_value());
}
Tensor msort(const Tensor& x) { return std::move(ops::sort(x, 0, false, false)[0]); }

template <bool ignore_nan> TensorOrTensors median(const Tensor& x, MaybeDim dim, bool keepdim) {
    if (!dim) return ops::median(x, ignore_nan);
    return ops::median_along(x, *dim, keepdim, ignore_nan);
}

Tensor searchsorted(const Tensor& sequence, const Operand& values, bool int32, bool right,
                    const Argument& side, const MaybeTensor& sorter) {
    if (side.given()) {
        const char* text = side.text();
        if (std::strcmp(text, "left") && std::strcmp(text, "right"))
            fail("torch.searchsorted(): side can only be 'left' or 'right' but got {}", text);
        if (right && !std::strcmp(text, "left"))
            fail(
                "torch.searchsorted(): side and right can't be set to opposites, got side of left while "
                "right was True");
        right = !std::strcmp(text, "right");
    }
    return ops::searchsorted(sequence, values, right, sorter, int32);
}
Tensor bucketize(const Operand& values, const Tensor& boundaries, bool int32, bool right) {
    if (boundaries.ndim() != 1)
        fail("bucketize(): boundaries tensor must be 1 dimension, but got dim({})", boundaries.ndim());
    return ops::searchsorted(boundaries, values, right, {}, int32);
}

// ---- functions of lines ----

Tensor layer_norm(const Tensor& x, const Argument& shape, const MaybeTensor& weight, const MaybeTensor& bias,
                  double eps) {
    if (PyLong_Check(shape.object())) shape.fail_type("tuple of ints");
    return ops::layer_norm(x, shape.dims(), weight, bias, eps);
}

}  // namespace

template <> struct Reading<ops::LossReduction> : Plain<ops::LossReduction> {
    static constexpr Wants wants = {"text"};
    Reading(const Args& a, size_t i)
        : Plain{static_cast<ops::LossReduction>(word_of(a, i, {"none", "mean", "sum"}))} {
        if (value > ops::LossReduction::sum)
            fail_as(ErrorKind::Value, "a loss is reduced by none, mean or sum");
    }
};

namespace {

const Binding bindings[] = {
    bind<&ops::sum>("sum"),
    bind<&ops::mean>("mean"),
    bind<&ops::nansum>("nansum"),
    bind<&ops::prod>("prod"),
    bind<&ops::any>("any"),
    bind<&ops::all>("all"),
    bind<&ops::count_nonzero>("count_nonzero"),
    bind<&ops::sum_to_size>("sum_to_size"),
    bind<&max>("max"),
    bind<&min>("min"),
    bind<&ops::amax>("amax"),
    bind<&ops::amin>("amin"),
    bind<&ops::aminmax>("aminmax"),
    bind<&ops::argmax>("argmax"),
    bind<&ops::argmin>("argmin"),
    bind<&spread<&ops::var>>("var"),
    bind<&spread<&ops::std>>("std"),
    bind<&spread<&ops::var_mean>>("var_mean"),
    bind<&spread<&ops::std_mean>>("std_mean"),
    bind<&ops::vector_norm>("linalg.vector_norm"),
    bind<&norm>("norm"),
    bind<&ops::softmax>("softmax"),
    bind<&ops::log_softmax>("log_softmax"),
    bind<&ops::logsumexp>("logsumexp"),

    bind<&sort>("sort"),
    bind<&ops::argsort>("argsort"),
    bind<&msort>("msort"),
    bind<&ops::topk>("topk"),
    bind<&ops::kthvalue>("kthvalue"),
    bind<&median<false>>("median"),
    bind<&median<true>>("nanmedian"),
    bind<&ops::mode>("mode"),
    bind<&ops::unique>("_unique"),
    bind<&searchsorted>("searchsorted"),
    bind<&bucketize>("bucketize"),
    bind<&ops::isin>("isin"),
    bind<&ops::bincount>("bincount"),
    bind<&ops::histc>("histc"),

    bind<&ops::cumsum>("cumsum"),
    bind<&ops::cumprod>("cumprod"),
    bind<&ops::cummax>("cummax"),
    bind<&ops::cummin>("cummin"),
    bind<&ops::logcumsumexp>("logcumsumexp"),

    bind<&layer_norm>("layer_norm"),
    bind<&ops::cross_entropy>("cross_entropy_of_indices"),
};

}  // namespace

void bind_reduce() { add_bindings(bindings); }

}  // namespace pb
