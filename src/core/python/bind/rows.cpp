// Row functions: the C++ halves of operators/row_functions.py.
#include "ops/reduce/row_functions.h"
#include "python/read/convert.h"

namespace pb {

namespace {

// layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-05, cudnn_enable=True)
PyObject* layer_norm(const Args& a) {
    if (PyLong_Check(a.raw(1))) a.fail_type(1, "tuple of ints");
    return wrap(
        ops::layer_norm(a.tensor(0), a.dims(1), a.tensor_or_none(2), a.tensor_or_none(3), a.number(4)));
}

// cross_entropy_of_indices(input, target, reduction, ignore_index): reduction is 0 (none), 1 (mean) or 2 (sum)
PyObject* cross_entropy(const Args& a) {
    return wrap(ops::cross_entropy(a.tensor(0), a.tensor(1), static_cast<ops::LossReduction>(a.integer(2)),
                                   a.integer(3)));
}

const OperatorEntry entries[] = {
    {"layer_norm", layer_norm},
    {"cross_entropy_of_indices", cross_entropy},
};

}  // namespace

void bind_rows() { register_operators(entries, sizeof entries / sizeof *entries); }

}  // namespace pb
