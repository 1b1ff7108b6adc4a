"""The ways to a derivative, as data: a mode is an entry of `MODES`, and everything in the suite is tested with it."""

import dataclasses
from collections.abc import Callable

import numpy as np

import pullback as pb
from pullback import _core
from pullback.autograd import forward_ad
from pullback.func import vmap

from .case import array_of, like


@dataclasses.dataclass(frozen=True)
class Mode:
    """`find` takes a Case to tensors; `finds`, a method of Truth, says what these are.

    values        of the results
    pushed        tangents of the results along v
    pulled        cotangents of the differentiated operands, from u
    pushed_twice  how what is pushed changes along w
    pulled_twice  how what is pulled changes along v
    """

    finds: str
    find: Callable

    @property
    def order(self):
        return {"values": 0, "pushed": 1, "pulled": 1, "pushed_twice": 2, "pulled_twice": 2}[self.finds]

    @property
    def pulls(self):
        return self.finds.startswith("pulled")


def recorded(case):
    """Values, while both modes watch."""
    operands = case.operands(requires_grad=True)
    with forward_ad.dual_level():
        found = [forward_ad.unpack_dual(y).primal for y in case.results(case.duals(operands, case.v))]
    for t, a in zip(operands, case.arrays, strict=True):
        np.testing.assert_array_equal(array_of(t), a, err_msg="an operand has changed")
    return found


def reverse(case, graph=False):
    operands = case.operands(requires_grad=True)
    return _pull(case.results(operands), case.leaves(operands), case.u, graph)


def reverse_with_a_graph(case):
    return reverse(case, graph=True)


def forward(case):
    with forward_ad.dual_level():
        return _push(case, case.operands())


def reverse_over_reverse(case):
    operands = case.operands(requires_grad=True)
    leaves = case.leaves(operands)
    pulled = _pull(case.results(operands), leaves, case.u, graph=True)
    return _pull(pulled, leaves, [case.v[i] for i in case.wanted])


def forward_over_reverse(case, graph=False):
    with forward_ad.dual_level():
        duals = case.duals(case.operands(requires_grad=True), case.v)
        return _tangents(_pull(case.results(duals), case.leaves(duals), case.u, graph))


def forward_over_reverse_with_a_graph(case):
    return forward_over_reverse(case, graph=True)


def reverse_over_forward(case):
    operands = case.operands(requires_grad=True)
    with forward_ad.dual_level():
        return _pull(_push(case, operands), case.leaves(operands), case.u)


def forward_over_forward(case):
    with forward_ad.dual_level():
        outer = case.duals(case.operands(), case.w)
        with forward_ad.dual_level():
            pushed = _push(case, outer)
        return _tangents(pushed)


def batched(find):
    """A mode inside of a vmap, over the case and another one whose operands are turned round; tensors of the case."""

    def find_batched(case):
        operands = case.operands()
        both = [
            pb.stack([t, t.flip(0) if t.ndim and i in case.wanted else t]) for i, t in enumerate(operands)
        ]
        if not both:
            return find(case)
        try:
            found = vmap(lambda *entries: tuple(find(case.but(given=entries))))(*both)
        except _core.MappedError:  # what looks at values has none for all entries
            return find(case)
        return [t[0] for t in found]

    return find_batched


MODES = {
    "recorded": Mode("values", recorded),
    "reverse": Mode("pulled", reverse),
    "reverse_with_a_graph": Mode("pulled", reverse_with_a_graph),
    "forward": Mode("pushed", forward),
    "reverse_over_reverse": Mode("pulled_twice", reverse_over_reverse),
    "forward_over_reverse": Mode("pulled_twice", forward_over_reverse),
    "forward_over_reverse_with_a_graph": Mode("pulled_twice", forward_over_reverse_with_a_graph),
    "reverse_over_forward": Mode("pulled_twice", reverse_over_forward),
    "forward_over_forward": Mode("pushed_twice", forward_over_forward),
    "batched_reverse": Mode("pulled", batched(reverse)),
    "batched_forward": Mode("pushed", batched(forward)),
    "batched_reverse_over_reverse": Mode("pulled_twice", batched(reverse_over_reverse)),
    "batched_forward_over_reverse": Mode("pulled_twice", batched(forward_over_reverse)),
}


def _pull(results, leaves, cotangents, graph=False):
    """The cotangents of the leaves; zeros where nothing depends on them."""
    reached = [(y, like(y, u)) for y, u in zip(results, cotangents, strict=True) if y.requires_grad]
    if not reached or not leaves:
        return [like(x, 0) for x in leaves]
    results, cotangents = zip(*reached)
    found = pb.autograd.grad(results, leaves, cotangents, create_graph=graph, allow_unused=True)
    return [like(x, 0) if g is None else _fitting(g, x) for g, x in zip(found, leaves, strict=True)]


def _push(case, operands):
    """The tangents of the results along v."""
    return _tangents(case.results(case.duals(operands, case.v)))


def _tangents(tensors):
    found = [forward_ad.unpack_dual(y).tangent for y in tensors]
    return [like(y, 0) if t is None else _fitting(t, y) for t, y in zip(found, tensors, strict=True)]


def _fitting(derivative, of):
    """A tangent and a cotangent are of the shape and dtype of what they belong to."""
    assert (tuple(derivative.shape), derivative.dtype) == (tuple(of.shape), of.dtype), (
        f"a derivative has shape {tuple(derivative.shape)} and dtype {derivative.dtype}, "
        f"what it belongs to {tuple(of.shape)} and {of.dtype}"
    )
    return derivative
