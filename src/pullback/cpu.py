"""`torch.cpu`: the processor under the names that devices have, so that code for any device runs. Work is done at once."""

from __future__ import annotations

from typing import Any

from .messages.missing import missing
from .without import Idle

__all__ = [
    "Event",
    "Stream",
    "StreamContext",
    "current_device",
    "current_stream",
    "device_count",
    "is_available",
    "is_initialized",
    "set_device",
    "stream",
    "synchronize",
]


def is_available() -> bool:
    """Whether there is a processor: True.

    Example:
        >>> pb.cpu.is_available()
        True
    """
    return True


def is_initialized() -> bool:
    """Whether the processor has been started: True.

    Example:
        >>> pb.cpu.is_initialized()
        True
    """
    return True


def device_count() -> int:
    """How many devices processors are: 1.

    Example:
        >>> pb.cpu.device_count()
        1
    """
    return 1


def current_device() -> str:
    """The device in use.

    Example:
        >>> pb.cpu.current_device()
        'cpu'
    """
    return "cpu"


def set_device(device: Any) -> None:
    """Choose the only device.

    Example:
        >>> pb.cpu.set_device("cpu")
    """


def synchronize(device: Any = None) -> None:
    """Wait for work of a device: none is done elsewhere. What is pending runs by `pullback.synchronize`.

    Example:
        >>> pb.cpu.synchronize()
    """


class Stream:
    """A sequence of work: work runs as it is written.

    Example:
        >>> stream = pb.cpu.Stream()
        >>> stream.wait_stream(pb.cpu.current_stream())
    """

    def __init__(self, priority: int = -1) -> None:
        pass

    def wait_stream(self, stream: Any) -> None:
        """Wait for another; its work is done.

        Example:
            >>> pb.cpu.Stream().wait_stream(pb.cpu.Stream())
        """

    def record_event(self) -> None:
        """Mark a point in the work; it has been reached.

        Example:
            >>> pb.cpu.Stream().record_event()
        """

    def wait_event(self, event: Any) -> None:
        """Wait for a point in the work; it has been reached.

        Example:
            >>> pb.cpu.Stream().wait_event(pb.cpu.Event())
        """


class Event:
    """A point in the work, which has been reached.

    Example:
        >>> pb.cpu.Event().query()
        True
    """

    def query(self) -> bool:
        """Whether it has been reached: True.

        Example:
            >>> pb.cpu.Event().query()
            True
        """
        return True

    def record(self, stream: Any = None) -> None:
        """Mark the point.

        Example:
            >>> pb.cpu.Event().record()
        """

    def synchronize(self) -> None:
        """Wait until it is reached.

        Example:
            >>> pb.cpu.Event().synchronize()
        """

    def wait(self, stream: Any = None) -> None:
        """Let a stream wait until it is reached.

        Example:
            >>> pb.cpu.Event().wait()
        """


class StreamContext(Idle):
    """A block of work for a stream: work runs as it is written.

    Example:
        >>> with pb.cpu.StreamContext(pb.cpu.Stream()):
        ...     pb.ones(1)
        tensor([1.])
    """

    def __init__(self, stream: Any) -> None:
        self.stream = stream


def current_stream(device: Any = None) -> Stream:
    """The stream in use.

    Example:
        >>> type(pb.cpu.current_stream()).__name__
        'Stream'
    """
    return Stream()


def stream(stream: Any) -> StreamContext:
    """A block of work for a stream.

    Example:
        >>> with pb.cpu.stream(pb.cpu.Stream()):
        ...     pb.ones(1)
        tensor([1.])
    """
    return StreamContext(stream)


def __getattr__(name: str) -> Any:
    raise missing(__name__, name)
