"""The functional face: independent variables, and gradients as a pure function of them.

Differentiation has two verbs here, as in Hasktorch's ``Torch.Autograd``: `make_independent` turns a tensor
into a variable, `grad` differentiates with respect to variables. Nothing else changes: no ``.grad`` is
filled, no tensor is altered, and the graph stays, so that the same output can be differentiated again.

    >>> import pullback as pb
    >>> from pullback.independent import grad, make_independent, show, to_dependent
    >>> a = make_independent(pb.ones(2, 2))
    >>> b = to_dependent(a) + 2
    >>> c = b * b * 3
    >>> show(grad(c.mean(), [a]))
    [ Tensor Float [2,2] [[ 4.5000 , 4.5000 ],
    [ 4.5000 , 4.5000 ]]]

Wherever one variable may stand, a structure of them may: lists, tuples and dictionaries, nested as you like.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pullback as pb
from pullback import Tensor

__all__ = ["IndependentTensor", "format", "grad", "make_independent", "requires_grad", "show", "to_dependent"]


@dataclass(frozen=True, eq=False)
class IndependentTensor:
    """A variable: a tensor that the computations built upon it can be differentiated with respect to.

    `make_independent` makes it. It does not compute; its only field, `to_dependent`, is the tensor that does.

    Example:
        >>> import pullback as pb
        >>> from pullback.independent import make_independent
        >>> make_independent(pb.tensor([4.0, 5.0, 6.0]))
        IndependentTensor(to_dependent=tensor([4., 5., 6.], requires_grad=True))
    """

    to_dependent: Tensor


def make_independent(value: Any) -> Any:
    """A variable that starts with the value of `value`, which itself is left as it was.

    Args:
        value: a floating-point tensor of any shape, or lists, tuples and dictionaries of such.

    Returns:
        An `IndependentTensor`, or the same structure of them. It has its own memory: writing into `value`
        later does not change the variable.

    Raises:
        RuntimeError: for a tensor of integers or Booleans, which have no derivative.
        TypeError: for anything that is not a tensor.

    Example:
        >>> import pullback as pb
        >>> from pullback.independent import make_independent, requires_grad
        >>> t = pb.ones(2)
        >>> parameters = make_independent({"weight": t, "biases": [pb.zeros(1), pb.zeros(3)]})
        >>> requires_grad(t), requires_grad(parameters["weight"])
        (False, True)
    """

    def independent(leaf: Any, path: str) -> IndependentTensor:
        if not isinstance(leaf, Tensor):
            raise TypeError(f"make_independent(): expected a Tensor, but got {_kind(leaf)}{_at(path)}")
        own = leaf.detach().clone()
        own.requires_grad = True  # requires_grad_() is refused inside of transforms, where this may be called
        return IndependentTensor(own)

    return _map(independent, value)


def to_dependent(variable: Any) -> Any:
    """The tensor to compute with: of one variable, or of every variable of a structure.

    Args:
        variable: an `IndependentTensor`, or lists, tuples and dictionaries of them.

    Raises:
        TypeError: for anything else.

    Example:
        >>> import pullback as pb
        >>> from pullback.independent import make_independent, to_dependent
        >>> to_dependent(make_independent(pb.zeros(2))) + 2
        tensor([2., 2.], grad_fn=<AddBackward0>)
    """
    return _map(lambda leaf, path: _expect_independent("to_dependent", leaf, path).to_dependent, variable)


def requires_grad(value: Tensor | IndependentTensor) -> bool:
    """Whether `value` is differentiable: a variable, or computed from one.

    Example:
        >>> import pullback as pb
        >>> from pullback.independent import make_independent, requires_grad, to_dependent
        >>> x = pb.tensor([1.0, 2.0, 3.0])
        >>> y = to_dependent(make_independent(pb.tensor([4.0, 5.0, 6.0])))
        >>> requires_grad(x), requires_grad(y), requires_grad(x + y)
        (False, True, True)
    """
    if isinstance(value, IndependentTensor):
        return value.to_dependent.requires_grad
    if not isinstance(value, Tensor):
        raise TypeError(f"requires_grad(): expected a Tensor or an IndependentTensor, but got {_kind(value)}")
    return value.requires_grad


def grad(
    output: Tensor,
    independents: Any,
    *,
    gradient: Tensor | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> Any:
    """The derivatives of `output` with respect to `independents`, as a pure function.

    No ``.grad`` is touched and the graph is kept: `output` may be differentiated again, with respect to the
    same variables or to others.

    Args:
        output: a tensor of one element, or of any shape if `gradient` is given.
        independents: one `IndependentTensor`, or lists, tuples and dictionaries of them.
        gradient: the cotangent of `output`, of its shape; 1 if left out.
        create_graph: make the result differentiable in its turn, for derivatives of higher order.
        allow_unused: answer ``None`` for a variable that `output` does not depend on, instead of raising.

    Returns:
        The gradients, in the structure of `independents`; each has its variable's shape and dtype.

    Raises:
        RuntimeError: if `output` has several elements and no `gradient`, depends on no variable at all,
            or does not depend on one of `independents`, whose place in the structure is named.
        TypeError: if one of `independents` is not an `IndependentTensor`.

    Example:
        >>> import pullback as pb
        >>> from pullback.independent import grad, make_independent, to_dependent
        >>> x = make_independent(pb.tensor(2.0))
        >>> y = to_dependent(x) ** 3
        >>> dy = grad(y, x, create_graph=True)
        >>> dy.item(), grad(dy, x).item()
        (12.0, 12.0)
    """
    if isinstance(output, IndependentTensor):
        output = output.to_dependent
    if not isinstance(output, Tensor):
        raise TypeError(f"grad(): expected a Tensor to differentiate, but got {_kind(output)}")
    places = list(_leaves(independents))
    variables = [_expect_independent("grad", leaf, path).to_dependent for path, leaf in places]
    gradients: tuple[Any, ...] = ()
    if variables:
        gradients = pb.autograd.grad(
            output, variables, gradient, retain_graph=True, create_graph=create_graph, allow_unused=True
        )
    if not allow_unused:
        for (path, _), variable, result in zip(places, variables, gradients, strict=True):
            if result is None:
                raise RuntimeError(_unused(path, variable))
    remaining = iter(gradients)
    return _map(lambda leaf, path: next(remaining), independents)


def _unused(path: str, variable: Tensor) -> str:
    return (
        "One of the differentiated Tensors appears to not have been used in the graph. "
        f"The output does not depend on the independent tensor of shape {list(variable.shape)}{_at(path)}. "
        "Compute with to_dependent(variable), not with the tensor it was made from, and let no detach(), "
        "no_grad() or .item() stand between them; or pass allow_unused=True to get None in its place."
    )


# ---- structures --------------------------------------------------------------------------------------------


def _map(function: Callable[[Any, str], Any], value: Any, path: str = "") -> Any:
    """Apply `function` to every leaf of nested lists, tuples and dictionaries; the structure stays."""
    if isinstance(value, dict):
        items = {key: _map(function, item, f"{path}[{key!r}]") for key, item in value.items()}
        return items if type(value) is dict else type(value)(items)
    if isinstance(value, (list, tuple)):
        parts = [_map(function, item, f"{path}[{number}]") for number, item in enumerate(value)]
        if hasattr(value, "_fields"):  # a named tuple takes its fields one by one
            return type(value)(*parts)
        return type(value)(parts)
    return function(value, path)


def _leaves(value: Any) -> Iterator[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    _map(lambda leaf, path: found.append((path, leaf)), value)
    return iter(found)


def _expect_independent(function: str, leaf: Any, path: str) -> IndependentTensor:
    if isinstance(leaf, IndependentTensor):
        return leaf
    cure = ": wrap it with make_independent() first" if isinstance(leaf, Tensor) else ""
    raise TypeError(f"{function}(): expected an IndependentTensor, but got {_kind(leaf)}{_at(path)}{cure}")


def _kind(value: Any) -> str:
    return "None" if value is None else type(value).__name__


def _at(path: str) -> str:
    return f" at {path}" if path else ""


# ---- printing ----------------------------------------------------------------------------------------------

_DTYPE_NAMES = {
    "bool": "Bool",
    "uint8": "UInt8",
    "int8": "Int8",
    "int16": "Int16",
    "int32": "Int32",
    "int64": "Int64",
    "float16": "Half",
    "bfloat16": "BFloat16",
    "float32": "Float",
    "float64": "Double",
}


def format(value: Any, *, aligned: bool = False) -> str:
    """`value` as text in Hasktorch's notation: dtype, shape, then the numbers.

    A number that is not negative starts with a blank; a floating-point number of magnitude 0.1 and more ends
    with one; below that, and from 10,000,000, stands scientific notation. Booleans are 0 and 1.

    Args:
        value: a tensor, an `IndependentTensor`, a number, or lists, tuples and dictionaries of such.
        aligned: keep the columns under one another, as a terminal shows them, instead of single blanks.

    Example:
        >>> import pullback as pb
        >>> from pullback.independent import format
        >>> format(pb.tensor([1.0, -0.5, 0.01]))
        'Tensor Float [3] [ 1.0000 , -0.5000 , 1.0000e-2]'
        >>> print(format(pb.tensor([[1.0, -2.0], [3.0, 4.0]]), aligned=True))
        Tensor Float [2,2] [[ 1.0000   , -2.0000   ],
                            [ 3.0000   ,  4.0000   ]]
    """
    if isinstance(value, Tensor):
        text = _tensor_text(value)
        return text if aligned else re.sub(" +", " ", text).replace("\n ", "\n").rstrip()
    if isinstance(value, IndependentTensor):
        return f"IndependentTensor {{toDependent = {format(value.to_dependent, aligned=aligned)}}}"
    if isinstance(value, dict):
        inside = [f"{key}: {format(item, aligned=aligned)}" for key, item in value.items()]
        return "{ " + ",\n".join(inside) + "}" if inside else "{}"
    if isinstance(value, (list, tuple)):
        opening, closing = "[]" if isinstance(value, list) else "()"
        inside = [format(item, aligned=aligned) for item in value]
        return f"{opening} " + ",\n".join(inside) + closing if inside else opening + closing
    return str(value)


def show(value: Any, *, aligned: bool = False) -> None:
    """Print `value` in Hasktorch's notation; see `format`.

    Example:
        >>> import pullback as pb
        >>> from pullback.independent import show
        >>> show(pb.ones(2, 2) + 2)
        Tensor Float [2,2] [[ 3.0000 , 3.0000 ],
        [ 3.0000 , 3.0000 ]]
    """
    print(format(value, aligned=aligned))


def _tensor_text(tensor: Tensor) -> str:
    name = str(tensor.dtype).rpartition(".")[2]
    if name not in _DTYPE_NAMES:
        raise TypeError(f"show(): has no notation for {tensor.dtype}")
    shape = ",".join(map(str, tensor.shape))
    heading = f"Tensor {_DTYPE_NAMES[name]} [{shape}] "
    number = _real_text if tensor.dtype.is_floating_point else _integer_text
    return heading + _nested_text(tensor.detach().tolist(), tensor.dim(), len(heading), number)


def _nested_text(items: Any, depth: int, indent: int, number: Callable[[Any], str]) -> str:
    if depth == 0:
        return number(items)
    separator = ", " if depth == 1 else ",\n" + " " * (indent + 1)
    return "[" + separator.join(_nested_text(item, depth - 1, indent + 1, number) for item in items) + "]"


def _integer_text(value: int) -> str:
    return f"{int(value): d}"


def _real_text(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return " Infinity   " if value > 0 else "-Infinity   "
    size = abs(value)
    if size and not 0.1 <= size < 1e7:
        mantissa, _, exponent = f"{value: .4e}".partition("e")
        text = f"{mantissa}e{int(exponent)}"
    else:
        text = f"{value: .4f}"
    return text + "   " if size >= 0.1 else text
