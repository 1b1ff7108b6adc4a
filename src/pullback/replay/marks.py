"""What a call assigns to attributes of tensors: `grad`, `data` and `requires_grad`, and methods that do the like.

They change no elements, but what a tensor is; of one from outside that is seen outside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._core import Tensor
from . import gradients
from .values import Refused, is_tensor, said


def assign_data(run: Any, tensor: Tensor, value: Any) -> None:
    """tensor.data = value, as memory that the call has made."""
    recorder = run.recorder
    if not is_tensor(value) or id(value) not in recorder.made:
        raise Refused(f"makes a {said(value)} that it has not made the data of a tensor")
    if id(tensor) not in run.guards.numbers or _geometry(tensor) != _geometry(value):
        raise Refused("gives a tensor data of another geometry")
    recorder.write(tensor)
    recorder.do(setattr, tensor, "data", value)


def _geometry(t: Tensor) -> tuple:
    return t.shape, t.stride(), t.dtype


def assign_requires_grad(run: Any, tensor: Tensor, value: Any) -> None:
    """tensor.requires_grad = value."""
    recorder, on = run.recorder, run.plain(value)
    recorder.mark(tensor)
    recorder.do(setattr, tensor, "requires_grad", on)


ASSIGNED: dict[str, Callable[[Any, Any, Any], None]] = {
    "grad": gradients.assign,
    "data": assign_data,
    "requires_grad": assign_requires_grad,
}
