"""The operators that a call has called, with what, and what came of it: the steps of src/core/python/replay/program.h.

The call is a dry run, beside the one that is the user's. So what it writes into has to be its own: memory that an operator has
made for it. Whether a tensor is such memory is known by what made it, and by what that was given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import _core
from .._core import Tensor
from . import pure
from .guards import Guards
from .values import Outside, Refused, is_named, is_plain, said

CONSTANT, SLOT, LIST, TUPLE, DICT = range(5)  # kinds of sources, in the order of program.h
TENSOR, AGAIN, SEQUENCE, VALUE = range(4)  # and of outcomes

_STEPS = 100_000
_TYPES = (bool, int, float, complex)  # that stand for dtypes


class Recorder:
    """The steps of one call. Slots of inputs are counted down from -2 until all of them are known."""

    def __init__(self, guards: Guards, rewind: Callable[[], None]) -> None:
        self.guards = guards
        self.rewind = rewind  # puts the generator back to where the call began
        self.draws = False
        self.steps: list[tuple] = []
        self.slots: dict[int, int] = {}  # by id, of what operators gave
        self.held: list[Any] = []
        self.own: set[int] = set()  # ids of tensors whose memory the call has made

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
        if pure.writes(callable) and not (
            real and id(real[0]) in (self.slots if pure.marks(callable) else self.own)
        ):
            raise Refused("writes into a tensor that it has not made itself")
        fresh = pure.gives_fresh(callable) or (
            pure.follows(callable) and all(id(each) in self.own for each in tensors)
        )
        if pure.draws(callable) and not self.draws:
            self.draws = True
            self.rewind()
        result = callable(*real, **named)
        if pure.is_metadata(callable):
            return self._checked_plain(result)
        if len(self.steps) >= _STEPS:
            raise Refused("calls too many operators")
        names = tuple(named) or None
        self.steps.append((callable, tuple(sources), len(real), names, self._outcome(result, fresh)))
        return result

    def switch(self, on: bool) -> None:
        """Set the mode of gradients, as a program does again."""
        before = _core.is_grad_enabled()
        _core.set_grad_enabled(on)
        self.steps.append(
            (_core.set_grad_enabled, ((CONSTANT, -1, on, ()),), 1, None, (VALUE, -1, before, ()))
        )

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
        for number, known in enumerate(self.guards.inputs):
            if known is tensor:
                return -2 - number
        raise Refused("uses a tensor that came from nowhere")

    def _outcome(self, o: Any, fresh: bool) -> tuple:
        if isinstance(o, Tensor):
            if not _core.is_plain_tensor(o) or vars(o):
                raise Refused(f"gets a {said(o)} that is no plain tensor")
            if id(o) in self.slots or any(known is o for known in self.guards.inputs):
                return (AGAIN, self._slot(o), None, ())
            if fresh:
                self.own.add(id(o))
            return (TENSOR, self._new(o), o, ())
        if is_plain(o):
            return (VALUE, -1, o, ())
        if type(o) is list and not self._has_tensors(o):
            return (VALUE, -1, _copied(o), ())
        if type(o) in (list, tuple) or is_named(o):
            parts = tuple([self._outcome(each, fresh) for each in o])
            return (SEQUENCE, self._new(o) if is_named(o) else -1, type(o), parts)
        raise Refused(f"gets a {said(o)} from an operator")

    def _has_tensors(self, o: Any) -> bool:
        if type(o) in (list, tuple):
            return any(map(self._has_tensors, o))
        return not is_plain(o)

    def _new(self, o: Any) -> int:
        slot = self.slots[id(o)] = len(self.held)
        self.held.append(o)
        return slot

    # ---- the whole ----------------------------------------------------------------------------------------------

    def result(self, value: Any) -> tuple:
        """The source of what the function gives back."""
        return self._result(value, set())

    def _result(self, value: Any, seen: set[int]) -> tuple:
        if isinstance(value, Tensor):
            return (SLOT, self._slot(value), None, ())
        if is_plain(value):
            return (CONSTANT, -1, value, ())
        if is_named(value):
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


def _copied(o: Any) -> Any:
    """A list as it is now."""
    return [_copied(each) for each in o] if type(o) is list else o
