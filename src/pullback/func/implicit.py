"""Implicit functions: what a solver finds, with the derivative that its equation implies.

    custom_root(f, x0, *args)      x with f(x, *args) = 0, near x0
    fixed_point(f, x0, *args)      x with f(x, *args) = x
    linear_solve(matvec, b)        x with matvec(x) = b

What is here finds values and holds trees, functions and solvers to what they promise; the derivative is in implied.py.
Inside of a vmap a solver that asks for values runs for each entry, and sees the entry of whatever a function captured.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .. import _core
from .._core import Tensor
from ..autograd.function import below_level
from ..operators.creation import as_tensor
from ..operators.joining import stack
from .entries import axes_of
from .implied import Flat, Leaves, Quiet, plain, root_of, solved
from .roots import anderson, finder, iterate, newton
from .solvers import ConvergenceError, chosen, hidden, largest, revealed
from .tree import pictured, tree_flatten, tree_map, tree_structure, tree_unflatten

__all__ = ["custom_root", "fixed_point", "linear_solve"]


# ---- trees and checks -----------------------------------------------------------------------------------------


class Like(NamedTuple):
    """What is held of an unknown: its value is nobody's business once the search is over."""

    shape: Any
    dtype: Any


class Unknowns:
    """The tree of unknowns that a function is given, and what it is held to."""

    def __init__(self, who: str, x0: Any, name: str = "x0") -> None:
        self.who, self.name = who, name
        leaves, self.spec = tree_flatten(x0)
        if not leaves:
            raise ValueError(f"{who}: {name} holds no tensor: there is nothing to solve for.")
        self.found = [self._unknown(leaf) for leaf in leaves]
        self.like = [Like(leaf.shape, leaf.dtype) for leaf in self.found]

    def start(self) -> Leaves:
        """The leaves of x0 as values; once."""
        found, self.found = self.found, []
        with Quiet():
            return plain([leaf.detach() for leaf in found])

    def _unknown(self, leaf: Any) -> Tensor:
        if not isinstance(leaf, Tensor):
            if not (isinstance(leaf, float) or hasattr(leaf, "__array__")):
                raise TypeError(
                    f"{self.who}: {self.name} has to be a tensor of floating-point numbers, or a tree of them, got "
                    f"{type(leaf).__name__}."
                )
            leaf = as_tensor(leaf)
        if not leaf.dtype.is_floating_point:
            raise TypeError(
                f"{self.who}: {self.name} has to be a tensor of floating-point numbers, got {leaf.dtype}: what is solved for "
                f"varies continuously. Convert it first."
            )
        return leaf

    def tree(self, leaves: Sequence[Tensor]) -> Any:
        return tree_unflatten(leaves, self.spec)

    def shown(self, f: Flat, what: str) -> Callable[[Any], Any]:
        """A function of leaves as a solver sees it: of trees, with values and nothing else."""
        return lambda tree: self.tree(plain(f(self.leaves(tree, what))))

    def leaves(self, tree: Any, what: str) -> Leaves:
        """The leaves of a tree like the unknowns, checked; arrays and numbers become tensors."""
        found, spec = tree_flatten(tree)
        if spec != self.spec:
            raise RuntimeError(
                f"{self.who}: {what} has to be a tree like {self.name}: {pictured(self.spec)}, got {pictured(spec)}."
            )
        checked = []
        for leaf, like in zip(found, self.like):
            if not isinstance(leaf, Tensor):
                if not (isinstance(leaf, (int, float)) or hasattr(leaf, "__array__")):
                    raise TypeError(f"{self.who}: {what} has to hold tensors, got {type(leaf).__name__}.")
                leaf = as_tensor(leaf)
            if leaf.shape != like.shape:
                raise RuntimeError(
                    f"{self.who}: {what} has to have the shapes of {self.name}: got {tuple(leaf.shape)} where that has "
                    f"{tuple(like.shape)}."
                )
            if not leaf.dtype.is_floating_point:
                raise TypeError(f"{self.who}: {what} has to be of floating-point numbers, got {leaf.dtype}.")
            checked.append(leaf if leaf.dtype is like.dtype else leaf.to(like.dtype))
        return checked


