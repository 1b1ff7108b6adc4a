"""Sets of samples: those that are asked for a sample by its index, those that are run through, and sets made of sets."""

from __future__ import annotations

import bisect
import itertools
import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from ...messages.missing import missing
from ...operators.generators import default_generator
from ...operators.random import randperm
from ._utils.fetch import samples_of

__all__ = [
    "ChainDataset",
    "ConcatDataset",
    "Dataset",
    "IterableDataset",
    "StackDataset",
    "Subset",
    "TensorDataset",
    "random_split",
]

_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)


class Dataset(Generic[_T_co]):
    """What gives a sample for an index; a subclass has ``__getitem__``, and ``__len__`` where samplers are to know it.

    It may have ``__getitems__(indices)`` besides, which gives the list of a batch's samples at once. ``a + b`` is the
    `ConcatDataset` of both.

    Raises NotImplementedError for a sample, where the subclass gives none.

    Example:
        >>> class Squares(pb.utils.data.Dataset):
        ...     def __getitem__(self, index):
        ...         return index * index
        ...     def __len__(self):
        ...         return 4
        >>> [batch.tolist() for batch in pb.utils.data.DataLoader(Squares(), batch_size=3)]
        [[0, 1, 4], [9]]
    """

    def __getitem__(self, index: Any) -> _T_co:
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")

    def __add__(self, other: Dataset[Any]) -> Any:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[_T_co], Iterable[_T_co]):
    """What is run through, in an order of its own: a stream of samples; a subclass has ``__iter__``.

    Each worker of a `DataLoader` runs through a copy of its own: `get_worker_info` tells ``__iter__`` which part is its.
    ``a + b`` is the `ChainDataset` of both.

    Example:
        >>> class Numbers(pb.utils.data.IterableDataset):
        ...     def __iter__(self):
        ...         worker = pb.utils.data.get_worker_info()
        ...         first, step = (0, 1) if worker is None else (worker.id, worker.num_workers)
        ...         return iter(range(first, 5, step))
        >>> [batch.tolist() for batch in pb.utils.data.DataLoader(Numbers(), batch_size=2)]
        [[0, 1], [2, 3], [4]]
    """

    def __add__(self, other: Dataset[Any]) -> ChainDataset:
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Any, ...]]):
    """Tensors whose entries along the first dimension are the samples: a tuple of one entry of each.

    Raises AssertionError if their first dimensions differ.

    Example:
        >>> data = pb.utils.data.TensorDataset(pb.arange(6.0).view(3, 2), pb.tensor([0, 1, 2]))
        >>> len(data), data[1]
        (3, (tensor([2., 3.]), tensor(1)))
    """

    def __init__(self, *tensors: Any) -> None:
        if any(tensor.size(0) != tensors[0].size(0) for tensor in tensors):
            sizes = ", ".join(str(tensor.size(0)) for tensor in tensors)
            raise AssertionError(
                f"Size mismatch between tensors. Their first dimensions are {sizes}: a sample has one entry of each."
            )
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self) -> int:
        return int(self.tensors[0].size(0))


