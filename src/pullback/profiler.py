"""Profiles of training loops: `profile` measures the steps that a `schedule` names, and hands each lot of them over.

What is measured, and what the events are, says `pullback.autograd.profiler`.

    with profile(schedule=schedule(wait=1, warmup=1, active=3), on_trace_ready=show) as p:
        for batch in batches:
            train(batch)
            p.step()
"""

from __future__ import annotations

import enum
import json
import os
import time
from collections.abc import Callable, Iterable
from typing import Any

from .autograd.profiler import EventList, record_function
from .autograd.profiler import profile as _profile
from .messages.missing import missing

__all__ = [
    "ProfilerAction",
    "ProfilerActivity",
    "kineto_available",
    "profile",
    "record_function",
    "schedule",
    "supported_activities",
    "tensorboard_trace_handler",
]


class ProfilerAction(enum.Enum):
    """What a profile does in a step.

    Example:
        >>> pb.profiler.ProfilerAction(2)
        <ProfilerAction.RECORD: 2>
    """

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3
    DEVICE_STOPPED = 4


class ProfilerActivity(enum.Enum):
    """Where things are measured: here, on the CPU. PyTorch's names for the rest are there to be asked for.

    Example:
        >>> pb.profiler.supported_activities()
        {<ProfilerActivity.CPU: 0>}
    """

    CPU = 0
    XPU = 1
    MTIA = 2
    CUDA = 3
    HPU = 4
    PrivateUse1 = 5


def supported_activities() -> set[ProfilerActivity]:
    """What can be measured.

    Example:
        >>> pb.profiler.ProfilerActivity.CUDA in pb.profiler.supported_activities()
        False
    """
    return {ProfilerActivity.CPU}


def kineto_available() -> bool:
    """Whether Kineto, the library that PyTorch measures with, is there: it is not, and is not needed.

    Example:
        >>> pb.profiler.kineto_available()
        False
    """
    return False


def schedule(
    *, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0, skip_first_wait: int = 0
) -> Callable[[int], ProfilerAction]:
    """Which steps are measured: of each `wait` + `warmup` + `active`, the last `active`.

    Args:
        wait, warmup: steps that are not.
        active: steps that are; the last of them hands over what was found.
        repeat: how often; 0: to the end.
        skip_first: steps before all that.
        skip_first_wait: whether to leave the first `wait` out, after `skip_first`.

    Returns a function from the number of a step to a `ProfilerAction`. Raises AssertionError for numbers below 0, and
    for no active step.

    Example:
        >>> action = pb.profiler.schedule(wait=1, warmup=0, active=2)
        >>> [action(step).name for step in range(4)]
        ['NONE', 'RECORD', 'RECORD_AND_SAVE', 'NONE']
    """
    assert wait >= 0 and warmup >= 0 and active > 0 and repeat >= 0 and skip_first >= 0, (
        "Invalid profiler schedule arguments"
    )

    def action(step: int) -> ProfilerAction:
        assert step >= 0
        if step < skip_first:
            return ProfilerAction.NONE
        step -= skip_first
        if skip_first_wait != 0:
            step += wait
        length = wait + warmup + active
        if repeat > 0 and step / length >= repeat:
            return ProfilerAction.NONE
        step %= length
        if step < wait:
            return ProfilerAction.NONE
        if step < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD_AND_SAVE if step == length - 1 else ProfilerAction.RECORD

    return action


def tensorboard_trace_handler(
    dir_name: str, worker_name: str | None = None, use_gzip: bool = False, use_python_export: bool = False
) -> Callable[[Any], None]:
    """What writes each trace into a folder, as a file for a browser; for `on_trace_ready`.

    Raises RuntimeError where the folder cannot be made.

    Example:
        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with pb.profiler.profile(on_trace_ready=pb.profiler.tensorboard_trace_handler(folder, "me")):
        ...         _ = pb.ones(2).exp()
        ...     [name.split(".")[0] for name in os.listdir(folder)]
        ['me']
    """

    def write(profile: Any) -> None:
        import socket  # costs as much as all the rest of this module

        try:
            os.makedirs(dir_name, exist_ok=True)
        except OSError as error:
            raise RuntimeError(f"Can't create directory: {dir_name}") from error
        worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        name = f"{worker}.{time.time_ns()}.pt.trace.json{'.gz' if use_gzip else ''}"
        profile.export_chrome_trace(os.path.join(dir_name, name))

    return write


_MEASURES = (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)


