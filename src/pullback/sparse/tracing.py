"""Patterns: which entries of a Jacobian or a Hessian may differ from 0, found by following one evaluation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import _core
from .._core import Tensor
from ..autograd import grad, no_grad
from ..func import batch, entries
from ..func.arguments import Argnums, Chosen, require_tensor, tensors_out
from ..func.reverse import Recording
from ..func.tree import tree_flatten
from . import sets
from .walk import Walk


def check_inputs(leaves: list[Any]) -> None:
    """ValueError and RuntimeError for leaves that cannot be differentiated by."""
    for leaf in leaves:
        require_tensor(leaf)
        if leaf.dtype.is_complex:
            raise RuntimeError(
                "pullback.sparse: the derivative by a complex number is two real numbers for each real one of the results. "
                "Differentiate by view_as_real(z), and have the function begin with view_as_complex."
            )
        if not leaf.dtype.is_floating_point:
            raise RuntimeError(
                f"only Tensors of floating point dtype can require gradients. The function is differentiated by a tensor "
                f"of {leaf.dtype}: convert it, for example with .double()."
            )


def check_outputs(outputs: list[Any], who: str, order: int) -> None:
    """RuntimeError for outputs that are no tensors of floating-point numbers, and no scalar where that is asked for."""
    tensors_out(outputs, who)
    for y in outputs:
        if y.dtype.is_complex:
            raise RuntimeError(
                f"{who}: the function returns complex numbers, whose real and imaginary parts have derivatives of their own. "
                f"Return view_as_real(y), or y.abs()."
            )
        if not y.dtype.is_floating_point:
            raise RuntimeError(
                f"{who}: All outputs of f must be floating-point Tensors, got Tensor with dtype {y.dtype}"
            )
    if order == 2 and (len(outputs) != 1 or outputs[0].numel() != 1):
        what = (
            f"{len(outputs)} tensors" if len(outputs) != 1 else f"a tensor of shape {tuple(outputs[0].shape)}"
        )
        raise RuntimeError(
            f"{who}: Expected f(*args) to return a scalar Tensor, got {what}. A Hessian is that of one number; sum() makes "
            f"one."
        )


class Shape:
    """What a call has to be like for a plan to fit: shapes and dtypes of the arguments, and of the results."""

    def __init__(self, leaves: list[Tensor], outputs: list[Tensor], spec: Any) -> None:
        self.inputs = [(tuple(x.shape), x.dtype) for x in leaves]
        self.outputs = [(tuple(y.shape), y.dtype) for y in outputs]
        self.spec = spec
        self.backward_only = False
        self.sizes = [x.numel() for x in leaves]
        self.counts = [y.numel() for y in outputs]


def trace(
    func: Callable[..., Any], chosen: Chosen, order: int, everywhere: bool, who: str, given: Any = None
) -> tuple[Any, Shape]:
    """The pattern of the first or second derivative, outputs by inputs, unless it is given; and what the call was like."""
    sets.scipy_sparse()
    check_inputs(chosen.leaves)
    if given is not None:
        with no_grad():
            outputs, spec = tree_flatten(chosen.call(func, [x.detach() for x in chosen.leaves]))
        check_outputs(outputs, who, order)
        return given, Shape(chosen.leaves, outputs, spec)
    if not everywhere:
        return _trace(func, chosen, chosen.leaves, order, False, who)
    level = _core.open_map(1, 1)
    entries.strict.add(level)
    try:
        # What depends on the arguments is told by its axis.
        mapped = [_core.map_axis(x.detach().unsqueeze(0), level, 0) for x in chosen.leaves]
        return _trace(func, chosen, mapped, order, True, who)
    except _core.MappedError as error:
        raise RuntimeError(
            "The function looks at values of what depends on its arguments, in an `if`, in item() or for a shape: there is "
            "no pattern for all points. everywhere=False finds the one at this point; where() chooses in a way that can "
            "be followed."
        ) from error
    finally:
        entries.strict.discard(level)
        _core.close_map(level)


def _trace(
    func: Callable[..., Any], chosen: Chosen, leaves: list[Tensor], order: int, everywhere: bool, who: str
) -> tuple[Any, Shape]:
    before, batch.instead = batch.instead, batch.each_entry
    try:
        return _followed(func, chosen, leaves, order, everywhere, who)
    finally:
        batch.instead = before


def _followed(
    func: Callable[..., Any], chosen: Chosen, leaves: list[Tensor], order: int, everywhere: bool, who: str
) -> tuple[Any, Shape]:
    with Recording():
        own = [_core.require_grad(x.detach()) for x in leaves]
        outputs, spec = tree_flatten(chosen.call(func, own))
        check_outputs(outputs, who, order)
        shape = Shape(leaves, outputs, spec)
        if order == 2:
            (y,) = outputs
            ones = None if y.dim() == 0 else y.detach().fill_(1.0)
            pulled = (
                grad([y], own, ones, create_graph=True, allow_unused=True)
                if y.requires_grad
                else [None] * len(own)
            )
            outputs = [x.detach() if g is None else g for g, x in zip(pulled, own)]
    with no_grad():
        walk = Walk(everywhere)
        found = walk.sets_of(outputs, own)
        shape.backward_only = walk.backward_only and order == 1
    columns = sum(shape.sizes)
    pattern = sets.stacked(
        [sets.nothing(y.numel(), columns) if s is None else s for s, y in zip(found, outputs)]
    )
    pattern.sort_indices()
    if order == 2:  # what the two triangles say together
        turned = pattern.T.tocsr()
        turned.sort_indices()
        pattern = sets.union(pattern, turned)
    return pattern, shape


def pattern(
    func: Callable[..., Any], *primals: Any, argnums: Argnums = 0, order: int = 1, everywhere: bool = False
) -> Any:
    """Which entries of the Jacobian of `func` may differ from 0, or of its Hessian.

    The function is called once, and index sets follow what was recorded, operator by operator. What depends on the
    arguments counts by its structure: ``x * y`` depends on both, also where one of them is 0. What is constant counts by
    its value, so a matrix of constants leaves out what its zeros leave out.

    Args:
        func: takes tensors or trees of them, and returns a tensor or a tree of them.
        primals: its positional arguments.
        argnums: the position of the argument to differentiate by, or a tuple of positions.
        order: 1 for the Jacobian, 2 for the Hessian of a scalar function.
        everywhere: a pattern for all values of those arguments. Without it `where`, `relu`, `max`, `sort` and an `if`
            count as they choose at this point; with it they count as if they had chosen everything, an index that depends
            on the arguments as if it might name any place, and a function that asks for values is refused. How many
            elements a mask selects is what it is at this point.

    Returns:
        A Boolean ``scipy.sparse.csr_array`` with a row for each element of the outputs and a column for each element of the
        arguments. Every entry of the Jacobian that is not 0 has one. A warning names an operator for which nothing better
        is known than that all depends on all.

    Raises:
        RuntimeError: an argument of integers, results that are no floating-point tensors, or no scalar for `order` 2;
            under `everywhere` a function that looks at values.
        ValueError: an argument that is no tensor; another `order`; a pattern of more than 2 ** 31 entries.
        ImportError: without SciPy.

    Example:
        >>> x = pb.tensor([1.0, -2.0, 3.0])
        >>> pb.sparse.pattern(lambda x: x[1:] * x[:-1], x).toarray().astype(int)
        array([[1, 1, 0],
               [0, 1, 1]])
        >>> pb.sparse.pattern(pb.relu, x).toarray().astype(int).diagonal()
        array([1, 0, 1])
        >>> pb.sparse.pattern(pb.relu, x, everywhere=True).toarray().astype(int).diagonal()
        array([1, 1, 1])
        >>> pb.sparse.pattern(lambda x: (x[0] * x[2]).sin(), x, order=2).toarray().astype(int)
        array([[1, 0, 1],
               [0, 0, 0],
               [1, 0, 1]])
    """
    if order not in (1, 2):
        raise ValueError(f"order is 1 for a Jacobian or 2 for a Hessian, got {order!r}")
    chosen = Chosen(func, primals, {}, argnums)
    return trace(func, chosen, order, everywhere, "pullback.sparse.pattern(f, *primals)")[0]
