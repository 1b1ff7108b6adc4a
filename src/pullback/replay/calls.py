"""Calls: operators are recorded, functions of Python interpreted, and of other functions those are known that stand here."""

from __future__ import annotations

import builtins
import itertools
import math
import operator
import types
from collections import OrderedDict
from typing import Any

from .. import _core
from .._core import Tensor
from . import gradients, pure, training
from .attributes import attribute, in_class
from .values import (
    ITERATORS,
    NUMBERS,
    OUTER,
    VIEWS,
    Bound,
    Closure,
    Held,
    Method,
    NoAttribute,
    Number,
    Outside,
    Refused,
    is_class,
    is_dictionary,
    is_plain,
    is_tensor,
    said,
)

_PACKAGE = __name__.partition(".")[0]
_MATH = {value for value in vars(math).values() if isinstance(value, types.BuiltinFunctionType)}
_SAFE = {  # of plain values, by what the interpreter's own builtins are
    builtins.abs,
    builtins.round,
    builtins.divmod,
    builtins.pow,
    builtins.int,
    builtins.float,
    builtins.complex,
    builtins.str,
    builtins.repr,
    builtins.min,
    builtins.max,
    builtins.sorted,
    builtins.range,
    builtins.slice,
    builtins.chr,
    builtins.ord,
} | _MATH
_OF_LEVELS = {_core.highest_level, _core.mapped_axes}  # of which plain tensors have none
_OF_NUMBERS = {builtins.float, builtins.int, builtins.complex, builtins.abs, builtins.round} | _MATH
_OF_TENSORS = {builtins.float, builtins.int, builtins.complex, builtins.abs}
_BINARY = {
    getattr(operator, name): getattr(operator, name)
    for name in "add sub mul truediv floordiv mod pow matmul and_ or_ xor lt le eq ne gt ge".split()
}


