"""The interpreter: runs the source of a function on values, by rules that know every construct that they meet.

What has no rule here refuses the function, and says where. Order, scopes and laziness are the language's. Whatever operates on
a value first finds out which kind it is (values.py); there is no way for it to fall through to what a class of anybody's says.
"""

from __future__ import annotations

import ast
import contextlib
import operator
import types
from collections.abc import Callable
from typing import Any

from .. import _core
from .._core import Tensor
from ..nn import Module
from ..nn.parameter import Parameter
from . import calls, marks, pure
from .attributes import attribute, in_class
from .expressions import Expressions, Frame
from .guards import CODE, DEFAULTS, KEYWORDS, MISSING, Guards
from .recording import Recorder
from .source import scope_of, source_of
from .twins import Twins
from .values import (
    Closure,
    GradMode,
    Held,
    NoAttribute,
    Outside,
    Refused,
    is_dictionary,
    is_plain,
    is_tensor,
    said,
)

_STORING = (vars(object)["__setattr__"], in_class(Module, "__setattr__"))
_MOST = 300_000  # constructs in one call, beyond _EACH for each operator
_EACH = 100


def _holds(o: Any, name: str) -> bool:
    """Whether an object, and not its class, has an attribute, which comes to lie there again when it is assigned."""
    setter = in_class(type(o), "__setattr__")
    if not any(setter is each for each in _STORING) or in_class(type(o), name) is not MISSING:
        return False
    own = object.__getattribute__(o, "__dict__")
    places = [own, *(own[each] for each in ("_parameters", "_buffers") if issubclass(type(o), Module))]
    return any(name in each for each in places)


def _stays_in(owner: Any) -> bool:
    """Whether an element of a container from outside, changed in place, comes to lie there again."""
    return isinstance(owner, Outside) and (type(owner.object) is list or is_dictionary(owner.object))


class _Return(Exception):
    def __init__(self, value: Any) -> None:
        self.value = value


class _Break(Exception):
    pass


class _Continue(Exception):
    pass


