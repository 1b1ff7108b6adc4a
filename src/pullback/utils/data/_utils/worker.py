"""What runs in a worker: two threads that read tasks and write results, and between them the dataset."""

from __future__ import annotations

import os
import queue
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from ...._core import set_num_threads
from ....operators.generators import manual_seed
from . import transport
from .errors import ExceptionWrapper
from .fetch import _DatasetKind

__all__ = ["WorkerInfo", "get_worker_info"]

STATUS_CHECK_INTERVAL = 5.0  # seconds after which who waits looks whether the other side lives


@dataclass(frozen=True)
class WorkerInfo:
    """What a worker knows of itself: its number, how many there are, its seed, and its copy of the dataset."""

    id: int
    num_workers: int
    seed: int
    dataset: Any
    rng: Any = None
    worker_method: str | None = "multiprocessing"


_worker_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """In a worker of a `DataLoader` what it knows of itself, elsewhere None.

    It has ``id``, from 0 on, ``num_workers``, the ``seed`` of this worker, and ``dataset``, its own copy of it: a
    ``worker_init_fn`` may tell that copy which part of the samples is its.

    Example:
        >>> pb.utils.data.get_worker_info() is None
        True
    """
    return _worker_info


class Resume:
    """A task: the dataset is run through once more."""


class Inbox:
    """Tasks as they come. A thread reads them, so that the main process never waits for a worker that is at work."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.closed = False
        threading.Thread(target=self._read, name="pullback_tasks", daemon=True).start()

    def _read(self) -> None:
        parent = os.getppid()
        try:
            while True:
                while not self._connection.poll(STATUS_CHECK_INTERVAL):
                    if os.getppid() != parent:
                        raise EOFError
                self._tasks.put(self._connection.recv())
        except (EOFError, OSError):
            pass  # the main process is gone
        finally:
            self.closed = True
            self._tasks.put(None)
        ends = time.monotonic() + STATUS_CHECK_INTERVAL
        while os.getppid() == parent or time.monotonic() < ends:  # the main process ends who goes on
            time.sleep(0.2)
        os._exit(1)  # it cannot any more

    def next(self) -> Any:
        """The next task, or None when there will be none: also where some are left, which nobody waits for."""
        task = self._tasks.get()
        return None if self.closed else task


class Outbox:
    """Results on their way. A thread writes them, so that a worker goes on while nobody reads."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._messages: queue.SimpleQueue[Any] = queue.SimpleQueue()
        threading.Thread(target=self._write, name="pullback_results", daemon=True).start()

    def _write(self) -> None:
        try:
            while True:
                transport.send(self._connection, self._messages.get())
        except OSError:
            pass  # nobody reads any more

    def put(self, kind: int, number: int, value: Any, where: str) -> None:
        """Send a result, or the exception that says why it cannot be sent."""
        try:
            message = transport.packed(kind, number, value)
        except Exception:
            message = transport.packed(kind, number, _plain(ExceptionWrapper(where)))
        self._messages.put(message)


def _plain(error: ExceptionWrapper) -> ExceptionWrapper:
    """The wrapper with a type that the main process has for certain."""
    if error.exc_type.__module__ != "builtins":
        error.exc_type = RuntimeError
    return error


def seed_all(base_seed: int, worker_id: int) -> int:
    """Seed all generators of numbers in this worker as PyTorch does; the seed of the first two is returned."""
    import numpy as np

    seed = base_seed + worker_id
    random.seed(seed)
    manual_seed(seed)
    # Other words than the seed itself: NumPy's generator is the same as Python's, and would give the same numbers.
    entropy = np.random.SeedSequence([worker_id, base_seed & 0xFFFFFFFF, base_seed >> 32])
    np.random.seed(entropy.generate_state(4))
    return seed


def _worker_loop(
    dataset_kind: int,
    dataset: Any,
    tasks: Connection,
    results: Connection,
    auto_collation: bool,
    collate_fn: Callable[[Any], Any],
    drop_last: bool,
    base_seed: int,
    init_fn: Callable[[int], Any] | None,
    worker_id: int,
    num_workers: int,
) -> None:
    global _worker_info
    where = _where(worker_id)
    try:
        inbox, outbox = Inbox(tasks), Outbox(results)
        set_num_threads(1)  # the workers share the processors
        seed = seed_all(base_seed, worker_id)
        _worker_info = WorkerInfo(worker_id, num_workers, seed, dataset)

        failed: ExceptionWrapper | None = None  # what came of `init_fn`
        try:
            if init_fn is not None:
                init_fn(worker_id)
        except Exception:
            failed = ExceptionWrapper(where)
        work = Work(dataset_kind, dataset, auto_collation, collate_fn, drop_last, worker_id, failed)
        while (task := inbox.next()) is not None:
            if isinstance(task, Resume):
                work.begin()
                outbox.put(transport.RESUMED, -1, None, where)
            elif not work.ended:
                number, index = task
                value = work.result(index)
                outbox.put(transport.END if work.ended else transport.RESULT, number, value, where)
                del value, index
            del task  # what it holds is free while the worker waits
    except KeyboardInterrupt:
        pass  # the main process hears of it, too


class Work:
    """The dataset, run through once or asked for samples; what raises becomes a result, too."""

    def __init__(
        self,
        kind: int,
        dataset: Any,
        auto_collation: bool,
        collate_fn: Callable[[Any], Any],
        drop_last: bool,
        worker_id: int,
        failed: ExceptionWrapper | None,
    ) -> None:
        self._how = kind, dataset, auto_collation, collate_fn, drop_last
        self._worker_id = worker_id
        self._failed_for_good = failed
        self.begin()

    def begin(self) -> None:
        """Start from the front."""
        self.ended = False  # the main process has been told, and may not know it yet
        self._failed = self._failed_for_good
        if self._failed is None:
            try:
                self._fetcher = _DatasetKind.create_fetcher(*self._how)
            except Exception:
                self._failed = self._error()

    def result(self, index: Any) -> Any:
        """The batch of an index, or what is sent in its place."""
        if self._failed is not None:
            return self._failed
        try:
            return self._fetcher.fetch(index)
        except StopIteration:
            if self._how[0] != _DatasetKind.Iterable:
                return self._error()
            self.ended = True
            return None
        except Exception:
            return self._error()

    def _error(self) -> ExceptionWrapper:
        return ExceptionWrapper(_where(self._worker_id))


def _where(worker_id: int) -> str:
    return f"in DataLoader worker process {worker_id}"