class StackDataset(Dataset[Any]):
    """Datasets side by side: a sample is a tuple, or a dictionary, of one sample of each.

    Raises ValueError if their lengths differ, if there is none, and for positional and named datasets together.

    Example:
        >>> pairs = pb.utils.data.StackDataset([1, 2], ["one", "two"])
        >>> pairs[0]
        (1, 'one')
        >>> pb.utils.data.StackDataset(number=[1, 2], name=["one", "two"])[1]
        {'number': 2, 'name': 'two'}
    """

    datasets: tuple[Any, ...] | dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args and kwargs:
            raise ValueError(
                "Supported either ``tuple``- (via ``args``) or``dict``- (via ``kwargs``) like input/output, but both "
                "types are given."
            )
        if not args and not kwargs:
            raise ValueError("At least one dataset should be passed")
        self.datasets = args or kwargs
        lengths = [len(each) for each in args or kwargs.values()]
        self._length = lengths[0]
        if any(length != self._length for length in lengths):
            raise ValueError(f"Size mismatch between datasets. They have {lengths} samples.")

    def _named(self) -> Iterable[tuple[Any, Any]]:
        return self.datasets.items() if isinstance(self.datasets, dict) else enumerate(self.datasets)

    def _sample(self, parts: dict[Any, Any]) -> Any:
        return parts if isinstance(self.datasets, dict) else tuple(parts.values())

    def __getitem__(self, index: Any) -> Any:
        return self._sample({name: dataset[index] for name, dataset in self._named()})

    def __getitems__(self, indices: list[Any]) -> list[Any]:
        samples: list[dict[Any, Any]] = [{} for _ in indices]
        for name, dataset in self._named():
            items = samples_of(dataset, indices)
            if len(items) != len(indices):
                raise ValueError(
                    f"Nested dataset's output size mismatch. Expected {len(indices)}, got {len(items)}. It is the "
                    f"`__getitems__` of {type(dataset).__name__}."
                )
            for sample, item in zip(samples, items):
                sample[name] = item
        return [self._sample(sample) for sample in samples]

    def __len__(self) -> int:
        return self._length


