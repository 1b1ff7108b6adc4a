"""Running through a `DataLoader` with workers: who gets which task, and what comes back in which order.

Tasks have numbers and are given to the workers in turn, `prefetch_factor` to each at most. What comes back early waits
until it is due. A worker that ends before it was told to is an error here, as soon as somebody waits: its end of the
pipe is closed then, and every wait looks for that.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import pickle
import signal
import time
import warnings
from multiprocessing.connection import wait
from typing import Any

from ... import _core
from ._utils import transport
from ._utils.errors import ExceptionWrapper
from ._utils.worker import STATUS_CHECK_INTERVAL, Resume, _worker_loop
from .iterators import _BaseDataLoaderIter

__all__: list[str] = []


class _Worker:
    """A worker, as the main process sees it."""

    def __init__(self, context: Any, dataset_kind: int, dataset: Any, *arguments: Any) -> None:
        tasks, self.tasks_end = context.Pipe(duplex=False)
        self.results, results = context.Pipe(duplex=False)
        transport.widen(results)
        for mine in (self.tasks_end, self.results):
            transport.keep_here(mine)
        self.active = True  # there may be more from it in this run
        self.tasks = 0  # how many it has at the moment
        self.process = context.Process(
            target=_worker_loop, args=(dataset_kind, dataset, tasks, results, *arguments), daemon=True
        )
        try:
            self.process.start()
        finally:  # these are the worker's alone
            tasks.close()
            results.close()

    def close(self) -> None:
        """Nothing goes there or comes from there any more: it ends after the batch that it is at."""
        self.tasks_end.close()
        self.results.close()

    def obituary(self) -> str:
        """What is said of a worker that has ended before its time."""
        self.process.join(1.0)
        code = self.process.exitcode
        if code is not None and code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
            how = f"It was killed by {name}" + (
                ", as the system does where memory runs out: fewer workers or smaller batches need less."
                if name == "SIGKILL"
                else "."
            )
        else:
            how = f"Its exit code is {code}; what it has printed may say more, and num_workers=0 shows where it happens."
        return f"DataLoader worker (pid(s) {self.process.pid}) exited unexpectedly. {how}"


class _MultiProcessingDataLoaderIter(_BaseDataLoaderIter):
    def __init__(self, loader: Any) -> None:
        self._shutdown = False
        self._workers: list[_Worker] = []
        self._pid = os.getpid()
        super().__init__(loader)
        if self._num_workers <= 0:
            raise AssertionError("num_workers must be greater than 0 for MultiProcessingDataLoaderIter")
        if loader.prefetch_factor is None or loader.prefetch_factor <= 0:
            raise AssertionError("prefetch_factor must be greater than 0 for MultiProcessingDataLoaderIter")
        self._prefetch_factor = loader.prefetch_factor
        self._in_order = loader.in_order
        context = loader.multiprocessing_context or multiprocessing.get_context()
        _core.synchronize()  # what is pending in the dataset would be computed by each worker
        for worker_id in range(self._num_workers):
            try:
                worker = _Worker(
                    context,
                    self._dataset_kind,
                    self._dataset,
                    self._auto_collation,
                    self._collate_fn,
                    self._drop_last,
                    self._base_seed,
                    loader.worker_init_fn,
                    worker_id,
                    self._num_workers,
                )
            except (TypeError, AttributeError, pickle.PicklingError):
                warnings.warn(
                    "Got pickle error when attempting to start a worker Process. This might be because the worker Process "
                    "arguments are not picklable. Python 3.14+ changed the multiprocessing start method in non-Mac POSIX "
                    "platforms to 'forkserver', which requires the worker Process arguments to be picklable. You can also "
                    "try multiprocessing.set_start_method('fork').",
                    stacklevel=4,
                )
                raise
            self._workers.append(worker)
        super()._reset(loader)  # PyTorch asks the sampler once more, and so its numbers are others
        self._begin()

    def _reset(self, loader: Any) -> None:
        super()._reset(loader)
        try:
            for worker in self._workers:
                worker.active, worker.tasks = True, 0
                self._give(worker, Resume())
            waiting = self._num_workers
            while waiting:  # what else comes is left from a run that was not finished
                message = self._message(self._timeout)[1]
                waiting -= message.kind == transport.RESUMED
            self._begin()
        except BaseException:  # who resumes, and who does not, nobody knows any more
            self._shutdown_workers()
            raise

    def _begin(self) -> None:
        self._send_idx = 0  # of the next task that is given
        self._rcvd_idx = 0  # of the next result that is due
        self._given: dict[int, _Worker] = {}  # who has a task whose result has not come
        self._early: dict[int, tuple[_Worker, transport.Message]] = {}  # what came before it was due
        self._turns = itertools.cycle(self._workers)
        for _ in range(self._prefetch_factor * self._num_workers):
            self._try_put_index()

    # ---- tasks ----

    def _give(self, worker: _Worker, task: Any) -> None:
        try:
            worker.tasks_end.send(task)
        except OSError:
            pass  # it is dead: who waits for its results will see
        except KeyboardInterrupt:  # perhaps half of it is written
            self._shutdown_workers()
            raise

    def _try_put_index(self) -> None:
        try:
            index = self._next_index()
        except StopIteration:
            return
        active = sum(worker.active for worker in self._workers)
        for _ in range(self._num_workers):
            worker = next(self._turns)
            share = self._prefetch_factor * self._num_workers // max(active, 1)
            if worker.active and (self._in_order or worker.tasks < share):
                break
        else:
            return
        self._give(worker, (self._send_idx, index))
        self._given[self._send_idx] = worker
        worker.tasks += 1
        self._send_idx += 1

    # ---- results ----

    def _next_data(self) -> Any:
        while self._skip_what_will_not_come():
            if self._rcvd_idx in self._early:
                worker, message = self._early.pop(self._rcvd_idx)
                self._rcvd_idx += 1
                return self._value(worker, message)
            worker, message = self._message(self._timeout)
            if message.kind == transport.END:
                worker.active = False
                if not self._persistent_workers:
                    worker.tasks_end.close()  # it may go
                self._try_put_index()
                continue
            del self._given[message.number]
            if message.number == self._rcvd_idx:
                self._rcvd_idx += 1
            elif self._in_order:
                self._early[message.number] = worker, message
                continue
            return self._value(worker, message)
        if not self._persistent_workers:
            self._shutdown_workers()
        raise StopIteration

    def _skip_what_will_not_come(self) -> bool:
        """Whether there is a result to wait for: those of streams that have ended are passed over."""
        while self._rcvd_idx < self._send_idx:
            worker = self._given.get(self._rcvd_idx)
            if self._rcvd_idx in self._early or (worker is not None and worker.active):
                return True
            self._given.pop(self._rcvd_idx, None)
            self._rcvd_idx += 1
        return False

    def _value(self, worker: _Worker, message: transport.Message) -> Any:
        worker.tasks -= 1
        self._try_put_index()
        value = message.value()
        if isinstance(value, ExceptionWrapper):
            value.reraise()
        return value

    def _message(self, limit: float) -> tuple[_Worker, transport.Message]:
        """The next message of a worker; `limit` is in seconds, or 0."""
        if self._shutdown or self._pid != os.getpid():
            where = "gone" if self._shutdown else "those of another process"
            raise RuntimeError(f"the workers of this iterator are {where}: iter(loader) starts new ones.")
        ends = time.monotonic() + limit
        while True:
            waiting = {}
            for worker in self._workers:
                if not worker.tasks_end.closed:
                    waiting[worker.results] = waiting[worker.process.sentinel] = worker
            rest = ends - time.monotonic() if limit else STATUS_CHECK_INTERVAL
            ready = wait(list(waiting), max(0.0, min(rest, STATUS_CHECK_INTERVAL)))
            for each in ready:
                return self._read(waiting[each])
            if limit and time.monotonic() >= ends:
                raise RuntimeError(f"DataLoader timed out after {limit} seconds")

    def _read(self, worker: _Worker) -> tuple[_Worker, transport.Message]:
        try:
            if worker.results.poll():
                return worker, transport.Message(worker.results)
        except (EOFError, OSError):
            pass
        except BaseException:  # perhaps half of it is read
            self._shutdown_workers()
            raise
        self._shutdown_workers()
        raise RuntimeError(worker.obituary())

    # ---- the end ----

    def _shutdown_workers(self) -> None:
        if self._shutdown or self._pid != os.getpid():
            return
        self._shutdown = True
        for worker in self._workers:
            worker.close()
        patience = time.monotonic() + STATUS_CHECK_INTERVAL
        for worker in self._workers:
            worker.process.join(max(0.0, patience - time.monotonic()))
        for end in ("terminate", "kill"):
            for worker in self._workers:
                if worker.process.is_alive():
                    getattr(worker.process, end)()
                    worker.process.join(1.0)

    def __del__(self) -> None:
        self._shutdown_workers()
