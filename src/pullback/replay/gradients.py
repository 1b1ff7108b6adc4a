"""Gradients that a call takes itself: `autograd.grad`, as one call of the engine.

The walk may meet nothing but what the call has recorded, and leaves: hooks, and what a graph from outside has saved, are
others'. So all inputs that require a gradient have to be leaves that nobody watches (`Guards.leaves`). A gradient may be
memory that others know, such as what it was computed from; so the call may not write into it.
"""

from __future__ import annotations

from typing import Any

from .. import _core
from .._core import Tensor
from ..autograd.backward import cotangents_for
from ..autograd.backward import grad as grad_operator
from . import pure
from .values import Refused, is_dictionary, is_tensor, said


def grad(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """What `autograd.grad` gives."""
    given = pure.bound(grad_operator, args, kwargs)
    flags = {name: run.plain(given[name]) for name in _FLAGS}
    if not flags["only_inputs"] or flags["is_grads_batched"]:
        raise Refused("calls grad() with only_inputs=False or is_grads_batched=True")
    materialize, unused = flags["materialize_grads"], flags["allow_unused"]
    if materialize and unused is False:
        raise Refused("calls grad() with materialize_grads=True and allow_unused=False")
    create = bool(flags["create_graph"])
    retain = create if flags["retain_graph"] is None else bool(flags["retain_graph"])
    points = run.guards.taken(given["inputs"])
    keys = tuple(points) if is_dictionary(points) else None
    inputs = _tensors(run, points)
    if not inputs:
        raise Refused("calls grad() without inputs")
    outputs = _tensors(run, given["outputs"])
    cotangents = None if given["grad_outputs"] is None else _tensors(run, given["grad_outputs"], nothing=True)
    cotangents = cotangents_for(outputs, cotangents)
    run.guards.leaves()
    unused = bool(materialize if unused is None else unused)
    found = run.recorder.call(
        _core.run_backward, [outputs, cotangents, inputs, retain, create, unused, False]
    )
    if materialize:
        zeros = vars(Tensor)["new_zeros"]
        found = tuple(
            [
                run.recorder.call(zeros, [point, point.shape]) if each is None else each
                for each, point in zip(found, inputs)
            ]
        )
    return found if keys is None else dict(zip(keys, found))


_FLAGS = "retain_graph create_graph only_inputs allow_unused is_grads_batched materialize_grads".split()


def _tensors(run: Any, value: Any, nothing: bool = False) -> tuple[Any, ...]:
    """One tensor or several, or None where that is nothing."""
    if is_tensor(value):
        return (value,)
    value = run.guards.taken(value)
    found = tuple(value.values() if is_dictionary(value) else run.iterable(value))
    for each in found:
        if not is_tensor(each) and not (nothing and each is None):
            raise Refused(f"takes a gradient of or by a {said(each)}")
    return found


RULES = {grad_operator: grad}
