"""Solvers of linear systems that are given as a function: what tangents and cotangents of implicit functions ask for.

    solver(matvec, b)      x with matvec(x) = b; x and b are tensors, or trees of them, and matvec is linear

They compute values, and nothing is recorded of their iterations: `linear_solve` and its relatives (func/implicit.py) give
results their derivatives. A tree is one vector for them. Inside of a vmap there is a system for each entry: iterations go
on until the last one is solved, and those that are done stay as they are.

Sources: Saad, Iterative Methods for Sparse Linear Systems (2003), algorithms 6.9 with 6.5.3 (GMRES), 6.18 (CG), 7.7
(BiCGSTAB). An iteration ends where the residual is `tol` times b, or what rounding alone may be: a small multiple of
eps ||A|| ||x||, with the largest ||A v|| / ||v|| that was met in place of ||A||.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import _core
from .._core import LinAlgError, Tensor
from ..dtypes import finfo
from ..operators.creation import as_tensor
from ..operators.entries import every_entry
from ..operators.joining import cat, stack
from .tree import tree_flatten, tree_unflatten
from .units import columns

__all__ = ["ConvergenceError", "bicgstab", "cg", "gmres", "lu"]

Map = Callable[[Tensor], Tensor]  # of vectors
# Up to so many unknowns a matrix is made of the map: at once, and if nothing else helps.
SMALL, LARGE = 128, 4096


class ConvergenceError(RuntimeError):
    """What is raised where an iteration does not reach what it was asked for.

    Example:
        >>> try:
        ...     pb.func.fixed_point(lambda x: 2 * x + 1, pb.tensor(0.0))
        ... except pb.func.ConvergenceError as error:
        ...     print(str(error).partition(":")[0])
        fixed_point
    """


# ---- a tree as one vector, and one vector for each entry of a vmap -----------------------------------------


def pack(leaves: Sequence[Tensor]) -> Tensor:
    """Leaves one after the other."""
    return leaves[0].reshape(-1) if len(leaves) == 1 else cat([leaf.reshape(-1) for leaf in leaves])


def unpack(vector: Tensor, like: Sequence[Tensor]) -> list[Tensor]:
    """Leaves of these shapes and dtypes from where they are one after the other."""
    if len(like) == 1:
        return [vector.reshape(like[0].shape).to(like[0].dtype)]
    parts = vector.split([leaf.numel() for leaf in like])
    return [part.reshape(leaf.shape).to(leaf.dtype) for part, leaf in zip(parts, like)]


def packed(func: Callable[[Any], Any], like: Sequence[Tensor], spec: Any) -> Map:
    """A function of trees as one of vectors."""
    return lambda vector: pack(tree_flatten(func(tree_unflatten(unpack(vector, like), spec)))[0])


def revealed(tensor: Tensor, axes: Sequence[tuple[int, int]]) -> Tensor:
    """A tensor with these axes of vmaps as its first dimensions; the outermost first."""
    for level, size in sorted(axes, reverse=True):
        tensor = _core.unmap_axis(tensor, level, 0, size)
    return tensor


def hidden(tensor: Tensor, axes: Sequence[tuple[int, int]]) -> Tensor:
    """The inverse of `revealed`."""
    for level, _ in sorted(axes):
        tensor = _core.map_axis(tensor, level, 0)
    return tensor


def everywhere(condition: Tensor) -> bool:
    """Whether a condition holds, for every entry."""
    return bool(every_entry(condition).all())


def largest(number: Tensor) -> float:
    """The largest of a number of each entry."""
    numbers = every_entry(number)
    return float(numbers.max()) if numbers.numel() else 0.0


def size(vector: Tensor) -> Tensor:
    """The norm of a vector. The largest element is taken out first: squares may overflow."""
    if not vector.numel():
        return vector.sum()
    scale = vector.abs().amax()
    return ratio(vector, scale).square().sum().sqrt() * scale


def ratio(a: Tensor, b: Tensor) -> Tensor:
    """a / b, and 0 where b is 0."""
    zero = b == 0
    return (a / b.masked_fill(zero, 1.0)).masked_fill(zero, 0.0)


class System:
    """A linear system of one vector, what has been met of its matrix, and when a residual is small enough."""

    def __init__(self, who: str, matvec: Callable[[Any], Any], b: Any, tol: float | None) -> None:
        self.who, self.products = who, 0
        self.like, self.spec = tree_flatten(b)
        for leaf in self.like:
            if not isinstance(leaf, Tensor) or not leaf.dtype.is_floating_point:
                kind = leaf.dtype if isinstance(leaf, Tensor) else type(leaf).__name__
                raise TypeError(
                    f"{who}(matvec, b): b has to be a tensor of floating-point numbers, or a tree of them, got {kind}."
                )
        self.b = pack(self.like) if self.like else as_tensor([0.0])[:0]
        self.n = self.b.numel()
        self.eps = finfo(self.b.dtype).eps
        self.apply = packed(matvec, self.like, self.spec)
        self.norm = self.b.new_zeros(())  # of A, from below
        self.goal = size(self.b) * (self.eps ** (2 / 3) if tol is None else tol) if self.n else self.norm

    def times(self, v: Tensor) -> Tensor:
        """A v."""
        product = self.apply(v)
        self.products += 1
        if product.shape != self.b.shape:
            raise RuntimeError(
                f"{self.who}(matvec, b): matvec gave {product.numel()} numbers for the {self.n} of b. It has to give "
                f"a tree like b."
            )
        self.norm = self.norm.maximum(ratio(size(product), size(v)))
        return product

    def solved(self, residual: Tensor, x: Tensor) -> Tensor:
        """Whether the norm of a residual, for each entry, is small enough."""
        return residual <= self.goal.maximum(self.norm * size(x) * (8 * self.eps))

    def over(self, residual: Tensor, done: Tensor) -> bool:
        """Whether every entry is solved, or will never be."""
        return everywhere(done | ~(residual < float("inf")))

    def finish(self, x: Tensor, cure: str) -> Any:
        """The solution as a tree, if it is one."""
        residual = size(self.b - self.times(x))
        if not everywhere(self.solved(residual, x)):
            part = largest(ratio(residual, size(self.b)))
            if not part < float("inf"):
                raise ConvergenceError(
                    f"{self.who}: no solution: the right-hand side, or what matvec makes of vectors, is not finite. Of "
                    f"an implicit function it is the gradient that arrives, or the derivative by the unknowns."
                )
            raise ConvergenceError(
                f"{self.who}: no solution after {self.products} products: the residual is {part:.1e} of b, where "
                f"{largest(ratio(self.goal, size(self.b))):.1e} was asked for. The matrix may be singular, or "
                f"{cure}; tol= asks for less, max_iter= allows more."
            )
        return self.tree(x)

    def tree(self, x: Tensor) -> Any:
        return tree_unflatten(unpack(x, self.like), self.spec)


def _keep(done: Tensor, old: Tensor, new: Tensor) -> Tensor:
    """`old` for the entries that are done."""
    return old.where(done, new)


# ---- methods ----------------------------------------------------------------------------------------------


def lu(matvec: Callable[[Any], Any], b: Any) -> Any:
    """The solution of a linear system by elimination: for up to some thousand unknowns.

    The matrix is made of `matvec` at all unit vectors at once, and LAPACK solves.

    Args:
        matvec: a linear function of a tree like `b` that gives one.
        b: a tensor of floating-point numbers, or a tree of them.

    Raises LinAlgError for a singular matrix, and one that is singular to rounding; TypeError for another `b`.

    Example:
        >>> pb.func.solvers.lu(lambda x: pb.stack([2 * x[0] + x[1], x[1]]), pb.tensor([4.0, 2.0]))
        tensor([1., 2.])
    """
    from ..linear_algebra.solving import solve

    system = System("lu", matvec, b, None)
    if not system.n:
        return system.tree(system.b)
    (stacked,) = columns(lambda unit: [system.times(unit)], system.b)
    matrix = stacked.t()
    if not everywhere(matrix.isfinite().all()):
        raise LinAlgError(
            "lu: the matrix has elements that are not finite: the function, or its derivative, has no value here."
        )
    try:
        x = solve(matrix, system.b)
    except LinAlgError as error:
        raise LinAlgError(SINGULAR) from error
    # As large as a solution is only where rounding is all that keeps the matrix from being singular.
    grown = matrix.abs().sum(-1).amax() * x.abs().amax() * (16 * system.eps)
    if not everywhere((grown <= system.b.abs().amax()) | ~system.b.isfinite().all()):
        raise LinAlgError(SINGULAR)
    return system.tree(x)


SINGULAR = (
    "torch.linalg.solve: The solver failed because the input matrix is singular. Of an implicit function it is the Jacobian by "
    "the unknowns: there the solution is not isolated, or is a double one, and has no derivative."
)


def cg(matvec: Callable[[Any], Any], b: Any, *, tol: float | None = None, max_iter: int | None = None) -> Any:
    """The solution of a linear system whose matrix is symmetric and definite, by conjugate gradients.

    Args:
        matvec: a linear function of a tree like `b` that gives one.
        b: a tensor of floating-point numbers, or a tree of them.
        tol: the residual that is small enough, relative to `b`; by default eps ** (2/3).
        max_iter: ten for each unknown if left out.

    Raises ConvergenceError where that does not do; TypeError for another `b`.

    Example:
        >>> pb.func.solvers.cg(lambda x: 2 * x, pb.tensor([4.0, 2.0]))
        tensor([2., 1.])
    """
    system = System("cg", matvec, b, tol)
    if not system.n:
        return system.tree(system.b)
    x, r = system.b * 0, system.b
    p, rr = r, r.dot(r)
    for _ in range(10 * system.n + 10 if max_iter is None else max_iter):
        residual = size(r)
        done = system.solved(residual, x)
        if system.over(residual, done):
            break
        ap = system.times(p)
        step = ratio(rr, p.dot(ap)).masked_fill(done, 0.0)
        x, r = x + step * p, r - step * ap
        before, rr = rr, r.dot(r)
        p = r + ratio(rr, before) * p
    return system.finish(x, "not symmetric and definite: solve with 'gmres' then")


def bicgstab(
    matvec: Callable[[Any], Any], b: Any, *, tol: float | None = None, max_iter: int | None = None
) -> Any:
    """The solution of a linear system by stabilised biconjugate gradients: any matrix, memory for eight vectors.

    Args:
        matvec: a linear function of a tree like `b` that gives one.
        b: a tensor of floating-point numbers, or a tree of them.
        tol: the residual that is small enough, relative to `b`; by default eps ** (2/3).
        max_iter: ten for each unknown if left out.

    Raises ConvergenceError where that does not do; TypeError for another `b`.

    Example:
        >>> pb.func.solvers.bicgstab(lambda x: pb.stack([2 * x[0] + x[1], x[1]]), pb.tensor([4.0, 2.0])).round(decimals=3)
        tensor([1., 2.])
    """
    system = System("bicgstab", matvec, b, tol)
    if not system.n:
        return system.tree(system.b)
    x, r = system.b * 0, system.b
    shadow, p, rho = r, r, r.dot(r)
    for _ in range(10 * system.n + 10 if max_iter is None else max_iter):
        residual = size(r)
        done = system.solved(residual, x)
        if system.over(residual, done):
            break
        ap = system.times(p)
        alpha = ratio(rho, shadow.dot(ap))
        s = r - alpha * ap
        t = system.times(s)
        omega = ratio(t.dot(s), t.dot(t))
        x = _keep(done, x, x + alpha * p + omega * s)
        r = _keep(done, r, s - omega * t)
        before, rho = rho, shadow.dot(r)
        beta = ratio(rho, before) * ratio(alpha, omega)
        broken = (rho == 0) | (omega == 0)  # begin anew from here
        shadow, p = r.where(broken, shadow), r.where(broken, r + beta * (p - omega * ap))
        rho = r.dot(r).where(broken, rho)
    return system.finish(x, "too far from normal: 'gmres' may do")


def gmres(
    matvec: Callable[[Any], Any],
    b: Any,
    *,
    tol: float | None = None,
    max_iter: int | None = None,
    restart: int = 50,
) -> Any:
    """The solution of a linear system by generalised minimal residuals: any matrix, memory for `restart` vectors.

    Args:
        matvec: a linear function of a tree like `b` that gives one.
        b: a tensor of floating-point numbers, or a tree of them.
        tol: the residual that is small enough, relative to `b`; by default eps ** (2/3).
        max_iter: ten for each unknown if left out.
        restart: after so many products the vectors that were collected are given up.

    Raises ConvergenceError where that does not do; TypeError for another `b`.

    Example:
        >>> pb.func.solvers.gmres(lambda x: pb.stack([2 * x[0] + x[1], x[1]]), pb.tensor([4.0, 2.0])).round(decimals=4)
        tensor([1., 2.])
    """
    system = System("gmres", matvec, b, tol)
    if not system.n:
        return system.tree(system.b)
    x, r, last = system.b * 0, system.b, None
    left = 10 * system.n + 10 if max_iter is None else max_iter
    while left > 0:
        beta = size(r)
        if system.over(beta, system.solved(beta, x)) or (
            last is not None and everywhere(beta >= 0.999 * last)
        ):
            break
        last = beta
        length = min(restart, system.n, left)
        correction, steps = _cycle(system, r, beta, x, length)
        x = _keep(system.solved(beta, x), x, x + correction)
        r = system.b - system.times(x)
        left -= steps
    return system.finish(x, "a larger restart= may do")


def _cycle(system: System, r: Tensor, beta: Tensor, x: Tensor, length: int) -> tuple[Tensor, int]:
    """What `length` vectors say about the solution, and how many were enough."""
    basis = [ratio(r, beta)]
    right: list[Tensor] = [beta]
    rotations: list[tuple[Tensor, Tensor]] = []
    triangle: list[list[Tensor]] = []
    for j in range(length):
        w = system.times(basis[j])
        norm = size(w)
        known = stack(basis)
        h = known @ w
        w = w - h @ known
        again = known @ w  # twice is enough
        w, h = w - again @ known, h + again
        below = size(w)
        below = below.masked_fill(below <= norm * system.eps, 0.0)  # nothing but rounding is left
        basis.append(ratio(w, below))
        column = list(h.unbind())
        for i, (c, s) in enumerate(rotations):
            column[i], column[i + 1] = c * column[i] + s * column[i + 1], c * column[i + 1] - s * column[i]
        length_here = (column[j].square() + below.square()).sqrt()
        nothing = length_here == 0
        c, s = ratio(column[j], length_here).masked_fill(nothing, 1.0), ratio(below, length_here)
        column[j] = length_here
        rotations.append((c, s))
        triangle.append(column)
        right[j], rest = c * right[j], -s * right[j]
        right.append(rest)
        if system.over(rest.abs(), system.solved(rest.abs(), x)):
            break
    count = len(triangle)
    y: list[Any] = [None] * count
    for i in reversed(range(count)):
        total = right[i]
        for k in range(i + 1, count):
            total = total - triangle[k][i] * y[k]
        y[i] = ratio(total, triangle[i][i])
    return stack(y) @ stack(basis[:count]), count


def _auto(matvec: Callable[[Any], Any], b: Any, symmetric: bool) -> Any:
    """A matrix where there are few unknowns; iterations where there are many, and a matrix if they do not get there."""
    unknowns = sum([leaf.numel() for leaf in tree_flatten(b)[0] if isinstance(leaf, Tensor)])
    if unknowns <= SMALL:
        return lu(matvec, b)
    # A matrix costs as many products as there are unknowns: iterations that take more are not worth it.
    products = unknowns if unknowns <= LARGE else None
    for solver in [cg] * symmetric + [gmres]:
        try:
            return solver(matvec, b, max_iter=products)
        except ConvergenceError:
            if solver is gmres and products is None:
                raise
    return lu(matvec, b)


def chosen(solver: Any, symmetric: bool = False) -> Callable[..., Any]:
    """The solver that a name, or None, stands for; a function is what it is."""
    if callable(solver):
        return solver
    if solver == "auto":
        return lambda matvec, b: _auto(matvec, b, symmetric)
    known = {"lu": lu, "cg": cg, "gmres": gmres, "bicgstab": bicgstab}
    if solver not in known:
        raise ValueError(
            f"unknown linear solver {solver!r}: it is 'auto', one of {', '.join(map(repr, known))}, or a function of "
            f"(matvec, b)."
        )
    return known[solver]
