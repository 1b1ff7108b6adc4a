"""What a call reads from outside: the checks of src/core/python/replay/guard.h, in the order in which they were needed.

A read is made once; what is read is *recognised*, which notes what it was and gives the value that the interpreter goes on
with. So there is no way from an object outside to a value that leaves no check behind. Of a call that writes the values are twins
(twins.py) of the tensors that it got.
"""

from __future__ import annotations

from collections import OrderedDict
from types import CellType, FunctionType
from typing import Any

from .. import _core
from .._core import Tensor
from .twins import Shared, Twins
from .values import OUTER, Held, Outside, Refused, Unusual, has_nan, is_plain

(
    ARGUMENT,
    ITEM,
    KEY,
    ENTRIES,
    CONTENT,
    DEFAULTS,
    KEYWORDS,
    MEMBER,
    INSTANCE_OF,
    CODE,
    SAME,
    VALUE,
    TENSOR_OF,
    AGAIN,
    LENGTH,
    KEYS,
    ABSENT,
    CLASS_OF,
    BARE,
    GRADIENT,
    APART,
) = range(21)  # in the order of guard.h

MISSING: Any = Held(None)  # what is not there


class Guards:
    """The checks of one call, and the tensors that it got."""

    def __init__(self, twins: Twins | None = None) -> None:
        self.twins = twins
        self.checks: list[tuple] = []
        self.registers = 0
        self.inputs: list[Tensor] = []
        self.values_of: list[Tensor] = []  # inputs, or what stands for them
        self.numbers: dict[int, int] = {}  # of inputs, by the ids of both
        self.versions: list[int] = []  # of the inputs, when they were met
        self.gradients: set[int] = set()  # inputs whose `.grad` has been read
        self.known: dict[Any, Any] = {}  # what has been read or checked
        self.values: dict[Any, Any] = {}  # by source, what was recognised
        self.alive: list[Any] = []  # what is known by its address

    def description(self, positions: int, names: tuple[str, ...]) -> tuple:
        """For the core."""
        return (positions, names or None, tuple(self.checks), self.registers, len(self.inputs))

    # ---- reads and checks -------------------------------------------------------------------------------------

    def _at(self, source: Any) -> tuple[int, Any, Any]:
        """Register, holder, and what tells it from others."""
        if isinstance(source, Held):
            self.alive.append(source.object)
            return -1, source.object, ("held", id(source.object))
        return source, None, source

    def read(self, kind: int, source: Any, key: Any = None, number: int = 0) -> int:
        """The register that a read goes to."""
        at, holder, name = self._at(source)
        known = (kind, name, type(key), key, number)
        if known not in self.known:
            self.checks.append((kind, at, self.registers, holder, key, None, number))
            self.known[known] = self.registers
            self.registers += 1
        return self.known[known]

    def check(self, kind: int, source: Any, expected: Any = None, number: int = 0) -> None:
        """Note that this has to hold."""
        at, holder, name = self._at(source)
        known = (kind, name, id(expected), number)
        if known not in self.known:
            self.checks.append((kind, at, -1, holder, None, expected, number))
            self.known[known] = None

    # ---- what was read ----------------------------------------------------------------------------------------

    def recognise(self, o: Any, source: Any) -> Any:
        """The value that an object is; its checks are noted."""
        name = self._at(source)[2]
        if name not in self.values:
            self.values[name] = self._recognise(o, source)
        return self.values[name]

    def _recognise(self, o: Any, source: Any) -> Any:
        if o is MISSING:
            self.check(ABSENT, source)
            return MISSING
        if is_plain(o):
            if not isinstance(source, Held):
                self.check(SAME if has_nan(o) else VALUE, source, o)
            return o
        if issubclass(type(o), Tensor):
            return self._tensor(o, source)
        if type(o) in OUTER:
            self.check(LENGTH, source, type(o), -1)  # of any length
            return Outside(o, source)
        if not isinstance(source, Held):
            self.check(SAME, source, o)
        return Outside(o, Held(o))

    def _tensor(self, o: Tensor, source: Any, wanted: bool = False) -> Tensor:
        if not _core.is_plain_tensor(o):
            raise Unusual(f"computes with a {type(o).__qualname__} that is no plain tensor")
        if vars(o):
            raise Unusual("computes with a tensor that has attributes of its own")
        number = self.numbers.get(id(o))
        if number is not None:
            self.check(AGAIN, source, None, number)
            return self.values_of[number]
        number = len(self.inputs)
        self.check(TENSOR_OF, source, o, number)
        value = o if self.twins is None else self.twins.of(o, wanted)
        self.inputs.append(o)
        self.values_of.append(value)
        self.versions.append(o._version)
        self.numbers[id(o)] = self.numbers[id(value)] = number
        return value

    def gradient(self, value: Tensor) -> None:
        """Read what an input has in its `.grad` before the call; its twin gets the twin of that."""
        number = self.numbers.get(id(value))
        if number is None or number in self.gradients:
            return
        self.gradients.add(number)
        o = self.inputs[number]
        if not o.is_leaf:
            raise Unusual("reads or writes .grad of a result")
        source, gradient = self.read(GRADIENT, Held(None), number=number), o.grad
        found = self._tensor(gradient, source, True) if gradient is not None else self.recognise(None, source)
        if self.twins is not None:
            if value not in self.twins or (found is not None and found not in self.twins):
                raise Shared
            value.grad = found

    def apart(self, written: list[int]) -> None:
        """That inputs which the call writes into share memory with no other."""
        for number in written:
            self.check(APART, Held(None), None, number)

    def leaves(self) -> None:
        """That all inputs which require a gradient are leaves that nobody watches: a walk may end at them."""
        for number, each in enumerate(self.inputs):
            if each.requires_grad or self.values_of[number].requires_grad:
                if not _core.is_bare_leaf(each):
                    raise Unusual("takes a gradient, and is given a tensor that has a graph or hooks")
                self.check(BARE, Held(None), None, number)

    def close(self) -> None:
        """Let go of tensors, and of what stands for them."""
        for each in (self.inputs, self.values_of, self.values, self.alive, self.known, self.checks):
            each.clear()
        self.twins = None

    def check_unchanged(self) -> None:
        """Raises Refused if an input was written into after all."""
        if [each._version for each in self.inputs] != self.versions:
            raise Refused("an operator writes into what it is given")

    # ---- what there is to read --------------------------------------------------------------------------------

    def name_in(self, entries: Any, name: Any, source: Any) -> Any:
        """What a key of a dictionary stands for, or MISSING."""
        return self.recognise(dict.get(entries, name, MISSING), self.read(KEY, source, name))

    def becomes(self, value: Any, source: Any, name: Any) -> None:
        """Note what a key of a dictionary, which was read, stands for from now on in this call."""
        self.values[self.read(KEY, source, name)] = value

    def global_name(self, function: FunctionType, name: str) -> Any:
        """A global or a builtin, as the function sees it."""
        own: Any = function.__globals__
        if type(own) is not dict:
            raise Refused("reads globals that are no dictionary")
        found = self.name_in(own, name, Held(own))
        if found is MISSING:
            own = function.__builtins__  # type: ignore[attr-defined]
            if type(own) is not dict:
                raise Refused("reads builtins that are no dictionary")
            found = self.name_in(own, name, Held(own))
        return found

    def content(self, cell: CellType) -> Any:
        """What a cell holds."""
        try:
            held = cell.cell_contents
        except ValueError:
            held = MISSING
        return self.recognise(held, self.read(CONTENT, Held(cell)))

    def member(self, descriptor: Any, name: str) -> Any:
        """The function of a property, a static method or a class method."""
        return self.recognise(getattr(descriptor, name), self.read(MEMBER, Held(descriptor), name))

    def length(self, outside: Outside) -> int:
        """How many elements a container has."""
        n = len(outside.object)
        self.check(LENGTH, outside.source, type(outside.object), n)
        return n

    def item(self, outside: Outside, at: int) -> Any:
        """An element of a list or a tuple, whose length is known."""
        return self.recognise(outside.object[at], self.read(ITEM, outside.source, number=at))

    def taken(self, value: Any) -> Any:
        """A value, where a container from outside is one of the call's own."""
        if isinstance(value, Outside) and type(value.object) in OUTER:
            return self.inside(value)
        return value

    def inside(self, outside: Outside) -> Any:
        """A container of the same elements that belongs to the call."""
        n = self.length(outside)
        o = outside.object
        if isinstance(o, (list, tuple)):
            return type(o)([self.item(outside, at) for at in range(n)])
        keys = tuple(o)
        if not all(map(is_plain, keys)):
            raise Refused("reads a dictionary whose keys are no plain values")
        self.check(KEYS, outside.source, keys)
        made = {key: self.name_in(o, key, outside.source) for key in keys}
        return OrderedDict(made) if type(o) is OrderedDict else made

    # ---- classes and instances ----------------------------------------------------------------------------------

    def class_is(self, kind: type) -> None:
        """That a class, and what it inherits from, are as they are."""
        version = _core.class_version(kind)
        if not version:
            raise Refused(f"reads {kind.__qualname__}, a class whose changes cannot be told")
        self.check(CLASS_OF, Held(kind), None, version)

    def instance_is(self, o: Any) -> None:
        """That an object is of its class."""
        self.check(INSTANCE_OF, Held(o), type(o))
        self.class_is(type(o))

    def entries(self, o: Any) -> Any:
        """The dictionary of an instance and its source, or None."""
        try:
            own = object.__getattribute__(o, "__dict__")
        except AttributeError:
            return None
        if type(own) is not dict:
            raise Refused(
                f"reads an attribute of a {type(o).__qualname__}, whose dictionary is a class of its own"
            )
        return own, self.read(ENTRIES, Held(o))
