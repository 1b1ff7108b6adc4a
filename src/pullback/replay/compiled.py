"""`compile`: the slow way to call a compiled function, which runs it and makes traces of it.

A call that no trace answers runs the function as it is; what that gives is the caller's. Then the call is interpreted, as a
dry run that can change nothing, and what was recorded becomes a trace, which is tried at once: it has to give what the
function gave, to the bit, and to draw as many random numbers. A function that cannot be interpreted, or whose trace gives
something else, runs as usual from then on; a warning names the line.

A function that writes into tensors from outside is found out by that. Its later calls are interpreted before they are made, on
twins (twins.py); then what was interpreted has to have given what the function gives, and to have left the twins as it leaves
the tensors.

What Python looks at in the middle, a truth value or a number of a tensor, has to be the same again when a trace is run. So
a function that goes several ways has a trace for each. Traces that part are a tree; there are at most eight trees, and 32
traces.
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
from .twins import Shared, Twins, are_same, have_same_state
from .values import Held, Number, Refused, Unusual, Writes, is_plain

TRACES = 8
BRANCHES = 32  # traces, where they part from others
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
        self.writes = False
        self.missed = 0
        self.families = 0  # traces that are no other way of an earlier one
        self.callable._traces = ()
        self.callable._off = False

    # ---- calls ------------------------------------------------------------------------------------------------

    def call(self, args: tuple, kwargs: dict[str, Any]) -> Any:
        """A call that no trace answers."""
        before = get_rng_state()
        if not self.writes:
            result = self.function(*args, **kwargs)
            self._recorded(lambda: self._learn(args, kwargs, result, before))
            return result
        read = self._recorded(lambda: self._read_before(args, kwargs, before))
        try:
            result = self.function(*args, **kwargs)
        except Exception:
            self._recorded(self._miss)
            raise
        if read is not None:
            self._recorded(lambda: self._settle(read, result))
        return result

    def _recorded(self, step: Callable[[], Any]) -> Any:
        """What a step of recording gives, if there is anything to record and nobody else is at it."""
        if self.reason is not None or not _core.is_ordinary() or not _recording.acquire(blocking=False):
            return None
        try:
            if self.families < TRACES and len(self.callable._traces) < BRANCHES:
                return step()
            self._miss()
        except Exception as error:
            _alone(error)
            if isinstance(error, Writes):
                self.writes = True
            elif isinstance(error, Unusual):
                self._miss(f"; the last {_placed(error)}")
            elif isinstance(error, Refused):
                self.refuse(_placed(error))
            else:
                self.refuse(f"reading it raises {type(error).__name__}: {error}")
        finally:
            _recording.release()
        return None

    def _learn(self, args: tuple, kwargs: dict[str, Any], result: Any, before: Tensor) -> None:
        """Make a trace of a call that was made."""
        with _Aside(get_rng_state()) as aside:
            trace, run = self._trace(args, kwargs, lambda: aside.rewind(before), False)
            if aside.draws:
                set_rng_state(before)
            given = trace.run(args, kwargs)
            drawn = not aside.draws or get_rng_state().equal(aside.after)
        aside.check_silent()
        is_work = all(map(work.is_work, run.recorder.steps))
        run.close()
        if given is None or not drawn or not _is_same(given[0], result, [*args, *kwargs.values()]):
            raise Refused("its trace gives something else than it gives")
        if is_work:
            trace.condense(args, kwargs)
        self._count_family(args, kwargs)
        self._take(trace)

    def _take(self, trace: Any) -> None:
        """Have a trace, and let calls go on in it where it parts from others."""
        traces = self.callable._traces
        for each in traces:
            trace.join(each)
        self.callable._traces = (trace, *traces)

    def _count_family(self, args: tuple, kwargs: dict[str, Any]) -> None:
        """Whether a call came into one of the traces, before it went another way."""
        self.families += not any(each.answers(args, kwargs) for each in self.callable._traces)

    # ---- calls that write -------------------------------------------------------------------------------------

    def _read_before(self, args: tuple, kwargs: dict[str, Any], before: Tensor) -> tuple | Exception:
        """The trace of a call that is about to be made, and what it is known by; or why there is none."""
        try:
            with _Aside(before) as aside:
                trace, run = self._trace(args, kwargs, lambda: aside.rewind(before), True)
                drawn = get_rng_state() if aside.draws else None
            try:
                aside.check_silent()
                self._count_family(args, kwargs)
                if not trace.answers(args, kwargs):
                    raise Unusual("writes into a tensor whose memory another has as well")
            except Refused:
                run.close()
                raise
        except Exception as error:  # which the call may well raise too
            return _alone(error)
        return trace, run, drawn

    def _settle(self, read: tuple | Exception, result: Any) -> None:
        """Take the trace if the call has come out as it was read."""
        if isinstance(read, Exception):
            raise read
        trace, run, drawn = read
        guards = run.guards
        assert guards.twins is not None
        twin_of = {id(o): value for o, value in zip(guards.inputs, guards.values_of)}
        same = (
            (drawn is None or drawn.equal(get_rng_state()))
            and _is_same(run.result, result, [], twin_of)
            and all(guards.twins.are_same(value, o) for o, value in zip(guards.inputs, guards.values_of))
            and all(
                are_same(guards.values_of[number].grad, guards.inputs[number].grad)
                for number in guards.gradients
            )
            and all(have_same_state(o, twin) for o, twin in guards.twins.optimizers)
        )
        run.close()
        if not same:
            raise Refused("its trace gives or leaves something else than it does")
        self._take(trace)

    def _trace(
        self, args: tuple, kwargs: dict[str, Any], rewind: Callable[[], None], may_write: bool
    ) -> tuple[Any, Interpreter]:
        """A trace of the call, and the run that it comes from: as little is copied and compared as will do.

        Only a call that is still to be made may write: the writes of one that was made cannot be tried.
        """
        every = looks = False
        while True:
            run = Interpreter(rewind, Twins(every) if may_write else None, looks)
            try:
                return self._trace_of(run, args, kwargs), run
            except Exception as error:
                run.close()
                if isinstance(error, Shared):
                    every = True
                elif (
                    isinstance(error, Refused)
                    and not isinstance(error, Writes)
                    and run.recorder.numbers
                    and not looks
                ):
                    looks = True
                else:
                    raise

    def _trace_of(self, run: Interpreter, args: tuple, kwargs: dict[str, Any]) -> Any:
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
        before = _core.is_grad_enabled()
        run.result = run.call(function, values, names)
        if _core.is_grad_enabled() != before:
            raise Refused("leaves another mode of gradients than it finds")
        recorder = run.recorder
        steps, result = recorder.program(recorder.result(run.result))
        guards.check_unchanged()
        guards.apart(recorder.written())
        description = guards.description(len(args), tuple(kwargs))
        state = get_rng_state if recorder.draws else None
        quiet = len(steps) if recorder.quiet is None else recorder.quiet
        return _core.Trace(description, steps, quiet, result, state, set_rng_state)

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


def _alone(error: Exception) -> Exception:
    """An error without the frames that it came through, which hold what was read."""
    error.__traceback__ = error.__context__ = error.__cause__ = None
    return error


def _placed(refusal: Refused) -> str:
    return f"{refusal.place}: {refusal}" if refusal.place else str(refusal)


def _is_same(a: Any, b: Any, given: list[Any], twin_of: dict[int, Tensor] | None = None) -> bool:
    """Whether two results are the same, to the bit, and are or are not what was given; `twin_of` has twins, by the ids of `b`."""
    if isinstance(a, Number):
        a = a.value
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, Tensor):
        if any(a is each or b is each for each in given):
            return False
        if twin_of is not None and id(b) in twin_of:
            return twin_of[id(b)] is a  # what it has become is compared by itself
        return are_same(a, b)
    if isinstance(a, (list, tuple)) and not is_plain(a):
        return len(a) == len(b) and all(_is_same(x, y, given, twin_of) for x, y in zip(a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(_is_same(a[key], b[key], given, twin_of) for key in a)
    return _core.are_same_constants(a, b)


class _Aside:
    """A dry run, after which modes, the generator and filters of warnings are as they were."""

    def __init__(self, after: Tensor) -> None:
        self.after = after  # the state of the generator
        self.draws = False
        self._caught = warnings.catch_warnings(record=True)

    def __enter__(self) -> _Aside:
        self._mode = _core.is_grad_enabled()
        self._said: Any = self._caught.__enter__()
        warnings.simplefilter("always")
        return self

    def __exit__(self, *error: Any) -> None:
        self._caught.__exit__(*error)
        _core.set_grad_enabled(self._mode)
        if self.draws:  # else what differs are draws of other threads
            set_rng_state(self.after)

    def rewind(self, state: Tensor) -> None:
        """Go back to where the call began to draw."""
        self.draws = True
        set_rng_state(state)

    def check_silent(self) -> None:
        """Raises Refused where somebody warned."""
        if self._said:
            raise Refused(f"an operator warns: {self._said[0].message}")