class profile:
    """A block that is measured, or steps of it.

    Args:
        activities: what to measure; anything but the CPU is not there, and warns.
        schedule: which steps to measure; None: all. `step()` ends one.
        on_trace_ready: called with the profile when a lot of steps is measured, and at the end without a schedule.
        record_shapes, profile_memory, with_stack, with_flops: as for `pullback.autograd.profiler.profile`.
        with_modules, experimental_config, execution_trace_observer, acc_events, use_cuda,
        custom_trace_id_callback, post_processing_timeout_s: without effect.

    Raises RuntimeError where another profile is about.

    Example:
        >>> from pullback.profiler import profile, record_function, schedule
        >>> show = lambda p: print([event.name for event in p.events() if event.kind != "operator"])
        >>> with profile(schedule=schedule(wait=1, warmup=0, active=2), on_trace_ready=show) as p:
        ...     for _ in range(3):
        ...         with record_function("work"):
        ...             _ = pb.ones(2).exp()
        ...         p.step()
        ['ProfilerStep#1', 'work', 'ProfilerStep#2', 'work']
    """

    def __init__(
        self,
        *,
        activities: Iterable[ProfilerActivity] | None = None,
        schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[..., Any] | None = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_flops: bool = False,
        with_modules: bool = False,
        experimental_config: Any = None,
        execution_trace_observer: Any = None,
        acc_events: bool = False,
        use_cuda: bool | None = None,
        custom_trace_id_callback: Callable[[], str] | None = None,
        post_processing_timeout_s: float | None = None,
    ) -> None:
        others = [each for each in activities or () if each is not ProfilerActivity.CPU]
        device = others[0].name.lower() if others else "cuda" if use_cuda else None
        self._make = lambda: _profile(
            record_shapes=record_shapes,
            profile_memory=profile_memory,
            with_stack=with_stack,
            with_flops=with_flops,
        )
        if device:
            _profile(use_device=device)  # warns
        self.schedule, self.on_trace_ready = schedule, on_trace_ready
        self.step_num = 0
        self.profiler: _profile | None = None
        self._step: record_function | None = None
        self._metadata: dict[str, str] = {}

    @property
    def current_action(self) -> ProfilerAction:
        """What happens in this step.

        Example:
            >>> pb.profiler.profile().current_action
            <ProfilerAction.RECORD: 2>
        """
        return self.schedule(self.step_num) if self.schedule else ProfilerAction.RECORD

    def __enter__(self) -> profile:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin, as the block does.

        Example:
            >>> p = pb.profiler.profile()
            >>> p.start()
            >>> _ = pb.ones(2).exp()
            >>> p.stop()
            >>> len(p.events())
            2
        """
        if self.current_action in _MEASURES:
            self._begin()
        self._begin_step()

    def stop(self) -> None:
        """End, as the block does; hands over what was measured since the last time.

        Example:
            >>> p = pb.profiler.profile(on_trace_ready=lambda p: print(len(p.events())))
            >>> p.start()
            >>> _ = pb.ones(2).exp()
            >>> p.stop()
            2
        """
        self._end_step()
        if self._running:
            self._end()

    def step(self) -> None:
        """End a step, and begin the next.

        Example:
            >>> with pb.profiler.profile() as p:
            ...     p.step()
            >>> p.step_num
            1
        """
        self._end_step()
        before = self.current_action
        self.step_num += 1
        after = self.current_action
        if self._running and (before is ProfilerAction.RECORD_AND_SAVE or after not in _MEASURES):
            self._end()
        if not self._running and after in _MEASURES:
            self._begin()
        self._begin_step()

    @property
    def _running(self) -> bool:
        return self.profiler is not None and self.profiler.entered

    def _begin(self) -> None:
        self.profiler = self._make()
        self.profiler.__enter__()

    def _end(self) -> None:
        assert self.profiler is not None
        self.profiler.__exit__(None, None, None)
        if self.on_trace_ready:
            self.on_trace_ready(self)

    def _begin_step(self) -> None:
        if self._running and self.schedule:
            self._step = record_function(f"ProfilerStep#{self.step_num}")
            self._step.__enter__()

    def _end_step(self) -> None:
        if self._step:
            self._step.__exit__()
            self._step = None

    def _found(self) -> _profile:
        if self.profiler is None:
            raise AssertionError("the profile has measured nothing yet")
        return self.profiler

    def events(self) -> EventList:
        """All events of the steps that were measured last. AssertionError before any were.

        Example:
            >>> with pb.profiler.profile() as p:
            ...     _ = pb.ones(2).exp()
            >>> [event.name for event in p.events()]
            ['ones', 'exp']
        """
        return self._found().function_events

    def key_averages(
        self,
        group_by_input_shape: bool = False,
        group_by_stack_n: int = 0,
        group_by_overload_name: bool = False,
    ) -> EventList:
        """The sums of the events of each name.

        Example:
            >>> with pb.profiler.profile() as p:
            ...     _ = pb.ones(2) + pb.ones(2)
            >>> [(each.key, each.count) for each in p.key_averages()]
            [('ones', 2), ('add', 1)]
        """
        return self._found().key_averages(group_by_input_shape, group_by_stack_n, group_by_overload_name)

    def export_chrome_trace(self, path: str, use_python_export: bool = False) -> None:
        """Write the events for a browser: ``chrome://tracing``, ``ui.perfetto.dev``. A name with ``.gz`` is packed.

        Example:
            >>> import os, tempfile
            >>> with pb.profiler.profile() as p:
            ...     _ = pb.ones(2).exp()
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     p.export_chrome_trace(os.path.join(folder, "trace.json"))
        """
        if not path.endswith(".gz"):
            return self._found().export_chrome_trace(path, self._metadata)
        import gzip

        plain = path[: -len(".gz")]
        self._found().export_chrome_trace(plain, self._metadata)
        with open(plain, "rb") as file, gzip.open(path, "wb") as packed:
            packed.write(file.read())
        os.remove(plain)

    def export_stacks(self, path: str, metric: str = "self_cpu_time_total") -> None:
        """Write how long each line took, for flame graphs. Needs ``with_stack=True``.

        Example:
            >>> import os, tempfile
            >>> with pb.profiler.profile(with_stack=True) as p:
            ...     _ = pb.ones(2).exp()
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     p.export_stacks(os.path.join(folder, "stacks.txt"))
        """
        self._found().export_stacks(path, metric)

    def add_metadata(self, key: str, value: str) -> None:
        """A text of your own in the file of a trace.

        Example:
            >>> p = pb.profiler.profile()
            >>> p.add_metadata("run", "the third")
        """
        self._metadata[key] = value

    def add_metadata_json(self, key: str, value: str) -> None:
        """The same, of a value that is written in JSON.

        Example:
            >>> p = pb.profiler.profile()
            >>> p.add_metadata_json("layers", "[3, 4]")
        """
        self._metadata[key] = json.loads(value)


def __getattr__(name: str) -> object:
    raise missing(__name__, name)