def call(run: Any, function: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """What a call of a value gives."""
    if isinstance(function, Bound):
        return call(run, function.function, [function.first, *args], kwargs)
    if isinstance(function, Closure):
        return run.call_closure(function, args, kwargs)
    if isinstance(function, Method):
        return _call_method(run, function, args, kwargs)
    if not isinstance(function, Outside):
        raise Refused(f"calls a {said(function)}")
    o = function.object
    if type(o) is _core.Operator:
        return _call_operator(run, o, args, kwargs)
    if type(o) is types.FunctionType:
        rule = training.rule(o)
        return rule(run, args, kwargs) if rule is not None else run.call_function(o, args, kwargs)
    if type(o) is _core.Compiled:
        wrapped = o.__wrapped__
        return call(run, run.guards.recognise(wrapped, Held(wrapped)), args, kwargs)
    if type(o) is types.MethodType:
        inner = run.guards.recognise(o.__func__, Held(o.__func__))
        return call(run, inner, [run.guards.recognise(o.__self__, Held(o.__self__)), *args], kwargs)
    if type(o) is types.BuiltinFunctionType or type(o) is type:
        return _call_builtin(run, o, args, kwargs)
    return _call_instance(run, o, args, kwargs)


def _call_operator(run: Any, o: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if o in gradients.RULES:
        return gradients.RULES[o](run, args, kwargs)
    name = pure.name_of(o)
    if name == "is_tensor" and len(args) == 1 and not kwargs:
        return isinstance(args[0], Tensor)
    if name == "__iter__":
        raise Refused("calls __iter__")
    return run.recorder.call(o, args, kwargs)


def _call_instance(run: Any, o: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    run.guards.instance_is(o)
    found = in_class(type(o), "__call__")
    if type(found) in (types.FunctionType, _core.Compiled):
        return call(run, run.guards.recognise(found, Held(found)), [Outside(o, Held(o)), *args], kwargs)
    raise Refused(f"calls a {type(o).__module__}.{type(o).__qualname__}")


def _call_method(run: Any, method: Method, args: list[Any], kwargs: dict[str, Any]) -> Any:
    owner, name = method.owner, method.name
    if isinstance(owner, Outside):
        if name == "get" and is_dictionary(owner.object) and len(args) in (1, 2) and not kwargs:
            return run.entry(owner, args[0], args[1] if len(args) == 2 else None)
        owner = run.guards.inside(owner)
    if name == "format" and "n}" in owner:
        raise Refused("formats by the locale")
    if kwargs and not (name == "sort" and set(kwargs) == {"reverse"}) and name != "format":
        raise Refused(f"calls {name}() by keyword")
    if (type(owner), name) in ((list, "extend"), (dict, "update"), (OrderedDict, "update")):
        args = [
            run.iterable(each) if name == "extend" else run.mapping(each, "updates a dictionary by")
            for each in args
        ]
    elif is_plain(owner) or name in ("index", "count", "sort"):
        # Elements are compared, or formatted.
        args = [run.plain(each) for each in args]
        kwargs = {key: run.plain(each) for key, each in kwargs.items()}
        owner = run.plain(owner) if name != "sort" else _all_plain(run, owner)
    elif name in ("get", "pop", "setdefault", "insert") and args:
        args = [run.plain(args[0]), *args[1:]]  # a key, or a place
    return _known(run, getattr(owner, name)(*args, **kwargs))


def _all_plain(run: Any, owner: list[Any]) -> list[Any]:
    for each in owner:
        run.plain(each)
    return owner


def _known(run: Any, result: Any) -> Any:
    """What a method of a known value gave: plain, one of its elements, or made by it."""
    if type(result) in (set, frozenset, bytearray, memoryview):
        raise Refused(f"makes a {said(result)}")
    return result


# ---- builtins ---------------------------------------------------------------------------------------------------


def _call_builtin(run: Any, o: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    handler = _HANDLERS.get(o)
    if handler is not None:
        return handler(run, args, kwargs)
    if o in _OF_TENSORS and len(args) == 1 and is_tensor(args[0]) and not kwargs:
        return run.recorder.call(o, args)
    if o in _BINARY and len(args) == 2 and not kwargs:
        return run.binary(_BINARY[o], *args)
    if o in _OF_NUMBERS and not kwargs and any(isinstance(each, Number) for each in args):
        return run.recorder.compute(o, args)
    if o in _SAFE:
        result = o(*[run.plain(each) for each in args], **{k: run.plain(v) for k, v in kwargs.items()})
        if is_plain(result) or (o is builtins.sorted and type(result) is list):
            return result
        raise Refused(f"gets a {said(result)} from {o.__name__}()")
    if o is _core.is_grad_enabled and not args and not kwargs:
        return o()
    if o in _OF_LEVELS and not kwargs:
        return o(*[_tensors(run, each) for each in args])
    raise Refused(f"calls {getattr(o, '__qualname__', o)}(), of which it is not known what it does")


def _tensors(run: Any, value: Any) -> Any:
    """A tensor, or a tuple of tensors."""
    if is_tensor(value):
        return value
    found = tuple(run.iterable(value))
    if not all(map(is_tensor, found)):
        raise Refused(f"asks a {said(value)} for its levels")
    return found


def _handler(o: Any, least: int, most: int) -> Any:
    """Registers what stands for a builtin of so many arguments."""

    def register(function: Any) -> Any:
        def checked(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
            if kwargs and o not in (dict, sum, enumerate, zip):
                raise Refused(f"calls {o.__name__}() by keyword")
            if not least <= len(args) <= most:
                raise Refused(f"calls {o.__name__}() with {len(args)} arguments")
            return function(run, *args, **kwargs)

        _HANDLERS[o] = checked
        return function

    return register


_HANDLERS: dict[Any, Any] = {}
_MANY = 10**9

_handler(len, 1, 1)(lambda run, value: run.length(value))
_handler(bool, 0, 1)(lambda run, value=False: run.truth(value))
_handler(isinstance, 2, 2)(lambda run, value, kind: _is_instance(run, value, kind))
_handler(type, 1, 1)(lambda run, value: _type_of(run, value))
_handler(list, 0, 1)(lambda run, value=(): list(run.iterable(value)))
_handler(tuple, 0, 1)(lambda run, value=(): tuple(run.iterable(value)))
_handler(enumerate, 1, 2)(lambda run, value, start=0: enumerate(run.iterable(value), run.plain(start)))
_handler(iter, 1, 1)(lambda run, value: iter(run.iterable(value)))
_handler(callable, 1, 1)(lambda run, value: _is_callable(value))
_handler(any, 1, 1)(lambda run, value: any(run.truth(each) for each in run.iterable(value)))
_handler(all, 1, 1)(lambda run, value: all(run.truth(each) for each in run.iterable(value)))


@_handler(operator.index, 1, 1)
def _index(run: Any, value: Any) -> int:
    if type(value) not in (int, bool):
        raise Refused(f"asks a {said(value)} for its index")
    return operator.index(value)


@_handler(reversed, 1, 1)
def _reversed(run: Any, value: Any) -> Any:
    value = run.guards.taken(value)
    if type(value) not in (list, tuple, range, str):
        raise Refused(f"reverses a {said(value)}")
    return reversed(value)


@_handler(zip, 0, _MANY)
def _zip(run: Any, *values: Any, strict: Any = False) -> Any:
    iterables = [run.iterable(each) for each in values]
    return zip(*iterables, strict=True) if run.truth(strict) else zip(*iterables)


@_handler(map, 2, _MANY)
def _map(run: Any, function: Any, *values: Any) -> Any:
    iterables = [run.iterable(each) for each in values]
    return (run.call(function, list(each), {}) for each in zip(*iterables))


@_handler(filter, 2, 2)
def _filter(run: Any, function: Any, value: Any) -> Any:
    each_of = run.iterable(value)
    if function is None:
        return (each for each in each_of if run.truth(each))
    return (each for each in each_of if run.truth(run.call(function, [each], {})))


@_handler(sum, 1, 2)
def _sum(run: Any, value: Any, start: Any = 0) -> Any:
    if isinstance(start, str):
        raise Refused("sums strings")
    numbers: list[Any] = []  # those in front are Python's to sum: not every version just adds them
    rest = iter(run.iterable(value))
    for each in rest:
        if not _is_number(each) or not _is_number(start):
            rest = itertools.chain([each], rest)
            break
        numbers.append(each)
    if any(isinstance(each, Number) for each in [start, *numbers]):
        start = run.recorder.compute(sum, [numbers, start])
    elif numbers:
        start = sum(numbers, start)
    for each in rest:
        start = run.binary(operator.add, start, each)
    return start


def _is_number(value: Any) -> bool:
    return type(value) in NUMBERS or isinstance(value, Number)


@_handler(next, 1, 2)
def _next(run: Any, value: Any, *default: Any) -> Any:
    if type(value) not in ITERATORS:
        raise Refused(f"asks a {said(value)} for the next")
    for each in value:
        return each
    if default:
        return default[0]
    raise Refused("asks for the next where there is none")


@_handler(dict, 0, 1)
def _dict(run: Any, value: Any = None, /, **names: Any) -> dict[Any, Any]:
    made: dict[Any, Any] = {}
    if value is not None:
        value = run.guards.taken(value)
        if is_dictionary(value):
            made.update(value)
        else:
            for pair in run.iterable(value):
                key, each = run.iterable(pair)
                made[run.plain(key)] = each
    made.update(names)
    return made


@_handler(getattr, 2, 3)
def _getattr(run: Any, value: Any, name: Any, *default: Any) -> Any:
    try:
        return attribute(run, value, _name(name))
    except NoAttribute:
        if default:
            return default[0]
        raise


@_handler(hasattr, 2, 2)
def _hasattr(run: Any, value: Any, name: Any) -> bool:
    try:
        attribute(run, value, _name(name))
    except NoAttribute:
        return False
    return True


def _name(name: Any) -> str:
    if type(name) is not str:
        raise Refused(f"reads an attribute by a {said(name)}")
    return name


def _is_callable(value: Any) -> bool:
    if isinstance(value, Outside):
        if type(value.object) in (types.FunctionType, types.BuiltinFunctionType, _core.Operator) or is_class(
            value.object
        ):
            return True
        raise Refused(f"asks whether a {said(value)} can be called")
    return isinstance(value, (Closure, Bound, Method))


def _kind_of(run: Any, value: Any) -> type:
    if isinstance(value, Outside):
        if type(value.object) not in OUTER:
            run.guards.instance_is(value.object)
        return type(value.object)
    if is_plain(value) or is_tensor(value) or type(value) in OUTER:
        return type(value)
    raise Refused(f"asks for the type of a {said(value)}")


def _type_of(run: Any, value: Any) -> Any:
    kind = _kind_of(run, value)
    return Outside(kind, Held(kind))


def _is_instance(run: Any, value: Any, kinds: Any) -> bool:
    kinds = run.guards.taken(kinds)
    if type(kinds) is tuple:
        return any(_is_instance(run, value, each) for each in kinds)
    if not isinstance(kinds, Outside) or not is_class(kinds.object):
        raise Refused(f"asks isinstance() of a {said(kinds)}")
    wanted = kinds.object
    if type(value) in ITERATORS or type(value) in VIEWS:
        if wanted is Tensor or any(wanted is each for each in OUTER):
            return False
        raise Refused(f"asks whether a {said(value)} is a {wanted.__qualname__}")
    kind = _kind_of(run, value)
    run.guards.instance_is(wanted)
    if in_class(type(wanted), "__instancecheck__") is not vars(type)["__instancecheck__"]:
        # Of the package's own classes it looks at the class and the dtype.
        if type(wanted).__module__.partition(".")[0] == _PACKAGE and (is_tensor(value) or is_plain(value)):
            return isinstance(value, wanted)
        raise Refused(f"asks whether something is a {wanted.__qualname__}, which decides that itself")
    if isinstance(value, Outside) and in_class(kind, "__class__") is not vars(object)["__class__"]:
        raise Refused("asks isinstance() of an object with a __class__ of its own")
    return type.__subclasscheck__(wanted, kind)
