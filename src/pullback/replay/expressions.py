"""Expressions: the value of each kind of node."""

from __future__ import annotations

import ast
import operator
import types
from collections.abc import Callable, Iterator
from typing import Any

from .. import _core
from ..autograd.grad_mode import enable_grad, no_grad, set_grad_enabled
from . import pure
from .attributes import attribute
from .operations import Operations
from .source import COMPREHENSIONS, targets_of
from .values import (
    Closure,
    GradMode,
    Number,
    Outside,
    Refused,
    Super,
    is_plain,
    is_tensor,
    said,
)

_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "Eq": operator.eq,
    "NotEq": operator.ne,
    "Lt": operator.lt,
    "LtE": operator.le,
    "Gt": operator.gt,
    "GtE": operator.ge,
}
_UNARY: dict[str, Callable[[Any], Any]] = {
    "USub": operator.neg,
    "UAdd": operator.pos,
    "Invert": operator.invert,
}


_MODES = (no_grad, enable_grad, set_grad_enabled)


class Frame:
    """Where names are: those of one function, or of one comprehension."""

    def __init__(
        self, bound: Any, function: types.FunctionType, above: Frame | None, scope: Any = None
    ) -> None:
        self.bound, self.function, self.above, self.scope = bound, function, above, scope
        self.names: dict[str, Any] = {}
        self.file = function.__code__.co_filename


