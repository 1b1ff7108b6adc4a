#include "ops/operators.h"
#include "python/convert.h"

namespace pb {

namespace {

PyObject* view(const Args& a) { return wrap(ops::view(a.tensor(0), a.dims(1))); }
PyObject* reshape(const Args& a) { return wrap(ops::reshape(a.tensor(0), a.dims(1))); }
PyObject* expand(const Args& a) { return wrap(ops::expand(a.tensor(0), a.dims(1))); }
PyObject* permute(const Args& a) { return wrap(ops::permute(a.tensor(0), a.dims(1))); }
PyObject* transpose(const Args& a) { return wrap(ops::transpose(a.tensor(0), a.integer(1), a.integer(2))); }
PyObject* unsqueeze(const Args& a) { return wrap(ops::unsqueeze(a.tensor(0), a.integer(1))); }
PyObject* select(const Args& a) { return wrap(ops::select(a.tensor(0), a.integer(1), a.integer(2))); }
PyObject* detach(const Args& a) { return wrap(ops::detach(a.tensor(0))); }
PyObject* contiguous(const Args& a) { return wrap(ops::contiguous(a.tensor(0))); }
PyObject* clone(const Args& a) { return wrap(ops::clone(a.tensor(0))); }

const OperatorEntry entries[] = {
    {"view", view}, {"reshape", reshape}, {"expand", expand}, {"permute", permute}, {"transpose", transpose},
    {"unsqueeze", unsqueeze}, {"select", select}, {"detach", detach}, {"contiguous", contiguous}, {"clone", clone},
};

}  // namespace

void bind_views() { register_operators(entries, sizeof entries / sizeof *entries); }

}  // namespace pb