Pick = Callable[[Tensor], Tensor]


def _entrywise(compute: Callable[[Any, Pick], Any], args: Any, given: Callable[[Any], Leaves]) -> Any:
    """`compute(args, pick)`, for each entry of the vmaps around where it asks for values.

    `pick` gives the entry of what a function returns there: it may have captured what varies. `given(args)` is what
    the function gives for all entries, for the axes.
    """
    try:
        return compute(args, lambda leaf: leaf)
    except _core.MappedError as error:
        axes = sorted(set().union(*[axes_of(leaf) for leaf in [*tree_flatten(args)[0], *given(args)]]))
        rows: list[list[Any]] = []
        for entry in itertools.product(*[range(size) for _, size in axes]):
            index = dict(zip(axes, entry))

            def pick(leaf: Any, index: dict[Any, int] = index) -> Any:
                own = sorted(axes_of(leaf))
                return revealed(leaf, own)[tuple([index[axis] for axis in own])] if own else leaf

            row = compute(tree_map(pick, args), pick)
            rows.append(tree_flatten(row)[0])
        if not axes or not rows or not all(isinstance(leaf, Tensor) for row in rows for leaf in row):
            raise error
        sizes = [size for _, size in axes]
        wholes = [stack(column) for column in zip(*rows)]
        return tree_unflatten(
            [hidden(t.reshape((*sizes, *t.shape[1:])), axes) for t in wholes], tree_structure(row)
        )


def _linear(
    unknowns: Unknowns, solver: Any, symmetric: bool, told: bool = False
) -> Callable[[Flat, Leaves], Leaves]:
    """A solver of linear systems, of leaves. One that is given is held to the systems that it solves, and so is a function
    that somebody has `told` to be linear.
    """
    method = chosen(solver, symmetric)

    def solve(matvec: Flat, b: Leaves) -> Leaves:
        def compute(b: tuple[Tensor, ...], pick: Pick) -> Any:
            shown = unknowns.shown(
                lambda v: [pick(p) for p in matvec(v)], "what a linear solver gives matvec"
            )
            return tuple(unknowns.leaves(method(shown, unknowns.tree(b)), "what a linear solver returns"))

        x = list(_entrywise(compute, tuple(b), matvec))
        if callable(solver) or told:
            rest = [p - q for p, q in zip(matvec(x), b)]
            size, wanted = _extent(rest), _extent(b)
            if not callable(solver) and wanted < float("inf") and not size <= LOOSE * wanted:
                raise RuntimeError(
                    f"{unknowns.who}: matvec is not linear, or singular to rounding: at what should be the solution its "
                    f"residual is {size:.1e}, of a b of {wanted:.1e}. A constant that it adds belongs to b; the root of a "
                    f"function that bends is what custom_root finds."
                )
            if callable(solver) and not size <= LOOSE * wanted:
                raise ConvergenceError(
                    f"{unknowns.who}: the linear solver returned what does not solve: its residual is {size:.1e}, of "
                    f"a right-hand side of {wanted:.1e}."
                )
        return x

    return solve


LOOSE = 1e-3  # where a solver that somebody else wrote is certainly wrong


