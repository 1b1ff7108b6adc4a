"""Implicit functions: what a solver finds has a derivative that knows nothing of how it was found.

    custom_root(f, x0, *args)      x with f(x, *args) = 0, near x0
    fixed_point(f, x0, *args)      x with f(x, *args) = x
    linear_solve(matvec, b)        x with matvec(x) = b

The theorem stands here once, `implied`. Of f(x) = 0, where f depends on whatever it is given and captures, it follows
that A dx = -df with A = ∂f/∂x and df the change of f at x held fixed. So

- a cotangent g of x is pulled back by solving A' v = -g, and pulling v back through f, recorded at x;
- a tangent of x is what solves A dx = -df, where df is the tangent of f(x) with x held fixed.

f is recorded once at the solution, whatever it took to get there. What it depends on is seen in what was recorded: the
places where it meets leaves or older history (`_core.captures`) become the edges of one node. So parameters may be
arguments or captured. Where a derivative is to be differentiated in its turn, f is recorded anew at x as the node knows
it, with its history and tangents, and the systems are solved by `solved`, whose results are implicit functions themselves.
That is why every order, nesting and vmap follows from first derivatives.

Griewank and Walther, Evaluating Derivatives (2008), chapter 15; Blondel et al., Efficient and Modular Implicit
Differentiation (2022).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import _core
from .._core import Tensor
from ..autograd.function import Function, _apply
from ..autograd import forward_ad
from ..operators.creation import as_tensor, zeros_like
from .batch import over_entries
from .forward import linearize
from .reverse import Recording, pull, variables
from .roots import anderson, finder, iterate, newton
from .solvers import ConvergenceError, chosen, largest
from .tree import pictured, tree_flatten, tree_map, tree_unflatten

__all__ = ["custom_root", "fixed_point", "linear_solve"]

Leaves = list[Tensor]
Flat = Callable[[Sequence[Tensor]], Leaves]  # a function of leaves


# ---- the theorem ----------------------------------------------------------------------------------------------


class Recorded:
    """A function of leaves, recorded at a point: what it is there, depends on, and pulls back."""

    def __init__(self, f: Flat, x: Sequence[Tensor]) -> None:
        with Recording() as state:
            self.since = _core.recorded()
            self.own = variables(x, state.outside)
            self.outputs = f(self.own)
            _core.close_variables(self.own)

    def captures(self) -> tuple[Tensor, ...]:
        """Where what it captured gets gradients."""
        return _core.captures(tuple([y for y in self.outputs if y.requires_grad]), self.own, self.since)

    def pull_to_point(self, cotangents: Sequence[Tensor]) -> Leaves:
        """The transposed Jacobian by the point times cotangents."""
        outside = _recording()
        with Recording():
            return pull(self.outputs, cotangents, self.own, retain=True, outside=outside)[0]

    def pull_to_captures(self, cotangents: Sequence[Tensor], captures: tuple[Tensor, ...]) -> tuple[Any, ...]:
        """The gradients of what was captured; None for what it does not depend on."""
        pairs = [(y, g) for y, g in zip(self.outputs, cotangents) if y.requires_grad]
        if not pairs:
            return (None,) * len(captures)
        ys, gs = tuple([y for y, _ in pairs]), tuple([g for _, g in pairs])
        create = _recording()
        found, _ = _core.run_backward(ys, gs, captures, True, create, True, False, False, self.own, True)
        return found


class Problem:
    """What the derivative of a solution needs: f, and how linear systems with its Jacobian are solved."""

    def __init__(
        self,
        f: Flat,
        tangents: Callable[[Leaves, Leaves, int | None], Leaves],
        cotangents: Callable[[Recorded, Leaves], Leaves],
        check: Callable[[Leaves], None] | None = None,
    ) -> None:
        self.f, self.tangents, self.cotangents, self.check = f, tangents, cotangents, check
        self.kept: Recorded | None = None


class Implicit(Function):
    """The node of a solution; its inputs are what f captured."""

    @staticmethod
    def forward(ctx: Any, problem: Problem, x: Leaves, *captures: Tensor) -> Any:
        ctx.problem, ctx.count = problem, len(captures)
        ctx.places = captures
        ctx.save_for_backward(*x)
        return tuple(x)

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor) -> Any:
        problem, x = ctx.problem, ctx.saved_tensors
        kept, again = problem.kept, _recording() or _core.highest_level(x) > 0
        at = kept
        if again or kept is None:
            at = Recorded(problem.f, x if again else [leaf.detach() for leaf in x])
        v = [-g for g in problem.cotangents(at, list(cotangents))]
        if again and kept is not None:  # raises where a value that f saved was written since
            with _quiet():
                kept.pull_to_captures([g.detach() for g in v], ctx.places)
        gradients = at.pull_to_captures(v, ctx.places)
        if not _core.run_retains():
            problem.kept = None
        return None, None, *gradients


def implied(problem: Problem, values: Sequence[Tensor], below: int | None = None) -> Leaves:
    """`values`, at which f is 0, with the derivative that this implies. Levels of tangents from `below` on are left out."""
    x: Leaves = [leaf.detach() for leaf in values]
    context = None
    if not _recording():
        if problem.check is not None:
            problem.check(problem.f(x))
    else:
        kept = Recorded(problem.f, x)
        if problem.check is not None:
            problem.check(kept.outputs)
        captures = kept.captures()
        if captures:
            if not getattr(_core.packing_hook(), "recomputes", False):  # a checkpoint keeps nothing
                problem.kept = kept
            outputs, context = _apply(Implicit, (problem, x, *captures))
            x = list(outputs)
    if forward_ad._open.levels:
        tangents: list[list[tuple[int, Tensor]]] = [[] for _ in x]
        done = 0
        while level := _next_level(residual := problem.f(x), done, below):
            change = [_tangent(r, level) for r in residual]
            pushed = [_below(t, level) for t in problem.tangents(x, [-r for r in change], level)]
            for leaf, entry, t in zip(x, tangents, pushed):
                entry.append((level, t))
                _core.replace_tangents(leaf, tuple(entry))
            done = level
        if context is not None:
            _core.keep_tangents(context, tuple(x))
    return x


def solved(
    matvec: Flat, b: Leaves, solve: Any, transpose_solve: Any, symmetric: bool, below: int | None = None
) -> Leaves:
    """Leaves x with matvec(x) = b, for a linear function of leaves, with their derivative."""
    values = _values(lambda: solve(lambda v: _plain(matvec(v)), _plain(b)))
    if not _recording() and not forward_ad._open.levels:
        return values

    def residual(x: Sequence[Tensor]) -> Leaves:
        return [p - q for p, q in zip(matvec(x), b)]

    def tangents(x: Leaves, c: Leaves, below: int | None) -> Leaves:
        return solved(matvec, c, solve, transpose_solve, symmetric, below)

    def cotangents(at: Recorded, c: Leaves) -> Leaves:
        transposed = matvec if symmetric else at.pull_to_point
        return solved(transposed, c, transpose_solve, solve, symmetric)

    return implied(Problem(residual, tangents, cotangents), values, below)


def root_of(f: Flat, values: Leaves, solve: Any, symmetric: bool, check: Any) -> Leaves:
    """`values`, a root of f, with its derivative."""

    def tangents(x: Leaves, c: Leaves, below: int | None) -> Leaves:
        if symmetric:
            return solved(Recorded(f, x).pull_to_point, c, solve, solve, True, below)
        push = linearize(lambda *leaves: tuple(f(leaves)), *x)[1]
        return solved(lambda v: list(push(*v)), c, solve, solve, False, below)

    def cotangents(at: Recorded, c: Leaves) -> Leaves:
        return solved(at.pull_to_point, c, solve, solve, symmetric)

    return implied(Problem(f, tangents, cotangents, check), values)


# ---- values, levels -------------------------------------------------------------------------------------------


def _recording() -> bool:
    return _core.is_grad_enabled() and not _core.is_inference_mode_enabled()


class _quiet:
    """A block in which nothing is recorded, and values may leave for NumPy though they require grad."""

    def __enter__(self) -> None:
        self.before = _core.enter_function(True)

    def __exit__(self, *error: object) -> None:
        _core.leave_function(self.before)


def _below(leaf: Tensor, level: int) -> Tensor:
    """A leaf without its tangents of this level and of those inside it."""
    while (inner := _core.highest_level((leaf,))) >= level:
        leaf = _core.unpack_dual(leaf, inner)[0]
    return leaf


def _plain(leaves: Sequence[Tensor]) -> Leaves:
    return [_below(leaf, 1) for leaf in leaves]


def _values(compute: Callable[[], Sequence[Tensor]]) -> Leaves:
    """What is computed, without history and tangents, and in memory of its own."""
    with _quiet():
        return [leaf.detach().clone() for leaf in _plain(compute())]


def _next_level(leaves: Sequence[Tensor], done: int, below: int | None) -> int:
    """The outermost level above `done`, and below `below`, at which a leaf has a tangent; 0: none."""
    found = 0
    for leaf in leaves:
        while (level := _core.highest_level((leaf,))) > done:
            if (below is None or level < below) and (not found or level < found):
                found = level
            leaf = _core.unpack_dual(leaf, level)[0]
    return found


def _tangent(leaf: Tensor, level: int) -> Tensor:
    """The tangent of a leaf at a level, without what is inside of it."""
    primal, tangent = _core.unpack_dual(_below(leaf, level + 1), level)
    return zeros_like(primal.detach()) if tangent is None else tangent


# ---- trees and checks -----------------------------------------------------------------------------------------


class Unknowns:
    """The tree of unknowns that a function is given, and what it is held to."""

    def __init__(self, who: str, x0: Any) -> None:
        self.who = who
        leaves, self.spec = tree_flatten(x0)
        if not leaves:
            raise ValueError(f"{who}: x0 holds no tensor: there is nothing to solve for.")
        self.like = [self._unknown(leaf) for leaf in leaves]
        with _quiet():
            self.like = _plain([leaf.detach() for leaf in self.like])

    def _unknown(self, leaf: Any) -> Tensor:
        if not isinstance(leaf, Tensor):
            if not (isinstance(leaf, float) or hasattr(leaf, "__array__")):
                raise TypeError(
                    f"{self.who}: x0 has to be a tensor of floating-point numbers, or a tree of them, got "
                    f"{type(leaf).__name__}."
                )
            leaf = as_tensor(leaf)
        if not leaf.dtype.is_floating_point:
            raise TypeError(
                f"{self.who}: x0 has to be a tensor of floating-point numbers, got {leaf.dtype}: what is solved for "
                f"varies continuously. Convert it first."
            )
        return leaf

    def tree(self, leaves: Sequence[Tensor]) -> Any:
        return tree_unflatten(leaves, self.spec)

    def shown(self, f: Flat, what: str) -> Callable[[Any], Any]:
        """A function of leaves as a solver sees it: of trees, with values and nothing else."""
        return lambda tree: self.tree(_plain(f(self.leaves(tree, what))))

    def leaves(self, tree: Any, what: str) -> Leaves:
        """The leaves of a tree like the unknowns, checked; arrays and numbers become tensors."""
        found, spec = tree_flatten(tree)
        if spec != self.spec:
            raise RuntimeError(
                f"{self.who}: {what} has to be a tree like x0: {pictured(self.spec)}, got {pictured(spec)}."
            )
        checked = []
        for leaf, like in zip(found, self.like):
            if not isinstance(leaf, Tensor):
                if not (isinstance(leaf, (int, float)) or hasattr(leaf, "__array__")):
                    raise TypeError(f"{self.who}: {what} has to hold tensors, got {type(leaf).__name__}.")
                leaf = as_tensor(leaf)
            if leaf.shape != like.shape:
                raise RuntimeError(
                    f"{self.who}: {what} has to have the shapes of x0: got {tuple(leaf.shape)} where that has "
                    f"{tuple(like.shape)}."
                )
            if not leaf.dtype.is_floating_point:
                raise TypeError(
                    f"{self.who}: {what} has to be of floating-point numbers, got {leaf.dtype}."
                )
            checked.append(leaf if leaf.dtype is like.dtype else leaf.to(like.dtype))
        return checked


def _entrywise(compute: Callable[..., Any], args: tuple[Any, ...], who: str) -> Any:
    """`compute(*args)`, for each entry of a vmap where it asks for values."""

    def solve(*args: Any) -> Any:
        try:
            return compute(*args)
        except _core.MappedError as error:
            if not any(_core.mapped_axes(leaf) for leaf in tree_flatten(args)[0]):
                raise _core.MappedError(
                    f"{who}: the solver asks for values, and inside of a vmap they differ from entry to entry. What "
                    f"varies has to be an argument, {who}(f, x0, *args), not captured: then entries are solved one by "
                    f"one."
                ) from error
            return over_entries(solve, args, {}, error)

    return solve(*args)


def _linear(unknowns: Unknowns, solver: Any) -> Callable[[Flat, Leaves], Leaves]:
    """A solver of linear systems, of leaves. One that is given is held to the systems that it solves."""
    method = chosen(solver, sum([leaf.numel() for leaf in unknowns.like]))

    def solve(matvec: Flat, b: Leaves) -> Leaves:
        def compute(*b: Tensor) -> Any:
            found = method(unknowns.shown(matvec, "what a linear solver gives matvec"), unknowns.tree(b))
            return tuple(unknowns.leaves(found, "what a linear solver returns"))

        x = list(_entrywise(compute, tuple(b), unknowns.who))
        if callable(solver):
            rest = [p - q for p, q in zip(matvec(x), b)]
            size, wanted = _extent(rest), _extent(b)
            if not size <= LOOSE * wanted:
                raise ConvergenceError(
                    f"{unknowns.who}: the linear solver returned what does not solve: its residual is {size:.1e}, of "
                    f"a right-hand side of {wanted:.1e}."
                )
        return x

    return solve


LOOSE = 1e-3  # where a solver that somebody else wrote is certainly wrong


def _extent(leaves: Sequence[Tensor]) -> float:
    """The largest magnitude among the elements of leaves, of all entries; NaN if there is one."""
    with _quiet():
        found = [largest(leaf.abs().amax()) for leaf in _plain(leaves) if leaf.numel()]
    return max(found, default=0.0) if all(x == x for x in found) else float("nan")


def _solve_and_differentiate(
    who: str,
    f: Callable[..., Any],
    equation: Callable[[Flat], Flat],
    x0: Any,
    args: tuple[Any, ...],
    method: Callable[..., Any],
    linear_solver: Any,
    symmetric: bool,
    has_aux: bool,
    check: bool,
) -> Any:
    unknowns = Unknowns(who, x0)

    def function(args: Any) -> Flat:
        return lambda leaves: unknowns.leaves(f(unknowns.tree(leaves), *args), "what f returns")

    def compute(x: tuple[Tensor, ...], args: tuple[Any, ...]) -> Any:
        found, aux = method(unknowns.shown(function(args), "what solve gives f"), unknowns.tree(x)), None
        if has_aux:
            if not (isinstance(found, tuple) and len(found) == 2):
                raise RuntimeError(f"{who}: solve has to return a pair (x, aux) if has_aux is True.")
            found, aux = found
        return tuple(unknowns.leaves(found, "what solve returns")), aux

    with _quiet():
        given = tree_map(lambda t: _below(t, 1).detach() if isinstance(t, Tensor) else t, args)
        if has_aux:
            values, aux = _entrywise(compute, (tuple(unknowns.like), given), who)
        else:
            values = _entrywise(lambda *each: compute(*each)[0], (tuple(unknowns.like), given), who)
        values = [leaf.detach().clone() for leaf in _plain(values)]

    flat = equation(function(args))

    def judge(residual: Leaves) -> None:
        size = _extent(residual)
        if size <= LOOSE:
            return
        with _quiet():
            before = _extent(flat(unknowns.like)) if size < float("inf") else 0.0
        if not size < 0.5 * before:
            raise ConvergenceError(
                f"{who}: solve returned what is no solution: there the residual is {size:.1e}, and {before:.1e} at x0. "
                f"check=False takes it all the same."
                if size < float("inf")
                else f"{who}: solve returned what is no solution: there the residual is not finite."
            )

    solve = _linear(unknowns, linear_solver)
    x = unknowns.tree(root_of(flat, values, solve, symmetric, judge if check else None))
    return (x, aux) if has_aux else x


# ---- what is called -------------------------------------------------------------------------------------------


def custom_root(
    f: Callable[..., Any],
    x0: Any,
    *args: Any,
    solve: Any = "newton",
    linear_solver: Any = "auto",
    symmetric: bool = False,
    has_aux: bool = False,
    check: bool = True,
) -> Any:
    """The x near `x0` with f(x, *args) = 0, found by any solver, and differentiated by the implicit function theorem.

    Derivatives of every order and in every mode go to `args` and to whatever `f` captures. They know `f` at the root
    only: neither time nor memory depend on how many steps the solver took, which may leave pullback, for SciPy say.

    Args:
        f: takes a tree like `x0`, and `args`, and returns a tree like `x0`, of the same shapes: as many equations as
            unknowns. It has to do the same whenever it is called.
        x0: where the search begins: a tensor of floating-point numbers, or a tree of them. x does not depend on it.
        args: tensors, or trees of tensors and anything else. Inside of a vmap what varies has to be among them where
            `solve` asks for values, as SciPy does.
        solve: ``solve(f, x0)`` returns x, or an array for each tensor; ``f`` is a function of x alone that takes arrays,
            too, and gives tensors without history. "newton" is `pullback.func.solvers`' neighbour `roots.newton`.
        linear_solver: how the systems of derivatives are solved, whose matrix is the Jacobian by x, or its transpose:
            "lu", "cg", "bicgstab", "gmres" (`pullback.func.solvers`), or ``linear_solver(matvec, b)``. "auto" is "lu"
            for up to 128 unknowns, beyond it "gmres".
        symmetric: the Jacobian by x is symmetric, as that of a gradient is: its transpose need not be made.
        has_aux: `solve` returns a pair: x, and whatever else, which is handed on.
        check: raise where `solve` returns what is certainly no root.

    Returns:
        A tree like `x0`; with `has_aux` a pair of it and aux.

    Raises:
        TypeError: for unknowns that are integers.
        RuntimeError: `f` or `solve` returns a tree of another structure or of other shapes; the Jacobian is singular.
        ConvergenceError: a solver does not find a solution, or returns none.

    Example:
        >>> sqrt = lambda a: pb.func.custom_root(lambda x, a: x * x - a, pb.tensor(1.0), a)
        >>> sqrt(pb.tensor(9.0)), pb.func.grad(sqrt)(pb.tensor(9.0))
        (tensor(3.), tensor(0.1667))
        >>> import scipy.optimize
        >>> f = lambda x, a: pb.stack([x[0] + x[1] - a, x[0] * x[1] - 2])
        >>> x0, a = pb.tensor([3.0, 0.0], dtype=pb.float64), pb.tensor(3.0, dtype=pb.float64, requires_grad=True)
        >>> x = pb.func.custom_root(f, x0, a, solve=lambda f, x0: scipy.optimize.root(f, x0).x)
        >>> x[0].backward()
        >>> a.grad
        tensor(2.0000, dtype=pullback.float64)
    """
    method = finder(solve, {"newton": newton}, "custom_root")
    return _solve_and_differentiate(
        "custom_root", f, lambda f: f, x0, args, method, linear_solver, symmetric, has_aux, check
    )


def fixed_point(
    f: Callable[..., Any],
    x0: Any,
    *args: Any,
    solve: Any = "iterate",
    linear_solver: Any = "auto",
    symmetric: bool = False,
    has_aux: bool = False,
    check: bool = True,
) -> Any:
    """The x near `x0` with f(x, *args) = x, found by any solver, and differentiated by the implicit function theorem.

    As `custom_root` of f(x) - x.

    Args:
        f, x0, args, linear_solver, has_aux, check: as there.
        solve: ``solve(f, x0)`` returns x; "iterate" applies `f` again and again, "anderson" combines such steps
            (`pullback.func.roots`).
        symmetric: the Jacobian of `f` by x is symmetric.

    Returns:
        A tree like `x0`; with `has_aux` a pair of it and aux.

    Raises:
        TypeError, RuntimeError, ConvergenceError: as there.

    Example:
        >>> heron = lambda x, a: (x + a / x) / 2
        >>> a = pb.tensor(2.0, dtype=pb.float64, requires_grad=True)
        >>> x = pb.func.fixed_point(heron, pb.ones((), dtype=pb.float64), a)
        >>> x.backward()
        >>> x.item(), a.grad.item()
        (1.414213562373095, 0.35355339059327384)
    """
    method = finder(solve, {"iterate": iterate, "anderson": anderson}, "fixed_point")

    def equation(f: Flat) -> Flat:
        return lambda x: [p - q for p, q in zip(f(x), x)]

    return _solve_and_differentiate(
        "fixed_point", f, equation, x0, args, method, linear_solver, symmetric, has_aux, check
    )


def linear_solve(
    matvec: Callable[[Any], Any] | Tensor,
    b: Any,
    *,
    solve: Any = "auto",
    transpose_solve: Any = None,
    symmetric: bool = False,
) -> Any:
    """The x with matvec(x) = b, for a linear function, and its derivatives by `b` and by what `matvec` captures.

    Nothing is recorded of the solver's iterations: a gradient is the solution of the transposed system, whose function
    follows from `matvec`.

    Args:
        matvec: a linear function that takes a tree like `b` and returns one, or a matrix.
        b: a tensor of floating-point numbers, or a tree of them.
        solve: "lu", "cg", "bicgstab", "gmres" (`pullback.func.solvers`), or ``solve(matvec, b)``, which returns x.
            "auto" is "lu" for up to 128 unknowns, beyond it "gmres".
        transpose_solve: the same for the transposed system; `solve` if left out.
        symmetric: the matrix is symmetric; its transpose need not be made.

    Returns:
        A tree like `b`.

    Raises:
        TypeError: for a `b` of integers.
        RuntimeError: `matvec` or `solve` returns a tree of another structure or of other shapes; a singular matrix.
        ConvergenceError: a solver does not find a solution, or returns none.

    Example:
        >>> d = pb.tensor([2.0, 4.0], requires_grad=True)
        >>> x = pb.func.linear_solve(lambda x: d * x, pb.tensor([1.0, 1.0]), solve="cg", symmetric=True)
        >>> x.sum().backward()
        >>> x, d.grad
        (tensor([0.5000, 0.2500], grad_fn=<ImplicitBackward>), tensor([-0.2500, -0.0625]))
    """
    if isinstance(matvec, Tensor):
        matrix = matvec

        def matvec(x: Tensor) -> Tensor:
            return matrix @ x

    leaves, spec = tree_flatten(b)
    unknowns = Unknowns("linear_solve", b)
    leaves = [like if not isinstance(leaf, Tensor) else leaf for leaf, like in zip(leaves, unknowns.like)]

    def product(x: Sequence[Tensor]) -> Leaves:
        return unknowns.leaves(matvec(unknowns.tree(x)), "what matvec returns")

    forward = _linear(unknowns, solve)
    backward = forward if transpose_solve is None else _linear(unknowns, transpose_solve)
    return unknowns.tree(solved(product, leaves, forward, backward, symmetric))
