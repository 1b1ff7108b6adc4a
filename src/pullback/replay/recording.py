"""Recording a call: which operators it called, with what, and what came of it.

The function runs as ever. A watcher (src/core/python/bind/watch.h) sees every call of an operator that Python makes, and
attributes of tensors that are tensors or are written; a profile function sees which Python code runs and which functions of
C it calls. Of those only ones whose results follow from their arguments are let pass, and so of all that Python does between
two operators nothing is left but what the guard and the outcomes of operators decide. Everything else is *trouble*: the call
goes on, but it will not be replayed.

A call may begin where a replay stopped. Then the operators until there have run already: the function runs from its
beginning, and gets their results in place of their calls, which have to be the same calls.
"""

from __future__ import annotations

import gc
import sys
import types
from collections.abc import Callable
from typing import Any

from .. import _core
from .._core import Tensor
from ..device import device, layout, memory_format
from .codes import module_of, names_of, owner
from .states import Unknown, is_constant, is_pure

CONSTANT, SLOT, LIST, TUPLE, DICT = range(5)  # kinds of sources, in the order of program.h
TENSOR, AGAIN, SEQUENCE, VALUE = range(4)  # and of outcomes

# What only reads what a guard compares: such calls need not be repeated.
_METADATA = frozenset(
    "size dim numel nelement ndimension stride is_contiguous element_size is_floating_point is_complex is_signed "
    "is_tensor".split()
)
# What gives another answer at each call, or leads out of what is seen.
_REFUSED = {
    "numpy": "hands its memory to NumPy",
    "data_ptr": "asks where a tensor lies",
    "register_hook": "registers a hook",
    "manual_seed": "sets the seed",
    "seed": "sets the seed",
    "set_rng_state": "sets the state of a generator",
    "get_rng_state": "reads the state of a generator",
    "initial_seed": "reads the seed",
    "untyped_storage": "asks for the memory of a tensor",
    "storage": "asks for the memory of a tensor",
    "__array__": "hands its memory to NumPy",
    "__dlpack__": "hands its memory to another library",
    "__reduce_ex__": "copies or pickles a tensor",
    "__deepcopy__": "copies or pickles a tensor",
    "save": "writes a file",
    "load": "reads a file",
}
_ATTRIBUTES = frozenset(
    "grad_fn _grad_fn _version _base output_nr retains_grad grad_dtype _backward_hooks".split()
)
# Of the library: what changes how operators work.
_SETTINGS = frozenset("amp backends overrides interop profiler runtime switches utils picture jit".split())
# Results whose geometry depends on values.
_VARYING = frozenset(
    "nonzero argwhere unique unique_consecutive masked_select repeat_interleave bincount where __getitem__ "
    "histogramdd combinations".split()
)


_NUMBERS = frozenset({int, float, bool, str, type(None)})


class Event:
    """A call of an operator: what it was given and gave, with tensors as they are."""

    __slots__ = ("callable", "given", "name", "names", "outcome", "positions")

    def __init__(self, name: str, callable: Any, args: tuple, kwargs: dict | None) -> None:
        self.name, self.callable = name, callable
        self.given = [_kept(arg) for arg in args]
        self.positions = len(args)
        self.names = tuple(kwargs) if kwargs else None
        if kwargs:
            self.given += [_kept(arg) for arg in kwargs.values()]
        self.outcome: Any = None


class _Refused(Exception):
    pass


def _kept(o: Any) -> Any:
    """An argument as it is now: lists are changed afterwards."""
    kind = type(o)
    if kind in _NUMBERS:
        return (CONSTANT, o)
    if isinstance(o, Tensor):
        if not _core.is_exact(o):
            raise _Refused(f"computes with a {kind.__qualname__}, a class of tensors")
        return o
    if kind is list:
        return (LIST, [_kept(each) for each in o])
    if isinstance(o, tuple):
        return (TUPLE, [_kept(each) for each in o], o)
    if kind is dict:
        return (DICT, [_kept(each) for each in o.values()], tuple(o))
    if is_constant(o) or isinstance(o, (device, layout, memory_format, _core.Generator)):
        return (CONSTANT, o)
    if isinstance(o, type) and o in (bool, int, float, complex, Tensor):
        return (CONSTANT, o)
    raise _Refused(f"gives an operator a {kind.__module__}.{kind.__qualname__}")


