"""Laplacians, diagonals of Hessians and divergences: without the matrices, in one sweep over all unit vectors.

The second coefficient of ``f(x + t * e)``, along each unit vector e, is half an element of the Hessian's diagonal: a jet of
order 2 for each of n numbers, all computed together as the entries of a batch (units.py). No gradient is recorded, so that
the memory does not grow with the length of the computation. For many numbers a trace can be estimated instead, from random
directions (Hutchinson 1990, A stochastic estimator of the trace of the influence matrix).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from .._core import Tensor
from ..operators.creation import zeros_like
from ..operators.random import randint
from .arguments import Argnums, Chosen, require_tensor
from .batch import vmap
from .forward import push_forward
from .taylor import expand
from .units import columns_by_leaf, rows

__all__ = ["divergence", "hessian_diagonal", "laplacian"]


def laplacian(
    func: Callable[..., Any],
    argnums: Argnums = 0,
    *,
    samples: int | None = None,
    generator: Any = None,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function that gives the Laplacian of `func`: the sum of its second derivatives by each number of an argument.

    Args:
        func: takes tensors or trees of them, and returns a tensor, usually a scalar, or a tree of them.
        argnums: the position of the argument to differentiate by, or a tuple of positions.
        samples: instead of all unit vectors take so many random ones, with elements -1 and 1: an estimate, whose mean is
            the Laplacian.
        generator: draws them; None is the default generator.
        chunk_size: how many directions are computed together at most, for the memory they take; None means all.

    Returns:
        A function of the same arguments. It gives a tree like the output, each tensor with the shape of its own.

    Raises ValueError for a `chunk_size` or `samples` below 1 and, when it is called, RuntimeError and ValueError as `jet`.

    Example:
        >>> pb.func.laplacian(lambda x: (x**3).sum())(pb.tensor([1.0, 2.0]))
        tensor(18.)
        >>> pb.func.laplacian(lambda x: (x**2).sum(), samples=1)(pb.tensor([1.0, 2.0]))  # exact if the Hessian is diagonal
        tensor(4.)
    """
    _positive("laplacian", chunk_size=chunk_size, samples=samples)

    @functools.wraps(func)
    def trace(*args: Any) -> Any:
        chosen = _chosen(func, args, argnums)
        along = _Along(func, chosen)
        if samples is None:
            blocks = columns_by_leaf(along.all, chosen.leaves, chunk_size)
            sums = [[found.sum(0) for found in block] for block in blocks if block is not None]
            total = [functools.reduce(Tensor.add, parts) for parts in zip(*sums)]
        else:
            total = _mean(along.all, chosen.leaves, samples, generator, chunk_size)
        return along.tree(total)

    return trace


def hessian_diagonal(
    func: Callable[..., Any], argnums: Argnums = 0, *, chunk_size: int | None = None
) -> Callable[..., Any]:
    """A function that gives the diagonal of the Hessian of `func`: its second derivative by each number of an argument.

    Args:
        func: takes tensors or trees of them, and returns a tensor, usually a scalar, or a tree of them.
        argnums: the position of the argument to differentiate by, or a tuple of positions.
        chunk_size: how many are computed together at most, for the memory they take; None means all.

    Returns:
        A function of the same arguments. For a scalar of one tensor it gives a tensor of the input's shape, in general of
        ``output.shape + input.shape``; for trees a tree like the output, of trees like the argument, as `jacrev`.

    Raises ValueError for a `chunk_size` below 1 and, when it is called, RuntimeError and ValueError as `jet`.

    Example:
        >>> pb.func.hessian_diagonal(lambda x: (x**3).sum() + x.prod())(pb.tensor([1.0, 2.0]))
        tensor([ 6., 12.])
    """
    _positive("hessian_diagonal", chunk_size=chunk_size)

    @functools.wraps(func)
    def diagonal(*args: Any) -> Any:
        chosen = _chosen(func, args, argnums)
        along = _Along(func, chosen)
        blocks = columns_by_leaf(along.all, chosen.leaves, chunk_size)
        return along.tree(rows(blocks, along.outputs(), chosen))

    return diagonal


