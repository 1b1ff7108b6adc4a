// Making tensors: the C++ halves of operators/creation.py.
#include "ops/operators.h"
#include "python/from_data.h"
#include "python/options.h"

namespace pb {

namespace {

PyObject* tensor(const Args& a) {
    Options o = read_short_options(a, 1);
    Tensor t = tensor_from_data(a.raw(0), o.dtype_given ? &o.dtype : nullptr);
    return finish(std::move(t), o);
}

PyObject* filled(const Args& a, Scalar value) {
    Dims shape = a.dims(0);
    Options o = read_options(a, 2);
    return deliver(a, 1, ops::full(o.dtype_or(default_dtype), Layout::contiguous(shape), value), o);
}
PyObject* zeros(const Args& a) { return filled(a, Scalar(0)); }
PyObject* ones(const Args& a) { return filled(a, Scalar(1)); }
PyObject* empty(const Args& a) {
    Dims shape = a.dims(0);
    Options o = read_options(a, 2);
    return deliver(a, 1, ops::empty(o.dtype_or(default_dtype), shape), o);
}

const OperatorEntry entries[] = {{"tensor", tensor}, {"zeros", zeros}, {"ones", ones}, {"empty", empty}};

}  // namespace

void bind_create() { register_operators(entries, sizeof entries / sizeof *entries); }

}  // namespace pb
