"""`torch.compiler` where nothing is compiled: large elementwise work is fused as it runs, forward and backward.

What marks functions for a compiler gives them back, and what asks whether one is at work says no.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, TypeVar

from .messages.missing import missing
from .without import Idle

__all__ = [
    "allow_in_graph",
    "assume_constant_result",
    "compile",
    "cudagraph_mark_step_begin",
    "disable",
    "is_compiling",
    "is_dynamo_compiling",
    "is_exporting",
    "list_backends",
    "reset",
    "set_stance",
    "substitute_in_graph",
    "wrap_numpy",
]

_T = TypeVar("_T")
_MODES = ("default", "lite", "reduce-overhead", "max-autotune-no-cudagraphs", "max-autotune")


def compile(
    model: Any = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: str | Callable[..., Any] = "inductor",
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    disable: bool = False,
) -> Any:
    """The function or module itself: there is nothing to compile, since work is fused as it runs.

    Args:
        model: a function or a module; without it, a decorator.
        fullgraph, dynamic, backend, options, disable: change nothing.
        mode: one of PyTorch's, which changes nothing.

    Raises:
        AssertionError: for what cannot be called.
        RuntimeError: for a mode that PyTorch has not, or both a mode and options.

    Example:
        >>> @pb.compile
        ... def double(x):
        ...     return 2 * x
        >>> double(pb.ones(1))
        tensor([2.])
        >>> pb.compile(pb.nn.Identity(), mode="max-autotune")
        Identity()
    """
    if model is None:
        return lambda given: compile(given, mode=mode, options=options)
    if not callable(model):
        raise AssertionError(f"A callable function is expected, but {type(model)} is provided.")
    if mode is not None and options is not None:
        raise RuntimeError(
            "Either mode or options can be specified, but both can't be specified at the same time."
        )
    if mode is not None and mode not in _MODES:
        raise RuntimeError(f"Unrecognized mode={mode}, should be one of: {', '.join(_MODES)}")
    return model


def is_compiling() -> bool:
    """Whether the code is being compiled: False.

    Example:
        >>> pb.compiler.is_compiling()
        False
    """
    return False


def is_dynamo_compiling() -> bool:
    """Whether the code is being compiled: False.

    Example:
        >>> pb.compiler.is_dynamo_compiling()
        False
    """
    return False


def is_exporting() -> bool:
    """Whether the code is being exported: False.

    Example:
        >>> pb.compiler.is_exporting()
        False
    """
    return False


def list_backends(exclude_tags: Any = ("debug", "experimental")) -> list[str]:
    """The compilers that there are: none.

    Example:
        >>> pb.compiler.list_backends()
        []
    """
    return []


def reset() -> None:
    """Forgets what has been compiled: nothing has.

    Example:
        >>> pb.compiler.reset()
    """


def cudagraph_mark_step_begin() -> None:
    """Says that a step begins, to nobody.

    Example:
        >>> pb.compiler.cudagraph_mark_step_begin()
    """


def disable(fn: Any = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """Keeps a function from being compiled, with or without parentheses: it is the function itself.

    Example:
        >>> @pb.compiler.disable
        ... def one():
        ...     return 1
        >>> one()
        1
    """
    return (lambda given: given) if fn is None else fn


def allow_in_graph(fn: _T) -> _T:
    """The function itself.

    Example:
        >>> pb.compiler.allow_in_graph(len)("ab")
        2
    """
    return fn


def assume_constant_result(fn: _T) -> _T:
    """The function itself.

    Example:
        >>> pb.compiler.assume_constant_result(len)("ab")
        2
    """
    return fn


def wrap_numpy(fn: _T) -> _T:
    """The function itself; pullback's functions take NumPy's arrays.

    Example:
        >>> pb.compiler.wrap_numpy(len)("ab")
        2
    """
    return fn


def substitute_in_graph(
    original_fn: Callable[..., Any],
    *,
    can_constant_fold_through: bool = False,
    skip_signature_check: bool = False,
) -> Callable[[_T], _T]:
    """A decorator that gives back the function: the original is called as it is.

    Example:
        >>> pb.compiler.substitute_in_graph(len)(max)(2, 3)
        3
    """
    return lambda given: given


class set_stance(Idle, contextlib.ContextDecorator):
    """Tells a compiler what to do, for a block or from now on. There is none.

    Example:
        >>> with pb.compiler.set_stance("force_eager"):
        ...     pb.ones(1)
        tensor([1.])
    """

    def __init__(
        self,
        stance: str = "default",
        *,
        skip_guard_eval_unsafe: bool = False,
        force_backend: str | Callable[..., Any] | None = None,
    ) -> None:
        self.stance = stance


def __getattr__(name: str) -> Any:
    raise missing(__name__, name)