def _extent(leaves: Sequence[Tensor]) -> float:
    """The largest magnitude among the elements of leaves, of all entries; NaN if there is one."""
    with Quiet():
        found = [largest(leaf.abs().amax()) for leaf in plain(leaves) if leaf.numel()]
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

    def compute(given: Any, pick: Pick) -> Any:
        x, args = given
        shown = unknowns.shown(lambda x: [pick(y) for y in function(args)(x)], "what solve gives f")
        found = method(shown, unknowns.tree(x))
        if not has_aux:
            return tuple(unknowns.leaves(found, "what solve returns"))
        if not (isinstance(found, tuple) and len(found) == 2):
            raise RuntimeError(f"{who}: solve has to return a pair (x, aux) if has_aux is True.")
        return tuple(unknowns.leaves(found[0], "what solve returns")), found[1]

    start = unknowns.start()
    with Quiet():
        given = tree_map(lambda t: below_level(t, 1).detach() if isinstance(t, Tensor) else t, args)
        found = _entrywise(compute, (tuple(start), given), lambda given: function(given[1])(given[0]))
        values, aux = found if has_aux else (found, None)
        values = [leaf.detach().clone() for leaf in plain(values)]

    flat = equation(function(args))

    def judge(residual: Leaves) -> None:
        size = _extent(residual)
        if size <= LOOSE:
            return
        with Quiet():
            before = _extent(flat(start)) if size < float("inf") else 0.0
        if not size < 0.5 * before:
            raise ConvergenceError(
                f"{who}: solve returned what is no solution: there the residual is {size:.1e}, and {before:.1e} at x0. "
                f"check=False takes it all the same."
                if size < float("inf")
                else f"{who}: solve returned what is no solution: there the residual is not finite."
            )

    solve = _linear(unknowns, linear_solver, symmetric)
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
        args: tensors, or trees of tensors and anything else.
        solve: ``solve(f, x0)`` returns x, or an array for each tensor; ``f`` is a function of x alone that takes arrays,
            too, and gives tensors without history. "newton" is `pullback.func.roots.newton`.
        linear_solver: how the systems of derivatives are solved, whose matrix is the Jacobian by x, or its transpose:
            "lu", "cg", "bicgstab", "gmres" (`pullback.func.solvers`), or ``linear_solver(matvec, b)``. "auto" is "lu"
            for up to 128 unknowns, beyond it "gmres" ("cg" first if the Jacobian is symmetric), and "lu" again for up to
            4,096 where that does not get there.
        symmetric: the Jacobian by x is symmetric, as that of a gradient is: its transpose need not be made.
        has_aux: `solve` returns a pair: x, and whatever else, which is handed on.
        check: raise where `solve` returns what is certainly no root.

    Returns:
        A tree like `x0`; with `has_aux` a pair of it and aux.

    Raises:
        TypeError: for unknowns that are integers.
        RuntimeError: `f` or `solve` returns a tree of another structure or of other shapes.
        LinAlgError: the Jacobian is singular.
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
        TypeError, RuntimeError, LinAlgError, ConvergenceError: as there.

    Example:
        >>> heron = lambda x, a: (x + a / x) / 2
        >>> a = pb.tensor(2.0, dtype=pb.float64, requires_grad=True)
        >>> x = pb.func.fixed_point(heron, pb.ones((), dtype=pb.float64), a)
        >>> x.backward()
        >>> x, a.grad
        (tensor(1.4142, dtype=pullback.float64, grad_fn=<ImplicitBackward>), tensor(0.3536, dtype=pullback.float64))
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
            "auto" as for `custom_root`.
        transpose_solve: the same for the transposed system; `solve` if left out.
        symmetric: the matrix is symmetric; its transpose need not be made.

    Returns:
        A tree like `b`.

    Raises:
        TypeError: for a `b` of integers.
        RuntimeError: `matvec` or `solve` returns a tree of another structure or of other shapes; `matvec` is not linear.
        LinAlgError: the matrix is singular.
        ConvergenceError: a solver does not find a solution, or returns none.

    Example:
        >>> d = pb.tensor([2.0, 4.0], requires_grad=True)
        >>> x = pb.func.linear_solve(lambda x: d * x, pb.tensor([1.0, 1.0]), solve="cg", symmetric=True)
        >>> x.sum().backward()
        >>> x, d.grad
        (tensor([0.5000, 0.2500], grad_fn=<ImplicitBackward>), tensor([-0.2500, -0.0625]))
    """
    told = not isinstance(matvec, Tensor)
    if isinstance(matvec, Tensor):
        matrix = matvec

        def matvec(x: Tensor) -> Tensor:
            return matrix @ x

    unknowns = Unknowns("linear_solve", b, "b")
    leaves, unknowns.found = unknowns.found, []

    def product(x: Sequence[Tensor]) -> Leaves:
        return unknowns.leaves(matvec(unknowns.tree(x)), "what matvec returns")

    forward = _linear(unknowns, solve, symmetric, told)
    backward = _linear(unknowns, solve if transpose_solve is None else transpose_solve, symmetric)
    return unknowns.tree(solved(product, leaves, forward, backward, symmetric))
