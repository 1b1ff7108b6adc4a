"""Attributes, as the language finds them, read through the guard.

Of an object from outside the class is looked through in the order of what it inherits from, and then the object's own
dictionary; the guard notes the class as a whole, and each name that was looked for. Descriptors are known ones, or refused.
"""

from __future__ import annotations

import operator
import types
from typing import Any

from .. import _core
from .._core import Tensor
from ..size import Size
from . import gradients, pure
from .guards import MISSING
from .values import (
    BASIC,
    OUTER,
    Bound,
    Held,
    Method,
    NoAttribute,
    Outside,
    Refused,
    Super,
    is_class,
    is_named,
    is_plain,
    said,
)

_LIST = frozenset("append extend insert pop reverse clear copy index count sort".split())
_DICT = frozenset("get items keys values pop setdefault update copy clear".split())
_READS = frozenset("get items keys values copy index count".split())


_order: Any = vars(type)["__mro__"].__get__  # whatever a metaclass says
_names: Any = vars(type)["__dict__"].__get__


def _of_super(run: Any, value: Super, name: str) -> Any:
    order = _order(type(value.object.object))
    for each in order[order.index(value.behind) + 1 :]:
        names = _names(each)
        if name in names:
            if type(names[name]) is not types.FunctionType:
                break
            return Bound(_constant(run, names[name]), value.object)
    raise Refused(f"reads {name!r} of super()")


def in_class(kind: type, name: str) -> Any:
    """What the classes of an instance have under a name, as it is."""
    for each in _order(kind):
        names = _names(each)
        if name in names:
            return names[name]
    return MISSING


_FUNCTIONS: tuple[type, ...] = (types.FunctionType, _core.Operator, _core.Compiled)
_ORDINARY = tuple(in_class(kind, "__getattribute__") for kind in (object, types.FunctionType))


def attribute(run: Any, value: Any, name: str) -> Any:
    """The attribute of a value. `run` is the interpreter."""
    if name == "__wrapped__" and isinstance(value, Outside) and type(value.object) is _core.Compiled:
        return _constant(run, value.object.__wrapped__)
    if name.startswith("__") and name not in ("__dict__", "__class__"):
        raise Refused(f"reads {name}")
    if isinstance(value, Outside):
        return _of_outside(run, value, name)
    if isinstance(value, Super):
        return _of_super(run, value, name)
    if isinstance(value, Tensor):
        return _of_tensor(run, value, name)
    if is_named(value) and isinstance(vars(type(value)).get(name), types.MemberDescriptorType):
        return getattr(value, name)
    if is_plain(value):
        return _of_plain(value, name)
    kind = type(value)
    if (kind is list and name in _LIST) or (kind in OUTER and kind not in (list, tuple) and name in _DICT):
        return Method(value, name)
    if kind is tuple and name in ("index", "count"):
        return Method(value, name)
    raise Refused(f"reads the attribute {name!r} of a {said(value)}")


def _of_plain(value: Any, name: str) -> Any:
    found = getattr(value, name, MISSING)
    if found is MISSING:
        raise NoAttribute(name)
    if is_plain(found):
        return found
    if type(value) in BASIC or type(value) in (tuple, Size):
        return Method(value, name)
    raise Refused(f"reads the attribute {name!r} of a {said(value)}")


def _of_tensor(run: Any, value: Tensor, name: str) -> Any:
    if name in pure.METADATA:
        found = getattr(value, name)
        if not is_plain(found):
            raise Refused(f"reads the attribute {name!r} of a tensor")
        return found
    if name == "grad":
        return gradients.read(run, value)
    if name in pure.TENSORS:
        return run.recorder.call(_getter(name), [value])
    found = in_class(type(value), name)
    if isinstance(found, _core.Operator):
        return Bound(Outside(found, Held(found)), value)
    if found is MISSING:
        raise NoAttribute(name)
    raise Refused(f"reads the attribute {name!r} of a tensor")


def _getter(name: str) -> Any:
    return _getters.setdefault(name, operator.attrgetter(name))


_getters: dict[str, Any] = {}


def _of_outside(run: Any, value: Outside, name: str) -> Any:
    o = value.object
    guards = run.guards
    if type(o) in OUTER:
        if name in _READS and name in dir(type(o)):
            return Method(value, name)
        raise Refused(f"calls or reads {name!r} of a {said(value)} that it has not made")
    if type(o) is types.ModuleType:
        guards.instance_is(o)
        found = guards.name_in(vars(o), name, Held(vars(o)))
        if found is MISSING:
            raise Refused(f"reads {name!r} of a module, which is not there")
        return found
    if is_class(o):
        return _of_class(run, o, name)
    return _of_instance(run, o, name)


