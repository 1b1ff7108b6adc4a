"""Taylor mode: derivatives of any order along a curve, at a cost that grows with the square of the order.

`jet` opens a level at which a tensor carries the coefficients of a power series. Functions of the table compute the
coefficients of their results by a program that follows from their partials (calculus/series.py), structured operators by
their pushforwards (core, ops/rule/series.h): no operator has a second rule. Coefficients are ordinary tensors, so levels
of other transforms go along, inside and outside.

Griewank & Walther, Evaluating Derivatives, 2nd ed. 2008, chapter 13; Bettencourt, Johnson & Duvenaud, Taylor-mode automatic
differentiation for higher-order derivatives in JAX, 2019.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import factorial
from typing import Any

from .._core import Tensor
from ..autograd.forward_ad import series_level
from ..operators.creation import zeros_like
from .arguments import tensors_out, with_aux
from .tree import TreeSpec, tree_flatten, tree_map

__all__ = ["directional_derivatives", "jet"]

WHO = "jet(f, primals, series)"
LONGEST = 170  # of a series: larger factorials are beyond float64

Terms = Sequence[Tensor | None]


def expand(
    func: Callable[..., Any],
    primals: Sequence[Tensor],
    terms: Sequence[Terms],
    order: int,
    has_aux: bool = False,
) -> tuple[list[Tensor], list[list[Tensor | None]], TreeSpec, Any]:
    """Outputs, their coefficients, the structure of both, and aux. `func` takes the leaves; a term of None is zero."""
    with series_level(order) as level:
        given = [
            x if all(term is None for term in own) else level.make(x, own) for x, own in zip(primals, terms)
        ]
        output, aux = func(*given), None
        if has_aux:
            output, aux = with_aux(output, WHO)
            aux = tree_map(lambda leaf: level.unpack(leaf)[0] if isinstance(leaf, Tensor) else leaf, aux)
        leaves, spec = tree_flatten(output)
        tensors_out(leaves, WHO)
        pairs = [level.unpack(leaf) for leaf in leaves]
    return [primal for primal, _ in pairs], [list(found) for _, found in pairs], spec, aux


def jet(
    func: Callable[..., Any],
    primals: Sequence[Any],
    series: Sequence[Sequence[Any]],
    *,
    factorial_scaled: bool = True,
    has_aux: bool = False,
) -> Any:
    """The value of `func` along a curve, and its derivatives by the curve's parameter up to some order: Taylor mode.

    The curve is given by its value at 0, `primals`, and its derivatives there, `series`. One evaluation gives all orders
    k, at a cost that grows as k**2 where nested `jvp` take 2**k.

    Args:
        func: takes tensors or trees of them, and returns a tensor or a tree of them.
        primals: a tuple or list of its positional arguments.
        series: for each argument a tuple or list of its derivatives: the first, the second, ... Each is a tree like the
            argument, each tensor with the shape of its primal, or None, which is zero. All are of the same length.
        factorial_scaled: whether terms, given and returned, are derivatives; or else coefficients of the power series,
            which are derivatives over factorials.
        has_aux: `func` returns a pair: the output, and a tree of whatever else, which is handed on.

    Returns:
        (output, terms): `terms` is a tree like the output with a list in place of each tensor, as long as the series
        given. With `has_aux` (output, terms, aux). Names and meaning are those of `jax.experimental.jet.jet`.

    Raises:
        RuntimeError: `primals` or `series` is no tuple or list; a term has another structure or shape than its primal;
            `func` returns something else than tensors.
        ValueError: series of different lengths, or of none; a primal or a term is of integers.
        NotImplementedError: a series too long for a program of the table.

    Example:
        >>> x = pb.tensor(0.0)
        >>> pb.func.jet(pb.sin, (x,), ((pb.ones(()), None, None),))
        (tensor(0.), [tensor(1.), tensor(-0.), tensor(-1.)])
        >>> one, two = pb.tensor(1.0), pb.tensor(2.0)
        >>> pb.func.jet(lambda a, b: a * b, (one, two), ((one, one), (two, None)))  # a = 1 + t + t**2 / 2, b = 2 + 2 * t
        (tensor(2.), [tensor(4.), tensor(6.)])
    """
    for what, given in (("primals", primals), ("series", series)):
        if not isinstance(given, (tuple, list)):
            raise RuntimeError(
                f"{WHO}: Expected {what} to be a tuple or list. E.g. it should be valid to call f(*primals). "
                f"Got {type(given).__name__}; for one argument write (x,) and ((dx, ddx),)."
            )
    leaves, spec = tree_flatten(tuple(primals))
    if not leaves:
        raise RuntimeError(f"{WHO}: Expected primals to contain at least one Tensor.")
    order = _order(primals, series)
    terms = _terms(primals, series, order)
    for x, own in zip(leaves, terms):
        _check(x, own)
    if factorial_scaled:
        terms = [[_over(term, factorial(n)) for n, term in enumerate(own, 1)] for own in terms]
    outputs, found, out_spec, aux = expand(
        lambda *given: func(*spec.unflatten(list(given))), leaves, terms, order, has_aux
    )
    filled = []
    for y, own in zip(outputs, found):
        scaled = [_times(c, factorial(n)) if factorial_scaled else c for n, c in enumerate(own, 1)]
        filled.append([zeros_like(y.detach()) if c is None else c for c in scaled])
    both = out_spec.unflatten(outputs), out_spec.unflatten(filled)
    return (*both, aux) if has_aux else both


def directional_derivatives(func: Callable[[Any], Any], x: Any, v: Any, order: int = 1) -> Any:
    """The derivatives of `func` at `x` in the direction `v`, of all orders up to `order`, in one evaluation.

    Derivative n is that of ``func(x + t * v)`` by t, n times, at t = 0: `func`'s n-th derivative applied to n times `v`.

    Args:
        func: takes a tensor or a tree of them, and returns a tensor or a tree of them.
        x: the point.
        v: the direction, a tree like `x`, each tensor with the shape of its own.
        order: up to which order, 1 at least.

    Returns:
        (output, terms), as `jet`: `terms` is a tree like the output with a list of `order` derivatives for each tensor.

    Raises RuntimeError, ValueError and NotImplementedError as `jet`; ValueError for an `order` below 1.

    Example:
        >>> pb.func.directional_derivatives(lambda x: x.exp().sum(), pb.zeros(2), pb.tensor([1.0, 2.0]), 3)
        (tensor(2.), [tensor(3.), tensor(5.), tensor(9.)])
    """
    if not isinstance(order, int) or isinstance(order, bool) or order < 1:
        raise ValueError(f"directional_derivatives: order should be an int of 1 at least, got {order!r}.")
    return jet(func, (x,), ((v, *[None] * (order - 1)),))


def _order(primals: Sequence[Any], series: Sequence[Sequence[Any]]) -> int:
    """How many terms each series has."""
    if len(primals) != len(series):
        raise ValueError(
            f"{WHO}: Expected a series for each primal, got {len(primals)} primals and {len(series)} series. "
            f"The series of an argument that is constant is (None, ..., None)."
        )
    for own in series:
        if not isinstance(own, (tuple, list)):
            raise RuntimeError(
                f"{WHO}: Expected the series of a primal to be a tuple or list of terms, got {type(own).__name__}. "
                f"The first derivative alone is (dx,)."
            )
    lengths = sorted({len(own) for own in series})
    if len(lengths) > 1:
        raise ValueError(
            f"{WHO}: jet terms have inconsistent lengths for different arguments: {lengths}. Terms that are zero may "
            f"be None."
        )
    if not lengths or lengths[0] == 0:
        raise ValueError(f"{WHO}: Expected series of one term at least. For the value alone call f.")
    if lengths[0] > LONGEST:
        raise ValueError(f"{WHO}: a series has at most {LONGEST} terms, got {lengths[0]}.")
    return lengths[0]


def _terms(primals: Sequence[Any], series: Sequence[Sequence[Any]], order: int) -> list[list[Any]]:
    """For each leaf of the primals its terms."""
    found: list[list[Any]] = []
    for position, (primal, own) in enumerate(zip(primals, series)):
        leaves, spec = tree_flatten(primal)
        columns = []
        for n, term in enumerate(own, 1):
            given, structure = ([None] * len(leaves), spec) if term is None else tree_flatten(term)
            if structure != spec:
                raise RuntimeError(
                    f"{WHO}: Expected primals and series to have the same python structure. Term {n} of argument "
                    f"{position} is a tree like that argument, {spec}, or None; it has the structure {structure}"
                )
            columns.append(given)
        found += [[column[i] for column in columns] for i in range(len(leaves))]
    return found


def _check(primal: Any, terms: list[Any]) -> None:
    if not isinstance(primal, Tensor):
        raise RuntimeError(f"{WHO}: Expected primals to only contain Tensors, got {type(primal)}")
    floating = primal.is_floating_point() or primal.is_complex()
    for n, term in enumerate(terms):
        if term is None:
            continue
        if not isinstance(term, Tensor):
            raise RuntimeError(
                f"{WHO}: Expected series to only contain Tensors, got {type(term)}. A term that is zero may be None."
            )
        if not floating:
            raise ValueError(
                f"Expected primal to be floating point or complex, but got: {primal.dtype}. {WHO}: an argument of "
                f"integers or bool does not move; its terms are None."
            )
        if not (term.is_floating_point() or term.is_complex()):
            raise ValueError(
                f"Expected tangent to be floating point or complex, but got: {term.dtype}. {WHO}: term {n + 1} of a "
                f"primal of {primal.dtype}."
            )
        if term.shape != primal.shape:
            raise RuntimeError(
                f"{WHO}: Trying to set a term that has a different size than that of the original Tensor, this is not "
                f"supported. Tensor is of size {list(primal.shape)} while term {n + 1} is of size {list(term.shape)}."
            )
        if term.dtype != primal.dtype:
            terms[n] = term.to(primal.dtype)


def _over(term: Tensor | None, number: int) -> Tensor | None:
    return term if term is None or number == 1 else term / float(number)


def _times(term: Tensor | None, number: int) -> Tensor | None:
    return term if term is None or number == 1 else term * float(number)
