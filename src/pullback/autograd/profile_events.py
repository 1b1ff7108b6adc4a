"""What a profile has found: events, sums of events by name, the table of them, and files that other programs show.

Times are in microseconds. An event's own time is what it took less what the events inside of it did, on its thread.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import Any, NamedTuple

from .profile_table import table, time_text

__all__ = ["EventList", "FunctionEvent", "FunctionEventAvg"]

KINDS = ("operator", "node", "program", "range")
CATEGORIES = {"operator": "cpu_op", "node": "cpu_op", "program": "cpu_op", "range": "user_annotation"}


class Interval(NamedTuple):
    """When an event began and ended.

    Example:
        >>> pb.autograd.profile_events.Interval(1.0, 3.5).elapsed_us()
        2.5
    """

    start: float
    end: float

    def elapsed_us(self) -> float:
        """How long it took.

        Example:
            >>> pb.autograd.profile_events.Interval(1.0, 3.5).elapsed_us()
            2.5
        """
        return self.end - self.start


class _Timed:
    """What single events and sums of them have in common."""

    key: str
    count: int
    cpu_time_total: float
    self_cpu_time_total: float
    cpu_memory_usage: int
    self_cpu_memory_usage: int
    flops: int
    input_shapes: Any
    stack: list[str]

    @property
    def cpu_time(self) -> float:
        """The time of one call, on average."""
        return self.cpu_time_total / self.count if self.count else 0.0

    @property
    def cpu_time_str(self) -> str:
        """`cpu_time` as it is printed."""
        return time_text(self.cpu_time)

    @property
    def cpu_time_total_str(self) -> str:
        """`cpu_time_total` as it is printed."""
        return time_text(self.cpu_time_total)

    @property
    def self_cpu_time_total_str(self) -> str:
        """`self_cpu_time_total` as it is printed."""
        return time_text(self.self_cpu_time_total)


class FunctionEvent(_Timed):
    """One thing that ran: an operator, a node of a backward pass, a fused program, or a range with a name.

    `kind` says which of these. `text` of a program is what it consists of. `cpu_children` are the events inside of it.
    `flops` are those of the event without them, but for convolutions, which have those of their products.

    Example:
        >>> with pb.autograd.profiler.profile(record_shapes=True) as profile:
        ...     _ = pb.ones(2, 3).sum()
        >>> event = profile.function_events[1]
        >>> event.name, event.kind, event.input_shapes, event.count
        ('sum', 'operator', [[2, 3]], 1)
    """

    count = 1
    is_async = False

    def __init__(self, number: int, recorded: tuple[Any, ...], start: int) -> None:
        (
            name,
            kind,
            begin,
            end,
            self.inside,
            self.thread,
            memory,
            self.sequence_nr,
            shapes,
            text,
            self.flops,
        ) = recorded
        self.id, self.name, self.key, self.kind = number, name, name, KINDS[kind]
        self.time_range = Interval((begin - start) / 1e3, (end - start) / 1e3)
        self.cpu_time_total = self.self_cpu_time_total = (end - begin) / 1e3
        self.cpu_memory_usage = self.self_cpu_memory_usage = memory
        self.input_shapes = shapes
        self.text = text if self.kind == "program" else ""
        self.stack = [text] if text and self.kind == "operator" else []
        self.cpu_parent: FunctionEvent | None = None
        self.cpu_children: list[FunctionEvent] = []

    def __repr__(self) -> str:
        return (
            f"<FunctionEvent id={self.id} name={self.name} kind={self.kind} cpu_time={self.cpu_time_str} "
            f"self_cpu_time={self.self_cpu_time_total_str} thread={self.thread} input_shapes={self.input_shapes} "
            f"cpu_memory_usage={self.cpu_memory_usage}>"
        )


class FunctionEventAvg(_Timed):
    """The sum of all events of one name.

    Example:
        >>> with pb.autograd.profiler.profile() as profile:
        ...     _ = pb.ones(2) + pb.ones(2)
        >>> [(each.key, each.count) for each in profile.key_averages()]
        [('ones', 2), ('add', 1)]
    """

    def __init__(self, first: FunctionEvent) -> None:
        self.key, self.kind, self.input_shapes, self.stack = (
            first.key,
            first.kind,
            first.input_shapes,
            first.stack,
        )
        self.count = self.cpu_memory_usage = self.self_cpu_memory_usage = self.flops = 0
        self.cpu_time_total = self.self_cpu_time_total = 0.0

    def add(self, other: _Timed) -> FunctionEventAvg:
        """Take another event in.

        Example:
            >>> with pb.autograd.profiler.profile() as profile:
            ...     _ = pb.ones(2)
            >>> sums = profile.key_averages()
            >>> sums[0].add(sums[0]).count
            2
        """
        self.count += other.count
        self.cpu_time_total += other.cpu_time_total
        self.self_cpu_time_total += other.self_cpu_time_total
        self.cpu_memory_usage += other.cpu_memory_usage
        self.self_cpu_memory_usage += other.self_cpu_memory_usage
        self.flops += other.flops
        return self

    def __repr__(self) -> str:
        return (
            f"<FunctionEventAvg key={self.key} self_cpu_time={self.self_cpu_time_total_str} "
            f"cpu_time={self.cpu_time_str} count={self.count} cpu_memory_usage={self.cpu_memory_usage} "
            f"input_shapes={self.input_shapes}>"
        )


class EventList(list):  # type: ignore[type-arg]
    """Events, or sums of them.

    Example:
        >>> with pb.autograd.profiler.profile() as profile:
        ...     _ = pb.ones(2).exp()
        >>> [event.name for event in profile.function_events]
        ['ones', 'exp']
    """

    def __init__(
        self, events: Iterable[Any] = (), profile_memory: bool = False, with_flops: bool = False
    ) -> None:
        super().__init__(events)
        self._profile_memory, self._with_flops = profile_memory, with_flops

    def __str__(self) -> str:
        return self.table()

    @property
    def self_cpu_time_total(self) -> float:
        """The time of all events together, each once.

        Example:
            >>> pb.autograd.profiler.EventList().self_cpu_time_total
            0
        """
        return sum([event.self_cpu_time_total for event in self])

    def key_averages(
        self,
        group_by_input_shapes: bool = False,
        group_by_stack_n: int = 0,
        group_by_overload_name: bool = False,
    ) -> EventList:
        """The sums of the events of each name; of each name and shapes, or line that called, where that is asked for.

        Operators have no overloads by name.

        Example:
            >>> with pb.autograd.profiler.profile(record_shapes=True) as profile:
            ...     _ = pb.ones(2).exp(), pb.ones(3).exp()
            >>> sums = profile.function_events.key_averages(group_by_input_shapes=True)
            >>> [(each.key, each.input_shapes) for each in sums if each.key == "exp"]
            [('exp', [[2]]), ('exp', [[3]])]
        """
        sums: dict[Any, FunctionEventAvg] = {}
        for event in self:
            key: tuple[Any, ...] = (event.kind, event.key)
            if group_by_input_shapes:
                key += (str(event.input_shapes),)
            if group_by_stack_n > 0:
                key += tuple(event.stack[:group_by_stack_n])
            if key not in sums:
                sums[key] = FunctionEventAvg(event)
                if not group_by_input_shapes:
                    sums[key].input_shapes = ""
                if group_by_stack_n <= 0:
                    sums[key].stack = []
            sums[key].add(event)
        return EventList(sums.values(), self._profile_memory, self._with_flops)

    def total_average(self) -> FunctionEventAvg | None:
        """The sum of all events; None where there are none.

        Example:
            >>> with pb.autograd.profiler.profile() as profile:
            ...     _ = pb.ones(2).exp()
            >>> profile.function_events.total_average().count
            2
        """
        if not self:
            return None
        total = FunctionEventAvg(self[0])
        total.key, total.input_shapes, total.stack = "Total", "", []
        for event in self:
            total.add(event)
        return total

    def table(
        self,
        sort_by: str | None = None,
        row_limit: int = 100,
        max_src_column_width: int = 75,
        max_name_column_width: int = 55,
        max_shapes_column_width: int = 80,
        header: str | None = None,
        top_level_events_only: bool = False,
        time_unit: str | None = None,
    ) -> str:
        """The events as a table, one a line.

        Args:
            sort_by: the largest first, by ``"cpu_time"``, ``"cpu_time_total"``, ``"self_cpu_time_total"``,
                ``"cpu_memory_usage"``, ``"self_cpu_memory_usage"``, ``"flops"`` or ``"count"``; None: in the order of time.
            row_limit: how many lines at most; -1: all.
            max_src_column_width, max_name_column_width, max_shapes_column_width: longer texts are cut.
            header: a line above.
            top_level_events_only: leave out events inside of others.
            time_unit: "s", "ms" or "us" for all times; None: what fits each.

        Raises AttributeError for another `sort_by`, ValueError for another unit.

        Example:
            >>> with pb.autograd.profiler.profile() as profile:
            ...     _ = pb.ones(2).exp()
            >>> text = profile.key_averages().table(sort_by="count", row_limit=1)
            >>> text.splitlines()[1].split()[:3]
            ['Name', 'Self', 'CPU']
        """
        return table(
            self,
            sort_by,
            row_limit,
            (max_name_column_width, max_shapes_column_width, max_src_column_width),
            header,
            top_level_events_only,
            time_unit,
        )

    def export_chrome_trace(self, path: str, metadata: dict[str, str] | None = None) -> None:
        """Write the events for a browser: ``chrome://tracing``, ``ui.perfetto.dev``.

        Example:
            >>> import json, os, tempfile
            >>> with pb.autograd.profiler.profile() as profile:
            ...     _ = pb.ones(2).exp()
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     path = os.path.join(folder, "trace.json")
            ...     profile.export_chrome_trace(path)
            ...     with open(path) as file:
            ...         [event["name"] for event in json.load(file)["traceEvents"] if event["ph"] == "X"]
            ['ones', 'exp']
        """
        pid = os.getpid()
        events: list[dict[str, Any]] = [
            {"ph": "M", "name": "process_name", "ts": 0, "pid": pid, "tid": 0, "args": {"name": "python"}}
        ]
        for thread in sorted({event.thread for event in self}):
            name = {"name": f"thread {thread}"}
            events.append(
                {"ph": "M", "name": "thread_name", "ts": 0, "pid": pid, "tid": thread, "args": name}
            )
        for event in self:
            args: dict[str, Any] = {"External id": event.id, "kind": event.kind}
            if event.sequence_nr:
                args["Sequence number"] = event.sequence_nr
            if event.input_shapes:
                args["Input Dims"] = event.input_shapes
            if self._profile_memory:
                args["Bytes"] = event.cpu_memory_usage
            if event.flops:
                args["FLOPs"] = event.flops
            if event.stack:
                args["Call stack"] = event.stack[0]
            if event.text:
                args["Program"] = event.text
            events.append(
                {
                    "ph": "X",
                    "cat": CATEGORIES[event.kind],
                    "name": event.name,
                    "pid": pid,
                    "tid": event.thread,
                    "ts": event.time_range.start,
                    "dur": event.time_range.elapsed_us(),
                    "args": args,
                }
            )
        with open(path, "w") as file:
            json.dump(
                {"schemaVersion": 1, "displayTimeUnit": "ms", "traceEvents": events, **(metadata or {})}, file
            )

    def export_stacks(self, path: str, metric: str) -> None:
        """Write how long each line took, for flame graphs: lines of a profile that was made with ``with_stack=True``.

        Raises ValueError for another metric than "self_cpu_time_total".

        Example:
            >>> import os, tempfile
            >>> with pb.autograd.profiler.profile(with_stack=True) as profile:
            ...     _ = pb.ones(2).exp()
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     profile.function_events.export_stacks(os.path.join(folder, "stacks.txt"), "self_cpu_time_total")
        """
        if metric != "self_cpu_time_total":
            raise ValueError(f"metric should be one of: ['self_cpu_time_total']. Got {metric!r}.")
        with open(path, "w") as file:
            for event in self:
                time = int(event.self_cpu_time_total)
                if time <= 0:
                    continue
                names, inner = [], event
                while inner is not None:
                    names += [inner.name, *inner.stack]
                    inner = inner.cpu_parent
                text = ";".join(name.replace(" ", "_") for name in reversed(names))
                file.write(f"{text} {time}\n")


def events_of(recorded: list[tuple[Any, ...]], profile_memory: bool, with_flops: bool) -> EventList:
    """The events that the core has recorded, each with its parent and its own time."""
    start = recorded[0][2] if recorded else 0
    events = [FunctionEvent(number, each, start) for number, each in enumerate(recorded)]
    for event in events:
        if event.inside >= 0:
            parent = event.cpu_parent = events[event.inside]
            parent.cpu_children.append(event)
            parent.self_cpu_time_total -= event.cpu_time_total
            parent.self_cpu_memory_usage -= event.cpu_memory_usage
    for event in reversed(events):  # a convolution is made of a product here, and counts as that alone
        around = event.cpu_parent
        if event.flops and around is not None and around.name.startswith("conv"):
            around.flops += event.flops if event.name.startswith(("matmul", "conv")) else 0
            event.flops = 0
    return EventList(events, profile_memory, with_flops)
