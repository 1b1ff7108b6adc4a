#include "ops/operators.h"
#include "python/convert.h"

namespace pb {

namespace {

// sum(input, dim=None, keepdim=False, *, dtype=None)
PyObject* sum(const Args& a) {
    Tensor x = a.tensor(0);
    if (a.given(3)) x = ops::to_dtype(x, a.dtype(3));
    return wrap(ops::sum(x, a.given(1) ? a.dims(1) : Dims{}, a.flag(2)));
}

const OperatorEntry entries[] = {{"sum", sum}};

}  // namespace

void bind_reduce() { register_operators(entries, sizeof entries / sizeof *entries); }

}  // namespace pb
