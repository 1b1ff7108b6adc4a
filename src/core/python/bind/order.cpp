// Sorting, searching, counting: the C++ halves of operators/ordering.py.
#include <cstring>

#include "ops/operators.h"
#include "python/types/return_types.h"

namespace pb {

namespace {

PyObject* pair(const Args& a, const char* name, const Tensors& both) {
    return wrap_named(name, {"values", "indices"}, both);
}

// sort(input, dim=-1, descending=False, stable=False, *, out=None)
PyObject* sort(const Args& a) {
    return pair(a, "sort", ops::sort(a.tensor(0), a.integer(1), a.flag(2), a.given(3)));
}
// argsort(input, dim=-1, descending=False, stable=False)
PyObject* argsort(const Args& a) { return wrap(ops::argsort(a.tensor(0), a.integer(1), a.flag(2))); }
PyObject* msort(const Args& a) { return wrap(std::move(ops::sort(a.tensor(0), 0, false, false)[0])); }
// topk(input, k, dim=-1, largest=True, sorted=True, *, out=None)
PyObject* topk(const Args& a) {
    return pair(a, "topk", ops::topk(a.tensor(0), a.integer(1), a.integer(2), a.flag(3)));
}
// kthvalue(input, k, dim=-1, keepdim=False, *, out=None)
PyObject* kthvalue(const Args& a) {
    return pair(a, "kthvalue", ops::kthvalue(a.tensor(0), a.integer(1), a.integer(2), a.flag(3)));
}
// median(input, dim=None, keepdim=False, *, out=None)
PyObject* median_of(const Args& a, const char* name, bool ignore_nan) {
    if (!a.given(1)) return wrap(ops::median(a.tensor(0), ignore_nan));
    return pair(a, name, ops::median_along(a.tensor(0), a.integer(1), a.flag(2), ignore_nan));
}
PyObject* median(const Args& a) { return median_of(a, "median", false); }
PyObject* nanmedian(const Args& a) { return median_of(a, "nanmedian", true); }
// mode(input, dim=-1, keepdim=False, *, out=None)
PyObject* mode(const Args& a) { return pair(a, "mode", ops::mode(a.tensor(0), a.integer(1), a.flag(2))); }

// (values, inverse, counts) of unique(input, dim, consecutive)
PyObject* unique(const Args& a) {
    return wrap_tuple(ops::unique(a.tensor(0), a.given(1) ? a.integer(1) : MaybeDim(), a.flag(2)));
}

// searchsorted(sorted_sequence, input, *, out_int32=False, right=False, side=None, sorter=None, out=None)
PyObject* searchsorted(const Args& a) {
    bool right = a.flag(3);
    if (a.given(4)) {
        const char* side = a.text(4);
        if (std::strcmp(side, "left") && std::strcmp(side, "right"))
            fail("torch.searchsorted(): side can only be 'left' or 'right' but got {}", side);
        if (right && !std::strcmp(side, "left"))
            fail(
                "torch.searchsorted(): side and right can't be set to opposites, got side of left while "
                "right was True");
        right = !std::strcmp(side, "right");
    }
    Tensor hold;
    return wrap(ops::searchsorted(a.tensor(0), a.operand(1, hold), right, a.tensor_or_none(5), a.flag(2)));
}
// bucketize(input, boundaries, *, out_int32=False, right=False, out=None)
PyObject* bucketize(const Args& a) {
    Tensor hold, boundaries = a.tensor(1);
    if (boundaries.ndim() != 1)
        fail("bucketize(): boundaries tensor must be 1 dimension, but got dim({})", boundaries.ndim());
    return wrap(ops::searchsorted(boundaries, a.operand(0, hold), a.flag(3), Tensor(), a.flag(2)));
}
// bincount(input, weights=None, minlength=0)
PyObject* bincount(const Args& a) {
    return wrap(ops::bincount(a.tensor(0), a.tensor_or_none(1), a.integer(2)));
}
// histc(input, bins=100, min=0, max=0, *, out=None)
PyObject* histc(const Args& a) {
    return wrap(ops::histc(a.tensor(0), a.integer(1), a.number(2), a.number(3)));
}

const OperatorEntry entries[] = {
    {"sort", sort},           {"argsort", argsort},
    {"msort", msort},         {"topk", topk},
    {"kthvalue", kthvalue},   {"median", median},
    {"nanmedian", nanmedian}, {"mode", mode},
    {"_unique", unique},      {"searchsorted", searchsorted},
    {"bucketize", bucketize}, {"bincount", bincount},
    {"histc", histc},
};

}  // namespace

void bind_order() { register_operators(entries, sizeof entries / sizeof *entries); }

}  // namespace pb
