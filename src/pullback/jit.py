"""Decorators and questions of `torch.jit`. Functions and modules stay what they are: there is nothing to compile.

`script` and `trace` give back what they are given, so what they return runs as Python and is neither saved nor specialised
for its inputs. `is_scripting()` and `is_tracing()` are False.
"""

from __future__ import annotations

import builtins
import contextlib
import types
import typing
from collections.abc import Callable
from typing import Any, Generic, TypeVar
from typing import Final as Final

from .messages.missing import missing
from .nn.modules.module import Module

__all__ = [
    "Attribute",
    "Error",
    "Future",
    "ScriptFunction",
    "ScriptModule",
    "annotate",
    "export",
    "fork",
    "freeze",
    "ignore",
    "interface",
    "is_scripting",
    "is_tracing",
    "isinstance",
    "optimize_for_inference",
    "optimized_execution",
    "script",
    "script_if_tracing",
    "script_method",
    "trace",
    "trace_module",
    "unused",
    "wait",
]

_T = TypeVar("_T")


class Error(RuntimeError):
    """What a compiled function raises in PyTorch; raised by nothing here.

    Example:
        >>> issubclass(pb.jit.Error, RuntimeError)
        True
    """


class ScriptModule(Module):
    """The class of compiled modules, of which there are none: ``isinstance(module, ScriptModule)`` is False, unless a class
    inherits from it, which is then an ordinary module.

    Example:
        >>> isinstance(pb.jit.script(pb.nn.Linear(2, 1)), pb.jit.ScriptModule)
        False
    """


