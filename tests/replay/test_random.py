"""Random functions, compiled and as they are, over many calls between which their world changes."""

import os
import random
import warnings

import pytest
from replay.generate import CHANGES, Generator, World
from replay.plainly import replays, same

import pullback as pb

COUNT = int(os.environ.get("PULLBACK_REPLAY_PROGRAMS", "60"))
FIRST = int(os.environ.get("PULLBACK_REPLAY_FIRST", "0"))


def called(world, x, y, n, seed):
    pb.manual_seed(seed)
    try:
        result = world.call(x, y, n) if n != 2 else world.call(x, y)
    except Exception as error:
        result = f"{type(error).__name__}: {error}"
    return result, world.state(), pb.rand(1)


def check(seed):
    """How many calls were replayed."""
    source = Generator(seed).source()
    mine, theirs = World(source, True, f"<random {seed}>"), World(source, False, f"<random {seed}>")
    chooses = random.Random(seed)
    for call in range(24):
        if chooses.random() < 0.15:
            change = chooses.choice(CHANGES), round(chooses.random(), 2)
            mine.change(*change)
            theirs.change(*change)
        n = 2 if chooses.random() < 0.9 else 3
        grad = chooses.random() < 0.8
        pb.manual_seed(1000 * seed + call)
        x = pb.randn(3, dtype=pb.float64) * chooses.choice([1, 1, 3])
        y = pb.randn(3, dtype=pb.float64)
        results = []
        for world in (mine, theirs):
            u, v = x.clone().requires_grad_(grad), y.clone()
            results.append(called(world, u, v, n, call))
            found = results[-1][0]
            tensors = [
                t for t in (found if isinstance(found, tuple) else [found]) if isinstance(t, pb.Tensor)
            ]
            tensors = [t.sum() for t in tensors if t.requires_grad and t.grad_fn is not None]
            if tensors and grad:
                try:
                    results[-1] += tuple(
                        pb.autograd.grad(sum(tensors), [u, world.names["weight"]], allow_unused=True)
                    )
                except RuntimeError as error:
                    results[-1] += (str(error)[:80],)
        assert same(results[0], results[1]), (
            f"seed {seed}, call {call}:\n{source}\n{results[0]}\n{results[1]}"
        )
    return replays(mine.call)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part", range(6))
def test_random_functions(part):
    replayed = [check(FIRST + seed) for seed in range(part, COUNT, 6)]
    assert sum(map(bool, replayed)) > len(replayed) // 3


def test_worlds_differ():
    """The comparison sees a difference: a world that is changed alone gives something else."""
    source = Generator(5).source() + "\n    \n"
    source = source.replace("return ", "a = a * thing.k\n    return ", 1) if "return " in source else source
    mine, theirs = World(source, True, "<one>"), World(source, False, "<other>")
    mine.change("k", 9.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        x, y = pb.ones(3, dtype=pb.float64), pb.ones(3, dtype=pb.float64)
        assert not same(called(mine, x, y, 2, 0), called(theirs, x, y, 2, 0))
