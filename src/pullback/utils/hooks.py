"""Hooks as others see them: the handle that registering gives, and what becomes of them in a file."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from .. import _core
from .._core import Tensor
from ..autograd.hooks import RemovableHandle
from ..messages.missing import missing

__all__ = ["RemovableHandle", "unserializable_hook", "warn_if_has_hooks"]

_F = TypeVar("_F", bound=Callable[..., Any])


def unserializable_hook(f: _F) -> _F:
    """Mark a hook as one that a file is not expected to have: `warn_if_has_hooks` passes it over.

    Example:
        >>> from pullback.utils.hooks import unserializable_hook, warn_if_has_hooks
        >>> x = pb.ones(2, requires_grad=True)
        >>> handle = x.register_hook(unserializable_hook(lambda grad: grad * 2))
        >>> warn_if_has_hooks(x)
    """
    f.__torch_unserializable__ = True  # type: ignore[attr-defined]
    return f


def warn_if_has_hooks(tensor: Tensor) -> None:
    """Warn of each hook of a tensor, which no file keeps.

    Example:
        >>> from pullback.utils.hooks import warn_if_has_hooks
        >>> warn_if_has_hooks(pb.ones(2, requires_grad=True))
    """
    if not tensor.requires_grad:
        return
    for hook in _core.tensor_hooks(tensor).values():
        if not hasattr(hook, "__torch_unserializable__"):
            warnings.warn(
                f"backward hook {hook!r} on tensor will not be serialized. If this is expected, you can decorate the "
                "function with @torch.utils.hooks.unserializable_hook to suppress this warning",
                stacklevel=2,
            )


def __getattr__(name: str) -> object:
    raise missing(__name__, name)
