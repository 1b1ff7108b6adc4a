"""Products with Jacobians and Hessians, and these themselves, of functions of tensors.

PyTorch's older interface: `pullback.func` has the same for trees, composes, and is quicker. A function takes one tensor
or a tuple of them and returns one or a tuple; results are shaped accordingly. With `create_graph` outputs and results
can be differentiated, by the inputs where those require grad, and by all that the function captures; without, they have
no history. With `strict` it is an error that something does not depend on an input, instead of zeros.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import _core
from .._core import Tensor
from ..func.units import Draws, columns, columns_at_once
from ..messages.missing import missing
from ..operators.creation import zeros, zeros_like
from ..operators.joining import stack
from .forward_ad import dual_level, make_dual, unpack_dual
from .functional_values import (
    NO_INPUT_VECTOR,
    Tensors,
    as_tensors,
    bare,
    check_no_vector,
    check_scalar,
    evaluate,
    filled,
    pull_to,
    require_dependence,
    results,
    table_of_results,
    vector,
)
from .grad_mode import set_grad_enabled

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

STRATEGIES = ("forward-mode", "reverse-mode")


# ---- products ----------------------------------------------------------------------------------------------


def vjp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The value of `func` at `inputs`, and the vector `v` times its Jacobian there.

    Args:
        func: takes tensors, and returns a tensor or a tuple of them.
        inputs: a tensor or a tuple of them.
        v: as the output; may be left out where that is one element.
        create_graph, strict: see the module.

    Returns:
        (output, product); the product is shaped as `inputs`.

    Raises RuntimeError for a `v` of another length or shape, and under `strict`; TypeError for what is no tensor.

    Example:
        >>> from pullback.autograd.functional import vjp
        >>> vjp(lambda x: x**2, pb.tensor([1.0, 2.0]), pb.tensor([1.0, 10.0]))
        (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    with set_grad_enabled(True):
        several, given, many, outputs = evaluate(func, inputs, "vjp", create_graph, strict)
        if v is None:
            check_no_vector(
                outputs,
                "The vector v can only be None if the user-provided function returns a single Tensor with a single "
                "element.",
            )
        else:
            v = vector(v, outputs, many, "vjp", create_graph)
    with set_grad_enabled(create_graph or _core.is_grad_enabled()):
        found = pull_to(outputs, given, v, create_graph=create_graph)
        product = filled(found, given, strict, create_graph, "back")
    return results(outputs, many, create_graph), results(product, several, create_graph)


def jvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The value of `func` at `inputs`, and its Jacobian there times the vector `v`, by reverse mode twice.

    Args:
        func: takes tensors, and returns a tensor or a tuple of them.
        inputs: a tensor or a tuple of them.
        v: as `inputs`; may be left out where that is one element.
        create_graph, strict: see the module.

    Returns:
        (output, product); the product is shaped as the output.

    Raises RuntimeError for a `v` of another length or shape, and under `strict`; TypeError for what is no tensor.

    Example:
        >>> from pullback.autograd.functional import jvp
        >>> jvp(lambda x: x**2, pb.tensor([1.0, 2.0]), pb.tensor([1.0, 10.0]))
        (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    with set_grad_enabled(True):
        given = as_tensors(inputs, "inputs", "jvp")[1]
        if v is None:
            check_no_vector(given, NO_INPUT_VECTOR)
        else:
            v = vector(v, given, isinstance(inputs, tuple), "jvp", create_graph)
        _, given, many, outputs = evaluate(func, inputs, "jvp", create_graph, strict)
        seeds = tuple([_core.require_grad(zeros_like(y.detach())) for y in outputs])
        pulled = pull_to(outputs, given, seeds, create_graph=True)
        require_dependence(pulled, "grad_inputs", strict)
        found = pull_to(pulled, seeds, v, create_graph=create_graph)
        product = filled(found, outputs, strict, create_graph, "back_trick")
    return results(outputs, many, create_graph), results(product, many, create_graph)


def vhp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The value of `func`, which is one element, at `inputs`, and the vector `v` times its Hessian there.

    Args:
        func: takes tensors, and returns a tensor of one element.
        inputs: a tensor or a tuple of them.
        v: as `inputs`; may be left out where that is one element.
        create_graph, strict: see the module.

    Returns:
        (output, product); the product is shaped as `inputs`.

    Raises RuntimeError for more than one element, a `v` of another length or shape, and under `strict`; TypeError for
    what is no tensor.

    Example:
        >>> from pullback.autograd.functional import vhp
        >>> vhp(lambda x: (x**3).sum(), pb.tensor([1.0, 2.0]), pb.tensor([1.0, 10.0]))
        (tensor(9.), tensor([  6., 120.]))
    """
    with set_grad_enabled(True):
        several, given, outputs, v, jac = _first(func, inputs, v, "vhp", create_graph, strict)
    with set_grad_enabled(create_graph or _core.is_grad_enabled()):
        found = pull_to(jac, given, v, create_graph=create_graph)
        product = filled(found, given, strict, create_graph, "double_back")
    return results(outputs, False, create_graph), results(product, several, create_graph)


def hvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The value of `func`, which is one element, at `inputs`, and its Hessian there times the vector `v`.

    `vhp` gives the same, as a Hessian is symmetric, for less: this one takes a third pass backward. Arguments, results
    and errors (RuntimeError, TypeError) are those of `vhp`.

    Example:
        >>> from pullback.autograd.functional import hvp
        >>> hvp(lambda x: (x**3).sum(), pb.tensor([1.0, 2.0]), pb.tensor([1.0, 10.0]))
        (tensor(9.), tensor([  6., 120.]))
    """
    with set_grad_enabled(True):
        several, given, outputs, v, jac = _first(func, inputs, v, "hvp", create_graph, strict)
        seeds = tuple([_core.require_grad(zeros_like(x.detach())) for x in given])
        double = pull_to(jac, given, seeds, create_graph=True)
    with set_grad_enabled(create_graph or _core.is_grad_enabled()):
        found = pull_to(double, seeds, v, create_graph=create_graph)
        product = filled(found, given, strict, create_graph, "double_back_trick")
    return results(outputs, False, create_graph), results(product, several, create_graph)


def _first(
    func: Callable[..., Any], inputs: Any, v: Any, who: str, create_graph: bool, strict: bool
) -> tuple[bool, Tensors, Tensors, Any, tuple[Any, ...]]:
    """What products with a Hessian begin with: (inputs are several, inputs, outputs, v, gradient)."""
    given = as_tensors(inputs, "inputs", who)[1]
    if v is None:
        check_no_vector(given, NO_INPUT_VECTOR)
    else:
        v = vector(v, given, isinstance(inputs, tuple), who, create_graph)
    several, given, many, outputs = evaluate(func, inputs, who, create_graph, strict)
    check_scalar(many, outputs, who)
    jac = pull_to(outputs, given, create_graph=True)
    require_dependence(jac, "jacobian", strict)
    return several, given, outputs, v, jac


# ---- Jacobians and Hessians --------------------------------------------------------------------------------


def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The Jacobian of `func` at `inputs`.

    Args:
        func: takes tensors, and returns a tensor or a tuple of them.
        inputs: a tensor or a tuple of them.
        create_graph, strict: see the module.
        vectorize: compute all rows together, or all columns.
        strategy: "reverse-mode", for few outputs, or "forward-mode", for few inputs, which wants `vectorize`.

    Returns:
        For one input and one output a tensor of the shape ``output.shape + input.shape``; for tuples of them a tuple
        of these for each output, or for each input, or of tuples.

    Raises:
        RuntimeError: under `strict`, where it cannot be (`vectorize`, forward mode) or where there is no dependence.
        NotImplementedError: forward mode with `create_graph`, or without `vectorize`.
        TypeError: for what is no tensor. AssertionError: for another strategy.

    Example:
        >>> from pullback.autograd.functional import jacobian
        >>> jacobian(lambda x: x**2, pb.tensor([1.0, 2.0]))
        tensor([[2., 0.],
                [0., 4.]])
        >>> jacobian(lambda x, y: x.sum() * y, (pb.ones(3), pb.tensor(2.0)))
        (tensor([2., 2., 2.]), tensor(3.))
    """
    if strategy not in STRATEGIES:
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your function has more outputs '
            'than inputs, "forward-mode" tends to be more performant. Otherwise, prefer to use "reverse-mode".'
        )
    who = "torch.autograd.functional.jacobian"
    if strategy == "forward-mode":
        if create_graph:
            raise NotImplementedError(
                f'{who}: `create_graph=True` and `strategy="forward-mode"` are not supported together (yet). Please '
                f'either set `create_graph=False` or `strategy="reverse-mode"`.'
            )
        if strict:
            raise RuntimeError(
                f'{who}: `strict=True` and `strategy="forward-mode"` are not supported together (yet). Please either '
                f'set `strict=False` or `strategy="reverse-mode"`.'
            )
        return _columns(func, inputs, vectorize)
    with set_grad_enabled(True):
        several, given, many, outputs = evaluate(func, inputs, "jacobian", create_graph, strict)
        if vectorize and strict:
            raise RuntimeError(
                f"{who}: `strict=True` and `vectorized=True` are not supported together. Please either set "
                f"`strict=False` or `vectorize=False`."
            )
        if vectorize:
            table = [_rows_together(y, given, create_graph) for y in outputs]
        else:
            table = [_rows(i, y, given, create_graph, strict) for i, y in enumerate(outputs)]
        return table_of_results(table, many, several, create_graph)