def _of_class(run: Any, o: type, name: str) -> Any:
    meta = type(o)
    if name.startswith("__") or in_class(meta, "__getattribute__") is not vars(type)["__getattribute__"]:
        raise Refused(f"reads {name!r} of the class {o.__qualname__}")
    run.guards.instance_is(o)
    run.guards.class_is(o)
    if in_class(meta, name) is not MISSING:
        raise Refused(f"reads {name!r} of the class {o.__qualname__}, whose class has it too")
    found = in_class(o, name)
    if found is MISSING:
        if in_class(meta, "__getattr__") is not MISSING:
            raise Refused(f"reads {name!r} of the class {o.__qualname__}, which makes attributes")
        raise NoAttribute(name)
    if type(found) is staticmethod:
        return run.guards.member(found, "__func__")
    if type(found) is classmethod:
        return Bound(run.guards.member(found, "__func__"), Outside(o, Held(o)))
    if type(found) in _FUNCTIONS:
        return _constant(run, found)
    return _plain_of_class(run, found, name)


def _constant(run: Any, o: Any) -> Any:
    return run.guards.recognise(o, Held(o))


def _plain_of_class(run: Any, found: Any, name: str) -> Any:
    """What a class holds that is no descriptor."""
    if in_class(type(found), "__get__") is not MISSING:
        raise Refused(f"reads {name!r}, a {type(found).__qualname__}")
    if not is_plain(found) and type(type(found)) is not type:
        raise Refused(f"reads {name!r}, a {type(found).__qualname__}")
    if not is_plain(found):
        run.guards.instance_is(found)  # which may become a descriptor
    return _constant(run, found)


def _of_instance(run: Any, o: Any, name: str) -> Any:
    guards, kind = run.guards, type(o)
    if not any(in_class(kind, "__getattribute__") is each for each in _ORDINARY):
        raise Refused(f"reads {name!r} of a {kind.__qualname__}, whose attributes are its own affair")
    guards.instance_is(o)
    if name == "__class__":
        if in_class(kind, name) is not vars(object)[name]:
            raise Refused("reads a __class__ that is another")
        return Outside(kind, Held(kind))
    own = _entries(run, o)
    if name == "__dict__":
        if own is None:
            raise Refused(f"reads __dict__ of a {kind.__qualname__}")
        return guards.recognise(*own)
    found = in_class(kind, name)
    if type(found) is property:
        return run.call(guards.member(found, "fget"), [Outside(o, Held(o))], {})
    if found is not MISSING:
        is_data = any(in_class(type(found), each) is not MISSING for each in ("__set__", "__delete__"))
        if is_data:
            raise Refused(f"reads {name!r}, a {type(found).__qualname__}")
        is_known = type(found) in (*_FUNCTIONS, staticmethod, classmethod)
        value = found if is_known else _plain_of_class(run, found, name)
    if own is not None and (mine := guards.name_in(own[0], name, own[1])) is not MISSING:
        return mine
    if found is MISSING:
        return _made(run, o, name)
    if not is_known:
        return value
    if type(found) is staticmethod:
        return guards.member(found, "__func__")
    if type(found) is classmethod:
        return Bound(guards.member(found, "__func__"), Outside(kind, Held(kind)))
    return Bound(_constant(run, found), Outside(o, Held(o)))


def _entries(run: Any, o: Any) -> Any:
    """The dictionary of an instance and the register that it is in; None where there is none."""
    described = in_class(type(o), "__dict__")
    if described is MISSING:
        return None
    if not isinstance(described, types.GetSetDescriptorType):
        raise Refused(f"reads an attribute of a {type(o).__qualname__}, whose __dict__ is another")
    return run.guards.entries(o)


def _made(run: Any, o: Any, name: str) -> Any:
    """What `__getattr__` makes."""
    maker = in_class(type(o), "__getattr__")
    if maker is MISSING:
        raise NoAttribute(name)
    if not isinstance(maker, types.FunctionType):
        raise Refused(f"reads {name!r} of a {type(o).__qualname__}, which makes attributes")
    return run.call(_constant(run, maker), [Outside(o, Held(o)), name], {})
