// Reductions: the C++ halves of operators/reductions.py.
#include <cmath>
#include <cstring>

#include "ops/reduce/reduction.h"
#include "python/types/return_types.h"

namespace pb {

namespace {

Dims dims_or_all(const Args& a, size_t i) { return a.given(i) ? a.dims(i) : Dims{}; }
MaybeDType dtype_or_own(const Args& a, size_t i) { return a.given(i) ? a.dtype(i) : MaybeDType(); }
MaybeDim maybe_dim(const Args& a, size_t i) { return a.given(i) ? a.integer(i) : MaybeDim(); }

// sum(input, dim=None, keepdim=False, *, dtype=None, out=None), and mean alike
PyObject* sum(const Args& a) {
    Dims dims = dims_or_all(a, 1);
    return wrap(
        ops::sum(a.tensor(0), a.given(1) ? DimsOrAll(dims) : DimsOrAll(), a.flag(2), dtype_or_own(a, 3)));
}
PyObject* mean(const Args& a) {
    Dims dims = dims_or_all(a, 1);
    return wrap(
        ops::mean(a.tensor(0), a.given(1) ? DimsOrAll(dims) : DimsOrAll(), a.flag(2), dtype_or_own(a, 3)));
}
PyObject* nansum(const Args& a) {
    return wrap(ops::nansum(a.tensor(0), dims_or_all(a, 1), a.flag(2), dtype_or_own(a, 3)));
}
// prod(input, dim=None, keepdim=False, *, dtype=None, out=None)
PyObject* prod(const Args& a) {
    return wrap(ops::prod(a.tensor(0), maybe_dim(a, 1), a.flag(2), dtype_or_own(a, 3)));
}
// any(input, dim=None, keepdim=False, *, out=None)
PyObject* any(const Args& a) { return wrap(ops::any(a.tensor(0), dims_or_all(a, 1), a.flag(2))); }
PyObject* all(const Args& a) { return wrap(ops::all(a.tensor(0), dims_or_all(a, 1), a.flag(2))); }
PyObject* count_nonzero(const Args& a) { return wrap(ops::count_nonzero(a.tensor(0), dims_or_all(a, 1))); }

// max(input, dim=None, keepdim=False, *, out=None); the second argument may be the other operand of `maximum`
PyObject* extreme(const Args& a, bool greatest) {
    const char* name = greatest ? "max" : "min";
    Tensor x = a.tensor(0);
    if (a.is_tensor(4) || a.is_tensor(1)) {
        Tensor other = a.is_tensor(4) ? a.tensor(4) : a.tensor(1);
        return wrap(ops::elementwise(*find_row(greatest ? "maximum" : "minimum"), {x, other}));
    }
    if (!a.given(1)) {
        if (a.flag(2))
            fail_as(ErrorKind::Type,
                    "{}() received an invalid combination of arguments - got (Tensor, keepdim=bool). keepdim "
                    "needs a dim.",
                    name);
        return wrap(ops::extreme(x, greatest));
    }
    int64_t dim;
    if (!to_int(a.raw(1), &dim))
        fail_as(
            ErrorKind::Type,
            "{}() received an invalid combination of arguments - got ({}), but expected one of: (), (Tensor "
            "other), (int dim, bool keepdim = False). For several dimensions use a{}(x, dim=(...)).",
            name, Py_TYPE(a.raw(1))->tp_name, name);
    Tensors both = ops::extreme_along(x, greatest, dim, a.flag(2));
    return wrap_named(name, {"values", "indices"}, both);
}
PyObject* max(const Args& a) { return extreme(a, true); }
PyObject* min(const Args& a) { return extreme(a, false); }

// amax(input, dim=(), keepdim=False, *, out=None)
PyObject* amax(const Args& a) { return wrap(ops::amax(a.tensor(0), dims_or_all(a, 1), a.flag(2))); }
PyObject* amin(const Args& a) { return wrap(ops::amin(a.tensor(0), dims_or_all(a, 1), a.flag(2))); }
// aminmax(input, *, dim=None, keepdim=False)
PyObject* aminmax(const Args& a) {
    return wrap_named("aminmax", {"min", "max"}, ops::aminmax(a.tensor(0), maybe_dim(a, 1), a.flag(2)));
}
// argmax(input, dim=None, keepdim=False)
PyObject* argmax(const Args& a) { return wrap(ops::argmax(a.tensor(0), maybe_dim(a, 1), a.flag(2))); }
PyObject* argmin(const Args& a) { return wrap(ops::argmin(a.tensor(0), maybe_dim(a, 1), a.flag(2))); }

// var(input, dim=None, unbiased=None, keepdim=False, *, correction=None, out=None); var(input, unbiased) too
struct VarianceArgs {
    Dims dims;
    double correction = 1;
    bool keepdim;
    explicit VarianceArgs(const Args& a) {
        size_t unbiased = a.raw(1) && PyBool_Check(a.raw(1)) ? 1 : 2;
        if (unbiased == 2) dims = dims_or_all(a, 1);
        if (a.given(unbiased) && a.given(4))
            fail_as(ErrorKind::Type,
                    "{}() received an invalid combination of arguments - got both unbiased and correction. "
                    "unbiased=True is correction=1, unbiased=False is correction=0.",
                    a.operation);
        if (a.given(unbiased)) correction = a.flag(unbiased) ? 1 : 0;
        if (a.given(4)) correction = a.number(4);
        keepdim = a.flag(3);
    }
};
PyObject* var(const Args& a) {
    VarianceArgs v(a);
    return wrap(ops::var(a.tensor(0), v.dims, v.correction, v.keepdim));
}
PyObject* std(const Args& a) {
    VarianceArgs v(a);
    return wrap(ops::std(a.tensor(0), v.dims, v.correction, v.keepdim));
}
PyObject* var_mean(const Args& a) {
    VarianceArgs v(a);
    return wrap_tuple(ops::var_mean(a.tensor(0), v.dims, v.correction, v.keepdim));
}
PyObject* std_mean(const Args& a) {
    VarianceArgs v(a);
    return wrap_tuple(ops::std_mean(a.tensor(0), v.dims, v.correction, v.keepdim));
}

// vector_norm(input, ord=2, dim=None, keepdim=False, *, dtype=None, out=None)
PyObject* vector_norm(const Args& a) {
    return wrap(ops::vector_norm(a.tensor(0), a.number(1), dims_or_all(a, 2), a.flag(3), dtype_or_own(a, 4)));
}
// norm(input, p="fro", dim=None, keepdim=False, out=None, dtype=None)
PyObject* norm(const Args& a) {
    double order = 2;
    if (a.given(1) && PyUnicode_Check(a.raw(1))) {
        const char* text = a.text(1);
        if (!std::strcmp(text, "nuc"))
            fail_as(ErrorKind::NotImplemented,
                    "norm(): the nuclear norm needs singular values: linalg.svdvals(x).sum().");
        if (!std::strcmp(text, "inf") || !std::strcmp(text, "-inf"))
            order = text[0] == '-' ? -INFINITY : INFINITY;
        else if (std::strcmp(text, "fro"))
            fail("linalg.matrix_norm: Order {} not supported. p is a number, inf, or 'fro'.", text);
    } else if (a.given(1)) {
        order = a.number(1);
    }
    return wrap(ops::vector_norm(a.tensor(0), order, dims_or_all(a, 2), a.flag(3), dtype_or_own(a, 5)));
}

// softmax(input, dim, dtype=None, *, out=None)
PyObject* softmax(const Args& a) { return wrap(ops::softmax(a.tensor(0), a.integer(1), dtype_or_own(a, 2))); }
PyObject* log_softmax(const Args& a) {
    return wrap(ops::log_softmax(a.tensor(0), a.integer(1), dtype_or_own(a, 2)));
}
// logsumexp(input, dim, keepdim=False, *, out=None)
PyObject* logsumexp(const Args& a) { return wrap(ops::logsumexp(a.tensor(0), a.dims(1), a.flag(2))); }

const OperatorEntry entries[] = {
    {"sum", sum},
    {"mean", mean},
    {"nansum", nansum},
    {"prod", prod},
    {"any", any},
    {"all", all},
    {"count_nonzero", count_nonzero},
    {"max", max},
    {"min", min},
    {"amax", amax},
    {"amin", amin},
    {"aminmax", aminmax},
    {"argmax", argmax},
    {"argmin", argmin},
    {"var", var},
    {"std", std},
    {"var_mean", var_mean},
    {"std_mean", std_mean},
    {"linalg.vector_norm", vector_norm},
    {"norm", norm},
    {"softmax", softmax},
    {"log_softmax", log_softmax},
    {"logsumexp", logsumexp},
};

}  // namespace

void bind_reduce() { register_operators(entries, sizeof entries / sizeof *entries); }

}  // namespace pb
