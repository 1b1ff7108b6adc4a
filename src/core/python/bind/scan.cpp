// Cumulative operations: the C++ halves of operators/scans.py.
#include "ops/operators.h"
#include "python/types/return_types.h"

namespace pb {

namespace {

MaybeDType dtype_or_own(const Args& a, size_t i) { return a.given(i) ? a.dtype(i) : MaybeDType(); }

// cumsum(input, dim, *, dtype=None, out=None)
PyObject* cumsum(const Args& a) { return wrap(ops::cumsum(a.tensor(0), a.integer(1), dtype_or_own(a, 2))); }
PyObject* cumprod(const Args& a) { return wrap(ops::cumprod(a.tensor(0), a.integer(1), dtype_or_own(a, 2))); }
// cummax(input, dim, *, out=None)
PyObject* cumulative_extreme(const Args& a, const char* name, bool greatest) {
    Tensors both = greatest ? ops::cummax(a.tensor(0), a.integer(1)) : ops::cummin(a.tensor(0), a.integer(1));
    return wrap_named(name, {"values", "indices"}, both);
}
PyObject* cummax(const Args& a) { return cumulative_extreme(a, "cummax", true); }
PyObject* cummin(const Args& a) { return cumulative_extreme(a, "cummin", false); }
PyObject* logcumsumexp(const Args& a) { return wrap(ops::logcumsumexp(a.tensor(0), a.integer(1))); }

const OperatorEntry entries[] = {
    {"cumsum", cumsum}, {"cumprod", cumprod},           {"cummax", cummax},
    {"cummin", cummin}, {"logcumsumexp", logcumsumexp},
};

}  // namespace

void bind_scan() { register_operators(entries, sizeof entries / sizeof *entries); }

}  // namespace pb