def _rows(i: int, y: Tensor, given: Tensors, create_graph: bool, strict: bool) -> list[Tensor]:
    """The derivative of output `i` by each input."""
    rows: list[list[Tensor]] = [[] for _ in given]
    for element in y.reshape(-1):
        found = pull_to((element,), given, create_graph=create_graph, retain_graph=True)
        for k, (g, x) in enumerate(zip(found, given)):
            if strict and g is None:
                raise RuntimeError(
                    f"Output {i} of the user-provided function is independent of input {k}. This is not allowed in "
                    f"strict mode."
                )
            if strict and create_graph and not g.requires_grad:
                raise RuntimeError(
                    f"The jacobian of the user-provided function is independent of input {i}. This is not allowed in "
                    f"strict mode when create_graph=True."
                )
            rows[k].append(zeros_like(x) if g is None else g)
    return [
        (stack(row) if row else zeros(0, dtype=x.dtype)).view((*y.shape, *x.shape))
        for row, x in zip(rows, given)
    ]


def _rows_together(y: Tensor, given: Tensors, create_graph: bool) -> list[Tensor]:
    """The same, all rows in one walk."""

    def pull(seed: Tensor) -> list[Tensor]:
        found = pull_to((y,), given, (seed,), create_graph=create_graph, retain_graph=True)
        return [zeros_like(x) if g is None else g for g, x in zip(found, given)]

    if not y.numel():
        return [zeros((*y.shape, *x.shape), dtype=x.dtype) for x in given]
    return [block.view((*y.shape, *x.shape)) for block, x in zip(columns(pull, y), given)]


def _columns(func: Callable[..., Any], inputs: Any, vectorize: bool) -> Any:
    several, given = as_tensors(inputs, "inputs", "jacobian")
    if not vectorize:
        raise NotImplementedError(
            "Computing Jacobian using forward-AD or forward-over-reverse Hessian is only implemented for "
            "`vectorize=True`."
        )
    many = False
    outputs: Tensors = ()
    draws = Draws("error")

    def push(tangents: list[Tensor | None]) -> list[Tensor]:
        nonlocal many, outputs
        with dual_level(), draws:
            duals = [x if t is None else make_dual(x, t) for x, t in zip(given, tangents)]
            many, found = as_tensors(func(*duals), "outputs", "jacobian")
            pairs = [unpack_dual(y) for y in found]
        outputs = tuple([primal for primal, _ in pairs])
        return [zeros_like(primal) if t is None else t for primal, t in pairs]

    blocks = columns_at_once(push, given, "error")
    if not outputs:
        push([None] * len(given))
    table = [
        [
            zeros((*y.shape, *x.shape), dtype=y.dtype)
            if block is None
            else block[j].movedim(0, -1).reshape((*y.shape, *x.shape))
            for block, x in zip(blocks, given)
        ]
        for j, y in enumerate(outputs)
    ]
    return table_of_results(table, many, several, True)


def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The Hessian of `func`, which returns one element, at `inputs`.

    Args:
        func: takes tensors, and returns a tensor of one element.
        inputs: a tensor or a tuple of them.
        create_graph, strict: see the module.
        vectorize: compute all rows together, or all columns.
        outer_jacobian_strategy: "reverse-mode", or "forward-mode", which wants `vectorize`: how the gradient is
            differentiated.

    Returns:
        For one input a tensor of the shape ``input.shape + input.shape``; for several a tuple of tuples of blocks.

    Raises RuntimeError for more than one element and as `jacobian`, NotImplementedError, TypeError and AssertionError
    as `jacobian`.

    Example:
        >>> from pullback.autograd.functional import hessian
        >>> hessian(lambda x: x.prod(), pb.tensor([1.0, 2.0, 3.0]))
        tensor([[0., 3., 2.],
                [3., 0., 1.],
                [2., 1., 0.]])
    """
    several, given = as_tensors(inputs, "inputs", "hessian")
    if outer_jacobian_strategy not in STRATEGIES:
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode".')

    def scalar(*args: Tensor) -> Tensor:
        many, outputs = as_tensors(func(*args), "outputs of the user-provided function", "hessian")
        require_dependence(outputs, "outputs", strict)
        check_scalar(many, outputs, "hessian")
        return outputs[0].squeeze()

    def gradient(*args: Tensor) -> Any:
        if outer_jacobian_strategy == "forward-mode":
            args = tuple([x if x.requires_grad else _core.require_grad(bare(x)) for x in args])
        found = jacobian(scalar, args, create_graph=True)
        require_dependence(found, "jacobian", strict)
        return found

    table = jacobian(gradient, given, create_graph, strict, vectorize, outer_jacobian_strategy)
    if outer_jacobian_strategy == "forward-mode":
        table = tuple([tuple([bare(block) for block in row]) for row in table])
    rows = [row if several else row[0] for row in table]
    return tuple(rows) if several else rows[0]


def __getattr__(name: str) -> object:
    raise missing(__name__, name)
