"""`compile`: functions that are called without Python, once it is known that nothing else can come of it.

A function is recorded at a call (recording.py), and what it may have looked at is described (states.py). That makes a
*candidate*. If the description holds before the next such call and after it, the function changed nothing that it can reach;
then the second recording becomes a *plan*, and further calls for which the description holds are the plan's
(src/core/python/replay/compiled.cpp). So two calls run as usual, and the third is replayed. Where an operator gives a number
that no call had before, Python goes on from there, and what it does becomes another branch of the plan.

What cannot be replayed runs as usual: at once where it is known, after some calls where each is different.
"""

from __future__ import annotations

import dis
import functools
import gc
import operator
import warnings
import weakref
from types import CodeType
from typing import Any

from .. import _core
from .codes import names_of, owner
from .recording import Event, Numbering, Recorder, is_like
from .states import Unknown, Walk

TRIALS = 16  # calls of a plan, of which every other one is the function's: what costs less goes on
_PATIENCE = 40  # recordings, beyond one for each four calls that were replayed
_STEPS = 400_000
_CANDIDATES = 16

controllers: weakref.WeakSet[Controller] = weakref.WeakSet()


class _Plan:
    """A plan of the core's, and the calls in it."""

    def __init__(self, core: Any, codes: int) -> None:
        self.core = core
        self.codes = codes  # how many code objects were known when it was described
        self.calls: list[tuple] = []

    def steps(self, numbering: Numbering, events: list[Event]) -> list[tuple]:
        """Descriptions of events, which are added to its calls."""
        made = []
        for event in events:
            step = numbering.step(event, len(self.calls))
            self.calls.append((event.name, event.callable, event.names, event.positions, step[1]))
            made.append(step)
        return made

    def is_call(self, number: int, event: Event, given: tuple) -> bool:
        name, callable, names, positions, known = self.calls[number]
        same = callable is event.callable or type(callable) is operator.attrgetter
        return (
            same
            and (name, names, positions) == (event.name, event.names, event.positions)
            and len(known) == len(given)
            and all(map(is_like, known, given))
        )


class _Resumed:
    """What a replay had until it stopped."""

    def __init__(self, name: str, plan: _Plan, stop: tuple) -> None:
        _, self.node, self.step, self.numbers, results, self.inputs, last = stop
        self.name, self.plan = name, plan
        self.results = results + (last or ())
        self.count = len(self.numbers)
        self.numbering = Numbering(self.inputs)

    def is_same(self, at: int, event: Event) -> bool:
        try:
            given = tuple([self.numbering.source(each) for each in event.given])
        except Unknown:
            return False
        return self.plan.is_call(self.numbers[at], event, given)

    def bind(self, outcome: Any) -> None:
        self.numbering.outcome(outcome)