class ConcatDataset(Dataset[_T_co]):
    """Datasets one after the other.

    Raises AssertionError if there is none, and for an `IterableDataset`; ValueError for an index before the first sample.

    Example:
        >>> both = pb.utils.data.ConcatDataset([[1, 2, 3], [10, 20]])
        >>> len(both), both[3], both[-1]
        (5, 10, 20)
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        super().__init__()
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("datasets should not be an empty iterable")
        if any(isinstance(each, IterableDataset) for each in self.datasets):
            raise AssertionError("ConcatDataset does not support IterableDataset. ChainDataset chains those.")
        self.cumulative_sizes = self.cumsum(self.datasets)

    @staticmethod
    def cumsum(sequence: Iterable[Any]) -> list[int]:
        """How many samples there are up to the end of each dataset.

        Example:
            >>> pb.utils.data.ConcatDataset.cumsum([[1, 2, 3], [10, 20]])
            [3, 5]
        """
        return list(itertools.accumulate(map(len, sequence)))

    @property
    def cummulative_sizes(self) -> list[int]:
        """An older spelling of ``cumulative_sizes``, which warns.

        Example:
            >>> pb.utils.data.ConcatDataset([[1, 2, 3], [10, 20]]).cummulative_sizes
            [3, 5]
        """
        warnings.warn(
            "`cummulative_sizes` attribute is renamed to `cumulative_sizes`", FutureWarning, stacklevel=2
        )
        return self.cumulative_sizes

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, idx: int) -> _T_co:
        if idx < 0:
            if -idx > len(self):
                raise ValueError(
                    f"absolute value of index should not exceed dataset length. {idx} of {len(self)} samples."
                )
            idx = len(self) + idx
        which = bisect.bisect_right(self.cumulative_sizes, idx)
        found: _T_co = self.datasets[which][idx - (self.cumulative_sizes[which - 1] if which else 0)]
        return found


class ChainDataset(IterableDataset[Any]):
    """Streams one after the other; what `datasets` gives may be made as it is reached.

    Raises AssertionError, when it is run through, for what is not an `IterableDataset`.

    Example:
        >>> class Numbers(pb.utils.data.IterableDataset):
        ...     def __init__(self, *numbers):
        ...         self.numbers = numbers
        ...     def __iter__(self):
        ...         return iter(self.numbers)
        >>> list(pb.utils.data.ChainDataset([Numbers(1, 2), Numbers(30)]))
        [1, 2, 30]
    """

    def __init__(self, datasets: Iterable[Dataset[Any]]) -> None:
        super().__init__()
        self.datasets = datasets

    def _streams(self) -> Iterator[Any]:
        for each in self.datasets:
            if not isinstance(each, IterableDataset):
                raise AssertionError(
                    f"ChainDataset only supports IterableDataset. This is a {type(each).__name__}: ConcatDataset takes "
                    "what has indices."
                )
            yield each

    def __iter__(self) -> Iterator[Any]:
        return itertools.chain.from_iterable(self._streams())

    def __len__(self) -> int:
        return sum(map(len, self._streams()))


class Subset(Dataset[_T_co]):
    """The samples of a dataset at some indices.

    A subclass with a ``__getitem__`` of its own has a ``__getitems__`` as well.

    Raises NotImplementedError where it has not.

    Example:
        >>> part = pb.utils.data.Subset(["a", "b", "c", "d"], [3, 1])
        >>> len(part), part[0]
        (2, 'd')
    """

    def __init__(self, dataset: Any, indices: Sequence[Any]) -> None:
        self.dataset = dataset
        self.indices = indices
        mine = type(self)
        if mine.__getitem__ is not Subset.__getitem__ and mine.__getitems__ is Subset.__getitems__:
            raise NotImplementedError(
                f"{mine.__name__} overrides __getitem__ but not __getitems__. A DataLoader asks a Subset for all samples "
                "of a batch at once, and would not call yours. Define it:\n\n"
                "def __getitems__(self, indices):\n"
                "    return [self[index] for index in indices]"
            )

    def __getitem__(self, idx: Any) -> _T_co:
        found: _T_co = self.dataset[
            [self.indices[i] for i in idx] if isinstance(idx, list) else self.indices[idx]
        ]
        return found

    def __getitems__(self, indices: list[int]) -> list[_T_co]:
        found: list[_T_co] = samples_of(self.dataset, [self.indices[index] for index in indices])
        return found

    def __len__(self) -> int:
        return len(self.indices)


def random_split(
    dataset: Any, lengths: Sequence[int | float], generator: Any = default_generator
) -> list[Subset[Any]]:
    """Parts of a dataset that together are all of it, of samples drawn at random.

    Args:
        dataset: what has a length and gives samples by index.
        lengths: how many samples each part has; or fractions that add up to 1, which are rounded down, and what is left
            over goes to the first parts, one each.
        generator: what draws the order.

    Raises ValueError if the lengths do not add up to that of the dataset, and for a fraction below 0 or above 1.

    Example:
        >>> train, test = pb.utils.data.random_split(range(10), [0.7, 0.3], pb.Generator().manual_seed(0))
        >>> list(test)
        [8, 6, 2]
    """
    total = sum(lengths)
    counts: Sequence[Any] = lengths
    if math.isclose(total, 1) and total <= 1:
        counts = _counts(len(dataset), lengths)
        for index, count in enumerate(counts):
            if count == 0:
                warnings.warn(
                    f"Length of split at index {index} is 0. This might result in an empty dataset.",
                    stacklevel=2,
                )
    if sum(counts) != len(dataset):
        raise ValueError(
            f"Sum of input lengths does not equal the length of the input dataset! They add up to {sum(counts)}; it has "
            f"{len(dataset)} samples."
        )
    order = randperm(sum(counts), generator=generator).tolist()
    return [
        Subset(dataset, order[end - count : end]) for end, count in zip(itertools.accumulate(counts), counts)
    ]


def _counts(samples: int, fractions: Sequence[float]) -> list[int]:
    counts = []
    for index, fraction in enumerate(fractions):
        if fraction < 0 or fraction > 1:
            raise ValueError(f"Fraction at index {index} is not between 0 and 1. It is {fraction}.")
        counts.append(math.floor(samples * fraction))
    for left_over in range(samples - sum(counts)):
        counts[left_over % len(counts)] += 1
    return counts


def __getattr__(name: str) -> object:
    raise missing(__name__, name)
