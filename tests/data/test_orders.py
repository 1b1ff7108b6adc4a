"""Orders and workers' random numbers as PyTorch 2.13 had them after the same seed, where PyTorch itself is not installed."""

import os
import random

import numpy as np
import pytest

import pullback as pb
from pullback.utils import data

ORDERS = [
    ("D.RandomSampler(range(9))", [4, 5, 0, 8, 7, 2, 1, 6, 3]),
    ("D.RandomSampler(range(9), generator=g)", [0, 5, 8, 1, 7, 2, 3, 6, 4]),
    ("D.RandomSampler(range(5), True, 12, g)", [0, 2, 1, 1, 3, 2, 2, 4, 3, 1, 3, 1]),
    ("D.RandomSampler(range(3), num_samples=8, generator=g)", [0, 1, 2, 1, 0, 2, 1, 2]),
    ("D.SubsetRandomSampler([5, 7, 9, 11], g)", [11, 9, 5, 7]),
    ("D.WeightedRandomSampler([0.1, 0.9, 0.4], 8, True, g)", [1, 1, 2, 1, 2, 2, 1, 1]),
    ("D.WeightedRandomSampler([1, 2, 3, 4], 4, False, g)", [1, 3, 0, 2]),
    ("D.DistributedSampler(range(9), 2, 1, seed=5)", [7, 6, 1, 0, 8]),
    ("[p.indices for p in D.random_split(range(9), [0.5, 0.3, 0.2], g)]", [[0, 5, 8, 1, 7], [2, 3, 6], [4]]),
    ("[b.tolist() for b in D.DataLoader(range(9), 4, True)]", [[8, 4, 0, 1], [6, 7, 2, 5], [3]]),
    ("[b.tolist() for b in D.DataLoader(range(9), 4, True, generator=g)]", [[7, 0, 3, 6], [2, 8, 1, 5], [4]]),
]


@pytest.mark.parametrize("source, order", ORDERS, ids=[source for source, _ in ORDERS])
def test_orders(source, order):
    pb.manual_seed(3)
    assert list(eval(source, {"D": data, "g": pb.Generator().manual_seed(7)})) == order


class Drawn:
    """The seed of a process, and a number of each generator."""

    def __getitem__(self, index):
        drawn = pb.randint(0, 10**6, ()).item()
        return index, pb.initial_seed(), random.random(), np.random.randint(10**6), drawn

    def __len__(self):
        return 4


@pytest.mark.skipif(os.name != "posix", reason="processes that fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_what_two_workers_draw():
    loader = data.DataLoader(
        Drawn(),
        None,
        True,
        num_workers=2,
        collate_fn=list,
        multiprocessing_context="fork",
        generator=pb.Generator().manual_seed(7),
    )
    assert list(loader) == [
        [1, 1407639518939636932, 0.9290632898373887, 64316, 592293],
        [3, 1407639518939636933, 0.5574193789609411, 506421, 264610],
        [0, 1407639518939636932, 0.10243784940911504, 910492, 10235],
        [2, 1407639518939636933, 0.46183154346070987, 623575, 676403],
    ]
    assert list(loader)[:2] == [
        [2, 8817350276967689401, 0.4203686490905111, 419965, 351305],
        [0, 8817350276967689402, 0.8794158150464558, 649687, 643685],
    ]
