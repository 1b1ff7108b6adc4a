"""The Jacobians that `gradcheck` compares: from central differences, from reverse mode, from forward mode.

Differences move the inputs in place, through `data`, so that functions that captured them see it, too. Jacobians are kept as
PyTorch keeps them: a row for each element of the input, a column for each element of the output.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .._core import Tensor, float64
from ..operators.creation import zeros, zeros_like
from ..operators.joining import stack
from .backward import grad
from .forward_ad import dual_level, make_dual, unpack_dual
from .gradcheck import GradcheckError

Function = Callable[..., Any]
Outputs = tuple[Any, ...]


def as_tuple(value: Any) -> tuple[Any, ...]:
    """One value, or several, as a tuple."""
    return tuple(value) if isinstance(value, tuple | list) else (value,)


def is_float(t: Any) -> bool:
    """Whether it is a tensor of floating point numbers."""
    return isinstance(t, Tensor) and t.dtype.is_floating_point


def wanted_of(inputs: Outputs) -> list[int]:
    """Which inputs are differentiated: the tensors that require grad."""
    return [i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]


def differentiable(outputs: Any) -> list[int]:
    """Which outputs have a history."""
    return [i for i, y in enumerate(as_tuple(outputs)) if isinstance(y, Tensor) and y.requires_grad]


# ---- differences -------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _moved(x: Tensor, direction: Tensor | float, index: Any = ...) -> Iterator[None]:
    """A block in which `x`, or an element of it, is another one."""
    data = x.data
    before = data[index].clone()
    data[index] = before + direction
    try:
        yield
    finally:
        data[index] = before


def difference(func: Function, inputs: Outputs, x: Tensor, step: Any, eps: float, index: Any) -> list[Tensor]:
    """How the outputs change for each unit of `step`, as vectors."""
    values = []
    for sign in (-1.0, 1.0):
        with _moved(x, sign * step, index):
            values.append([y.detach().clone() for y in as_tuple(func(*inputs))])
    for a, b in zip(*values):
        for what in ("shape", "dtype"):
            if getattr(a, what) != getattr(b, what):
                raise AssertionError(
                    f"Expected `func` to return outputs with the same {what} when inputs are perturbed by {eps}, but "
                    f"got: {what}s {getattr(a, what)} and {getattr(b, what)}."
                )
    return [
        (b - a).reshape(-1) / (2 * eps) if is_float(a) else zeros(a.numel(), dtype=float64)
        for a, b in zip(*values)
    ]


def _places(x: Tensor) -> Iterator[tuple[int, ...]]:
    return itertools.product(*[range(size) for size in x.shape])


def numerical_jacobian(func: Function, inputs: Outputs, i: int, eps: float) -> list[Tensor]:
    """The Jacobian of each output by input `i`, from differences."""
    x = inputs[i]
    columns = [difference(func, inputs, x, eps, eps, place) for place in _places(x)]
    if not columns:
        return [zeros(0, y.numel(), dtype=float64) for y in as_tuple(func(*inputs))]
    return [stack(rows) for rows in zip(*columns)]


# ---- derivatives -------------------------------------------------------------------------------------------


def pull(y: Tensor, xs: Sequence[Tensor], cotangent: Tensor) -> tuple[Any, ...]:
    """The gradients of one output; None where it does not depend on an input."""
    found: tuple[Any, ...] = grad(y, xs, cotangent, retain_graph=True, allow_unused=True)
    return found


def reverse_jacobian(y: Tensor, xs: list[Tensor], check_dtypes: bool) -> list[Tensor]:
    """The Jacobian of one output by each input, row by row."""
    blocks = [zeros(x.numel(), y.numel(), dtype=x.dtype) for x in xs]
    for k in range(y.numel()):
        for x, block, g in zip(xs, blocks, pull(y, xs, _unit(y, k))):
            check_gradient(x, g, check_dtypes)
            if g is not None:
                block[:, k] = g.detach().reshape(-1)
    return blocks


def check_gradient(x: Tensor, g: Tensor | None, check_dtypes: bool) -> None:
    """A gradient has the shape of what it is for, and its dtype if that is asked for."""
    if g is not None and g.shape != x.shape:
        raise GradcheckError("Analytical gradient has incorrect size")
    if g is not None and check_dtypes and g.dtype != x.dtype:
        raise GradcheckError("Gradient has dtype mismatch")


def _unit(y: Tensor, k: int) -> Tensor:
    unit = zeros(y.numel(), dtype=y.dtype)
    unit[k] = 1.0
    return unit.view(y.shape)


def push(func: Function, inputs: Outputs, i: int, tangent: Tensor) -> list[Tensor]:
    """The tangents of the outputs, as vectors, for a tangent of input `i`; those of the others are zeros."""
    with dual_level():
        duals = [
            make_dual(x.detach(), tangent if k == i else zeros_like(x.detach()))
            if k in wanted_of(inputs)
            else x
            for k, x in enumerate(inputs)
        ]
        pairs = [unpack_dual(y) if isinstance(y, Tensor) else (y, None) for y in as_tuple(func(*duals))]
    return [
        zeros(primal.numel(), dtype=primal.dtype if is_float(primal) else float64)
        if tangent is None or not is_float(primal)
        else tangent.detach().reshape(-1)
        for primal, tangent in pairs
    ]


def forward_jacobian(func: Function, inputs: Outputs, i: int, outputs: Outputs) -> list[Tensor]:
    """The Jacobian of each output by input `i`, column by column."""
    x = inputs[i]
    columns = [push(func, inputs, i, _unit(x, k)) for k in range(x.numel())]
    if not columns:
        return [zeros(0, y.numel(), dtype=float64) for y in outputs]
    return [stack(rows) for rows in zip(*columns)]
