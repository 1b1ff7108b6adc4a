"""`DataLoader`: a dataset, an order, and how many processes make its batches."""

from __future__ import annotations

import math
import multiprocessing
import multiprocessing.context
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from ...messages.missing import missing
from ._utils.collate import default_collate, default_convert
from ._utils.fetch import _DatasetKind
from ._utils.worker import get_worker_info
from .dataset import Dataset, IterableDataset
from .iterators import _BaseDataLoaderIter, _SingleProcessDataLoaderIter
from .processes import _MultiProcessingDataLoaderIter
from .sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler

__all__ = ["DataLoader", "default_collate", "default_convert", "get_worker_info"]

_T_co = TypeVar("_T_co", covariant=True)
_FIXED = {"batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"}


class _InfiniteConstantSampler(Sampler[None]):
    """Asks an `IterableDataset` for more without an end: it alone knows how much there is."""

    def __iter__(self) -> Iterator[None]:
        while True:
            yield None


class DataLoader(Generic[_T_co]):
    """The batches of a dataset, made in this process or by workers.

    What it gives is the same, sample by sample, as PyTorch's after the same seed: the order of `shuffle`, and what
    random numbers a worker draws (``pullback``'s, Python's and NumPy's default ones).

    Args:
        dataset: what gives samples by index (``dataset[i]``, ``len(dataset)``), or an `IterableDataset`.
        batch_size: how many samples a batch has; None gives the samples themselves.
        shuffle: another random order each time.
        sampler: the order: any iterable of indices.
        batch_sampler: any iterable of lists of indices; it stands for `batch_size`, `shuffle`, `sampler`, `drop_last`.
        num_workers: how many processes make batches; 0 makes them here, when they are asked for.
        collate_fn: makes a batch of a list of samples: `default_collate`, where nobody says otherwise.
        pin_memory: without effect; it warns, as there is no other device.
        drop_last: leave out the last batch if it is smaller.
        timeout: how many seconds to wait for a batch of a worker; 0 waits as long as the worker lives.
        worker_init_fn: called in each worker with its number, before it makes batches.
        multiprocessing_context: how processes start, a name or a context of `multiprocessing`.
        generator: what draws the order and the seed of the workers; the default one, where there is none.
        prefetch_factor: how many batches each worker makes ahead, 2 where nobody says otherwise.
        persistent_workers: keep the workers, and their datasets, from one run through to the next.
        pin_memory_device: without effect.
        in_order: give batches in their order; False gives them as they come.

    A worker that raises an exception raises one of the same type here, with the worker's traceback in its text. One that
    is killed, or ends, raises RuntimeError. Workers end with the iterator, and when this process does.

    Raises ValueError for options that contradict each other, TypeError for a context that is none.

    Example:
        >>> data = pb.utils.data.TensorDataset(pb.arange(5.0), pb.arange(5) * 10)
        >>> generator = pb.Generator().manual_seed(0)
        >>> for x, y in pb.utils.data.DataLoader(data, batch_size=2, shuffle=True, generator=generator):
        ...     print(x, y)
        tensor([3., 1.]) tensor([30, 10])
        tensor([0., 4.]) tensor([ 0, 40])
        tensor([2.]) tensor([20])
    """

    dataset: Any
    batch_size: int | None
    num_workers: int
    pin_memory: bool
    drop_last: bool
    timeout: float
    sampler: Any
    pin_memory_device: str
    prefetch_factor: int | None
    _iterator: Any
    __initialized = False

    def __init__(
        self,
        dataset: Dataset[_T_co],
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[list[Any]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], Any] | None = None,
        multiprocessing_context: Any = None,
        generator: Any = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        if num_workers < 0:
            raise ValueError(
                "num_workers option should be non-negative; use num_workers=0 to disable multiprocessing."
            )
        if timeout < 0:
            raise ValueError("timeout option should be non-negative")
        if num_workers == 0 and prefetch_factor is not None:
            raise ValueError(
                "prefetch_factor option could only be specified in multiprocessing.let num_workers > 0 to enable "
                "multiprocessing, otherwise set prefetch_factor to None."
            )
        if prefetch_factor is not None and prefetch_factor < 0:
            raise ValueError("prefetch_factor option should be non-negative")
        if persistent_workers and num_workers == 0:
            raise ValueError("persistent_workers option needs num_workers > 0")
        self.dataset = dataset
        self.num_workers = num_workers
        self.prefetch_factor = 2 if num_workers > 0 and prefetch_factor is None else prefetch_factor
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.in_order = in_order

        if isinstance(dataset, IterableDataset):
            self._dataset_kind = _DatasetKind.Iterable
            _check_stream(shuffle, sampler, batch_sampler)
        else:
            self._dataset_kind = _DatasetKind.Map
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"
                )
            batch_size = None
        elif batch_size is None and drop_last:
            raise ValueError(
                "batch_size=None option disables auto-batching and is mutually exclusive with drop_last"
            )
        if sampler is None:
            if self._dataset_kind == _DatasetKind.Iterable:
                sampler = _InfiniteConstantSampler()
            elif shuffle:
                sampler = RandomSampler(dataset, generator=generator)  # type: ignore[arg-type]
            else:
                sampler = SequentialSampler(dataset)  # type: ignore[arg-type]
        if batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.generator = generator
        self.collate_fn = collate_fn or (default_collate if self._auto_collation else default_convert)
        self.persistent_workers = persistent_workers
        self.__initialized = True
        self._IterableDataset_len_called: int | None = None
        self._iterator = None
        self.check_worker_number_rationality()

    @property
    def multiprocessing_context(self) -> Any:
        """How workers start: a context of `multiprocessing`, or None for the system's own way.

        Example:
            >>> pb.utils.data.DataLoader([1, 2], num_workers=1, multiprocessing_context="spawn").multiprocessing_context
            <multiprocessing.context.SpawnContext object at ...>
        """
        return self.__multiprocessing_context

    @multiprocessing_context.setter
    def multiprocessing_context(self, multiprocessing_context: Any) -> None:
        given = multiprocessing_context
        if given is not None:
            if self.num_workers <= 0:
                raise ValueError(
                    "multiprocessing_context can only be used with multi-process loading (num_workers > 0), but got "
                    f"num_workers={self.num_workers}"
                )
            if isinstance(given, str):
                known = multiprocessing.get_all_start_methods()
                if given not in known:
                    raise ValueError(
                        f"multiprocessing_context option should specify a valid start method in {known!r}, but got "
                        f"multiprocessing_context={given!r}"
                    )
                given = multiprocessing.get_context(given)
            if not isinstance(given, multiprocessing.context.BaseContext):
                raise TypeError(
                    "multiprocessing_context option should be a valid context object or a string specifying the start "
                    f"method, but got multiprocessing_context={given}"
                )
        self.__multiprocessing_context = given

    def __setattr__(self, attr: str, val: Any) -> None:
        if self.__initialized and attr in _FIXED:
            raise ValueError(
                f"{attr} attribute should not be set after {type(self).__name__} is initialized. Make another loader."
            )
        super().__setattr__(attr, val)

    def _get_iterator(self) -> _BaseDataLoaderIter:
        if self.num_workers == 0:
            return _SingleProcessDataLoaderIter(self)
        self.check_worker_number_rationality()
        return _MultiProcessingDataLoaderIter(self)

    def __iter__(self) -> Iterator[Any]:
        if not (self.persistent_workers and self.num_workers > 0):
            return self._get_iterator()
        if self._iterator is None or self._iterator._shutdown:
            self._iterator = self._get_iterator()
        else:
            self._iterator._reset(self)
        found: Iterator[Any] = self._iterator
        return found

    @property
    def _auto_collation(self) -> bool:
        return self.batch_sampler is not None

    @property
    def _index_sampler(self) -> Any:
        return self.batch_sampler if self._auto_collation else self.sampler

    def __len__(self) -> int:
        if self._dataset_kind != _DatasetKind.Iterable:
            return len(self._index_sampler)
        length = self._IterableDataset_len_called = len(self.dataset)
        if self.batch_size is None:
            return length
        return length // self.batch_size if self.drop_last else math.ceil(length / self.batch_size)

    def check_worker_number_rationality(self) -> None:
        """Warn where there are more workers than processors that this process may use.

        Example:
            >>> pb.utils.data.DataLoader([1, 2], num_workers=1).check_worker_number_rationality()
        """
        if not self.num_workers:
            return
        known = hasattr(os, "sched_getaffinity")
        processors = len(os.sched_getaffinity(0)) if known else os.cpu_count()
        if processors is not None and self.num_workers <= processors:
            return
        suggestion = (
            "DataLoader is not able to compute a suggested max number of worker in current system."
            if processors is None
            else f"Our suggested max number of worker in current system is {processors}"
            f"{'' if known else ' (`cpuset` is not taken into account)'}, which is smaller than what this DataLoader is "
            "going to create."
        )
        warnings.warn(
            f"This DataLoader will create {self.num_workers} worker processes in total. {suggestion} Please be aware that "
            "excessive worker creation might get DataLoader running slow or even freeze, lower the worker number to avoid "
            "potential slowness/freeze if necessary.",
            stacklevel=2,
        )


def _check_stream(shuffle: Any, sampler: Any, batch_sampler: Any) -> None:
    """A dataset that is run through has its own order."""
    if shuffle not in {False, None}:
        raise ValueError(
            f"DataLoader with IterableDataset: expected unspecified shuffle option, but got shuffle={shuffle}"
        )
    if sampler is not None:
        raise ValueError(
            f"DataLoader with IterableDataset: expected unspecified sampler option, but got sampler={sampler}"
        )
    if batch_sampler is not None:
        raise ValueError(
            "DataLoader with IterableDataset: expected unspecified batch_sampler option, but got "
            f"batch_sampler={batch_sampler}"
        )


def __getattr__(name: str) -> object:
    raise missing(__name__, name)
