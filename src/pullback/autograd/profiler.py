"""Where time and memory go: `profile` measures a block, `record_function` gives a part of it a name.

Measured are operators, the nodes of backward passes, and fused programs, which are what large elementwise work runs in.
Such work is done when somebody looks (docs/architecture.md): the operator that asked for it takes no time, and the program
that does it is an event inside of the one that looked. Its name says what it consists of. What is pending at the end of a
profile runs there. Nothing is measured, and nothing looks whether to, outside of a profile.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from .. import _core
from ..messages.missing import missing
from .profile_events import EventList, FunctionEvent, FunctionEventAvg, events_of

__all__ = ["EventList", "FunctionEvent", "FunctionEventAvg", "profile", "record_function"]


class record_function:
    """A block, or a function that this decorates, as an event with a name.

    Costs next to nothing where there is no profile around.

    Example:
        >>> with pb.autograd.profiler.profile() as profile:
        ...     with pb.autograd.profiler.record_function("the layer"):
        ...         _ = pb.ones(2).exp()
        >>> [(event.name, [child.name for child in event.cpu_children]) for event in profile.function_events][0]
        ('the layer', ['ones', 'exp'])
    """

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name, self.args = name, args
        self.open: list[Any] = []

    def __enter__(self) -> record_function:
        text = self.name if self.args is None else f"{self.name}({self.args})"
        self.open.append(_core.begin_range(text))
        return self

    def __exit__(self, *error: object) -> None:
        self.open.pop()  # its end is when nobody holds it

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def recorded(*args: Any, **kwargs: Any) -> Any:
            with record_function(self.name, self.args):
                return function(*args, **kwargs)

        return recorded


class profile:
    """A block whose operators, backward passes and fused programs are measured, on all threads.

    Args:
        enabled: False measures nothing.
        record_shapes: note the shapes of operators' tensors, for ``key_averages(group_by_input_shape=True)``.
        profile_memory: note how much memory is allocated, less what is freed, while an event lasts.
        with_flops: count the floating-point operations of products and convolutions, two for each term that is summed
            (also in backward passes), and of `add` and `mul`, one for each element.
        with_stack: note the lines that call operators.
        use_cuda, use_device: other devices are not there; asking for one warns.
        with_modules, use_kineto, use_cpu, experimental_config, acc_events, custom_trace_id_callback,
        post_processing_timeout_s, activity_filters: without effect.

    Raises RuntimeError inside of another profile.

    Example:
        >>> x = pb.ones(1000, 100, requires_grad=True)
        >>> with pb.autograd.profiler.profile() as profile:
        ...     loss = (x.exp() * 2).sum()
        ...     loss.backward()
        >>> [event.name for event in profile.function_events if event.kind == "program"]
        ['program: exp mul sum']
        >>> print(profile.key_averages().table(sort_by="self_cpu_time_total", row_limit=3))
        -----...
    """

    def __init__(
        self,
        enabled: bool = True,
        *,
        use_cuda: bool = False,
        use_device: str | None = None,
        record_shapes: bool = False,
        with_flops: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_modules: bool = False,
        use_kineto: bool = False,
        use_cpu: bool = True,
        experimental_config: Any = None,
        acc_events: bool = False,
        custom_trace_id_callback: Callable[[], str] | None = None,
        post_processing_timeout_s: float | None = None,
        activity_filters: Any = None,
    ) -> None:
        if use_cuda or use_device not in (None, "cpu"):
            device = use_device or "cuda"
            warnings.warn(f"The {device} is not available, disabling {device} profiling", stacklevel=2)
        self.enabled = enabled
        self.record_shapes = record_shapes
        self.profile_memory = profile_memory
        self.with_flops = with_flops
        self.with_stack = with_stack
        self.entered = False
        self._events: EventList | None = None

    def __enter__(self) -> profile | None:
        if not self.enabled:
            return None
        if self.entered:
            raise RuntimeError("Profiler context manager is not reentrant")
        _core.synchronize()  # what was asked for before is not measured
        _core.start_profile(self.record_shapes, self.profile_memory, self.with_stack, self.with_flops)
        self.entered = True
        return self

    def __exit__(self, *error: object) -> None:
        if not self.enabled or not self.entered:
            return
        try:
            if _core.pending() and error[:1] == (None,):
                with record_function("synchronize, at the end"):
                    _core.synchronize()
        finally:
            self.entered = False
            found = events_of(_core.stop_profile(), self.profile_memory, self.with_flops)
        self._events = found

    @property
    def function_events(self) -> EventList:
        """All events, in the order of their beginnings. RuntimeError before the block has ended.

        Example:
            >>> with pb.autograd.profiler.profile() as profile:
            ...     _ = pb.ones(2).exp()
            >>> len(profile.function_events)
            2
        """
        if self._events is None:
            raise RuntimeError("Profiler didn't finish running: its block has not ended, or was not enabled.")
        return self._events

    def table(
        self,
        sort_by: str | None = None,
        row_limit: int = 100,
        max_src_column_width: int = 75,
        max_name_column_width: int = 55,
        max_shapes_column_width: int = 80,
        header: str | None = None,
        top_level_events_only: bool = False,
    ) -> str:
        """The events as a table (`EventList.table`), one by one; ``key_averages().table()`` sums them up by name.

        Example:
            >>> with pb.autograd.profiler.profile() as profile:
            ...     _ = pb.ones(2).exp()
            >>> len(profile.table().splitlines())
            7
        """
        return self.function_events.table(
            sort_by,
            row_limit,
            max_src_column_width,
            max_name_column_width,
            max_shapes_column_width,
            header,
            top_level_events_only,
        )

    def key_averages(
        self,
        group_by_input_shape: bool = False,
        group_by_stack_n: int = 0,
        group_by_overload_name: bool = False,
    ) -> EventList:
        """The sums of the events of each name, as `EventList.key_averages` gives them.

        Example:
            >>> with pb.autograd.profiler.profile() as profile:
            ...     _ = pb.ones(2) + pb.ones(2)
            >>> [(each.key, each.count) for each in profile.key_averages()]
            [('ones', 2), ('add', 1)]
        """
        return self.function_events.key_averages(
            group_by_input_shape, group_by_stack_n, group_by_overload_name
        )

    def total_average(self) -> FunctionEventAvg | None:
        """The sum of all events.

        Example:
            >>> with pb.autograd.profiler.profile() as profile:
            ...     _ = pb.ones(2).exp()
            >>> profile.total_average().count
            2
        """
        return self.function_events.total_average()

    def export_chrome_trace(
        self, path: str, metadata: dict[str, str] | None = None, use_python_export: bool = False
    ) -> None:
        """Write the events for a browser, as `EventList.export_chrome_trace` does.

        Example:
            >>> import os, tempfile
            >>> with pb.autograd.profiler.profile() as profile:
            ...     _ = pb.ones(2).exp()
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     profile.export_chrome_trace(os.path.join(folder, "trace.json"))
        """
        self.function_events.export_chrome_trace(path, metadata)

    def export_stacks(self, path: str, metric: str = "self_cpu_time_total") -> None:
        """Write how long each line took, as `EventList.export_stacks` does. ValueError without ``with_stack=True``.

        Example:
            >>> import os, tempfile
            >>> with pb.autograd.profiler.profile(with_stack=True) as profile:
            ...     _ = pb.ones(2).exp()
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     profile.export_stacks(os.path.join(folder, "stacks.txt"))
        """
        if not self.with_stack:
            raise ValueError("export_stacks() requires with_stack=True")
        self.function_events.export_stacks(path, metric)

    @property
    def self_cpu_time_total(self) -> float:
        """The time of all events together, each once, in microseconds.

        Example:
            >>> with pb.autograd.profiler.profile() as profile:
            ...     _ = pb.ones(2).exp()
            >>> profile.self_cpu_time_total > 0
            True
        """
        return self.function_events.self_cpu_time_total

    def __repr__(self) -> str:
        return "<unfinished profiler_profile>" if self._events is None else str(self._events)


def __getattr__(name: str) -> object:
    raise missing(__name__, name)