class Expressions(Operations):
    """The rules of expressions. What has none is refused."""

    frames: list[Frame]

    def load(self, name: str, frame: Frame) -> Any:
        """What a name stands for."""
        raise NotImplementedError

    def store(self, target: Any, value: Any, frame: Frame) -> None:
        """Assign a value to a target."""
        raise NotImplementedError

    def closure(self, node: Any, frame: Frame) -> Closure:
        """A function that the call makes."""
        raise NotImplementedError

    def at(self, node: Any, frame: Frame, rule: Callable[[Any, Frame], Any]) -> Any:
        """Follow a rule; what it refuses is refused at the node."""
        raise NotImplementedError

    def value(self, node: Any, frame: Frame) -> Any:
        """The value of an expression."""
        return self.at(node, frame, self._expression)

    def _expression(self, node: Any, frame: Frame) -> Any:
        rule = getattr(self, f"_{type(node).__name__.lower()}", None)
        if rule is None:
            raise Refused(f"an expression of the kind {type(node).__name__}")
        return rule(node, frame)

    def _constant(self, node: ast.Constant, frame: Frame) -> Any:
        if not is_plain(node.value):
            raise Refused(f"a constant of the type {type(node.value).__name__}")
        return node.value

    def _name(self, node: ast.Name, frame: Frame) -> Any:
        return self.load(node.id, frame)

    def _attribute(self, node: ast.Attribute, frame: Frame) -> Any:
        return attribute(self, self.value(node.value, frame), node.attr)

    def _subscript(self, node: ast.Subscript, frame: Frame) -> Any:
        owner = self.value(node.value, frame)
        return self.element(owner, self.value(node.slice, frame))

    def _slice(self, node: ast.Slice, frame: Frame) -> slice:
        parts = [
            None if each is None else self.plain(self.value(each, frame))
            for each in (node.lower, node.upper, node.step)
        ]
        return slice(*parts)

    def _tuple(self, node: ast.Tuple, frame: Frame) -> Any:
        return tuple(self._elements(node.elts, frame))

    def _list(self, node: ast.List, frame: Frame) -> Any:
        return self._elements(node.elts, frame)

    def _elements(self, nodes: list[Any], frame: Frame) -> list[Any]:
        values: list[Any] = []
        for each in nodes:
            if isinstance(each, ast.Starred):
                values += self.iterable(self.value(each.value, frame))
            else:
                values.append(self.value(each, frame))
        return values

    def _dict(self, node: ast.Dict, frame: Frame) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        for key, each in zip(node.keys, node.values):
            if key is None:
                made.update(self.mapping(self.value(each, frame), "unpacks by **"))
            else:
                name = self.plain(self.value(key, frame))
                made[name] = self.value(each, frame)
        return made

    def _call(self, node: ast.Call, frame: Frame) -> Any:
        function = self.value(node.func, frame)
        args = self._elements(node.args, frame)
        kwargs: dict[str, Any] = {}
        for each in node.keywords:
            given = self.value(each.value, frame)
            more = self.mapping(given, "unpacks by **") if each.arg is None else {each.arg: given}
            for name, value in more.items():
                if name in kwargs or type(name) is not str or name.startswith("__"):
                    raise Refused(f"gives the keyword {name!r}")
                kwargs[name] = value
        if isinstance(function, Outside) and function.object is super:
            return self._super(frame, args, kwargs)
        if isinstance(function, Outside) and any(function.object is each for each in _MODES):
            return self._grad_mode(function.object, args, kwargs)
        return self.call(function, args, kwargs)

    def _super(self, frame: Frame, args: list[Any], kwargs: dict[str, Any]) -> Super:
        if args or kwargs or frame.above is not None or frame.scope.first is None:
            raise Refused("calls super() otherwise than a method does")
        behind, first = self.load("__class__", frame), frame.names[frame.scope.first]
        kind = type(first.object) if isinstance(first, Outside) else None
        if kind is None or issubclass(kind, type) or not type.__subclasscheck__(behind.object, kind):
            raise Refused("calls super() of what is no instance")
        self.guards.instance_is(first.object)
        return Super(behind.object, first)

    def _grad_mode(self, kind: Any, args: list[Any], kwargs: dict[str, Any]) -> GradMode:
        self.guards.class_is(kind)
        if kind is set_grad_enabled:
            (on,) = [*args, *kwargs.values()]
            if type(on) is not bool or not set(kwargs) <= {"mode"}:
                raise Refused(f"gives set_grad_enabled() a {said(on)}")
            before = _core.is_grad_enabled()
            self.recorder.switch(on)  # at once
            return GradMode(on, before)
        if args or kwargs:
            raise Refused(f"gives {kind.__name__} arguments")
        return GradMode(kind is enable_grad)

    def _lambda(self, node: ast.Lambda, frame: Frame) -> Closure:
        return self.closure(node, frame)

    def _ifexp(self, node: ast.IfExp, frame: Frame) -> Any:
        return self.value(node.body if self.truth(self.value(node.test, frame)) else node.orelse, frame)

    def _namedexpr(self, node: ast.NamedExpr, frame: Frame) -> Any:
        value = self.value(node.value, frame)
        at = frame
        while at.scope is None and at.above is not None:  # a comprehension's belong to the function
            at = at.above
        self.store(node.target, value, at)
        return value

    def _boolop(self, node: ast.BoolOp, frame: Frame) -> Any:
        stops = isinstance(node.op, ast.Or)
        value: Any = None
        for at, each in enumerate(node.values):
            value = self.value(each, frame)
            if at + 1 < len(node.values) and self.truth(value) is stops:
                return value
        return value

    def _unaryop(self, node: ast.UnaryOp, frame: Frame) -> Any:
        value = self.value(node.operand, frame)
        if isinstance(node.op, ast.Not):
            return not self.truth(value)
        sign = _UNARY[type(node.op).__name__]
        if is_tensor(value):
            return self.recorder.call(sign, [value])
        if isinstance(value, Number) and sign is not operator.invert:
            return self.recorder.compute(sign, [value])
        return sign(self._number(value))

    def _binop(self, node: ast.BinOp, frame: Frame) -> Any:
        left = self.value(node.left, frame)
        return self.binary(pure.SIGNS[type(node.op).__name__][0], left, self.value(node.right, frame))

    def _compare(self, node: ast.Compare, frame: Frame) -> Any:
        left = self.value(node.left, frame)
        result: Any = True
        for at, (op, each) in enumerate(zip(node.ops, node.comparators)):
            right = self.value(each, frame)
            result = self._compared(type(op).__name__, left, right)
            if at + 1 < len(node.ops) and not self.truth(result):
                return result
            left = right
        return result

    def _compared(self, op: str, left: Any, right: Any) -> Any:
        if op in ("Is", "IsNot"):
            return self._is(left, right) is (op == "Is")
        if op in ("In", "NotIn"):
            return self._contains(right, left) is (op == "In")
        return self.binary(_COMPARISONS[op], left, right)

    def _joinedstr(self, node: ast.JoinedStr, frame: Frame) -> str:
        return "".join([self.value(each, frame) for each in node.values])

    def _formattedvalue(self, node: ast.FormattedValue, frame: Frame) -> str:
        value = self.plain(self.value(node.value, frame))
        spec = "" if node.format_spec is None else self.value(node.format_spec, frame)
        if spec.endswith("n"):
            raise Refused("formats by the locale")
        if node.conversion != -1:
            conversions: dict[str, Callable[[Any], str]] = {"s": str, "r": repr, "a": ascii}
            value = conversions[chr(node.conversion)](value)
        return format(value, spec)

    def _listcomp(self, node: ast.ListComp, frame: Frame) -> list[Any]:
        return list(self._each(node, frame, lambda at: self.value(node.elt, at)))

    def _generatorexp(self, node: ast.GeneratorExp, frame: Frame) -> Iterator[Any]:
        return self._each(node, frame, lambda at: self.value(node.elt, at))

    def _dictcomp(self, node: ast.DictComp, frame: Frame) -> dict[Any, Any]:
        return dict(
            self._each(
                node, frame, lambda at: (self.plain(self.value(node.key, at)), self.value(node.value, at))
            )
        )

    def _each(self, node: Any, frame: Frame, element: Callable[[Frame], Any]) -> Iterator[Any]:
        """What a comprehension goes through; the first iterable is evaluated at once, outside."""
        if not isinstance(node, COMPREHENSIONS) or any(each.is_async for each in node.generators):
            raise Refused("an asynchronous comprehension")
        first = iter(self.iterable(self.value(node.generators[0].iter, frame)))
        inner = Frame(targets_of(node), frame.function, frame)
        self.frames.append(inner)

        def loop(depth: int, values: Any) -> Iterator[Any]:
            generator = node.generators[depth]
            for each in values:
                self.store(generator.target, each, inner)
                if not all(self.truth(self.value(test, inner)) for test in generator.ifs):
                    continue
                if depth + 1 < len(node.generators):
                    yield from loop(
                        depth + 1, self.iterable(self.value(node.generators[depth + 1].iter, inner))
                    )
                else:
                    yield element(inner)

        return loop(0, first)
