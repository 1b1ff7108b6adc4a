"""The implicit function theorem: what f(x) = 0 says about the derivative of x, once and for every mode.

Of f(x) = 0, where f depends on whatever it is given and captures, it follows that A dx = -df with A = df/dx and df the
change of f at x held fixed. So

- a cotangent g of x is pulled back by solving A' v = -g, and pulling v back through f, recorded at x;
- a tangent of x is what solves A dx = -df, where df is the tangent of f(x) with x held fixed.

f is recorded once, at the solution, whatever it took to get there. What it depends on is seen in what was recorded: the
places where that meets leaves or older history (`_core.captures`) become the edges of one node. So parameters may be
arguments or captured. Where a derivative is to be differentiated in its turn, f is recorded anew at x as the node knows
it, with its history and tangents, and the systems are solved by `solved`, whose results are implicit functions themselves.
That is why every order, every nesting and vmap follow from first derivatives.

Griewank and Walther, Evaluating Derivatives (2008), chapter 15; Blondel et al., Efficient and Modular Implicit
Differentiation (2022).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import _core
from .._core import Tensor
from ..autograd import forward_ad
from ..autograd.function import Function, _apply, below_level
from ..autograd.saving import saved_tensors_hooks
from ..operators.creation import zeros_like
from .batch import Reopened
from .reverse import Recording, recording, variables, walk

__all__ = ["root_of", "solved"]

Leaves = list[Tensor]
Flat = Callable[[Sequence[Tensor]], Leaves]  # a function of leaves


class Recorded:
    """A function of leaves, recorded at a point: what it is there, depends on, and pulls back."""

    def __init__(self, f: Flat, x: Sequence[Tensor], maps: Any = ()) -> None:
        with Recording() as state, Reopened(maps):
            self.since = _core.recorded()
            self.own = variables(x, state.outside)
            self.outputs = f(self.own)
            _core.close_variables(self.own)

    def captures(self) -> tuple[Tensor, ...]:
        """Where what it captured gets gradients."""
        return _core.captures(tuple([y for y in self.outputs if y.requires_grad]), self.own, self.since)

    def pull_to_point(self, cotangents: Sequence[Tensor]) -> Leaves:
        """The transposed Jacobian by the point times cotangents."""
        return _filled(self._pull(cotangents, self.own), self.own)

    def pull_to_captures(self, cotangents: Sequence[Tensor], captures: tuple[Tensor, ...]) -> tuple[Any, ...]:
        """The gradients of what was captured; None for what it does not depend on."""
        return self._pull(cotangents, captures)

    def _pull(self, cotangents: Sequence[Tensor], wanted: tuple[Tensor, ...]) -> tuple[Any, ...]:
        return walk(self.outputs, cotangents, wanted, self.own, retain=True, outside=recording())

    def pushes(self) -> tuple[Flat, tuple[Tensor, ...]]:
        """The function that multiplies the Jacobian by the point with tangents: the pullback's own pullback; and variables
        that nobody else will ask for.
        """
        with Recording():
            seeds = tuple([_core.require_grad(zeros_like(y.detach())) for y in self.outputs])
            _core.close_variables(seeds)
            pulled = self._pull(seeds, self.own)
        pairs = [(place, g) for place, g in enumerate(pulled) if g is not None]

        def push(tangents: Sequence[Tensor]) -> Leaves:
            ts = [tangents[place] for place, _ in pairs]
            gs, own = [g for _, g in pairs], self.own + seeds
            return _filled(walk(gs, ts, seeds, own, retain=True, outside=recording()), seeds)

        return push, self.own + seeds


def _filled(found: Sequence[Any], like: Sequence[Tensor]) -> Leaves:
    return [zeros_like(x.detach()) if g is None else g for g, x in zip(found, like)]


class Problem:
    """What the derivative of a solution needs: f, and how linear systems with its Jacobian are solved."""

    def __init__(
        self,
        f: Flat,
        tangents: Callable[[Leaves, Leaves, int | None], tuple[Leaves, tuple[Tensor, ...]]],
        cotangents: Callable[[Recorded, Leaves], Leaves],
        check: Callable[[Leaves], None] | None = None,
    ) -> None:
        self.f, self.tangents, self.cotangents, self.check = f, tangents, cotangents, check
        self.kept: Recorded | None = None
        self.maps = _core.open_maps()


class Implicit(Function):
    """The node of a solution; its inputs are what f captured."""

    @staticmethod
    def forward(ctx: Any, problem: Problem, x: Leaves, *captures: Tensor) -> Any:
        ctx.problem, ctx.places = problem, captures
        ctx.save_for_backward(*x)
        return tuple(x)

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor) -> Any:
        problem, x = ctx.problem, ctx.saved_tensors
        kept, again = problem.kept, recording() or _core.highest_level(x) > 0
        at = kept
        if again or kept is None:
            at = Recorded(problem.f, x if again else [leaf.detach() for leaf in x], problem.maps)
        v = [-g for g in problem.cotangents(at, list(cotangents))]
        if again and kept is not None:  # raises where a value that f saved was written since
            with Quiet():
                kept.pull_to_captures([g.detach() for g in v], ctx.places)
        gradients = at.pull_to_captures(v, ctx.places)
        if not _core.run_retains():
            problem.kept = None
        return None, None, *gradients


def implied(problem: Problem, values: Sequence[Tensor], below: int | None = None) -> Leaves:
    """`values`, at which f is 0, with the derivative that this implies. Levels of tangents from `below` on are left out."""
    x: Leaves = [leaf.detach() for leaf in values]
    context = None
    check, problem.check = problem.check, None
    if not recording():
        if check is not None:
            check(problem.f(x))
    else:
        kept = Recorded(problem.f, x)
        if check is not None:
            check(kept.outputs)
        captures = kept.captures()
        if captures:
            if not getattr(_core.packing_hook(), "recomputes", False):  # a checkpoint keeps nothing
                problem.kept = kept
            outputs, context = _apply(Implicit, (problem, x, *captures))
            x = list(outputs)
    if forward_ad._open.levels:
        _push(problem, x, below)
        if context is not None:
            _core.keep_tangents(context, tuple(x))
    return x


def _push(problem: Problem, x: Leaves, below: int | None) -> None:
    """Give the solution its tangents, the outermost level first: those further in see it with what it has by then.

    At a level of series the n-th coefficient follows in the same way, from those before it: with x_n left out, f(x) has
    the coefficient -A x_n.
    """
    found: list[list[tuple[int, Tensor]]] = [[] for _ in x]
    done = 0
    while level := _next_level(residual := problem.f(x), done, below):
        outside = [below_level(leaf, level) for leaf in x]
        for n in range(1, _core.series_order(level) + 1) or (0,):
            if n > 1:
                residual = problem.f(x)
            change = [_tangent(r, level, n) for r in residual]
            pushed, own = problem.tangents(outside, [-r for r in change], level)
            for leaf, entry, t in zip(x, found, pushed):
                # What a system recorded for itself is no history.
                entry.append((level + n, _core.settled(below_level(t, level), own, True)))
                _core.replace_tangents(leaf, tuple(entry))
        done = level


def solved(
    matvec: Flat, b: Leaves, solve: Any, transpose_solve: Any, symmetric: bool, below: int | None = None
) -> Leaves:
    """Leaves x with matvec(x) = b, for a linear function of leaves, with their derivative."""
    values = _values(lambda: solve(lambda v: plain(matvec(v)), plain(b)))
    if not recording() and not forward_ad._open.levels:
        return values

    def residual(x: Sequence[Tensor]) -> Leaves:
        return [p - q for p, q in zip(matvec(x), b)]

    def tangents(x: Leaves, c: Leaves, below: int | None) -> Any:
        return solved(matvec, c, solve, transpose_solve, symmetric, below), ()

    def cotangents(at: Recorded, c: Leaves) -> Leaves:
        transposed = matvec if symmetric else at.pull_to_point
        return solved(transposed, c, transpose_solve, solve, symmetric)

    return implied(Problem(residual, tangents, cotangents), values, below)


def root_of(f: Flat, values: Leaves, solve: Any, symmetric: bool, check: Any) -> Leaves:
    """`values`, a root of f, with its derivative."""

    def tangents(x: Leaves, c: Leaves, below: int | None) -> Any:
        at = Recorded(f, x)
        push, own = (at.pull_to_point, at.own) if symmetric else at.pushes()
        return solved(push, c, solve, solve, symmetric, below), own

    def cotangents(at: Recorded, c: Leaves) -> Leaves:
        return solved(at.pull_to_point, c, solve, solve, symmetric)

    return implied(Problem(f, tangents, cotangents, check), values)


# ---- values, levels -------------------------------------------------------------------------------------------


class Quiet:
    """A block in which nothing is recorded, and values may leave for NumPy though they require grad.

    What a solver records for itself is none of the business of hooks of saved tensors: a checkpoint would run again.
    """

    def __enter__(self) -> None:
        self.hooks = None if _core.packing_hook() is None else saved_tensors_hooks(Tensor.detach, _same)
        if self.hooks is not None:
            self.hooks.__enter__()
        self.before = _core.enter_function(True)

    def __exit__(self, *error: object) -> None:
        _core.leave_function(self.before)
        if self.hooks is not None:
            self.hooks.__exit__()


def _same(tensor: Tensor) -> Tensor:
    return tensor


def plain(leaves: Sequence[Tensor]) -> Leaves:
    return [below_level(leaf, 1) for leaf in leaves]


def _values(compute: Callable[[], Sequence[Tensor]]) -> Leaves:
    """What is computed, without history and tangents, and in memory of its own."""
    with Quiet():
        return [leaf.detach().clone() for leaf in plain(compute())]


def _next_level(leaves: Sequence[Tensor], done: int, below: int | None) -> int:
    """The outermost level above `done`, and below `below`, at which a leaf has a tangent; 0: none."""
    found = 0
    for leaf in leaves:
        while (level := _core.highest_level((leaf,))) > done:
            if (below is None or level < below) and (not found or level < found):
                found = level
            leaf = _core.unpack_dual(leaf, level)[0]
    return found


def _tangent(leaf: Tensor, level: int, n: int) -> Tensor:
    """The tangent of a leaf at a level, or the n-th coefficient of its series, without what is inside of the level."""
    leaf = below_level(leaf, level + 1)
    if n:
        primal, coefficients = _core.unpack_series(leaf, level)
        tangent = coefficients[n - 1]
        tangent = tangent if tangent is None else below_level(tangent, level)
    else:
        primal, tangent = _core.unpack_dual(leaf, level)
    return zeros_like(primal.detach()) if tangent is None else tangent
