"""The values that the interpreter knows, by exact type. There are no others.

*Plain* ones are immutable and have no identity that matters: numbers, strings, dtypes, tuples of them. Tensors are what they
are. Lists, dictionaries and tuples are those that the call itself has made; their elements are values again. All else is
wrapped: an object from outside, of which only the guard reads, a function that was made inside, or a bound method.
"""

from __future__ import annotations

import types
from collections import OrderedDict
from typing import Any

from .. import _core
from .._core import Tensor
from ..device import device, layout, memory_format
from ..size import Size


class Refused(Exception):
    """Why a function cannot be replayed. `place` is the file and the line."""

    place = ""


class Writes(Refused):
    """A call writes into tensors from outside, so that it has to be read before it is made."""


class Unusual(Refused):
    """A call that cannot be replayed, though others may be: it is given tensors of another kind."""


class NoAttribute(Exception):
    """An attribute is not there, and that is known."""


class Outside:
    """An object that the call did not make. `source` is the register that it was read into, or Held.

    Lists, tuples and dictionaries from outside may be others at the next call, as long as what is read of them is as it was;
    any other object is the same one.
    """

    __slots__ = ("object", "source")

    def __init__(self, object: Any, source: Any) -> None:
        self.object = object
        self.source = source


class Held:
    """The source of what the trace itself holds."""

    __slots__ = ("object",)

    def __init__(self, object: Any) -> None:
        self.object = object


class Closure:
    """A function that the call made: the node of its source, where its names are, and its defaults."""

    __slots__ = ("defaults", "frame", "keywords", "node")

    def __init__(self, node: Any, frame: Any, defaults: list[Any], keywords: dict[str, Any]) -> None:
        self.node, self.frame, self.defaults, self.keywords = node, frame, defaults, keywords


class Number:
    """A number that was taken out of a tensor, and is given back without being looked at."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class Bound:
    """A function, and the value that is its first argument."""

    __slots__ = ("first", "function")

    def __init__(self, function: Any, first: Any) -> None:
        self.function, self.first = function, first


class Method:
    """A method of a plain value, or of a container that the call made."""

    __slots__ = ("name", "owner")

    def __init__(self, owner: Any, name: str) -> None:
        self.owner, self.name = owner, name


class Super:
    """super(): an object from outside, as the classes see it that come behind one."""

    __slots__ = ("behind", "object")

    def __init__(self, behind: type, object: Outside) -> None:
        self.behind, self.object = behind, object


class GradMode:
    """no_grad(), enable_grad() or set_grad_enabled(), for a `with`; `before` is what the last has found."""

    __slots__ = ("before", "on")

    def __init__(self, on: bool, before: bool | None = None) -> None:
        self.on, self.before = on, before


NUMBERS = frozenset([int, float, bool, complex])
BASIC = frozenset([*NUMBERS, str, bytes, range])
_PLAIN = frozenset(
    [*BASIC, type(None), type(Ellipsis), type(NotImplemented), _core.dtype, device, layout, memory_format]
)
OUTER = frozenset([list, tuple, dict, OrderedDict])
# What a loop may go over, and nothing else is done with.
ITERATORS = frozenset(
    map(
        type,
        (
            iter([]),
            iter(()),
            iter({}),
            iter({}.values()),
            iter({}.items()),
            iter(range(0)),
            iter(""),
            reversed([]),
            reversed(()),
            enumerate([]),
            zip(),
            map(len, ()),
            filter(None, ()),
            (_ for _ in ()),
        ),
    )
)
_EMPTY: tuple[dict[Any, Any], ...] = ({}, OrderedDict())
VIEWS = frozenset(type(view) for made in _EMPTY for view in (made.keys(), made.values(), made.items()))


def is_plain(value: Any) -> bool:
    """Whether it is immutable, all through, and of a known type."""
    kind = type(value)
    if kind in _PLAIN:
        return True
    if kind is tuple or kind is Size:
        return all(map(is_plain, value))
    if kind is slice:
        return is_plain(value.start) and is_plain(value.stop) and is_plain(value.step)
    return False


def has_nan(value: Any) -> bool:
    """Whether there is a NaN in a plain value: `in` and comparisons of tuples ask which one it is."""
    kind = type(value)
    if kind is float or kind is complex:
        return bool(value != value)
    if kind is tuple:
        return any(map(has_nan, value))
    return kind is slice and any(map(has_nan, (value.start, value.stop, value.step)))


def is_tensor(value: Any) -> bool:
    """Whether it is a tensor, which recognising has found plain."""
    return isinstance(value, Tensor)


def is_dictionary(o: Any) -> bool:
    """Whether an object is a dictionary of a known kind, whatever it says itself."""
    return type(o) is dict or type(o) is OrderedDict


def is_class(o: Any) -> bool:
    """Whether an object from outside is a class, whatever it says itself."""
    return issubclass(type(o), type)


def is_named(value: Any) -> bool:
    """Whether it is what an operator gives that has names for its results."""
    return isinstance(value, tuple) and type(value).__module__.endswith("return_types")


def said(value: Any) -> str:
    """A value's kind, in an error."""
    if isinstance(value, Outside):
        value = value.object
        if type(value) in (types.FunctionType, types.BuiltinFunctionType, _core.Operator):
            return value.__qualname__
    return f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
