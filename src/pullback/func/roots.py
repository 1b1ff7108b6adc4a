"""Finding roots and fixed points: the values of implicit functions, whose derivatives are in func/implicit.py.

    finder(f, x0)      newton: x with f(x) = 0;  iterate, anderson: x with f(x) = x

x0 and x are tensors or trees of them, one vector for a finder. Nothing is recorded. Inside of a vmap every entry has a root
of its own: steps go on until the last one is found, and entries that are done stay as they are. A step is measured by
the largest vector that was met, since a root may be 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._core import Tensor
from ..dtypes import finfo
from ..operators.creation import eye
from ..operators.joining import stack
from .forward import linearize
from .solvers import ConvergenceError, chosen, everywhere, largest, lu, pack, packed, ratio, size, unpack
from .tree import tree_flatten, tree_unflatten

__all__ = ["anderson", "iterate", "newton"]


class Search:
    """The vectors of one search: where it is, and how far steps go."""

    def __init__(self, who: str, f: Callable[[Any], Any], x0: Any, tol: float | None) -> None:
        self.who = who
        self.like, self.spec = tree_flatten(x0)
        self.f = packed(f, self.like, self.spec)
        self.x = pack(self.like)
        self.tol = finfo(self.x.dtype).eps ** (2 / 3) if tol is None else tol
        self.scale = size(self.x)

    def small(self, step: Tensor, x: Tensor) -> Tensor:
        """Whether a step to `x` has a length, for each entry, that counts as none."""
        self.scale = self.scale.maximum(size(x))
        return step <= self.tol * self.scale

    def tree(self, x: Tensor) -> Any:
        return tree_unflatten(unpack(x, self.like), self.spec)

    def failed(self, count: int, step: Tensor, what: str) -> ConvergenceError:
        length = largest(step)
        said = f"{what} {length:.1e} long" if length == length else "the values are not finite any more"
        return ConvergenceError(
            f"{self.who}: no convergence in {count} steps: {said}. Another x0 may lead to a solution, if there is one; "
            f"max_iter= allows more steps, tol= asks for less."
        )


def newton(
    f: Callable[[Any], Any],
    x0: Any,
    *,
    tol: float | None = None,
    max_iter: int = 50,
    linear_solver: Any = "auto",
) -> Any:
    """A root of `f` near `x0` by Newton's method, with steps that are halved until the residual gets smaller.

    Args:
        f: takes a tree like `x0` and gives one.
        x0: a tensor of floating-point numbers, or a tree of them.
        tol: the last step, relative to x, that ends the search; the error is of the order of its square. By default
            eps ** (2/3).
        max_iter: how many steps there may be.
        linear_solver: for the steps, as in `custom_root`.

    Raises ConvergenceError where that does not do; LinAlgError where the Jacobian is singular on the way.

    Example:
        >>> pb.func.roots.newton(lambda x: x * x - 2, pb.tensor(1.0, dtype=pb.float64)).item()
        1.4142135623730951
    """
    search = Search("newton", f, x0, tol)
    solve = chosen(linear_solver)
    x, k = search.x, 0
    r = search.f(x)
    residual = step = size(r)
    done = residual == 0
    while not everywhere(done):
        if k == max_iter:
            raise search.failed(k, step, "the last step was")
        k += 1
        direction = solve(linearize(search.f, x)[1], -r)
        factor = residual.new_ones(())
        for _ in range(40):
            there = x + factor * direction
            r_there = search.f(there)
            better = size(r_there) < residual
            if everywhere(better | done):
                break
            factor = factor.where(better, factor / 2)
        # At a root nothing is better: what is left is rounding.
        full = size(direction)
        if not everywhere(full == full):
            raise search.failed(k, full, "")
        arrived = search.small(full, there) if everywhere(better | done) else search.small(full, x)
        if not everywhere(better | done | arrived):
            raise search.failed(k, full * factor, "no step makes the residual smaller, the last was")
        moves = better & ~done
        x, r, residual = there.where(moves, x), r_there.where(moves, r), size(r_there).where(moves, residual)
        step = full.masked_fill(done, 0.0)
        done = done | arrived | (residual == 0)
    return search.tree(x)


def iterate(f: Callable[[Any], Any], x0: Any, *, tol: float | None = None, max_iter: int = 1000) -> Any:
    """A fixed point of `f` by applying it again and again.

    Args:
        f: takes a tree like `x0` and gives one; a contraction.
        x0: a tensor of floating-point numbers, or a tree of them.
        tol: the last step, relative to x, that ends the search; by default eps ** (2/3).
        max_iter: how many steps there may be.

    Raises ConvergenceError where that does not do.

    Example:
        >>> pb.func.roots.iterate(pb.cos, pb.tensor(1.0))
        tensor(0.7391)
    """
    search = Search("fixed_point", f, x0, tol)
    x, done = search.x, None
    step = size(x)
    for _ in range(max_iter):
        there = search.f(x)
        step = size(there - x)
        if done is None:
            x, done = there, search.small(step, there)
        else:
            x, done = x.where(done, there), done | search.small(step, there)
        if everywhere(done):
            return search.tree(x)
        if not everywhere(step < float("inf")):
            break
    raise search.failed(max_iter, step, "the last step was")


def anderson(
    f: Callable[[Any], Any], x0: Any, *, tol: float | None = None, max_iter: int = 200, memory: int = 5
) -> Any:
    """A fixed point of `f` by Anderson's acceleration: steps that combine the last ones so that they cancel.

    Args:
        f: takes a tree like `x0` and gives one.
        x0: a tensor of floating-point numbers, or a tree of them.
        tol: the last step, relative to x, that ends the search; by default eps ** (2/3).
        max_iter: how many steps there may be.
        memory: how many of them are combined.

    Raises ConvergenceError where that does not do. Walker and Ni, SIAM Journal on Numerical Analysis 49 (2011).

    Example:
        >>> pb.func.roots.anderson(pb.cos, pb.tensor(1.0))
        tensor(0.7391)
    """
    search = Search("fixed_point", f, x0, tol)
    x = search.x
    there = search.f(x)
    residual = there - x
    done = search.small(size(residual), there)
    steps: list[Tensor] = []  # of what f gives
    changes: list[Tensor] = []  # of the residual
    for _ in range(max_iter):
        if everywhere(done):
            return search.tree(there)
        if not everywhere(size(residual) < float("inf")):
            break
        after = there
        if changes:
            a = stack(changes)
            lengths = a.square().sum(-1).sqrt()
            unit = ratio(a, lengths.unsqueeze(-1))
            gram = unit @ unit.t() + (100 * finfo(x.dtype).eps) * eye(len(changes), dtype=x.dtype)
            weights = ratio(lu(gram.matmul, unit @ residual), lengths)
            after = there - weights @ stack(steps)
        x = x.where(done, after)
        now = search.f(x)
        new_residual = now - x
        steps, changes = [*steps, now - there][-memory:], [*changes, new_residual - residual][-memory:]
        there, residual = there.where(done, now), residual.where(done, new_residual)
        done = done | search.small(size(residual), there)
    if everywhere(done):
        return search.tree(there)
    raise search.failed(max_iter, size(residual), "the last step was")


def finder(solve: Any, known: dict[str, Callable[..., Any]], who: str) -> Callable[..., Any]:
    """The finder that a name stands for; a function is what it is."""
    if callable(solve):
        return solve
    if solve not in known:
        raise ValueError(
            f"{who}: unknown solve={solve!r}: it is one of {', '.join(map(repr, known))}, or a function of (f, x0)."
        )
    return known[solve]
