"""Gradients that a call takes itself: `autograd.grad` and `backward`, as one call of the engine, and what it does to `.grad`.

The walk may meet nothing but what the call has recorded, and leaves: hooks, and what a graph from outside has saved, are
others'. So all inputs that require a gradient have to be leaves that nobody watches (`Guards.leaves`). A gradient may be
memory that others know, such as what it was computed from; so the call may not write into it.

What a leaf from outside has in its `.grad` is read through the guard before the call changes it; changes are seen outside.
"""

from __future__ import annotations

from typing import Any

from .. import _core
from .._core import Tensor
from ..autograd.backward import backward as backward_operator
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


# ---- what is kept in .grad ----------------------------------------------------------------------------------------


def backward(run: Any, args: list[Any], kwargs: dict[str, Any]) -> None:
    """What `backward` of several tensors does."""
    given = pure.bound(backward_operator, args, kwargs)
    if given["grad_variables"] is not None:
        raise Refused("calls backward() with grad_variables=")
    _accumulate(run, given["tensors"], given["grad_tensors"], given)


def backward_of(run: Any, args: list[Any], kwargs: dict[str, Any]) -> None:
    """What the method of a tensor does."""
    given = pure.bound(_method, args, kwargs)
    _accumulate(run, given["input"], given["gradient"], given)


def _accumulate(run: Any, outputs: Any, cotangents: Any, given: dict[str, Any]) -> None:
    if run.plain(given["create_graph"]):
        raise Refused("calls backward() with create_graph=True")
    retain = bool(run.plain(given["retain_graph"]))
    chosen = () if given["inputs"] is None else _tensors(run, given["inputs"])
    if any(not (each.requires_grad and each.is_leaf) for each in chosen):
        raise Refused("calls backward() by tensors that are no leaves")
    if given["inputs"] is not None and not chosen:
        raise Refused("calls backward() by no tensors")
    outputs = _tensors(run, outputs)
    cotangents = None if cotangents is None else _tensors(run, cotangents, nothing=True)
    cotangents = cotangents_for(outputs, cotangents)
    guards, recorder = run.guards, run.recorder
    guards.leaves()
    for each in chosen or [each for each in guards.values_of if each.requires_grad and each.is_leaf]:
        if id(each) not in guards.numbers:
            continue
        recorder.shout()
        guards.gradient(each)
        if each.grad is not None:
            recorder.write(each.grad)
    for gradient in recorder.gradients():
        recorder.write(gradient)
    recorder.call(_core.run_backward, [outputs, cotangents, chosen, retain, False, True, True])


def read(run: Any, leaf: Any) -> Any:
    """leaf.grad."""
    if not leaf.is_leaf:
        raise Refused("reads .grad of a result")
    run.guards.gradient(leaf)
    return run.recorder.call(pure.GRADIENT, [leaf])


def assign(run: Any, leaf: Any, value: Any) -> None:
    """leaf.grad = value."""
    recorder = run.recorder
    if not leaf.is_leaf or not (value is None or is_tensor(value)):
        raise Refused(f"makes a {said(value)} the gradient of a tensor")
    if id(leaf) in run.guards.numbers:
        recorder.shout()
        run.guards.gradient(leaf)
    recorder.do(setattr, leaf, "grad", value)


_method = vars(Tensor)["backward"]
RULES = {grad_operator: grad, backward_operator: backward, _method: backward_of}
