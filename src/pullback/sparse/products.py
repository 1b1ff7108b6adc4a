"""Products of a Jacobian with many vectors: all in one sweep, as the entries of a batch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .._core import Tensor
from ..autograd import no_grad
from ..dtypes import float32, float64, promote_types
from ..func.arguments import ALL, Chosen
from ..func.batch import vmap
from ..func.forward import push_forward
from ..func.reverse import grad, pull_back
from ..func.units import Draws, of_the_batch
from ..operators.creation import tensor
from ..operators.joining import cat, stack

LARGE = 2**23  # elements that a tensor may have with the products side by side, unless somebody says how many

Linear = Callable[[Tensor], Tensor]


def apply(linear: Linear, seeds: Any, like: Any, length: int, chunk_size: int | None) -> Any:
    """What `linear` makes of each row of `seeds`: a NumPy array with a row for each, of `length` elements."""
    step = chunk_size or max(1, LARGE // max(length, seeds.shape[1], 1))
    blocks = []
    for start in range(0, len(seeds), step):
        rows = tensor(seeds[start : start + step]).to(like)
        blocks.append(numbers(_together(linear, rows)))
    return np.concatenate(blocks) if len(blocks) != 1 else blocks[0]


def _together(linear: Linear, rows: Tensor) -> Tensor:
    if rows.shape[0] > 1:
        try:
            return vmap(linear, randomness="same")(rows)
        except RuntimeError as error:
            if not of_the_batch(error):
                raise
    return stack([linear(row) for row in rows.unbind()])


def numbers(t: Tensor) -> Any:
    """The values in NumPy, which has no bfloat16, and SciPy no float16."""
    return t.detach().to(float64 if t.dtype is float64 else float32).numpy()


def _parts(vector: Tensor, like: list[Any]) -> list[Tensor]:
    """A vector as tensors of these shapes and dtypes."""
    found, first = [], 0
    for shape, dtype in like:
        size = math.prod(shape)
        found.append(vector[first : first + size].reshape(shape).to(dtype))
        first += size
    return found


def _joined(parts: list[Tensor], dtype: Any) -> Tensor:
    return cat([part.reshape(-1).to(dtype) for part in parts])


def widest(about: list[Any]) -> Any:
    """The dtype that holds the elements of tensors of these (shape, dtype)."""
    found = about[0][1]
    for _, dtype in about[1:]:
        found = promote_types(found, dtype)
    return found


def check_results(results: list[Tensor], shape: Any) -> None:
    """RuntimeError for results of other shapes than at the call that a plan was made at."""
    given = [tuple(y.shape) for y in results]
    if given != [about[0] for about in shape.outputs]:
        raise RuntimeError(
            f"The function returned tensors of shapes {given}, and {[about[0] for about in shape.outputs]} when the pattern "
            f"was found. Shapes of results that depend on values have no sparse Jacobian that could be kept."
        )


def forward(func: Callable[..., Any], chosen: Chosen, shape: Any) -> Linear:
    """The Jacobian times a vector."""
    dtype = widest(shape.outputs)
    draws = Draws("same")

    def push(vector: Tensor) -> Tensor:
        with draws:
            _, pushed, _, _ = push_forward(func, chosen, _parts(vector, shape.inputs), False)
        check_results(pushed, shape)
        return _joined(pushed, dtype)

    return push


def backward(func: Callable[..., Any], chosen: Chosen, shape: Any) -> Linear:
    """A vector times the Jacobian. The function is called once, now."""
    outputs, pullback, _ = pull_back(
        lambda *leaves: chosen.call(func, leaves), tuple(chosen.leaves), ALL, False
    )
    check_results(outputs, shape)
    dtype = widest(shape.inputs)

    def pulled(vector: Tensor) -> Tensor:
        return _joined(pullback.flat(_parts(vector, shape.outputs), create_graph=False), dtype)

    return pulled


def curvature(func: Callable[..., Any], chosen: Chosen, shape: Any) -> Linear:
    """The Hessian times a vector: the gradient, with a tangent."""
    dtype = widest(shape.inputs)
    draws = Draws("same")

    def value(*leaves: Tensor) -> Tensor:
        y = chosen.call(func, leaves)
        while isinstance(y, (tuple, list)):
            (y,) = y
        return y.reshape(())

    gradient = no_grad()(grad(value, tuple(range(len(chosen.leaves)))))
    flat = Chosen(gradient, tuple(chosen.leaves), {}, ALL)

    def push(vector: Tensor) -> Tensor:
        with draws:
            _, pushed, _, _ = push_forward(gradient, flat, _parts(vector, shape.inputs), False)
        return _joined(pushed, dtype)

    return push
