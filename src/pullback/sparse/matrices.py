"""Sparse Jacobians and Hessians: `jacobian` and `hessian`, functions of functions that keep their plans."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..func.arguments import Argnums, Chosen
from . import sets
from .plan import PatternError, Plan
from .tracing import check_inputs, trace


class Derivative:
    """A function of the arguments of another that gives its Jacobian or Hessian; it keeps a plan for each kind of call."""

    def __init__(self, func: Callable[..., Any], order: int, options: dict[str, Any]) -> None:
        functools.update_wrapper(self, func, updated=())
        if options["chunk_size"] is not None and options["chunk_size"] <= 0:
            raise ValueError("chunk_size should be greater than 0")
        self.func, self.order = func, order
        self.argnums = options["argnums"]
        self.pattern, self.everywhere, self.check = (
            options["pattern"],
            options["everywhere"],
            options["check"],
        )
        self.format = options["format"]
        self.how = (options["coloring"], options["order"], options["chunk_size"])
        self.who = f"pullback.sparse.{'jacobian' if order == 1 else 'hessian'}(f)(*args)"
        self.plans: dict[Any, Plan] = {}

    def _key(self, chosen: Chosen) -> Any:
        return tuple((tuple(x.shape), x.dtype) for x in chosen.leaves), chosen.spec

    def _make(self, chosen: Chosen, before: Plan | None = None) -> Plan:
        found, shape = trace(self.func, chosen, self.order, self.everywhere, self.who, self.pattern)
        if before is not None and before.pattern.shape == found.shape:
            found = sets.union(before.pattern, found)
        return Plan(self.func, self.argnums, self.order, found, shape, *self.how)

    def plan(self, *args: Any) -> Plan:
        """The plan for such arguments, made at these if there is none yet.

        Raises as a call does.
        """
        chosen = Chosen(self.func, args, {}, self.argnums)
        return self._planned(chosen)[0]

    def _planned(self, chosen: Chosen) -> tuple[Plan, bool]:
        check_inputs(chosen.leaves)
        key = self._key(chosen)
        known = key in self.plans
        if not known:
            self.plans[key] = self._make(chosen)
        return self.plans[key], known

    def __call__(self, *args: Any) -> Any:
        chosen = Chosen(self.func, args, {}, self.argnums)
        plan, known = self._planned(chosen)
        given = self.pattern is not None
        try:
            entries = plan._compute(chosen, self.check and (known or given))
        except PatternError:
            if given:
                raise
            plan = self.plans[self._key(chosen)] = self._make(chosen, plan)
            entries = plan._compute(chosen, False)
        return plan._blocks(chosen, entries, self.format)


def jacobian(
    func: Callable[..., Any],
    argnums: Argnums = 0,
    *,
    pattern: Any = None,
    everywhere: bool = False,
    coloring: Any = None,
    order: str | None = None,
    chunk_size: int | None = None,
    check: bool = True,
    format: str = "csr",
) -> Derivative:
    """A function that gives the Jacobian of `func` as a sparse matrix.

    The first call finds the pattern (`pattern`), colours it (`coloring`), and computes as few products with the Jacobian
    as there are colours, all in one sweep. Later calls with arguments of the same shapes compute the products only.

    Args:
        func: takes tensors or trees of them, and returns a tensor or a tree of them.
        argnums: the position of the argument to differentiate by, or a tuple of positions.
        pattern: the entries that may differ from 0, as a sparse matrix or an array, where they are known.
        everywhere: find a pattern that holds for all values of the arguments, instead of one that holds at the first.
        coloring: a kind of colouring, or a `Coloring`; None takes what needs the fewest products.
        order: the order in which the colouring goes; None tries several.
        chunk_size: how many products go together at most, for the memory they take; None chooses.
        check: compare one product with the Jacobian in a random direction, which costs as much as another colour, with
            what the entries give. Where it differs a new pattern is found, and joined with the one before. At the first
            call there is nothing to check, unless `pattern` was given: then RuntimeError is raised.
        format: of the matrices: ``"csr"``, ``"csc"``, ``"coo"``, whatever scipy.sparse has.

    Returns:
        A function of the same arguments. For one tensor of each it gives a sparse array with a row for each element of the
        output and a column for each element of the input. For trees it gives a tree like the output, of trees like the
        argument; for a tuple of `argnums` tuples of those. Entries are of the inputs' or outputs' dtype, float32 for
        narrower ones; those of the pattern are stored where they are 0, too. Its method ``plan(*args)`` gives the `Plan`.

    Raises, when it is called:
        RuntimeError: arguments of integers, results that are no floating-point tensors, a `pattern` that lacks entries;
            under `everywhere` a function that looks at values.
        ValueError: arguments that are no tensors, a `pattern` or a `Coloring` of another shape, an unknown `coloring` or
            `order`, a pattern of more than 2 ** 31 entries.
        ImportError: without SciPy.

    Example:
        >>> x = pb.tensor([1.0, 2.0, 3.0, 4.0])
        >>> jac = pb.sparse.jacobian(lambda x: x[1:] * x[:-1])
        >>> jac(x).toarray()
        array([[2., 1., 0., 0.],
               [0., 3., 2., 0.],
               [0., 0., 4., 3.]], dtype=float32)
        >>> jac.plan(x)
        Plan(Jacobian, 3 x 4, 6 entries, 2 products by a columns coloring)
    """
    return Derivative(func, 1, dict(locals()))


def hessian(
    func: Callable[..., Any],
    argnums: Argnums = 0,
    *,
    pattern: Any = None,
    everywhere: bool = False,
    coloring: Any = None,
    order: str | None = None,
    chunk_size: int | None = None,
    check: bool = True,
    format: str = "csr",
) -> Derivative:
    """A function that gives the Hessian of `func`, which returns a number, as a sparse matrix.

    As `jacobian`, of the gradient. The colouring is a star colouring unless `coloring` says otherwise; ``"acyclic"`` takes
    fewer products, and finds entries by substitution. The products are the gradient's with tangents.

    Args:
        func: takes tensors or trees of them, and returns a tensor of one element.
        argnums: the position of the argument to differentiate by, or a tuple of positions.
        pattern, everywhere, coloring, order, chunk_size, check, format: as for `jacobian`. Of a `pattern` both triangles
            count together.

    Returns:
        A function of the same arguments. For one tensor it gives a sparse array with a row and a column for each element.
        For trees, and for a tuple of `argnums`, it gives a tree like the argument of trees of blocks.

    Raises, when it is called, what `jacobian` raises: RuntimeError, also where `func` returns no single number, ValueError,
    ImportError.

    Example:
        >>> def rosenbrock(x):
        ...     return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()
        >>> hess = pb.sparse.hessian(rosenbrock)
        >>> hess(pb.ones(3)).toarray()
        array([[ 802., -400.,    0.],
               [-400., 1002., -400.],
               [   0., -400.,  200.]], dtype=float32)
        >>> hess.plan(pb.ones(1000)).coloring.products
        3
    """
    return Derivative(func, 2, dict(locals()))