class Recorder:
    """One call of a function, recorded. `events` is what it did; `trouble` why it cannot be replayed, or None."""

    def __init__(self, codes: dict[types.CodeType, dict[str, Any]], resumed: Any = None) -> None:
        self.codes = codes
        self.new = False  # whether code ran that had not been seen
        self.ran: set[types.CodeType] = set()
        self.events: list[Event] = []
        self.trouble: str | None = None
        self.passing = False  # trouble that need not be there at the next call
        self.inside = False
        self.resumed = resumed
        self.profiled = sys.getprofile() is not None  # by somebody else
        self.profiler = self.profile  # which is exchanged often

    def run(self, function: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
        """The function's result."""
        before, collects = _core.is_grad_enabled(), gc.isenabled()
        gc.disable()  # which might run code of anybody's
        if self.profiled:
            self.trouble, self.passing = "something else profiles", True
        _core.push_watcher(self.see)
        _core.see_attributes(True)
        try:
            if not self.profiled:
                sys.setprofile(self.profiler)
            try:
                result = function(*args, **kwargs)
            finally:
                if not self.profiled:
                    sys.setprofile(None)
        except BaseException:
            self.refuse("it raised", passing=True)
            raise
        finally:
            if collects:
                gc.enable()
            _core.see_attributes(False)
            _core.pop_watcher()
        if _core.is_grad_enabled() != before:
            self.refuse("it leaves another mode of gradients behind")
        return result

    def refuse(self, reason: str, passing: bool = False) -> None:
        """Note why the call cannot be replayed."""
        if self.trouble is None:
            frame = _user_frame(2)
            place = f"{frame.f_code.co_filename}:{frame.f_lineno}: " if frame and not passing else ""
            self.trouble, self.passing = place + reason, passing

    # ---- operators --------------------------------------------------------------------------------------------

    def see(self, name: str, callable: Any, args: tuple, kwargs: dict[str, Any] | None) -> Any:
        """The watcher."""
        if self.inside or (self.trouble is not None and not self._is_feeding()):
            return _core.proceed(callable, args, kwargs)
        sys.setprofile(None)  # what happens here is nobody's
        try:
            return self._see(name, callable, args, kwargs)
        finally:
            sys.setprofile(self.profiler)

    def _see(self, name: str, callable: Any, args: tuple, kwargs: dict[str, Any] | None) -> Any:
        if name in _METADATA:
            return self._within(callable, args, kwargs)
        if name in _REFUSED:
            self.refuse(_REFUSED[name])
        if name == "__iter__" and args[0].ndim:
            return iter(self._see("unbind", Tensor.unbind, args, None))
        event = None
        try:
            event = Event(name, callable, args, kwargs)
        except _Refused as refusal:
            self.refuse(str(refusal))
        if self._is_feeding():
            return self._feed(event, callable, args, kwargs)
        result = self._within(callable, args, kwargs)
        if event is not None and self.trouble is None:
            self._note(event, result)
        return result

    def _within(self, callable: Any, args: tuple, kwargs: dict[str, Any] | None) -> Any:
        self.inside = True
        sys.setprofile(self.profiler)
        try:
            return _core.proceed(callable, args, kwargs)
        except BaseException:
            self.refuse("an operator raised", passing=True)
            raise
        finally:
            sys.setprofile(None)
            self.inside = False

    def _note(self, event: Event, result: Any) -> None:
        try:
            event.outcome = _kept(result)
        except _Refused:
            return self.refuse(
                f"{event.name}() gives a {type(result).__module__}.{type(result).__qualname__}"
            )
        self.events.append(event)

    # ---- what ran already ----------------------------------------------------------------------------------------

    def _is_feeding(self) -> bool:
        return self.resumed is not None and len(self.events) < self.resumed.count

    def _feed(self, event: Event | None, callable: Any, args: tuple, kwargs: dict[str, Any] | None) -> Any:
        at = len(self.events)
        if event is None or not self.resumed.is_same(at, event):
            raise RuntimeError(
                f"pb.compile: {self.resumed.name} did something else when it ran again, at {event and event.name}(), "
                "although nothing differs that it had looked at. Call it without pb.compile."
            )
        if at >= len(self.resumed.results):  # the step that raised
            self.resumed.count = at
            return self._within(callable, args, kwargs)
        result = self.resumed.results[at]
        event.outcome = _kept(result)
        self.resumed.bind(event.outcome)
        self.events.append(event)
        return result

    # ---- Python and C --------------------------------------------------------------------------------------------

    def profile(self, frame: types.FrameType, what: str, arg: Any) -> None:
        """The profile function."""
        if what == "call":
            code = frame.f_code
            if (code not in self.ran or self.inside) and (whose := owner(code)) != "here":
                self._enter(code, frame, whose)
        elif what == "c_call" and not self.inside and self.trouble is None:
            self._call_c(frame, arg)

    def _enter(self, code: types.CodeType, frame: types.FrameType, whose: str) -> None:
        if self.inside:
            if whose == "user":
                self.refuse("an operator calls a function of yours")
            return
        if code.co_name == "__del__" or module_of(code) in ("weakref", "_weakrefset"):
            return self.refuse("an object is freed", passing=True)
        if whose == "library" and (reason := _changes_modes(code)):
            return self.refuse(reason)
        if code.co_filename.startswith("<frozen importlib"):
            return self.refuse("it imports a module", passing=True)
        if whose == "standard":
            return self.refuse(f"calls {code.co_name} of {module_of(code)}")
        if module_of(code) in ("printing", "picture/graph"):
            return self.refuse("prints a tensor")
        if whose == "user" and (named := names_of(code).attributes & _ATTRIBUTES):
            return self.refuse(f"reads {min(named)}")
        self.ran.add(code)
        if code not in self.codes:
            self.codes[code] = frame.f_globals
            self.new = True

    def _call_c(self, frame: types.FrameType, function: Any) -> None:
        whose = owner(frame.f_code)
        if whose == "here":
            return
        if not is_pure(function, whose):
            name = getattr(function, "__qualname__", repr(function))
            return self.refuse(f"calls {name}(), of which it is not known what it does")
        if function is _core.set_grad_enabled:
            self._switch(frame)

    def _switch(self, frame: types.FrameType) -> None:
        """A change of the mode of gradients, which a program repeats: noted when it has been made."""
        before = _core.is_grad_enabled()

        def returned(inner: types.FrameType, what: str, arg: Any) -> None:
            if what != "c_return" or arg is not _core.set_grad_enabled:
                return self.profile(inner, what, arg)
            sys.setprofile(self.profiler)
            event = Event("set_grad_enabled", arg, (_core.is_grad_enabled(),), None)
            if self._is_feeding():
                at = len(self.events)
                if not self.resumed.is_same(at, event):
                    self.refuse("it did something else when it ran again")
                self.resumed.bind((CONSTANT, before))
            event.outcome = (CONSTANT, before)
            if self.trouble is None or self._is_feeding():
                self.events.append(event)

        sys.setprofile(returned)


def _changes_modes(code: types.CodeType) -> str | None:
    """Why code of the library must not run between operators: it changes what they do."""
    if names_of(code).writes:
        return f"calls {code.co_name}(), which changes a setting"
    part = module_of(code).partition("/")[0]
    if part in _SETTINGS or (
        part == "device" and code.co_name in ("__enter__", "__exit__", "set_default_device")
    ):
        return f"calls {code.co_name}() of {part}, which changes a setting"
    return None


def _user_frame(above: int) -> types.FrameType | None:
    frame: types.FrameType | None = sys._getframe(above)
    while frame is not None and owner(frame.f_code) != "user":
        frame = frame.f_back
    return frame


# ---- events as a program takes them -------------------------------------------------------------------------------


class Numbering:
    """Gives tensors their slots, in the order in which they come, and describes calls by these."""

    def __init__(self, inputs: tuple[Tensor, ...]) -> None:
        self.slots = {id(tensor): slot for slot, tensor in enumerate(inputs)}
        self.next = len(inputs)
        self.held = list(inputs)

    def source(self, kept: Any) -> tuple:
        """The description of what an operator is given. Raises Unknown for a tensor that came from nowhere."""
        if isinstance(kept, Tensor):
            if id(kept) not in self.slots:
                raise Unknown(
                    "uses a tensor that is no argument, and that no operator made while it was recorded"
                )
            return (SLOT, self.slots[id(kept)], None, ())
        if kept[0] == CONSTANT:
            return (CONSTANT, -1, kept[1], ())
        if kept[0] == TUPLE and id(kept[2]) in self.slots:
            return (SLOT, self.slots[id(kept[2])], None, ())
        parts = tuple([self.source(each) for each in kept[1]])
        if kept[0] == TUPLE and all(part[0] == CONSTANT for part in parts):
            return (CONSTANT, -1, kept[2], ())
        if kept[0] == TUPLE and type(kept[2]) is not tuple:
            raise Unknown(f"gives an operator a {type(kept[2]).__qualname__} of tensors")
        return (kept[0], -1, kept[2] if kept[0] == DICT else None, parts)

    def outcome(self, kept: Any) -> tuple:
        """The description of what it gave, whose tensors get slots."""
        if isinstance(kept, Tensor):
            if id(kept) in self.slots:
                return (AGAIN, self.slots[id(kept)], None, ())
            return (TENSOR, self._new(kept), kept, ())
        if kept[0] == CONSTANT:
            return (VALUE, -1, kept[1], ())
        if kept[0] == DICT:
            raise Unknown("has a dictionary as a result of an operator")
        whole = kept[2] if kept[0] == TUPLE else None
        parts = tuple([self.outcome(each) for each in kept[1]])
        if all(part[0] == VALUE for part in parts):
            return (VALUE, -1, _plain(kept), ())
        slot = self._new(whole) if whole is not None else -1
        return (SEQUENCE, slot, list if whole is None else type(whole), parts)

    def _new(self, o: Any) -> int:
        slot = self.slots[id(o)] = self.next
        self.held.append(o)
        self.next += 1
        return slot

    def step(self, event: Event, number: int) -> tuple:
        """The description of a call."""
        given = tuple([self.source(each) for each in event.given])
        varies = event.name in _VARYING and any(_decides(each) for each in event.given[1:] or event.given)
        return (
            event.callable,
            given,
            event.positions,
            event.names,
            self.outcome(event.outcome),
            number,
            varies,
        )

    def result(self, o: Any, own: Callable[[], dict[int, int]]) -> tuple:
        """The description of what the function gives back."""
        if isinstance(o, Tensor):
            if vars(o) and id(o) not in own():
                raise Unknown("gives back a tensor with attributes")
            if id(o) not in self.slots:
                raise Unknown("gives back a tensor that is no argument, and that no operator made")
            return (SLOT, self.slots[id(o)], None, ())
        if id(o) in self.slots:
            return (SLOT, self.slots[id(o)], None, ())
        if is_constant(o):
            return (CONSTANT, -1, o, ())
        if type(o) in (list, tuple, dict):
            if id(o) in own() and type(o) is not tuple:
                raise Unknown(f"gives back a {type(o).__name__} that it was given")
            each = o.values() if type(o) is dict else o
            if type(o) is dict and not all(map(is_constant, o)):
                raise Unknown("gives back a dict with keys that are no strings or numbers")
            parts = tuple([self.result(part, own) for part in each])
            kinds: dict[type, int] = {list: LIST, tuple: TUPLE, dict: DICT}
            return (kinds[type(o)], -1, tuple(o) if type(o) is dict else None, parts)
        raise Unknown(f"gives back a {type(o).__module__}.{type(o).__qualname__}")


def _decides(kept: Any) -> bool:
    """Whether a tensor is among the indices."""
    return isinstance(kept, Tensor) or (kept[0] in (LIST, TUPLE) and any(map(_decides, kept[1])))


def _plain(kept: Any) -> Any:
    if kept[0] == CONSTANT:
        return kept[1]
    return [_plain(each) for each in kept[1]] if kept[0] == LIST else kept[2]


def is_like(a: tuple, b: tuple) -> bool:
    """Whether two descriptions of sources are the same."""
    if a[:2] != b[:2] or len(a[3]) != len(b[3]):
        return False
    if (
        a[0] in (CONSTANT, DICT)
        and a[2] is not b[2]
        and (type(a[2]) is not type(b[2]) or repr(a[2]) != repr(b[2]))
    ):
        return False
    return all(map(is_like, a[3], b[3]))
