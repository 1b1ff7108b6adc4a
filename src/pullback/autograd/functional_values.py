"""What goes into the functions of autograd.functional, what has to depend on what, and what comes out of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import _core
from .._core import Tensor
from ..operators.creation import zeros_like
from .backward import grad
from .function import below_level

Tensors = tuple[Tensor, ...]

# ---- what goes in ------------------------------------------------------------------------------------------


def as_tensors(value: Any, what: str, who: str) -> tuple[bool, Tensors]:
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


def inputs_of(tensors: Tensors, create_graph: bool, need_graph: bool = True) -> Tensors:
    """Tensors of their own, so that an input and the same tensor captured by the function are not mixed up."""
    return tuple(
        [
            t.view_as(t) if create_graph and t.requires_grad else _core.require_grad(bare(t), need_graph)
            for t in tensors
        ]
    )


def bare(t: Tensor) -> Tensor:
    """Without history, but with the tangents of levels that are open."""
    found, bare = _core.tangents(t), below_level(t, 1).detach()
    if found:
        _core.replace_tangents(bare, found)
    return bare


def vector(v: Any, like: Tensors, several: bool, who: str, create_graph: bool) -> Tensors:
    """The vector of a product, checked; of one element it is 1 where it is left out."""
    v = inputs_of(as_tensors(v, "v", who)[1], create_graph, need_graph=False)
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


def check_no_vector(like: Tensors, message: str) -> None:
    """RuntimeError unless there is one element, whose vector is 1."""
    if len(like) != 1 or like[0].numel() != 1:
        raise RuntimeError(message)


NO_INPUT_VECTOR = (
    "The vector v can only be None if the input to the user-provided function is a single Tensor with a single "
    "element."
)


# ---- strictness --------------------------------------------------------------------------------------------


def require_dependence(tensors: Sequence[Tensor | None], kind: str, strict: bool) -> None:
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


def filled(
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


def pull_to(
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


def results(tensors: Sequence[Tensor], several: bool, create_graph: bool) -> Any:
    """What is returned: one tensor or a tuple of them, without history unless one was asked for."""
    found = tuple(tensors) if create_graph else tuple([bare(t) for t in tensors])
    return found if several else found[0]


def table_of_results(
    table: Sequence[Sequence[Tensor]], outputs: bool, inputs: bool, create_graph: bool
) -> Any:
    """The same of blocks, a line of them for each output."""
    rows = [results(row, inputs, create_graph) for row in table]
    return tuple(rows) if outputs else rows[0]


def evaluate(
    func: Callable[..., Any], inputs: Any, who: str, create_graph: bool, strict: bool
) -> tuple[bool, Tensors, bool, Tensors]:
    """(inputs are several, inputs, outputs are several, outputs); recording is on."""
    several, given = as_tensors(inputs, "inputs", who)
    given = inputs_of(given, create_graph)
    many, outputs = as_tensors(func(*given), "outputs of the user-provided function", who)
    require_dependence(outputs, "outputs", strict)
    return several, given, many, outputs


def check_scalar(several: bool, outputs: Tensors, who: str) -> None:
    """RuntimeError for a function that returns anything but one element."""
    if several:
        raise RuntimeError(f"The function given to {who} should return a single Tensor")
    if outputs[0].numel() != 1:
        raise RuntimeError(
            f"The Tensor returned by the function given to {who} should contain a single element"
        )
