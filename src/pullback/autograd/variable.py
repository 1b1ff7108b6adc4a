"""Variable: what tensors that take part in differentiation were called before every tensor could."""

from __future__ import annotations

import warnings
from typing import Any

from .. import _core
from .._core import Tensor
from ..operators.creation import empty

__all__ = ["Variable", "VariableMeta"]


class VariableMeta(type):
    """Every tensor is a Variable.

    Example:
        >>> isinstance(pb.ones(2), pb.autograd.Variable)
        True
    """

    def __init__(cls, name: str, bases: tuple[type, ...], attrs: dict[str, Any]) -> None:
        super().__init__(name, bases, attrs)

    def __instancecheck__(cls, other: Any) -> bool:
        return isinstance(other, Tensor)


class Variable(metaclass=VariableMeta):
    """The value of a tensor as a leaf, over the same memory: what `detach` gives, with `requires_grad` as is said.

    An older name, for older programs. Without `data` it is an empty tensor. `volatile` has no effect, and warns. Raises
    TypeError for what is no tensor, RuntimeError for integers that are to require grad.

    Example:
        >>> pb.autograd.Variable(pb.ones(2), requires_grad=True)
        tensor([1., 1.], requires_grad=True)
    """

    def __new__(  # type: ignore[misc]
        cls, data: Tensor | None = None, requires_grad: bool = False, volatile: bool = False
    ) -> Tensor:
        if volatile:
            warnings.warn(
                "volatile was removed and now has no effect. Use `with torch.no_grad():` instead.",
                stacklevel=2,
            )
        if data is None:
            data = empty(0)
        if not isinstance(data, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        return _core.require_grad(data.detach(), bool(requires_grad))
