"""The operators that a call has called, with what, and what came of it: the steps of src/core/python/replay/program.h.

The call is a dry run, beside the one that is the user's. So what it writes into has to be its own: memory that an operator has
made for it, or that of a twin (twins.py). Whether a tensor is such memory is known by what made it, and by what that was given.
A step that writes into a twin is *loud*: when it is replayed, the write is seen outside. From the first of these on nothing is
recorded that may come out differently, such as a value that Python looks at. A number that the call only gives back is none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import _core
from .._core import Tensor
from . import pure
from .guards import Guards
from .twins import Shared
from .values import NUMBERS, Number, Outside, Refused, Writes, is_named, is_plain, said

CONSTANT, SLOT, LIST, TUPLE, DICT = range(5)  # kinds of sources, in the order of program.h
TENSOR, AGAIN, SEQUENCE, VALUE, NUMBER = range(5)  # and of outcomes

_STEPS = 100_000
_TYPES = (bool, int, float, complex)  # that stand for dtypes


class Recorder:
    """The steps of one call. Slots of inputs are counted down from -2 until all of them are known."""

    def __init__(self, guards: Guards, rewind: Callable[[], None], looks: bool) -> None:
        self.guards = guards
        self.looks = looks  # whether the call does more with numbers of tensors than give them back
        self.numbers = 0  # that it may look at
        self.rewind = rewind  # puts the generator back to where the call began
        self.draws = False
        self.steps: list[tuple] = []
        self.slots: dict[int, int] = {}  # by id, of what operators gave
        self.held: list[Any] = []
        self.made: set[int] = set()  # ids of tensors whose memory the call has made
        self.own: set[int] = set()  # and of those whose memory is such, or a twin's
        self.quiet: int | None = None  # how many steps come before the first loud one
        self.loud: list[Tensor] = []  # what these write into

    # ---- calls ------------------------------------------------------------------------------------------------

    def call(
        self, callable: Callable[..., Any], args: list[Any], kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call an operator, and note it."""
        kwargs = kwargs or {}
        sources: list[Any] = []
        tensors: list[Tensor] = []
        real = [self._given(each, sources, tensors) for each in args]
        named = {name: self._given(each, sources, tensors) for name, each in kwargs.items()}
        if isinstance(callable, _core.Operator):
            pure.check_arguments(callable, tuple(real), named)
        if pure.marks(callable):
            if not real:
                raise Refused(f"calls {callable.__name__}() by keyword")
            self.mark(real[0])
        else:
            for each in pure.written(callable, tuple(real), named):
                self.write(each)
        fresh, follows = pure.gives_fresh(callable), pure.follows(callable)
        made = fresh or (follows and all(id(each) in self.made for each in tensors))
        own = fresh or (follows and all(map(self._is_own, tensors)))
        if pure.draws(callable) and not self.draws:
            self.draws = True
            self.rewind()
        taken = _core.numbers_taken()
        result = callable(*real, **named)
        if pure.is_metadata(callable):
            return self._checked_plain(result)
        names = tuple(named) or None
        if pure.takes_number(callable) and type(result) in NUMBERS and not self.looks:
            self.numbers += 1
            number = Number(result)
            outcome = (NUMBER, self._new(number), type(result), ())
            self.add(callable, tuple(sources), len(real), names, outcome)
            return number
        if self.quiet is not None and (
            _has_values(result)
            or pure.shape_follows_values(callable, tuple(real))
            or (taken != _core.numbers_taken() and isinstance(result, Tensor) and result is not real[0])
        ):
            raise Refused("looks at values of tensors after it has written into tensors from outside")
        self.add(callable, tuple(sources), len(real), names, self._outcome(result, made, own))
        return result

    def compute(self, callable: Callable[..., Any], args: list[Any]) -> Number:
        """What Python computes of numbers that are only given back. Its type has to follow from theirs."""
        pairs = [self._number(each) for each in args]
        number = Number(callable(*[real for real, _ in pairs]))
        if type(number.value) not in NUMBERS:
            raise Refused(f"gets a {said(number.value)} of numbers of tensors")
        sources = tuple([source for _, source in pairs])
        self.add(callable, sources, len(args), None, (NUMBER, self._new(number), type(number.value), ()))
        return number

    def _number(self, value: Any) -> tuple[Any, tuple]:
        if isinstance(value, Number):
            return value.value, (SLOT, self.slots[id(value)], None, ())
        if type(value) in NUMBERS:
            return value, (CONSTANT, -1, value, ())
        if type(value) is not list:
            raise Refused(f"computes with a number of a tensor and a {said(value)}")
        pairs = [self._number(each) for each in value]
        return [real for real, _ in pairs], (LIST, -1, None, tuple([source for _, source in pairs]))

    def add(
        self, callable: Any, sources: tuple, positions: int, names: tuple | None, outcome: tuple | None = None
    ) -> None:
        """A step; that of a call which gives nothing has no outcome."""
        if len(self.steps) >= _STEPS:
            raise Refused("calls too many operators")
        self.steps.append((callable, sources, positions, names, outcome or (VALUE, -1, None, ())))

    def _is_own(self, tensor: Tensor) -> bool:
        twins = self.guards.twins
        return id(tensor) in self.own or (twins is not None and (twins.every or tensor in twins))

    def do(self, function: Callable[..., None], *values: Any) -> None:
        """Call a function that gives nothing, and note it."""
        function(*values)
        self.add(function, tuple([self._source(each, [])[1] for each in values]), len(values), None)

    def write(self, tensor: Tensor) -> None:
        """Note that a tensor is about to be written into."""
        if id(tensor) not in self.made:
            self._reach_outside(tensor)
            self.loud.append(tensor)

    def mark(self, tensor: Tensor) -> None:
        """Note that it is about to be changed what a tensor is, and not its memory."""
        if id(tensor) not in self.slots:
            self._reach_outside(tensor)

    def _reach_outside(self, tensor: Tensor) -> None:
        self.shout()
        if not self._is_own(tensor):
            raise Shared

    def shout(self) -> None:
        """Note that the next step is seen outside."""
        if self.guards.twins is None:
            raise Writes("writes into a tensor that it has not made itself")
        if self.quiet is None:
            self.quiet = len(self.steps)

    def switch(self, on: bool) -> None:
        """Set the mode of gradients, as a program does again."""
        before = _core.is_grad_enabled()
        _core.set_grad_enabled(on)
        self.add(_core.set_grad_enabled, ((CONSTANT, -1, on, ()),), 1, None, (VALUE, -1, before, ()))

    def _checked_plain(self, result: Any) -> Any:
        if not is_plain(result):
            raise Refused(f"gets a {said(result)} from an operator")
        return result

    def _given(self, value: Any, sources: list[Any], tensors: list[Tensor]) -> Any:
        """A value as operators take it; its source, and the tensors in it, are added to the lists."""
        real, source = self._source(value, tensors)
        sources.append(source)
        return real

    def _source(self, value: Any, tensors: list[Tensor]) -> tuple[Any, tuple]:
        if isinstance(value, Tensor):
            tensors.append(value)
            return value, (SLOT, self._slot(value), None, ())
        if is_plain(value):
            return value, (CONSTANT, -1, value, ())
        value = self.guards.taken(value)
        kind = type(value)
        if is_named(value):
            tensors += [each for each in value if isinstance(each, Tensor)]
            return value, (SLOT, self.slots[id(value)], None, ())
        if kind in (list, tuple):
            pairs = [self._source(each, tensors) for each in value]
            sources = tuple([source for _, source in pairs])
            return kind([real for real, _ in pairs]), (LIST if kind is list else TUPLE, -1, None, sources)
        if isinstance(value, Outside) and any(value.object is each for each in _TYPES):
            return value.object, (CONSTANT, -1, value.object, ())
        raise Refused(f"gives an operator a {said(value)}")

    def _slot(self, tensor: Tensor) -> int:
        if id(tensor) in self.slots:
            return self.slots[id(tensor)]
        if id(tensor) in self.guards.numbers:
            return -2 - self.guards.numbers[id(tensor)]
        raise Refused("uses a tensor that came from nowhere")

    def _outcome(self, o: Any, made: bool, own: bool) -> tuple:
        if isinstance(o, Tensor):
            if not _core.is_plain_tensor(o) or vars(o):
                raise Refused(f"gets a {said(o)} that is no plain tensor")
            if id(o) in self.slots or id(o) in self.guards.numbers:
                return (AGAIN, self._slot(o), None, ())
            if made:
                self.made.add(id(o))
            if own:
                self.own.add(id(o))
            return (TENSOR, self._new(o), o, ())
        if is_plain(o):
            return (VALUE, -1, o, ())
        if type(o) is list and not self._has_tensors(o):
            return (VALUE, -1, _copied(o), ())
        if type(o) in (list, tuple) or is_named(o):
            parts = tuple([self._outcome(each, made, own) for each in o])
            return (SEQUENCE, self._new(o) if is_named(o) else -1, type(o), parts)
        raise Refused(f"gets a {said(o)} from an operator")

    def written(self) -> list[int]:
        """The inputs that loud steps write into: those whose memory is that of what these were given."""
        memory = {_core.buffer_of(each) for each in self.loud}
        return [n for n, each in enumerate(self.guards.values_of) if _core.buffer_of(each) in memory]

    def gradients(self) -> list[Tensor]:
        """What leaves that the call has made have in their `.grad`, where that is memory from outside."""
        outside = {_core.buffer_of(each) for each in self.guards.values_of}
        leaves = [each for each in self.held if isinstance(each, Tensor) and each.is_leaf]
        found = [each.grad for each in leaves if each.grad is not None]
        return [each for each in found if _core.buffer_of(each) in outside]

    def _has_tensors(self, o: Any) -> bool:
        if type(o) in (list, tuple):
            return any(map(self._has_tensors, o))
        return not is_plain(o)

    def _new(self, o: Any) -> int:
        slot = self.slots[id(o)] = len(self.held)
        self.held.append(o)
        return slot

    def close(self) -> None:
        """Let go of what operators gave."""
        for each in (self.steps, self.held, self.loud, self.slots, self.made, self.own):
            each.clear()

    # ---- the whole ----------------------------------------------------------------------------------------------

    def result(self, value: Any) -> tuple:
        """The source of what the function gives back."""
        return self._result(value, set())

    def _result(self, value: Any, seen: set[int]) -> tuple:
        if isinstance(value, Tensor):
            return (SLOT, self._slot(value), None, ())
        if is_plain(value):
            return (CONSTANT, -1, value, ())
        if is_named(value) or isinstance(value, Number):
            return (SLOT, self.slots[id(value)], None, ())
        if type(value) not in (list, tuple, dict):
            raise Refused(f"gives back a {said(value)}")
        if type(value) is not tuple and id(value) in seen:
            raise Refused(f"gives back a {type(value).__name__} twice")
        seen.add(id(value))
        if type(value) is dict:
            if not all(map(is_plain, value)):
                raise Refused("gives back a dictionary whose keys are no plain values")
            return (DICT, -1, tuple(value), tuple([self._result(each, seen) for each in value.values()]))
        kind = LIST if type(value) is list else TUPLE
        return (kind, -1, None, tuple([self._result(each, seen) for each in value]))

    def program(self, result: tuple) -> tuple[tuple, tuple]:
        """Steps and result, with the slots that the core counts: inputs first."""
        shift = len(self.guards.inputs)

        def placed(part: tuple) -> tuple:
            kind, slot, o, parts = part
            if slot != -1:
                slot = slot + shift if slot >= 0 else -2 - slot
            return (kind, slot, o, tuple(map(placed, parts)))

        steps = [
            (callable, tuple(map(placed, given)), positions, names, placed(outcome))
            for callable, given, positions, names, outcome in self.steps
        ]
        return tuple(steps), placed(result)


def _has_values(o: Any) -> bool:
    """Whether there is something in a result that Python looks at."""
    if type(o) in (list, tuple) or is_named(o):
        return any(map(_has_values, o))
    return o is not None and not isinstance(o, Tensor)


def _copied(o: Any) -> Any:
    """A list as it is now."""
    return [_copied(each) for each in o] if type(o) is list else o
