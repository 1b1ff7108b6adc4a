"""Orders in which samples are asked for, one by one or in batches: PyTorch's numbers after the same seed."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar

from ..._core import Generator, float64, int64
from ...messages.missing import missing
from ...operators.creation import as_tensor, empty
from ...operators.random import multinomial, randint, randperm

__all__ = [
    "BatchSampler",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
]

_T_co = TypeVar("_T_co", covariant=True)
_AT_ONCE = (
    32  # draws with replacement: a program may stop before the end, and PyTorch draws so many at a time
)


class Sampler(Generic[_T_co]):
    """What gives indices, or batches of them; a subclass has ``__iter__``, and ``__len__`` where a loader is to have one.

    Raises NotImplementedError where the subclass has no ``__iter__``.

    Example:
        >>> class Backwards(pb.utils.data.Sampler):
        ...     def __init__(self, data):
        ...         self.data = data
        ...     def __iter__(self):
        ...         return reversed(range(len(self.data)))
        >>> [batch.item() for batch in pb.utils.data.DataLoader([1, 2, 3], sampler=Backwards([1, 2, 3]))]
        [3, 2, 1]
    """

    def __iter__(self) -> Iterator[_T_co]:
        raise NotImplementedError


class SequentialSampler(Sampler[int]):
    """All indices of what has a length, in order.

    Example:
        >>> list(pb.utils.data.SequentialSampler(["a", "b", "c"]))
        [0, 1, 2]
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


def drawn_seed(generator: Any) -> int:
    """A seed, drawn from a generator or the default one."""
    return int(empty((), dtype=int64).random_(generator=generator).item())


class RandomSampler(Sampler[int]):
    """Indices in random order, each once, or drawn with replacement.

    Args:
        data_source: what has a length.
        replacement: whether an index may come again.
        num_samples: how many indices; all by default. More than there are come from one order after another.
        generator: what draws them. Without one, the default generator draws a seed for each run through.

    Raises TypeError for a `replacement` that is no truth value, ValueError for a `num_samples` that is no positive int.

    Example:
        >>> generator = pb.Generator().manual_seed(0)
        >>> list(pb.utils.data.RandomSampler("abcd", generator=generator))
        [0, 1, 3, 2]
        >>> list(pb.utils.data.RandomSampler("abcd", replacement=True, num_samples=6, generator=generator))
        [3, 3, 1, 3, 1, 2]
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Any = None,
    ) -> None:
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        if not isinstance(replacement, bool):
            raise TypeError(f"replacement should be a boolean value, but got replacement={replacement}")
        if not isinstance(self.num_samples, int) or self.num_samples <= 0:
            raise ValueError(
                f"num_samples should be a positive integer value, but got num_samples={self.num_samples}"
            )

    @property
    def num_samples(self) -> int:
        """How many indices a run through gives; it follows the length of the data, where nobody gave a number.

        Example:
            >>> pb.utils.data.RandomSampler("abcd").num_samples
            4
        """
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n = len(self.data_source)
        generator = self.generator
        if generator is None:
            generator = Generator()
            generator.manual_seed(drawn_seed(None))
        if self.replacement:
            whole, rest = divmod(self.num_samples, _AT_ONCE)
            for count in [_AT_ONCE] * whole + [rest]:
                yield from randint(high=n, size=(count,), dtype=int64, generator=generator).tolist()
        else:
            whole, rest = divmod(self.num_samples, n)
            for _ in range(whole):
                yield from randperm(n, generator=generator).tolist()
            yield from randperm(n, generator=generator).tolist()[:rest]

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """The given indices in random order.

    Example:
        >>> list(pb.utils.data.SubsetRandomSampler([10, 20, 30, 40], generator=pb.Generator().manual_seed(0)))
        [10, 20, 40, 30]
    """

    def __init__(self, indices: Sequence[int], generator: Any = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        for index in randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[index]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """Indices drawn with probabilities that are in proportion to weights.

    Args:
        weights: a number for each index.
        num_samples: how many are drawn.
        replacement: whether an index may come again.
        generator: what draws them.

    Raises ValueError for a `num_samples` that is no positive int, a `replacement` that is no truth value, and weights
    in other than one dimension.

    Example:
        >>> weights = [0.0, 1.0, 3.0]
        >>> list(pb.utils.data.WeightedRandomSampler(weights, 6, generator=pb.Generator().manual_seed(1)))
        [1, 1, 1, 1, 2, 1]
    """

    def __init__(
        self,
        weights: Sequence[float],
        num_samples: int,
        replacement: bool = True,
        generator: Any = None,
    ) -> None:
        _check_positive("num_samples", num_samples)
        _check_truth("replacement", replacement)
        self.weights = as_tensor(weights, dtype=float64)
        if len(self.weights.shape) != 1:
            raise ValueError(
                "weights should be a 1d sequence but given weights have shape "
                f"{tuple(self.weights.shape)}. There is one number for each index."
            )
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        drawn = multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator)
        yield from drawn.tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """The indices of a sampler, in lists of `batch_size`.

    Args:
        sampler: any iterable.
        batch_size: how many indices a list has.
        drop_last: leave the last list out where it is shorter.

    Raises ValueError for a `batch_size` that is no positive int, and a `drop_last` that is no truth value.

    Example:
        >>> list(pb.utils.data.BatchSampler(range(5), batch_size=2, drop_last=False))
        [[0, 1], [2, 3], [4]]
        >>> list(pb.utils.data.BatchSampler(range(5), batch_size=2, drop_last=True))
        [[0, 1], [2, 3]]
    """

    def __init__(self, sampler: Iterable[Any], batch_size: int, drop_last: bool) -> None:
        _check_positive("batch_size", batch_size)
        _check_truth("drop_last", drop_last)
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        whole, rest = divmod(len(self.sampler), self.batch_size)  # type: ignore[arg-type]
        return whole + (rest > 0 and not self.drop_last)


def _check_positive(name: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ValueError(f"{name} should be a positive integer value, but got {name}={value}")


def _check_truth(name: str, value: object) -> None:
    if not isinstance(value, bool):
        raise ValueError(f"{name} should be a boolean value, but got {name}={value}")


def __getattr__(name: str) -> object:
    raise missing(__name__, name)
