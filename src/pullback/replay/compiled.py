"""`compile`: the slow way to call a compiled function, which runs it and makes traces of it.

A call that no trace answers runs the function as it is; what that gives is the caller's. Then the call is interpreted, as a
dry run that can change nothing, and what was recorded becomes a trace, which is tried at once: it has to give what the
function gave, to the bit, and to draw as many random numbers. A function that cannot be interpreted, or whose trace gives
something else, runs as usual from then on; a warning names the line.

What Python looks at in the middle, a truth value or a number of a tensor, has to be the same again when a trace is run. So
a function that goes several ways has a trace for each; there are at most eight.
"""

from __future__ import annotations

import functools
import threading
import warnings
import weakref
from collections.abc import Callable
from typing import Any

from .. import _core
from .._core import Tensor
from ..operators.generators import get_rng_state, set_rng_state
from . import work
from .guards import ARGUMENT
from .interpreter import Interpreter
from .values import Held, Refused, Unusual, is_plain

TRACES = 8
_PATIENCE = (
    32  # calls that no trace answers when there may be no more, beyond one for each four that were answered
)

# Held while a call is recorded, of whatever function: filters of warnings and the generator are everybody's.
_recording = threading.Lock()

controllers: weakref.WeakSet[Controller] = weakref.WeakSet()


class Controller:
    """What is known of one function."""

    def __init__(self, function: Any) -> None:
        self.function = function
        self.name = getattr(function, "__qualname__", None) or type(function).__qualname__
        self.callable = _core.Compiled(function, self.call)
        for name in functools.WRAPPER_ASSIGNMENTS:
            if hasattr(function, name):
                setattr(self.callable, name, getattr(function, name))
        self.forget()
        controllers.add(self)

    def forget(self) -> None:
        """Begin anew."""
        self.reason: str | None = None
        self.missed = 0
        self.callable._traces = ()
        self.callable._off = False

    # ---- calls ------------------------------------------------------------------------------------------------

    def call(self, args: tuple, kwargs: dict[str, Any]) -> Any:
        """A call that no trace answers."""
        before = get_rng_state()
        result = self.function(*args, **kwargs)
        if self.reason is None and _core.is_ordinary() and _recording.acquire(blocking=False):
            try:
                if len(self.callable._traces) < TRACES:
                    self._learn(args, kwargs, result, before)
                else:
                    self._miss()
            finally:
                _recording.release()
        return result

    def _learn(self, args: tuple, kwargs: dict[str, Any], result: Any, before: Tensor) -> None:
        """Make a trace of a call, or find that there is none."""
        mode, after = _core.is_grad_enabled(), get_rng_state()
        draws = False

        def rewind() -> None:
            nonlocal draws
            draws = True
            set_rng_state(before)

        try:
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                trace, is_work = self._trace(args, kwargs, rewind)
                if draws:
                    rewind()
                given = trace.run(args, kwargs)
            if said:
                raise Refused(f"an operator warns: {said[0].message}")
            drawn = not draws or get_rng_state().equal(after)
            if given is None or not drawn or not _is_same(given[0], result, [*args, *kwargs.values()]):
                raise Refused("its trace gives something else than it gives")
            if is_work:
                trace.condense(args, kwargs)
            self.callable._traces = (trace, *self.callable._traces)
        except Unusual as unusual:
            self._miss(f"; the last {_placed(unusual)}")
        except Refused as refusal:
            self.refuse(_placed(refusal))
        except Exception as error:
            self.refuse(f"reading it raises {type(error).__name__}: {error}")
        finally:
            _core.set_grad_enabled(mode)
            if draws:  # else what differs are draws of other threads
                set_rng_state(after)

    def _trace(self, args: tuple, kwargs: dict[str, Any], rewind: Callable[[], None]) -> tuple[Any, bool]:
        """A trace of the call, and whether its steps do nothing but compute."""
        run = Interpreter(rewind)
        guards = run.guards
        values = [
            guards.recognise(each, guards.read(ARGUMENT, Held(None), number=at))
            for at, each in enumerate(args)
        ]
        names = {
            name: guards.recognise(each, guards.read(ARGUMENT, Held(None), number=len(args) + at))
            for at, (name, each) in enumerate(kwargs.items())
        }
        function = guards.recognise(self.function, Held(self.function))
        steps, result = run.recorder.program(run.recorder.result(run.call(function, values, names)))
        guards.check_unchanged()
        description = guards.description(len(args), tuple(kwargs))
        state = get_rng_state if run.recorder.draws else None
        return _core.Trace(description, steps, result, state, set_rng_state), all(map(work.is_work, steps))

    # ---- where it ends ------------------------------------------------------------------------------------------

    def _miss(self, last: str = "") -> None:
        self.missed += 1
        answered = sum(trace.figures()["calls"] for trace in self.callable._traces)
        if self.missed > _PATIENCE + answered // 4:
            self.refuse(
                f"its calls differ: {len(self.callable._traces)} of them were recorded, and most are others{last}"
            )

    def refuse(self, reason: str) -> None:
        """Call the function as it is from now on, and say why."""
        self.reason = reason
        self.callable._off = True
        self.callable._traces = ()
        warnings.warn(
            f"pb.compile: {self.name} runs as usual, not replayed. {reason}", UserWarning, stacklevel=4
        )

    # ---- looking at it ------------------------------------------------------------------------------------------

    def explain(self) -> str:
        """What is known of the function, in words."""
        if self.reason is not None:
            return f"{self.name} runs as usual: {self.reason}"
        traces = self.callable._traces
        if not traces:
            return f"{self.name} has not been called yet."
        lines = [f"{self.name}: {len(traces)} of its calls {'was' if len(traces) == 1 else 'were'} recorded."]
        for number, trace in enumerate(traces, 1):
            n = trace.figures()
            lines.append(
                f"  trace {number}: {n['calls'] - 1} calls replayed, {n['steps']} calls of operators, {n['checks']} guards"
            )
            if n["kernels"]:
                lines.append(f"    done as {n['kernels']} kernels over {n['bytes']} bytes, without operators")
        return "\n".join(lines)


def _placed(refusal: Refused) -> str:
    return f"{refusal.place}: {refusal}" if refusal.place else str(refusal)


def _is_same(a: Any, b: Any, given: list[Any]) -> bool:
    """Whether two results are the same, to the bit, and are or are not what was given."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, Tensor):
        if any(a is each or b is each for each in given):
            return False
        return _describe(a) == _describe(b) and _have_same_elements(a.detach(), b.detach())
    if isinstance(a, (list, tuple)) and not is_plain(a):
        return len(a) == len(b) and all(_is_same(x, y, given) for x, y in zip(a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(_is_same(a[key], b[key], given) for key in a)
    return _core.are_same_constants(a, b)


def _describe(t: Tensor) -> tuple:
    kind = None if t.grad_fn is None else type(t.grad_fn).__name__, t.grad_fn is None or t.grad_fn.name()
    return t.shape, t.stride(), t.dtype, t.requires_grad, t.is_leaf, type(t), kind


def _have_same_elements(a: Tensor, b: Tensor) -> bool:
    return bool(((a == b) | ((a != a) & (b != b))).all())
