"""What operates on values: signs, comparisons, elements, truth, loops. Each first finds out which kind a value is."""

from __future__ import annotations

import operator
import types
from collections.abc import Callable
from typing import Any

from .. import _core
from .._core import Tensor
from .attributes import in_class
from .guards import MISSING, Guards
from .recording import Recorder
from .values import (
    ITERATORS,
    NUMBERS,
    OUTER,
    VIEWS,
    Held,
    Number,
    Outside,
    Refused,
    is_dictionary,
    is_named,
    is_plain,
    is_tensor,
    said,
)

# Of numbers; the type of what they give follows from the types of what they are given.
_ARITHMETIC = frozenset(
    getattr(operator, name) for name in "add sub mul truediv floordiv mod lt le eq ne gt ge".split()
)
_SINGLES = (None, True, False, Ellipsis, NotImplemented)


class Operations:
    """The operations of one dry run, which its guards and its recorder are told of."""

    guards: Guards
    recorder: Recorder

    def call(self, function: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """What a call of a value gives."""
        raise NotImplementedError

    def plain(self, value: Any) -> Any:
        """A plain value, or a list of such, as Python's own functions may be given it."""
        if is_plain(value):
            return value
        value = self.guards.taken(value)
        if type(value) in (list, tuple):
            return type(value)([self.plain(each) for each in value])
        if type(value) in ITERATORS or type(value) in VIEWS:
            return [self.plain(each) for each in value]
        raise Refused(f"needs a plain value, and got a {said(value)}")

    def mapping(self, value: Any, use: str) -> Any:
        """A dictionary of the call's own, for a use that an error names."""
        value = self.guards.taken(value)
        if not is_dictionary(value):
            raise Refused(f"{use} a {said(value)}")
        return value

    def _number(self, value: Any) -> Any:
        if type(value) not in NUMBERS:
            raise Refused(f"computes with a {said(value)}")
        return value

    def _operand(self, value: Any) -> Any:
        return value if is_tensor(value) else self._number(value)

    def binary(self, sign: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
        """An operator sign, or a comparison."""
        if is_tensor(left) or is_tensor(right):
            return self.recorder.call(sign, [self._operand(left), self._operand(right)])
        if isinstance(left, Number) or isinstance(right, Number):
            if sign in _ARITHMETIC or (sign is operator.pow and type(right) is int and right >= 0):
                return self.recorder.compute(sign, [left, right])
            raise Refused(f"computes {sign.__name__}() of numbers of tensors")
        if is_plain(left) and is_plain(right):
            result = sign(left, right)
            if not is_plain(result):
                raise Refused(f"gets a {said(result)} from a sign")
            return result
        left, right = self.guards.taken(left), self.guards.taken(right)
        if sign is operator.add and type(left) is type(right) and type(left) in (list, tuple):
            return left + right
        if sign is operator.mul and {type(left), type(right)} in ({list, int}, {tuple, int}):
            return left * right
        if (
            sign in (operator.eq, operator.ne)
            and type(left) in (list, tuple)
            and type(right) in (list, tuple)
        ):
            return sign(self.plain(left), self.plain(right))
        raise Refused(f"computes with a {said(left if not is_plain(left) else right)}")

    def _is(self, left: Any, right: Any) -> bool:
        for one, other in ((left, right), (right, left)):
            if isinstance(other, Number) and one is not None:
                raise Refused("asks which number that of a tensor is")
            if any(one is each for each in _SINGLES):
                return other is one
        if isinstance(left, _core.dtype) or isinstance(right, _core.dtype):
            return left is right
        if is_tensor(left) and is_tensor(right):
            return left is right
        if isinstance(left, Outside) and isinstance(right, Outside):
            if type(left.object) in OUTER or type(right.object) in OUTER:
                raise Refused(f"asks whether a {said(left)} is another")
            return left.object is right.object
        raise Refused(f"asks whether a {said(left)} is a {said(right)}")

    def _contains(self, owner: Any, value: Any) -> bool:
        value = self.plain(value)
        if isinstance(owner, Outside) and is_dictionary(owner.object):
            return self.guards.name_in(owner.object, value, owner.source) is not MISSING
        if is_dictionary(owner):
            return value in owner
        return value in self.plain(owner)

    def entry(self, owner: Outside, key: Any, *default: Any) -> Any:
        """What a key of a dictionary from outside stands for."""
        found = self.guards.name_in(owner.object, self.plain(key), owner.source)
        if found is MISSING:
            if default:
                return default[0]
            raise KeyError(key)
        return found

    def element(self, owner: Any, key: Any) -> Any:
        """owner[key]."""
        if is_tensor(owner):
            return self.recorder.call(operator.getitem, [owner, key])
        if isinstance(owner, Outside):
            if type(owner.object) not in OUTER:
                return self._by_class(owner.object, "__getitem__", key)
            if is_dictionary(owner.object):
                return self.entry(owner, key)
            n = self.guards.length(owner)
            if type(key) is int:
                return self.guards.item(owner, range(n)[key])
            owner = self.guards.inside(owner)
        if type(owner) in OUTER or is_plain(owner) or is_named(owner):
            return owner[self.plain(key)]
        raise Refused(f"reads an element of a {said(owner)}")

    def length(self, value: Any) -> int:
        """len(value)."""
        if isinstance(value, Outside):
            if type(value.object) in OUTER:
                return self.guards.length(value)
            return self._special(value.object, "__len__")
        if is_tensor(value) or type(value) in OUTER or is_plain(value) or is_named(value):
            return len(value)
        if type(value) in VIEWS:
            return len(value)
        raise Refused(f"asks for the length of a {said(value)}")

    def truth(self, value: Any) -> bool:
        """Whether a value is true."""
        if is_tensor(value):
            return self.recorder.call(operator.truth, [value])
        if isinstance(value, Outside) and type(value.object) in OUTER:
            return self.guards.length(value) > 0
        if isinstance(value, Outside):
            o = value.object
            self.guards.instance_is(o)
            for name in ("__bool__", "__len__"):
                if in_class(type(o), name) is not MISSING:
                    return bool(self._special(o, name))
            return True
        if is_plain(value) or is_named(value) or type(value) in OUTER:
            return bool(value)
        raise Refused(f"asks whether a {said(value)} is true")

    def _special(self, o: Any, name: str) -> Any:
        """What a method of a class gives as a truth value or a length."""
        result = self._by_class(o, name)
        if type(result) is int or (type(result) is bool and name == "__bool__"):
            return result
        raise Refused(f"gets a {said(result)} from {name} of a {type(o).__qualname__}")

    def _by_class(self, o: Any, name: str, *args: Any) -> Any:
        """What a method of a class, which is a function, gives for an object from outside."""
        self.guards.instance_is(o)
        found = in_class(type(o), name)
        if type(found) is not types.FunctionType:
            raise Refused(f"asks for {name} of a {type(o).__qualname__}")
        return self.call(Outside(found, Held(found)), [Outside(o, Held(o)), *args], {})

    def iterable(self, value: Any) -> Any:
        """What a loop goes over."""
        if is_tensor(value):
            if not value.ndim:
                raise TypeError("iteration over a 0-d tensor")
            return self.recorder.call(vars(Tensor)["unbind"], [value])
        if isinstance(value, Outside):
            if type(value.object) in OUTER:
                return self.guards.inside(value)
            found = self._by_class(value.object, "__iter__")
            if type(found) not in ITERATORS:
                raise Refused(f"gets a {said(found)} to iterate over")
            return found
        kind = type(value)
        if kind in OUTER or kind in (str, range) or kind in ITERATORS or kind in VIEWS:
            return value
        if is_named(value) or (is_plain(value) and isinstance(value, tuple)):
            return value
        raise Refused(f"iterates over a {said(value)}")
