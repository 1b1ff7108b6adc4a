"""Batches on their way from a worker to the main process.

A message is a pickle and, behind it, the memory of its larger arrays, which the main process reads to where the tensor
has it. What a message holds is unpickled when somebody wants it, so that an object which cannot be made again raises
where its batch is due.

Each worker has pipes of its own, whose other ends nobody else holds: a worker that is killed in the middle of a message
leaves the end of a file, not a lock that is never released.
"""

from __future__ import annotations

import io
import os
import pickle
import struct
import weakref
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import Any

import numpy as np

from ...._core import Tensor
from ....operators.copies import reduced_alone

__all__: list[str] = []

RESULT, END, RESUMED = range(
    3
)  # kinds of messages: of a task, of a dataset that was run through, of a `Resume`
_APART = 1 << 14  # bytes; a smaller array travels inside of the pickle
_AT_ONCE = 1 << 20  # bytes that a pipe holds, where the system lets us say so


class Pickler(ForkingPickler):
    """Pickles as `multiprocessing` does, but for tensors: no graph goes with them, and no memory that they do not reach."""

    def reducer_override(self, obj: Any) -> Any:
        """A sample may be a view of the whole dataset, of which the sample alone is sent."""
        if not isinstance(obj, Tensor):
            return NotImplemented
        if obj.requires_grad and not obj.is_leaf:
            raise RuntimeError(
                "Cowardly refusing to serialize non-leaf tensor which requires_grad, since autograd does not support "
                "crossing process boundaries. If you just want to transfer the data, call detach() on the tensor before "
                "serializing (e.g., putting it on the queue). A dataset may also work inside of pullback.no_grad()."
            )
        return reduced_alone(obj) if type(obj).__reduce_ex__ is Tensor.__reduce_ex__ else NotImplemented


def packed(kind: int, number: int, value: Any) -> list[Any]:
    """A message: its head, with the pickle, and the arrays that follow."""
    apart: list[memoryview] = []

    def keep(buffer: pickle.PickleBuffer) -> bool:
        view = buffer.raw()
        if view.nbytes < _APART:
            return True
        apart.append(memoryview(bytes(view)))  # a dataset may fill the same array again before it is written
        return False

    text = io.BytesIO()
    Pickler(text, 5, True, keep).dump(value)
    head = struct.pack(f"<BqI{len(apart)}Q", kind, number, len(apart), *[view.nbytes for view in apart])
    return [head + text.getbuffer(), *apart]


def send(connection: Connection, message: list[Any]) -> None:
    """Write a message; it waits until the other side has read most of it."""
    head, *apart = message
    connection.send_bytes(head)
    for view in apart:
        if not hasattr(os, "readv"):  # Windows
            connection.send_bytes(view)
            continue
        while view:
            view = view[os.write(connection.fileno(), view) :]


class Message:
    """What was read: its kind, the number of a task, and a value that is made when it is asked for."""

    def __init__(self, connection: Connection) -> None:
        head = connection.recv_bytes()
        self.kind, self.number, count = struct.unpack_from("<BqI", head)
        sizes = struct.unpack_from(f"<{count}Q", head, 13)
        self._text = memoryview(head)[13 + 8 * count :]
        self._apart = [_read(connection, size) for size in sizes]

    def value(self) -> Any:
        """The value that was sent."""
        return pickle.loads(self._text, buffers=self._apart)


def _read(connection: Connection, size: int) -> Any:
    memory: Any = np.empty(size, np.uint8)
    if not hasattr(os, "readv"):  # Windows
        connection.recv_bytes_into(memory)
        return memory
    rest = memoryview(memory)
    while rest:
        count = os.readv(connection.fileno(), [rest])
        if not count:
            raise EOFError
        rest = rest[count:]
    return memory


def widen(connection: Connection) -> None:
    """Let a pipe hold more before who writes has to wait for who reads."""
    try:
        import fcntl

        fcntl.fcntl(connection.fileno(), fcntl.F_SETPIPE_SZ, _AT_ONCE)
    except (ImportError, AttributeError, OSError):  # not this system, or more than it gives to one user
        pass


# ---- ends of pipes that only this process may hold --------------------------------------------------------------

_ours: weakref.WeakSet[Connection] = weakref.WeakSet()


def keep_here(connection: Connection) -> Connection:
    """Close it in processes that fork from this one: what nobody else holds ends when this process does."""
    _ours.add(connection)
    return connection


def _close_inherited() -> None:
    for connection in list(_ours):
        connection.close()
    _ours.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_inherited)
