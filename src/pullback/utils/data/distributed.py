"""The part of a dataset that one of several training processes sees."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from ..._core import Generator
from ...messages.missing import missing
from ...operators.random import randperm
from .sampler import Sampler

__all__ = ["DistributedSampler"]


class DistributedSampler(Sampler[int]):
    """The indices of every `num_replicas`-th sample, from the `rank`-th on, of one order that all ranks agree on.

    The order follows from `seed` and the epoch alone: call `set_epoch` before each epoch. Where the samples do not divide
    evenly, some come twice, or with `drop_last` the last ones not at all.

    Raises RuntimeError without `num_replicas` or `rank`, which nobody else knows here; ValueError for a rank that is not
    below `num_replicas`.

    Example:
        >>> list(pb.utils.data.DistributedSampler(range(5), num_replicas=2, rank=1, shuffle=False))
        [1, 3, 0]
    """

    def __init__(
        self,
        dataset: Any,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        if num_replicas is None or rank is None:
            raise RuntimeError(
                "Requires distributed package to be available. pullback has none: say how many processes there are, and "
                "which this one is, by `num_replicas` and `rank`."
            )
        if rank >= num_replicas or rank < 0:
            raise ValueError(f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]")
        self.dataset = dataset
        self.num_replicas = num_replicas
        self.rank = rank
        self.epoch = 0
        self.drop_last = drop_last
        self.num_samples = (
            len(dataset) // num_replicas if drop_last else math.ceil(len(dataset) / num_replicas)
        )
        self.total_size = self.num_samples * num_replicas
        self.shuffle = shuffle
        self.seed = seed

    def __iter__(self) -> Iterator[int]:
        n = len(self.dataset)
        if self.shuffle:
            generator = Generator()
            generator.manual_seed(self.seed + self.epoch)
            order = randperm(n, generator=generator).tolist()
        else:
            order = list(range(n))
        if self.total_size > n:
            order *= math.ceil(self.total_size / n)
        return iter(order[self.rank : self.total_size : self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch begins: where `shuffle` is true each has its own order.

        Example:
            >>> sampler = pb.utils.data.DistributedSampler(range(6), num_replicas=2, rank=0)
            >>> first = list(sampler)
            >>> sampler.set_epoch(1)
            >>> list(sampler) == first
            False
        """
        self.epoch = epoch


def __getattr__(name: str) -> object:
    raise missing(__name__, name)