class Controller:
    """What is known of one function, and the slow way to call it."""

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
        self.codes: dict[CodeType, dict[str, Any]] = {}
        self.candidates: list[_Plan] = []
        self.plans: dict[Any, _Plan] = {}
        self.recordings = 0
        self.reason: str | None = None
        self.differs = ""
        self.busy = False
        self.callable._forget()
        self.callable._off = False

    # ---- calls ------------------------------------------------------------------------------------------------

    def call(self, args: tuple, kwargs: dict[str, Any], stop: tuple | None) -> Any:
        """A call that no plan answers, or one that stopped on its way."""
        if stop is not None:
            return self._go_on(args, kwargs, stop)
        if self.busy or self._is_tired():
            return self.function(*args, **kwargs)
        self.busy = True
        try:
            candidate, inputs = self._candidate(args, kwargs)
            recorder = Recorder(self.codes)
            result = recorder.run(self.function, args, kwargs)
        finally:
            self.busy = False
        self.recordings += 1
        if self._may_replay(recorder):
            collects = gc.isenabled()
            gc.disable()  # many descriptions are made, and no rubbish
            try:
                if candidate is not None and not recorder.new:
                    self._confirm(candidate, inputs, recorder, args, kwargs, result)
                else:
                    self._describe(recorder.ran, args, kwargs)
            except Unknown as unknown:
                self.refuse(str(unknown))
            finally:
                if collects:
                    gc.enable()
        return result

    def _candidate(self, args: tuple, kwargs: dict[str, Any]) -> tuple[_Plan | None, Any]:
        for plan in self.candidates:
            inputs = plan.core.inputs(args, kwargs)
            if isinstance(inputs, tuple) and plan.codes == len(self.codes):
                return plan, inputs
            if isinstance(inputs, str):
                self.differs = inputs
        return None, None

    def _may_replay(self, recorder: Recorder) -> bool:
        if recorder.trouble is None:
            return True
        if not recorder.passing:
            self.refuse(recorder.trouble)
        return False

    def _describe(self, ran: set[CodeType], args: tuple, kwargs: dict[str, Any]) -> None:
        """A candidate, from what can be reached now."""
        description = Walk(self.codes, ran).describe(self.function, args, kwargs)
        catches = any(names_of(code).catches for code in self.codes if owner(code) == "user")
        plan = _Plan(_core.Plan(description, catches, TRIALS), len(self.codes))
        self.candidates = [plan, *self.candidates][:_CANDIDATES]

    def _is_unchanged(self, plan: _Plan, inputs: tuple, args: tuple, kwargs: dict[str, Any]) -> bool:
        """Whether the call left all that it can reach as it was; else it will be called as usual."""
        after = plan.core.inputs(args, kwargs)
        if isinstance(after, tuple) and all(map(operator.is_, after, inputs)):
            return True
        where = after if isinstance(after, str) else "a tensor that it keeps"
        self.refuse(self._line_of_change(where) + f"changes {where}")
        return False

    def _line_of_change(self, where: str) -> str:
        """The line that may have done it, if it writes an attribute or a global of this name."""
        name = where.rpartition(".")[2].rpartition(" ")[2].strip("'")
        for code in self.codes:
            line = code.co_firstlineno
            for instruction in dis.get_instructions(code) if owner(code) == "user" else ():
                line = getattr(instruction, "line_number", None) or instruction.starts_line or line
                if instruction.opname.startswith(("STORE_", "DELETE_")) and instruction.argval == name:
                    return f"{code.co_filename}:{line}: "
        return ""

    def _own(self, args: tuple, kwargs: dict[str, Any]) -> Any:
        found: dict[int, int] = {}

        def own() -> dict[int, int]:
            if not found:
                walk = Walk(self.codes, set())
                walk.describe(self.function, args, kwargs)
                found.update(walk.numbers)
            return found

        return own

    def _confirm(
        self, plan: _Plan, inputs: tuple, recorder: Recorder, args: tuple, kwargs: dict[str, Any], result: Any
    ) -> None:
        """Make a plan of a candidate, if the call changed nothing."""
        if not self._is_unchanged(plan, inputs, args, kwargs):
            return
        numbering = Numbering(inputs)
        steps = plan.steps(numbering, recorder.events)
        plan.core.extend(0, 0, None, tuple(steps), numbering.result(result, self._own(args, kwargs)))
        self.candidates.remove(plan)
        self.plans[plan.core] = plan
        self.callable._keep(plan.core)

    def _go_on(self, args: tuple, kwargs: dict[str, Any], stop: tuple) -> Any:
        """Run the function with the results that a replay had until it stopped."""
        plan = self.plans.get(stop[0])
        if plan is None:
            raise RuntimeError(f"pb.compile: {self.name} was reset while it ran")
        resumed = _Resumed(self.name, plan, stop)
        codes = dict(self.codes)
        recorder = Recorder(codes, resumed)
        result = recorder.run(self.function, args, kwargs)
        self.recordings += 1
        if (
            self.reason is not None
            or not self._may_replay(recorder)
            or plan.core not in self.callable._plans()
        ):
            return result
        try:
            if recorder.new:  # more can be reached than was described
                self.codes |= codes
                self._forget_plans()
            elif self._is_unchanged(plan, resumed.inputs, args, kwargs):
                self._extend(plan, resumed, recorder.events, result, args, kwargs)
        except Unknown as unknown:
            self.refuse(str(unknown))
        self._is_tired()
        return result

    def _forget_plans(self) -> None:
        self.plans.clear()
        self.candidates.clear()
        self.callable._forget()

    def _extend(
        self,
        plan: _Plan,
        resumed: _Resumed,
        events: list[Event],
        result: Any,
        args: tuple,
        kwargs: dict[str, Any],
    ) -> None:
        done = len(resumed.numbers)
        if done > len(events) or len(plan.calls) + len(events) - done > _STEPS:
            return
        numbering = Numbering(resumed.inputs)
        outcome: Any = None
        for event in events[:done]:
            outcome = numbering.outcome(event.outcome)
        steps = plan.steps(numbering, events[done:])
        given = numbering.result(result, self._own(args, kwargs))
        plan.core.extend(resumed.node, resumed.step, outcome, tuple(steps), given)

    # ---- where it ends ------------------------------------------------------------------------------------------

    def _is_tired(self) -> bool:
        """Whether too few calls were replayed for those that were recorded."""
        if self.reason is not None:
            return True
        if self.recordings < _PATIENCE:
            return False
        answered = sum(plan.core.figures()["calls"] for plan in self.plans.values())
        if self.recordings < _PATIENCE + answered // 4:
            return False
        self.refuse(f"each call is another: {self.differs or 'its numbers take it a new way'} differs")
        return True

    def refuse(self, reason: str) -> None:
        """Call the function as it is from now on, and say why."""
        if self.reason is not None:
            return
        self.reason = reason
        self.callable._off = True
        self._forget_plans()
        warnings.warn(
            f"pb.compile: {self.name} runs as usual, not replayed. {reason}", UserWarning, stacklevel=3
        )

    # ---- looking at it ------------------------------------------------------------------------------------------

    def explain(self) -> str:
        """What is known of the function, in words."""
        if self.reason is not None:
            return f"{self.name} runs as usual: {self.reason}"
        if not self.plans:
            return f"{self.name} has not been replayed yet: {self.recordings} of its calls were recorded."
        lines = [f"{self.name}: {self.recordings} calls were recorded."]
        for number, plan in enumerate(self.plans.values(), 1):
            n = plan.core.figures()
            lines.append(
                f"  plan {number}: {n['calls']} calls replayed, {n['branches']} branches, {n['steps']} calls of operators, "
                f"{n['looks']} looks at values, {n['checks']} checks before"
                + ("; now the function itself, which costs less" if n["idle"] else "")
            )
        return "\n".join(lines)
