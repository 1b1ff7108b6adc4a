"""Twins: what stands for tensors from outside while a call that writes into them is read.

A dry run may change nothing. So a call that writes is read before it is made, on tensors that are like those from outside and
hold the same elements; gradients and optimisers have twins as well. Afterwards all of them have to be as it then is outside. At
first only tensors that require a gradient get twins, so that data are not copied; where a call writes into others, all do.
"""

from __future__ import annotations

import copy
from typing import Any

from .. import _core
from .._core import Tensor
from ..autograd.grad_mode import enable_grad, no_grad
from ..nn.parameter import Parameter
from ..operators.creation import empty_strided
from .values import Unusual


class Shared(Exception):
    """A call writes into a tensor from outside that has no twin."""


class Twins:
    """Those of one call; with `every`, of all tensors from outside."""

    def __init__(self, every: bool) -> None:
        self.every = every
        self.optimizers: list[tuple[Any, Any]] = []  # those outside, and their twins
        self._ids: set[int] = set()
        self._nodes: dict[int, tuple] = {}  # of results, what gave them, and their twins, by the ids of twins

    def of(self, o: Tensor, wanted: bool) -> Tensor:
        """What stands for a tensor: its twin, or itself where it is only read."""
        if not (wanted or self.every or o.requires_grad):
            return o
        twin = _like(o)
        self._ids.add(id(twin))
        if o.grad_fn is not None:
            self._nodes[id(twin)] = twin.grad_fn, o.grad_fn
        return twin

    def are_same(self, twin: Tensor, o: Tensor) -> bool:
        """Whether a tensor from outside has become what its twin is; a result may stay one of what gave it."""
        nodes = self._nodes.get(id(twin))
        if nodes is None or twin.grad_fn is not nodes[0] or o.grad_fn is not nodes[1]:
            return are_same(twin, o)
        return are_same(twin.detach(), o.detach())

    def __contains__(self, t: Tensor) -> bool:
        return id(t) in self._ids

    def optimizer(self, o: Any, parameters: dict[int, Tensor]) -> Any:
        """The twin of an optimiser, of whose parameters the twins are given by the ids of those outside."""
        for known, twin in self.optimizers:
            if known is o:
                return twin
        twin = copy.deepcopy(o, dict(parameters))
        self.optimizers.append((o, twin))
        return twin


def _like(o: Tensor) -> Tensor:
    with no_grad():
        twin = o.detach().clone()
        if twin.stride() != o.stride():
            twin = empty_strided(o.shape, o.stride(), dtype=o.dtype)
            try:
                twin.copy_(o)
            except RuntimeError:
                raise Unusual("writes, and is given a tensor whose elements share memory") from None
    if type(o) is Parameter:
        return Parameter(twin, o.requires_grad)
    twin.requires_grad_(o.requires_grad)
    if not o.is_leaf:
        with enable_grad():
            twin = twin.clone()  # so that it is a result as well
        if twin.stride() != o.stride():
            raise Unusual("writes, and is given a result that has gaps")
    return twin


# ---- comparing --------------------------------------------------------------------------------------------------


def are_same(a: Tensor | None, b: Tensor | None) -> bool:
    """Whether two tensors are the same, to the bit, or both are not there."""
    if a is b or a is None or b is None:
        return a is b
    return _describe(a) == _describe(b) and _have_same_elements(a, b)


def have_same_state(a: Any, b: Any) -> bool:
    """Whether two optimisers know the same of their parameters."""
    return _are_same_states(list(a.state.values()), list(b.state.values()))


def _describe(t: Tensor) -> tuple:
    kind = None if t.grad_fn is None else type(t.grad_fn).__name__, t.grad_fn is None or t.grad_fn.name()
    return t.shape, t.stride(), t.dtype, t.requires_grad, t.is_leaf, type(t), kind


def _have_same_elements(a: Tensor, b: Tensor) -> bool:
    a, b = a.detach(), b.detach()
    return bool(((a == b) | ((a != a) & (b != b))).all())


def _are_same_states(a: Any, b: Any) -> bool:
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return are_same(a, b)
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(_are_same_states(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(_are_same_states, a, b))
    return _core.are_same_constants(a, b)
