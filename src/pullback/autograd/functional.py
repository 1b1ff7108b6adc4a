"""Products with Jacobians and Hessians, and these themselves, of functions of tensors.

PyTorch's older interface: `pullback.func` has the same for trees, composes, and is quicker. A function takes one tensor
or a tuple of them and returns one or a tuple; results are shaped accordingly. With `create_graph` outputs and results
can be differentiated, by the inputs where those require grad, and by all that the function captures; without, they have
no history. With `strict` it is an error that something does not depend on an input, instead of zeros.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from .. import _core
from .._core import Tensor
from ..func.units import Draws, columns
from ..messages.missing import missing
from ..operators.creation import zeros, zeros_like
from ..operators.joining import stack
from .backward import grad
from .forward_ad import dual_level, make_dual, unpack_dual
from .function import below_level
from .grad_mode import set_grad_enabled

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

Tensors = tuple[Tensor, ...]
STRATEGIES = ("forward-mode", "reverse-mode")


# ---- what goes in ------------------------------------------------------------------------------------------


def _as_tuple(value: Any, what: str, who: str) -> tuple[bool, Tensors]:
    """Whether it is a tuple, and the tensors in one."""
    several = isinstance(value, tuple)
    for index, each in enumerate(value if several else (value,)):
        if not isinstance(each, Tensor):
            where = f"value at index {index}" if several else f"given {what}"
            raise TypeError(
                f"The {what} given to {who} must be either a Tensor or a tuple of Tensors but the {where} has type "
                f"{type(each)}."
            )
    return several, value if several else (value,)


def _inputs(tensors: Tensors, create_graph: bool, need_graph: bool = True) -> Tensors:
    """Tensors of their own, so that an input and the same tensor captured by the function are not mixed up."""
    return tuple(
        [
            t.view_as(t) if create_graph and t.requires_grad else _bare(t).requires_grad_(need_graph)
            for t in tensors
        ]
    )


def _bare(t: Tensor) -> Tensor:
    """Without history, but with the tangents of levels that are open."""
    found, bare = _core.tangents(t), below_level(t, 1).detach()
    if found:
        _core.replace_tangents(bare, found)
    return bare


def _vector(v: Any, like: Tensors, several: bool, who: str, create_graph: bool) -> Tensors:
    """The vector of a product, checked; of one element it is 1 where it is left out."""
    v = _inputs(_as_tuple(v, "v", who)[1], create_graph, need_graph=False)
    if len(v) != len(like):
        raise RuntimeError(
            f"v is a tuple of invalid length: should be {len(like)} but got {len(v)}."
            if several
            else "The given v should contain a single Tensor."
        )
    for index, (ours, theirs) in enumerate(zip(v, like)):
        if ours.shape != theirs.shape:
            entry = f"Entry {index} in " if several else ""
            raise RuntimeError(f"{entry}v has invalid size: should be {theirs.shape} but got {ours.shape}.")
    return v


def _no_vector(like: Tensors, message: str) -> None:
    if len(like) != 1 or like[0].numel() != 1:
        raise RuntimeError(message)


NO_INPUT_VECTOR = (
    "The vector v can only be None if the input to the user-provided function is a single Tensor with a single "
    "element."
)


# ---- strictness --------------------------------------------------------------------------------------------


def _require_dependence(tensors: Sequence[Tensor | None], kind: str, strict: bool) -> None:
    """Under `strict`, RuntimeError for what has no history: outputs, gradients, or rows of a Jacobian."""
    if not strict:
        return
    for i, t in enumerate(tensors):
        if t is None:
            raise RuntimeError(
                f"The output of the user-provided function is independent of input {i}. This is not allowed in strict "
                f"mode."
            )
        if not t.requires_grad:
            raise RuntimeError(
                {
                    "outputs": f"Output {i} of the user-provided function does not require gradients. The outputs must "
                    f"be computed in a differentiable manner from the input when running in strict mode.",
                    "grad_inputs": f"The gradient with respect to input {i} is independent of the inputs of the "
                    f"user-provided function. This is not allowed in strict mode.",
                    "jacobian": f"While computing the hessian, found that the jacobian of the user-provided function "
                    f"with respect to input {i} is independent of the input. This is not allowed in strict mode. You "
                    f"should ensure that your function is twice differentiable and that the jacobian depends on the "
                    f"inputs (this would be violated by a linear function for example).",
                }[kind]
            )


MISSING = {
    "back": "The output of the user-provided function is independent of input {}. This is not allowed in strict mode.",
    "back_trick": "The gradient with respect to the input is independent of entry {} in the grad_outputs when using the "
    "double backward trick to compute forward mode gradients. This is not allowed in strict mode.",
    "double_back": "The jacobian of the user-provided function is independent of input {}. This is not allowed in "
    "strict mode.",
    "double_back_trick": "The hessian of the user-provided function is independent of entry {} in the grad_jacobian. "
    "This is not allowed in strict mode as it prevents from using the double backward trick to replace forward mode AD.",
}


def _filled(
    found: Sequence[Tensor | None], like: Tensors, strict: bool, create_graph: bool, stage: str
) -> Tensors:
    """Zeros where nothing arrived; under `strict` an error instead."""
    for i, g in enumerate(found):
        if strict and g is None:
            raise RuntimeError(MISSING[stage].format(i))
        if strict and create_graph and g is not None and not g.requires_grad:
            what = "hessian" if "double" in stage else "jacobian"
            raise RuntimeError(
                f"The {what} of the user-provided function is independent of input {i}. This is not allowed in strict "
                f"mode when create_graph=True."
            )
    return tuple([zeros_like(x) if g is None else g for g, x in zip(found, like)])


# ---- gradients, and what comes out -------------------------------------------------------------------------


def _pull(
    outputs: Sequence[Tensor | None],
    inputs: Tensors,
    cotangents: Sequence[Any] | None = None,
    *,
    create_graph: bool,
    retain_graph: bool | None = None,
) -> tuple[Any, ...]:
    """`grad` of those outputs that have a history; None for what nothing depends on."""
    given = (None,) * len(outputs) if cotangents is None else cotangents
    pairs = [(y, g) for y, g in zip(outputs, given) if y is not None and y.requires_grad]
    if not pairs:
        return (None,) * len(inputs)
    ys, gs = tuple([y for y, _ in pairs]), tuple([g for _, g in pairs])
    found: tuple[Any, ...] = grad(
        ys, inputs, gs, create_graph=create_graph, retain_graph=retain_graph, allow_unused=True
    )
    return found


def _out(tensors: Sequence[Tensor], several: bool, create_graph: bool) -> Any:
    found = tuple(tensors) if create_graph else tuple([_bare(t) for t in tensors])
    return found if several else found[0]


def _out_table(table: Sequence[Sequence[Tensor]], outputs: bool, inputs: bool, create_graph: bool) -> Any:
    rows = [_out(row, inputs, create_graph) for row in table]
    return tuple(rows) if outputs else rows[0]


def _evaluate(
    func: Callable[..., Any], inputs: Any, who: str, create_graph: bool, strict: bool
) -> tuple[bool, Tensors, bool, Tensors]:
    """(inputs are several, inputs, outputs are several, outputs); recording is on."""
    several, given = _as_tuple(inputs, "inputs", who)
    given = _inputs(given, create_graph)
    many, outputs = _as_tuple(func(*given), "outputs of the user-provided function", who)
    _require_dependence(outputs, "outputs", strict)
    return several, given, many, outputs


def _scalar(several: bool, outputs: Tensors, who: str) -> None:
    if several:
        raise RuntimeError(f"The function given to {who} should return a single Tensor")
    if outputs[0].numel() != 1:
        raise RuntimeError(
            f"The Tensor returned by the function given to {who} should contain a single element"
        )


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
        several, given, many, outputs = _evaluate(func, inputs, "vjp", create_graph, strict)
        if v is None:
            _no_vector(
                outputs,
                "The vector v can only be None if the user-provided function returns a single Tensor with a single "
                "element.",
            )
        else:
            v = _vector(v, outputs, many, "vjp", create_graph)
    with set_grad_enabled(create_graph or _core.is_grad_enabled()):
        found = _pull(outputs, given, v, create_graph=create_graph)
        product = _filled(found, given, strict, create_graph, "back")
    return _out(outputs, many, create_graph), _out(product, several, create_graph)


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
        given = _as_tuple(inputs, "inputs", "jvp")[1]
        if v is None:
            _no_vector(given, NO_INPUT_VECTOR)
        else:
            v = _vector(v, given, isinstance(inputs, tuple), "jvp", create_graph)
        _, given, many, outputs = _evaluate(func, inputs, "jvp", create_graph, strict)
        seeds = tuple([zeros_like(y.detach()).requires_grad_() for y in outputs])
        pulled = _pull(outputs, given, seeds, create_graph=True)
        _require_dependence(pulled, "grad_inputs", strict)
        found = _pull(pulled, seeds, v, create_graph=create_graph)
        product = _filled(found, outputs, strict, create_graph, "back_trick")
    return _out(outputs, many, create_graph), _out(product, many, create_graph)


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
        found = _pull(jac, given, v, create_graph=create_graph)
        product = _filled(found, given, strict, create_graph, "double_back")
    return _out(outputs, False, create_graph), _out(product, several, create_graph)


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
        seeds = tuple([zeros_like(x.detach()).requires_grad_() for x in given])
        double = _pull(jac, given, seeds, create_graph=True)
    with set_grad_enabled(create_graph or _core.is_grad_enabled()):
        found = _pull(double, seeds, v, create_graph=create_graph)
        product = _filled(found, given, strict, create_graph, "double_back_trick")
    return _out(outputs, False, create_graph), _out(product, several, create_graph)


def _first(
    func: Callable[..., Any], inputs: Any, v: Any, who: str, create_graph: bool, strict: bool
) -> tuple[bool, Tensors, Tensors, Any, tuple[Any, ...]]:
    """What products with a Hessian begin with: (inputs are several, inputs, outputs, v, gradient)."""
    given = _as_tuple(inputs, "inputs", who)[1]
    if v is None:
        _no_vector(given, NO_INPUT_VECTOR)
    else:
        v = _vector(v, given, isinstance(inputs, tuple), who, create_graph)
    several, given, many, outputs = _evaluate(func, inputs, who, create_graph, strict)
    _scalar(many, outputs, who)
    jac = _pull(outputs, given, create_graph=True)
    _require_dependence(jac, "jacobian", strict)
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
        several, given, many, outputs = _evaluate(func, inputs, "jacobian", create_graph, strict)
        if vectorize and strict:
            raise RuntimeError(
                f"{who}: `strict=True` and `vectorized=True` are not supported together. Please either set "
                f"`strict=False` or `vectorize=False`."
            )
        if vectorize:
            table = [_rows_together(y, given, create_graph) for y in outputs]
        else:
            table = [_rows(i, y, given, create_graph, strict) for i, y in enumerate(outputs)]
        return _out_table(table, many, several, create_graph)


def _rows(i: int, y: Tensor, given: Tensors, create_graph: bool, strict: bool) -> list[Tensor]:
    """The derivative of output `i` by each input."""
    rows: list[list[Tensor]] = [[] for _ in given]
    for element in y.reshape(-1):
        found = _pull((element,), given, create_graph=create_graph, retain_graph=True)
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
        (stack(row) if row else zeros(0, dtype=x.dtype)).view(*y.shape, *x.shape)
        for row, x in zip(rows, given)
    ]


def _rows_together(y: Tensor, given: Tensors, create_graph: bool) -> list[Tensor]:
    """The same, all rows in one walk."""

    def pull(seed: Tensor) -> list[Tensor]:
        found = _pull((y,), given, (seed,), create_graph=create_graph, retain_graph=True)
        return [zeros_like(x) if g is None else g for g, x in zip(found, given)]

    if not y.numel():
        return [zeros(*y.shape, *x.shape, dtype=x.dtype) for x in given]
    return [block.view(*y.shape, *x.shape) for block, x in zip(columns(pull, y, large=0), given)]


def _columns(func: Callable[..., Any], inputs: Any, vectorize: bool) -> Any:
    several, given = _as_tuple(inputs, "inputs", "jacobian")
    if not vectorize:
        raise NotImplementedError(
            "Computing Jacobian using forward-AD or forward-over-reverse Hessian is only implemented for "
            "`vectorize=True`."
        )
    many = False
    outputs: Tensors = ()
    draws = Draws("error")

    def push(k: int, tangent: Tensor | None) -> list[Tensor]:
        nonlocal many, outputs
        with dual_level(), draws:
            duals = [
                make_dual(x, tangent) if i == k and tangent is not None else x for i, x in enumerate(given)
            ]
            many, found = _as_tuple(func(*duals), "outputs", "jacobian")
            pairs = [unpack_dual(y) for y in found]
        outputs = tuple([primal for primal, _ in pairs])
        return [zeros_like(primal) if t is None else t for primal, t in pairs]

    blocks = [
        columns(functools.partial(push, k), x, None, "error") if x.numel() else None
        for k, x in enumerate(given)
    ]
    if not outputs:
        push(0, None)
    table = [
        [
            zeros(*y.shape, *x.shape, dtype=y.dtype)
            if block is None
            else block[j].movedim(0, -1).reshape(*y.shape, *x.shape)
            for block, x in zip(blocks, given)
        ]
        for j, y in enumerate(outputs)
    ]
    return _out_table(table, many, several, True)


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
    several, given = _as_tuple(inputs, "inputs", "hessian")
    if outer_jacobian_strategy not in STRATEGIES:
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode".')

    def scalar(*args: Tensor) -> Tensor:
        many, outputs = _as_tuple(func(*args), "outputs of the user-provided function", "hessian")
        _require_dependence(outputs, "outputs", strict)
        _scalar(many, outputs, "hessian")
        return outputs[0].squeeze()

    def gradient(*args: Tensor) -> Any:
        if outer_jacobian_strategy == "forward-mode":
            args = tuple([x if x.requires_grad else _bare(x).requires_grad_() for x in args])
        found = jacobian(scalar, args, create_graph=True)
        _require_dependence(found, "jacobian", strict)
        return found

    table = jacobian(gradient, given, create_graph, strict, vectorize, outer_jacobian_strategy)
    if outer_jacobian_strategy == "forward-mode":
        table = tuple([tuple([_bare(block) for block in row]) for row in table])
    rows = [row if several else row[0] for row in table]
    return tuple(rows) if several else rows[0]


def __getattr__(name: str) -> object:
    raise missing(__name__, name)