class ScriptFunction:
    """The class of compiled functions, of which there are none. Raises TypeError where one is made.

    Example:
        >>> isinstance(pb.jit.script(len), pb.jit.ScriptFunction)
        False
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> ScriptFunction:
        raise TypeError("there are no compiled functions: call the function itself.")


class Attribute(Generic[_T]):
    """A value and its type, which a compiler would read: ``value`` and ``type``.

    Example:
        >>> pb.jit.Attribute(3, int).value
        3
    """

    def __init__(self, value: _T, type: Any) -> None:
        self.value, self.type = value, type

    def __iter__(self) -> Any:
        return iter((self.value, self.type))


class Future(Generic[_T]):
    """The result of `fork`, which is there at once.

    Example:
        >>> pb.jit.fork(lambda x: x + 1, 2).wait()
        3
    """

    def __init__(self, value: _T) -> None:
        self._value = value

    def wait(self) -> _T:
        """The result.

        Example:
            >>> pb.jit.fork(max, 2, 3).wait()
            3
        """
        return self._value

    value = wait

    def done(self) -> bool:
        """Whether the result is there: True.

        Example:
            >>> pb.jit.fork(max, 2, 3).done()
            True
        """
        return True


# ---- what gives back what it gets ----------------------------------------------------------------------------


def script(
    obj: _T,
    optimize: Any = None,
    _frames_up: int = 0,
    _rcb: Any = None,
    example_inputs: Any = None,
) -> _T:
    """The function, class or module itself: it runs as Python, and large elementwise work is fused as it runs.

    Example:
        >>> @pb.jit.script
        ... def double(x):
        ...     return 2 * x
        >>> double(pb.ones(1))
        tensor([2.])
    """
    return obj


def trace(
    func: _T,
    example_inputs: Any = None,
    optimize: Any = None,
    check_trace: bool = True,
    check_inputs: Any = None,
    check_tolerance: float = 1e-5,
    strict: bool = True,
    example_kwarg_inputs: Any = None,
) -> _T:
    """The function or module itself, not specialised for its inputs: other shapes and branches work.

    Example:
        >>> pb.jit.trace(pb.nn.Identity(), pb.ones(2))(pb.ones(3))
        tensor([1., 1., 1.])
    """
    return func


def trace_module(
    mod: _T,
    inputs: Any,
    optimize: Any = None,
    check_trace: bool = True,
    check_inputs: Any = None,
    check_tolerance: float = 1e-5,
    strict: bool = True,
    example_inputs_is_kwarg: bool = False,
) -> _T:
    """The module itself.

    Example:
        >>> pb.jit.trace_module(pb.nn.Identity(), {"forward": pb.ones(2)})
        Identity()
    """
    return mod


def script_if_tracing(fn: _T) -> _T:
    """The function itself.

    Example:
        >>> pb.jit.script_if_tracing(len)("ab")
        2
    """
    return fn


def script_method(fn: _T) -> _T:
    """The method itself.

    Example:
        >>> pb.jit.script_method(len)("ab")
        2
    """
    return fn


def export(fn: _T) -> _T:
    """The method itself, which a compiler would compile, too.

    Example:
        >>> pb.jit.export(len)("ab")
        2
    """
    return fn


def unused(fn: _T) -> _T:
    """The function itself, which a compiler would leave out.

    Example:
        >>> pb.jit.unused(len)("ab")
        2
    """
    return fn


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """Marks a function for a compiler, with or without parentheses: it is the function itself.

    Example:
        >>> @pb.jit.ignore
        ... def one():
        ...     return 1
        >>> @pb.jit.ignore(drop=True)
        ... def two():
        ...     return 2
        >>> one() + two()
        3
    """
    return drop if callable(drop) else lambda fn: fn


def interface(obj: _T) -> _T:
    """The class itself.

    Example:
        >>> pb.jit.interface(int) is int
        True
    """
    return obj


def freeze(
    mod: _T, preserved_attrs: Any = None, optimize_numerics: bool = True, preserve_parameters: bool = False
) -> _T:
    """The module itself, which has to be in evaluation mode. Raises RuntimeError where it trains.

    Example:
        >>> pb.jit.freeze(pb.nn.Identity().eval())
        Identity()
    """
    if getattr(mod, "training", False):
        raise RuntimeError(
            "Freezing is currently only implemented for modules in eval mode. Please call .eval() on your module before "
            "freezing."
        )
    return mod


def optimize_for_inference(mod: _T, other_methods: Any = None) -> _T:
    """The module itself.

    Example:
        >>> pb.jit.optimize_for_inference(pb.nn.Identity().eval())
        Identity()
    """
    return mod


def annotate(the_type: Any, the_value: _T) -> _T:
    """The value itself, whose type a compiler would be told.

    Example:
        >>> pb.jit.annotate(list[int], [])
        []
    """
    return the_value


def fork(func: Callable[..., _T], *args: Any, **kwargs: Any) -> Future[_T]:
    """Call a function, now; its result is a `Future`.

    Example:
        >>> pb.jit.wait(pb.jit.fork(max, 2, 3))
        3
    """
    return Future(func(*args, **kwargs))


def wait(future: Future[_T]) -> _T:
    """The result of a `Future`.

    Example:
        >>> pb.jit.wait(pb.jit.fork(max, 2, 3))
        3
    """
    return future.wait()


# ---- questions -----------------------------------------------------------------------------------------------


def is_scripting() -> bool:
    """Whether the code is being compiled: False.

    Example:
        >>> pb.jit.is_scripting()
        False
    """
    return False


def is_tracing() -> bool:
    """Whether the code is being traced: False.

    Example:
        >>> pb.jit.is_tracing()
        False
    """
    return False


def isinstance(obj: Any, target_type: Any) -> bool:
    """Whether an object is of a type, of a container of certain types too, by all of its elements.

    Args:
        obj: any object.
        target_type: a type; ``list[int]`` and the like; a tuple of those.

    Example:
        >>> pb.jit.isinstance([1, 2], list[int]), pb.jit.isinstance([1, "a"], list[int])
        (True, False)
    """
    if type(target_type) is tuple:
        return any(isinstance(obj, each) for each in target_type)
    origin, parts = typing.get_origin(target_type), typing.get_args(target_type)
    if target_type is Any:
        return True
    if target_type is None:
        return obj is None
    if origin is None:
        return builtins.isinstance(obj, target_type)
    if origin in (typing.Union, types.UnionType):
        return any(isinstance(obj, None if each is type(None) else each) for each in parts)
    if not builtins.isinstance(obj, origin):
        return False
    if issubclass(origin, dict):
        return all(isinstance(key, parts[0]) and isinstance(value, parts[1]) for key, value in obj.items())
    if issubclass(origin, tuple) and Ellipsis not in parts:
        return len(obj) == len(parts) and all(map(isinstance, obj, parts))
    return all(isinstance(each, parts[0]) for each in obj)


@contextlib.contextmanager
def optimized_execution(should_optimize: bool) -> Any:
    """A block in which compiled functions would be optimised or not; nothing is compiled.

    Example:
        >>> with pb.jit.optimized_execution(False):
        ...     pb.ones(1)
        tensor([1.])
    """
    yield


def __getattr__(name: str) -> Any:
    raise missing(__name__, name)
