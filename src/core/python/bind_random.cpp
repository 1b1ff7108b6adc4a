// Random numbers: the C++ halves of operators/random.py, and the Generator type.
#include "ops/operators.h"
#include "ops/random.h"
#include "python/options.h"

namespace pb {

namespace {

PyObject* randn(const Args& a) {
    Dims shape = a.dims(0);
    Options o = read_options(a, 3);
    Tensor t = ops::empty(o.dtype_or(default_dtype), shape);
    ops::fill_normal(default_generator(), t.array(), 0, 1);
    return deliver(a, 2, t, o);
}
PyObject* rand(const Args& a) {
    Dims shape = a.dims(0);
    Options o = read_options(a, 3);
    Tensor t = ops::empty(o.dtype_or(default_dtype), shape);
    ops::fill_uniform(default_generator(), t.array(), 0, 1);
    return deliver(a, 2, t, o);
}

PyObject* manual_seed(const Args& a) {
    default_generator().reseed(static_cast<uint64_t>(a.integer(0)));
    return none();
}

const OperatorEntry entries[] = {{"randn", randn}, {"rand", rand}, {"manual_seed", manual_seed}};

}  // namespace

void bind_random() { register_operators(entries, sizeof entries / sizeof *entries); }

}  // namespace pb