class Interpreter(Expressions):
    """One dry run of a call."""

    def __init__(self, rewind: Callable[[], None], twins: Twins | None = None, looks: bool = False) -> None:
        self.guards = Guards(twins)
        self.result: Any = None  # what the call gives
        self.recorder = Recorder(self.guards, rewind, looks)
        self.left = _MOST
        self.frames: list[Frame] = []  # all of them
        pure.check_signs()
        for kind in (Tensor, Parameter):
            self.guards.class_is(kind)

    def call(self, function: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """What a call of a value gives."""
        return calls.call(self, function, args, kwargs)

    def close(self) -> None:
        """Let go of all tensors: what the call made may refer to itself, as a function does that calls itself."""
        for frame in self.frames:
            frame.names.clear()
        self.frames.clear()
        self.result = None
        self.recorder.close()
        self.guards.close()

    # ---- functions --------------------------------------------------------------------------------------------

    def call_function(self, function: types.FunctionType, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """Interpret a function from outside."""
        self.guards.check(CODE, Held(function), function.__code__)
        node = source_of(function)
        scope = scope_of(node)
        code = function.__code__
        if scope.yields or code.co_flags & 0x2A0:  # generators, coroutines
            raise Refused(f"calls {code.co_name}(), a generator")
        if not scope.bound <= {*code.co_varnames, *code.co_cellvars}:
            raise Refused(f"the names of {code.co_name} are not those of its source")
        frame = Frame(scope.bound, function, None, scope)
        given = self._inside_of(function, DEFAULTS, function.__defaults__) or ()
        by_name = self._inside_of(function, KEYWORDS, function.__kwdefaults__) or {}
        return self._run(node, frame, list(given), by_name, args, kwargs)

    def _inside_of(self, function: types.FunctionType, kind: int, o: Any) -> Any:
        """The defaults of a function, as the call's own; nothing where there are none."""
        found = self.guards.recognise(MISSING if o is None else o, self.guards.read(kind, Held(function)))
        return None if found is MISSING else self.guards.taken(found)

    def call_closure(self, closure: Closure, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """Interpret a function that the call has made."""
        scope = scope_of(closure.node)
        if scope.yields:
            raise Refused("calls a generator")
        frame = Frame(scope.bound, closure.frame.function, closure.frame, scope)
        return self._run(closure.node, frame, closure.defaults, closure.keywords, args, kwargs)

    def _run(
        self,
        node: Any,
        frame: Frame,
        defaults: list[Any],
        by_name: dict[str, Any],
        args: list[Any],
        kwargs: dict[str, Any],
    ) -> Any:
        self.frames.append(frame)
        self._bind(node.args, frame.names, defaults, by_name, args, dict(kwargs))
        if isinstance(node, ast.Lambda):
            return self.value(node.body, frame)
        try:
            self.block(node.body, frame)
        except _Return as returned:
            return returned.value
        return None

    def _bind(
        self,
        parameters: ast.arguments,
        names: dict[str, Any],
        defaults: list[Any],
        by_name: dict[str, Any],
        args: list[Any],
        kwargs: dict[str, Any],
    ) -> None:
        positional = [each.arg for each in [*parameters.posonlyargs, *parameters.args]]
        only = {each.arg for each in parameters.posonlyargs}
        for name, value in zip(positional, args):
            names[name] = value
        if len(args) > len(positional) and parameters.vararg is None:
            raise TypeError("too many positional arguments")
        if parameters.vararg is not None:
            names[parameters.vararg.arg] = tuple(args[len(positional) :])
        for name in [*positional, *(each.arg for each in parameters.kwonlyargs)]:
            if name in kwargs and name not in only:
                if name in names:
                    raise TypeError(f"multiple values for argument {name!r}")
                names[name] = kwargs.pop(name)
        late = len(positional) - len(defaults)
        for at, name in enumerate(positional):
            if name not in names:
                if at < late:
                    raise TypeError(f"missing argument {name!r}")
                names[name] = defaults[at - late]
        for each in parameters.kwonlyargs:
            if each.arg not in names:
                names[each.arg] = by_name[each.arg]
        if parameters.kwarg is not None:
            names[parameters.kwarg.arg] = kwargs
        elif kwargs:
            raise TypeError("unexpected keyword argument")

    # ---- names ------------------------------------------------------------------------------------------------

    def load(self, name: str, frame: Frame) -> Any:
        """What a name stands for."""
        if name.startswith("__") and not name.endswith("__"):
            raise Refused(f"uses the private name {name}")
        at: Frame | None = frame
        while at is not None:
            if name in at.bound:
                return at.names[name]  # a KeyError where it is not yet bound
            if at.scope is not None and name in at.scope.globals:
                break
            at = at.above
        function = frame.function
        if at is None and name in function.__code__.co_freevars:
            cell = function.__closure__[function.__code__.co_freevars.index(name)]  # type: ignore[index]
            found = self.guards.content(cell)
        else:
            found = self.guards.global_name(function, name)
        if found is MISSING:
            raise NameError(name)
        return found

    def _home(self, name: str, frame: Frame) -> Frame:
        at: Frame | None = frame
        while at is not None:
            if name in at.bound:
                return at
            if at.scope is not None and name in at.scope.globals:
                break
            at = at.above
        raise Refused(f"changes {name}, a name from outside")

    def store(self, target: Any, value: Any, frame: Frame) -> None:
        """Assign a value to a target."""
        if isinstance(target, ast.Name):
            if target.id.startswith("__"):
                raise Refused(f"uses the private name {target.id}")
            self._home(target.id, frame).names[target.id] = value
        elif isinstance(target, (ast.Tuple, ast.List)):
            self._unpack(target.elts, value, frame)
        elif isinstance(target, ast.Subscript):
            owner = self.value(target.value, frame)
            self._put(owner, self.value(target.slice, frame), value)
        elif isinstance(target, ast.Attribute):
            owner = self.value(target.value, frame)
            assign = marks.ASSIGNED.get(target.attr)
            if assign is None or not is_tensor(owner):
                raise Refused(f"writes the attribute {target.attr!r}")
            assign(self, owner, value)
        else:
            raise Refused(f"assigns to a {type(target).__name__}")

    def _unpack(self, targets: list[Any], value: Any, frame: Frame) -> None:
        values = list(self.iterable(value))
        starred = [at for at, each in enumerate(targets) if isinstance(each, ast.Starred)]
        if starred:
            at, n = starred[0], len(values) - len(targets) + 1
            if n < 0:
                raise ValueError("not enough values to unpack")
            values[at : at + n] = [values[at : at + n]]
        if len(values) != len(targets):
            raise ValueError("another number of values to unpack")
        for target, each in zip(targets, values):
            self.store(target.value if isinstance(target, ast.Starred) else target, each, frame)

    def _put(self, owner: Any, key: Any, value: Any) -> None:
        if is_tensor(owner):
            self.recorder.call(operator.setitem, [owner, key, value])
        elif is_dictionary(owner):
            owner[self.plain(key)] = value
        elif type(owner) is list and type(key) in (int, bool):
            owner[key] = value
        elif type(owner) is list and type(key) is slice and is_plain(key):
            owner[key] = list(self.iterable(value))
        else:
            raise Refused(f"writes into a {said(owner)} that it has not made")

    # ---- statements -------------------------------------------------------------------------------------------

    def block(self, statements: list[Any], frame: Frame) -> None:
        """Run statements."""
        for each in statements:
            self.at(each, frame, self._statement)

    def at(self, node: Any, frame: Frame, rule: Callable[[Any, Frame], Any]) -> Any:
        """Follow a rule; what it refuses is refused at the node."""
        self.left -= 1
        if self.left + _EACH * len(self.recorder.steps) < 0:
            raise Refused("does too much in one call")
        try:
            return rule(node, frame)
        except (Refused, NoAttribute) as refusal:
            if isinstance(refusal, NoAttribute):
                refusal = Refused(f"reads the attribute {refusal}, which is not there")
            if not refusal.place:
                refusal.place = f"{frame.file}:{node.lineno}"
            raise refusal from None

    def _statement(self, node: Any, frame: Frame) -> None:
        rule = getattr(self, f"_do_{type(node).__name__.lower()}", None)
        if rule is None:
            raise Refused(f"a statement of the kind {type(node).__name__}")
        rule(node, frame)

    def _do_expr(self, node: ast.Expr, frame: Frame) -> None:
        self.value(node.value, frame)

    def _do_pass(self, node: ast.Pass, frame: Frame) -> None:
        pass

    def _do_global(self, node: ast.Global, frame: Frame) -> None:
        pass

    def _do_nonlocal(self, node: ast.Nonlocal, frame: Frame) -> None:
        pass

    def _do_return(self, node: ast.Return, frame: Frame) -> None:
        raise _Return(None if node.value is None else self.value(node.value, frame))

    def _do_break(self, node: ast.Break, frame: Frame) -> None:
        raise _Break

    def _do_continue(self, node: ast.Continue, frame: Frame) -> None:
        raise _Continue

    def _do_assign(self, node: ast.Assign, frame: Frame) -> None:
        value = self.value(node.value, frame)
        for target in node.targets:
            self.store(target, value, frame)

    def _do_annassign(self, node: ast.AnnAssign, frame: Frame) -> None:
        if not isinstance(node.target, ast.Name) or not node.simple:
            raise Refused("an annotated attribute or element")
        if node.value is not None:
            self.store(node.target, self.value(node.value, frame), frame)

    def _do_augassign(self, node: ast.AugAssign, frame: Frame) -> None:
        target = node.target
        plain, inplace = pure.SIGNS[type(node.op).__name__]
        if isinstance(target, ast.Name):
            owner = key = None
            before = self.load(target.id, frame)
        elif isinstance(target, ast.Subscript):
            owner = self.value(target.value, frame)
            key = self.value(target.slice, frame)
            before = self.element(owner, key)
        elif isinstance(target, ast.Attribute):
            owner, key = self.value(target.value, frame), None
            before = self.attribute_to_change(owner, target.attr)
        else:
            raise Refused(f"changes a {type(target).__name__}")
        value = self.value(node.value, frame)
        if is_tensor(before):
            after = self.recorder.call(inplace, [before, self._operand(value)])
        elif type(before) is list and inplace is operator.iadd:
            before.extend(self.iterable(value))
            after = before
        elif type(before) is list or is_dictionary(before) or isinstance(before, Outside):
            raise Refused(f"changes a {said(before)}")
        else:
            after = self.binary(plain, before, value)
        stays = is_tensor(before) and after is before
        if isinstance(target, ast.Name):
            self.store(target, after, frame)
        elif isinstance(target, ast.Subscript) and not (stays and _stays_in(owner)):
            self._put(owner, key, after)
        elif isinstance(target, ast.Attribute) and not stays:
            raise Refused(f"changes the attribute {target.attr!r}")

    def attribute_to_change(self, owner: Any, name: str) -> Any:
        """A tensor that is an attribute, and stays it when it is changed in place."""
        before = attribute(self, owner, name)
        if is_tensor(owner):
            stays = name in ("data", "grad")
        else:
            stays = isinstance(owner, Outside) and _holds(owner.object, name)
        if not stays or not is_tensor(before):
            raise Refused(f"changes the attribute {name!r}")
        return before

    def _do_delete(self, node: ast.Delete, frame: Frame) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                del self._home(target.id, frame).names[target.id]
            elif isinstance(target, ast.Subscript):
                owner, key = self.value(target.value, frame), self.plain(self.value(target.slice, frame))
                if type(owner) is not list and not is_dictionary(owner):
                    raise Refused(f"deletes from a {said(owner)} that it has not made")
                del owner[key]
            else:
                raise Refused("deletes an attribute")

    def _do_if(self, node: ast.If, frame: Frame) -> None:
        self.block(node.body if self.truth(self.value(node.test, frame)) else node.orelse, frame)

    def _do_assert(self, node: ast.Assert, frame: Frame) -> None:
        if __debug__ and not self.truth(self.value(node.test, frame)):
            raise Refused("an assertion fails")

    def _do_while(self, node: ast.While, frame: Frame) -> None:
        while self.truth(self.value(node.test, frame)):
            if not self._goes_on(node, frame):
                return
        self.block(node.orelse, frame)

    def _goes_on(self, node: ast.While | ast.For, frame: Frame) -> bool:
        """One round of a loop; whether another may follow."""
        try:
            self.block(node.body, frame)
        except _Continue:
            pass
        except _Break:
            return False
        return True

    def _do_for(self, node: ast.For, frame: Frame) -> None:
        for each in self.iterable(self.value(node.iter, frame)):
            self.store(node.target, each, frame)
            if not self._goes_on(node, frame):
                return
        self.block(node.orelse, frame)

    def _do_with(self, node: ast.With, frame: Frame) -> None:
        with contextlib.ExitStack() as stack:
            for item in node.items:
                mode = self.value(item.context_expr, frame)
                if not isinstance(mode, GradMode):
                    raise Refused(f"enters a {said(mode)}")
                before = _core.is_grad_enabled() if mode.before is None else mode.before
                stack.callback(self.recorder.switch, before)
                self.recorder.switch(mode.on)
                if item.optional_vars is not None:
                    self.store(item.optional_vars, None, frame)
            self.block(node.body, frame)

    def _do_functiondef(self, node: ast.FunctionDef, frame: Frame) -> None:
        if getattr(node, "type_params", None):
            raise Refused("a generic function")
        decorators = [self.value(each, frame) for each in node.decorator_list]
        made: Any = self.closure(node, frame)
        every = [
            *node.args.posonlyargs,
            *node.args.args,
            node.args.vararg,
            *node.args.kwonlyargs,
            node.args.kwarg,
        ]
        if (
            any(each is not None and each.annotation is not None for each in every)
            or node.returns is not None
        ):
            raise Refused("a function inside that has annotations")
        for each in reversed(decorators):
            made = self.call(each, [made], {})
        self._home(node.name, frame).names[node.name] = made

    def closure(self, node: Any, frame: Frame) -> Closure:
        """A function that the call makes."""
        defaults = [self.value(each, frame) for each in node.args.defaults]
        keywords = {
            name.arg: self.value(each, frame)
            for name, each in zip(node.args.kwonlyargs, node.args.kw_defaults)
            if each is not None
        }
        return Closure(node, frame, defaults, keywords)