def divergence(
    func: Callable[..., Any],
    argnums: Argnums = 0,
    *,
    samples: int | None = None,
    generator: Any = None,
    chunk_size: int | None = None,
) -> Callable[..., Tensor]:
    """A function that gives the divergence of `func`, which returns what is like its argument: the trace of the Jacobian.

    Args:
        func: takes tensors or trees of them, and returns a tree like the argument to differentiate by.
        argnums: the position of that argument, or a tuple of positions.
        samples: instead of all unit vectors take so many random ones, with elements -1 and 1: an estimate, whose mean is
            the divergence.
        generator: draws them; None is the default generator.
        chunk_size: how many directions are computed together at most, for the memory they take; None means all.

    Returns:
        A function of the same arguments that gives a 0-d tensor.

    Raises ValueError for a `chunk_size` or `samples` below 1 and, when it is called, RuntimeError where the output is not
    like the argument, RuntimeError and ValueError as `jvp`.

    Example:
        >>> pb.func.divergence(lambda x: x**2 + x.sum())(pb.tensor([1.0, 2.0]))
        tensor(8.)
    """
    _positive("divergence", chunk_size=chunk_size, samples=samples)

    @functools.wraps(func)
    def trace(*args: Any) -> Tensor:
        chosen = _chosen(func, args, argnums)

        def push(directions: Sequence[Tensor | None]) -> list[Tensor]:
            outputs, pushed, _, _ = push_forward(func, chosen, directions, False)
            shapes = [tuple(x.shape) for x in chosen.leaves], [tuple(y.shape) for y in outputs]
            if shapes[0] != shapes[1]:
                raise RuntimeError(
                    f"divergence: Expected f to return what is like its argument, tensors of the shapes {shapes[0]}, "
                    f"got {shapes[1]}. The trace is that of a square Jacobian."
                )
            pairs = [(t, v) for t, v in zip(pushed, directions) if v is not None]
            return [functools.reduce(Tensor.add, [(t * v).sum() for t, v in pairs])]

        if samples is not None:
            return _mean(push, chosen.leaves, samples, generator, chunk_size)[0]
        sums = [
            zeros_like(x.detach()).sum() if block is None else block[0].sum(0)
            for block, x in zip(columns_by_leaf(push, chosen.leaves, chunk_size), chosen.leaves)
        ]
        return functools.reduce(Tensor.add, sums)

    return trace


class _Along:
    """Second derivatives of a function along directions, and what it returns."""

    def __init__(self, func: Callable[..., Any], chosen: Chosen) -> None:
        self.func, self.chosen = func, chosen
        self.spec: Any = None
        self.kinds: list[Tensor] = []

    def all(self, directions: Sequence[Tensor | None]) -> list[Tensor]:
        """The second derivative of each output along directions of all leaves."""
        terms = [(v, None) for v in directions]
        outputs, found, self.spec, _ = expand(
            lambda *given: self.chosen.call(self.func, given), self.chosen.leaves, terms, 2
        )
        self.kinds = outputs
        return [zeros_like(y.detach()) if c[1] is None else c[1] * 2.0 for y, c in zip(outputs, found)]

    def outputs(self) -> list[Tensor]:
        """Tensors of the shapes and dtypes of the outputs."""
        if self.spec is None:
            self.all([None] * len(self.chosen.leaves))
        return self.kinds

    def tree(self, leaves: Sequence[Any]) -> Any:
        """A tree like the output."""
        kinds = self.outputs()
        return self.spec.unflatten(list(leaves) or [zeros_like(y.detach()) for y in kinds])


def _chosen(func: Callable[..., Any], args: tuple[Any, ...], argnums: Argnums) -> Chosen:
    chosen = Chosen(func, args, {}, argnums)
    for leaf in chosen.leaves:
        require_tensor(leaf)
    return chosen


def _mean(
    along: Callable[[Sequence[Tensor]], list[Tensor]],
    like: Sequence[Tensor],
    samples: int,
    generator: Any,
    chunk_size: int | None,
) -> list[Tensor]:
    """The mean of a quadratic form over random directions."""
    total: list[Tensor] = []
    done = 0
    while done < samples:
        count = min(samples - done, chunk_size or samples)
        seeds = [randint(0, 2, (count, *x.shape), generator=generator, dtype=x.dtype) * 2 - 1 for x in like]
        sums = [found.sum(0) for found in vmap(lambda *vs: along(vs), randomness="same")(*seeds)]
        total = [a + b for a, b in zip(total, sums)] if total else sums
        done += count
    return [t / samples for t in total]


def _positive(who: str, **counts: int | None) -> None:
    for name, count in counts.items():
        if count is not None and count <= 0:
            raise ValueError(f"{who}: `{name}` should be greater than 0.")
