"""Jacobians and Hessians: unit vectors pulled back or pushed forward, all at once (units.py).

`jacrev` pulls back unit cotangents, one row for each element of the output; `jacfwd` pushes unit tangents forward, one
column for each element of the input; `hessian` is the second of the first.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .. import _core
from .._core import Tensor
from ..operators.creation import zeros
from .arguments import ALL, Argnums, Chosen, all_real, require_tensor
from .forward import push_forward
from .reverse import Recording, pull, pull_back, recording
from .tree import tree_map
from .units import Draws, columns, columns_at_once, first_entry, rows

__all__ = ["hessian", "jacfwd", "jacrev"]


def jacrev(
    func: Callable[..., Any],
    argnums: Argnums = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function that gives the Jacobian of `func`, by reverse mode: for few outputs of many inputs.

    Args:
        func: takes tensors or trees of them, and returns a tensor or a tree of them, of floating-point numbers.
        argnums: the position of the argument to differentiate by, or a tuple of positions.
        has_aux: `func` returns a pair: the output, and a tree of whatever else, which is handed on.
        chunk_size: how many rows are computed together at most, for the memory they take; None means all.

    Returns:
        A function of the same arguments. For one tensor of each it gives a tensor of the shape ``output.shape +
        input.shape``, of the input's dtype. For trees it gives a tree like the output, of trees like the argument; for
        a tuple of `argnums` tuples of those. With `has_aux` a pair of that and aux.

    Raises ValueError for a `chunk_size` below 1 and, when it is called, RuntimeError and ValueError as `vjp`.

    Example:
        >>> pb.func.jacrev(lambda x: x**2)(pb.tensor([1.0, 2.0]))
        tensor([[2., 0.],
                [0., 4.]])
        >>> pb.func.jacrev(lambda x, y: x.sum() * y, argnums=(0, 1))(pb.ones(3), pb.tensor(2.0))
        (tensor([2., 2., 2.]), tensor(3.))
    """
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")

    @functools.wraps(func)
    def jacobian(*args: Any) -> Any:
        outside = recording()
        _, pullback, aux = pull_back(func, args, argnums, has_aux, values=False)
        inputs, trees = pullback.chosen.leaves, []
        all_real(inputs, "jacrev", "inputs")
        all_real(pullback.outputs, "jacrev", "outputs")
        for y in pullback.outputs:

            def linear(seed: Tensor, y: Tensor = y) -> list[Tensor]:
                with Recording():
                    return pull((y,), (seed,), pullback.own, retain=True, outside=outside)[0]

            if y.numel() and inputs:
                blocks = columns(linear, y, chunk_size)
            else:
                blocks = [zeros(0, dtype=x.dtype) for x in inputs]
            found = [block.view((*y.shape, *x.shape)) for block, x in zip(blocks, inputs)]
            trees.append(pullback.chosen.tree(found))
        result = pullback.spec.unflatten(trees)
        return (result, aux) if has_aux else result

    return jacobian


def jacfwd(
    func: Callable[..., Any],
    argnums: Argnums | None = 0,
    has_aux: bool = False,
    *,
    randomness: str = "error",
) -> Callable[..., Any]:
    """A function that gives the Jacobian of `func`, by forward mode: for few inputs of many outputs.

    Args:
        func: takes tensors or trees of them, and returns a tensor or a tree of them.
        argnums: the position of the argument to differentiate by, or a tuple of positions; None means all.
        has_aux: `func` returns a pair: the output, and a tree of whatever else, which is handed on.
        randomness: whether `func` may draw random numbers: "error" if not, "same" ones for all columns, or "different"
            ones.

    Returns:
        As `jacrev`; the dtypes are those of the outputs.

    Raises RuntimeError for another `randomness` and, when it is called, for random draws under "error", and RuntimeError
    and ValueError as `jvp`.

    Example:
        >>> pb.func.jacfwd(lambda x: x**2)(pb.tensor([1.0, 2.0]))
        tensor([[2., 0.],
                [0., 4.]])
        >>> pb.func.jacfwd(lambda x: (x.sin(), x.cos()))(pb.tensor(0.0))
        (tensor(1.), tensor(-0.))
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(
            f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}"
        )

    @functools.wraps(func)
    def jacobian(*args: Any) -> Any:
        draws, depth = Draws(randomness), len(_core.open_maps())
        chosen = Chosen(func, args, {}, ALL if argnums is None else argnums)
        for leaf in chosen.leaves:
            require_tensor(leaf)
        all_real(chosen.leaves, "jacfwd", "inputs")
        about: Any = None  # the structure of the outputs, they themselves, and aux

        def push(tangents: list[Tensor | None]) -> list[Tensor]:
            nonlocal about
            with draws:
                outputs, pushed, spec, aux = push_forward(func, chosen, tangents, has_aux)
            if has_aux and about is None and len(_core.open_maps()) > depth:
                aux = tree_map(first_entry, aux)
            about = about or (spec, outputs, aux)
            return pushed

        blocks = columns_at_once(push, chosen.leaves, randomness)
        if about is None:
            push([None] * len(chosen.leaves))
        spec, outputs, aux = about
        all_real(outputs, "jacfwd", "outputs")
        result = spec.unflatten(rows(blocks, outputs, chosen))
        return (result, aux) if has_aux else result

    return jacobian


def hessian(func: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """A function that gives the Hessian of `func`, by forward mode over reverse mode.

    Args:
        func: takes tensors or trees of them, and returns a tensor, usually a scalar, or a tree of them.
        argnums: the position of the argument to differentiate by, or a tuple of positions.

    Returns:
        A function of the same arguments. For a scalar of one tensor it gives a tensor of the shape ``input.shape +
        input.shape``; otherwise a Jacobian, as that of `jacfwd`, of the Jacobian that `jacrev` gives.

    Raises RuntimeError and ValueError as `jacrev` and `jacfwd`.

    Example:
        >>> pb.func.hessian(lambda x: x.prod())(pb.tensor([1.0, 2.0, 3.0]))
        tensor([[0., 3., 2.],
                [3., 0., 1.],
                [2., 1., 0.]])
    """
    return jacfwd(jacrev(func, argnums), argnums)
