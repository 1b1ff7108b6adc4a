"""`torch.compiler`: `compile`, whose functions are replayed, and names around it.

What marks functions for a compiler gives them back, and what asks whether one is at work says no: code that runs, runs as
ever.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from types import BuiltinFunctionType
from typing import Any, TypeVar

from . import _core
from .messages.missing import missing
from .nn.modules.module import Module
from .replay import Controller, controllers
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
    """A function, or module, that gives what `model` gives, and need not run its Python code for that.

    The source of the function is read: it may compute with tensors, numbers and containers that it makes, call operators,
    modules and other such functions, and read what it likes; all that it reads from outside is noted. A later call for which
    all of that is as it was calls the same operators, and nothing else. A function that may do more (writes attributes or lists
    that it has not made, prints, or whatever there is no rule for) is called as usual, after a warning that names the line.
    `pb.compile.explain(f)` says what is known of a function.

    A step of training may be one such function: `backward`, `zero_grad`, the `step` of an optimiser and writes into tensors are
    made again as they are. Behind the first of these a function may not look at values, but return them, numbers too.

    A call that is new runs three times: as it is, read, and replayed, which have to give the same to the bit. One that writes
    runs twice: read, on copies of what it may write into, and as it is.

    Args:
        model: a function or a module; without it, a decorator.
        fullgraph, dynamic, backend, options: change nothing.
        mode: one of PyTorch's, which changes nothing.
        disable: give back `model` itself.

    Raises:
        AssertionError: for what cannot be called.
        RuntimeError: for a mode that PyTorch has not, or both a mode and options.

    Example:
        >>> @pb.compile
        ... def length(x):
        ...     return (x * x).sum().sqrt()
        >>> for _ in range(3):
        ...     value = length(pb.tensor([3.0, 4.0]))
        >>> value
        tensor(5.)
        >>> print(pb.compile.explain(length).splitlines()[0])
        length: 1 of its calls was recorded.
    """
    if model is None:
        return lambda given: compile(given, mode=mode, options=options, disable=disable)
    if not callable(model):
        raise AssertionError(f"A callable function is expected, but {type(model)} is provided.")
    if mode is not None and options is not None:
        raise RuntimeError(
            "Either mode or options can be specified, but both can't be specified at the same time."
        )
    if mode is not None and mode not in _MODES:
        raise RuntimeError(f"Unrecognized mode={mode}, should be one of: {', '.join(_MODES)}")
    if disable or isinstance(model, (type, BuiltinFunctionType, _core.Compiled, _core.Operator)):
        return model
    if isinstance(model, Module):
        return OptimizedModule(model)
    return Controller(model).callable


def explain(function: Any) -> str:
    """What is known of a compiled function: its traces, with their guards and operators, or why it runs as usual.

    Raises TypeError for what is not compiled.

    Example:
        >>> print(pb.compile.explain(pb.compile(lambda x: x + 1)))
        <lambda> has not been called yet.
    """
    if isinstance(function, OptimizedModule):
        function = function.__dict__.get("_compiled") or Controller(function._orig_mod).callable
    controller = getattr(getattr(function, "_slow", None), "__self__", None)
    if not isinstance(controller, Controller):
        raise TypeError(f"expected a function that pb.compile gave, got {type(function).__name__}")
    return controller.explain()


compile.explain = explain  # type: ignore[attr-defined]


class OptimizedModule(Module):
    """A module whose calls are replayed: what `pb.compile` makes of one. The module itself is `_orig_mod`.

    Example:
        >>> net = pb.compile(pb.nn.Linear(2, 1))
        >>> net(pb.ones(3, 2)).shape, list(net.state_dict())
        (Size([3, 1]), ['_orig_mod.weight', '_orig_mod.bias'])
    """

    def __init__(self, module: Module) -> None:
        super().__init__()
        del self.__dict__["training"]  # the module's
        self._modules["_orig_mod"] = module

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module gives."""
        module, compiled = self._orig_mod, self.__dict__.get("_compiled")
        if compiled is None or compiled.__wrapped__ is not module:  # a copy's module is a copy
            compiled = self.__dict__["_compiled"] = Controller(module).callable
        return compiled(*args, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_compiled"}

    def __getattr__(self, name: str) -> Any:
        module = self.__dict__.get("_modules", {}).get("_orig_mod")
        if module is None:
            raise AttributeError(name)
        return module if name == "_orig_mod" else getattr(module, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "_orig_mod" or "_orig_mod" not in self.__dict__.get("_modules", ()):
            super().__setattr__(name, value)
        else:
            setattr(self._orig_mod, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._orig_mod, name)


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
    """Forgets all that was recorded of compiled functions.

    Example:
        >>> pb.compiler.reset()
    """
    for controller in list(controllers):
        controller.forget()


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
