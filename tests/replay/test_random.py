"""Random functions, compiled and as they are, over many calls between which their world changes."""

import inspect
import os
import random
import warnings

import pytest
from replay import generate_steps, pairs
from replay.generate import CHANGES, Generator, World
from replay.plainly import replays, same

import pullback as pb
from pullback.replay import pure
from pullback.replay.interpreter import Interpreter

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


def check_steps(seed):
    """How many calls of a random step of training were replayed."""
    source, worlds = generate_steps.source_of(seed), []
    for compiled in (True, False):
        pb.manual_seed(seed)
        worlds.append(generate_steps.World(source, compiled, f"<step {seed}>"))
    chooses = random.Random(seed)
    most = 0
    for call in range(14):
        if call > 3 and chooses.random() < 0.4:
            change = chooses.choice(list(generate_steps.CHANGES)), round(chooses.random(), 2)
            for world in worlds:
                pb.manual_seed(call)
                world.change(*change)
        n = 2 if chooses.random() < 0.9 else 3
        found = []
        for world in worlds:
            pb.manual_seed(1000 * seed + call)
            given = pb.randn(5, 4), pb.randn(5, 1), n
            found.append(pairs.outcome(world.call, call, given, world.things()))
        mine, theirs = found
        assert same(mine[2:], theirs[2:]), f"seed {seed}, call {call}:\n{source}\n{mine}\n{theirs}"
        most = max(most, replays(worlds[0].call))
    return most


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part", range(4))
def test_random_steps(part):
    replayed = [check_steps(FIRST + seed) for seed in range(part, COUNT, 4)]
    assert sum(map(bool, replayed)) > len(replayed) // 4


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


def test_what_draws_is_known():
    """Every operator that may be replayed and moves the generator is listed as one that draws."""
    x, p, n = pb.ones(4, 4), pb.full((4, 4), 0.5), pb.nn.functional
    calls = {
        "rand": lambda: pb.rand(2),
        "randn": lambda: pb.randn(2),
        "randint": lambda: pb.randint(9, (2,)),
        "randperm": lambda: pb.randperm(9),
        "rand_like": lambda: pb.rand_like(x),
        "randn_like": lambda: pb.randn_like(x),
        "randint_like": lambda: pb.randint_like(x, 9),
        "bernoulli": lambda: pb.bernoulli(p),
        "multinomial": lambda: pb.multinomial(p, 2),
        "normal": lambda: pb.normal(x, x),
        "uniform_": lambda: x.clone().uniform_(),
        "normal_": lambda: x.clone().normal_(),
        "bernoulli_": lambda: x.clone().bernoulli_(),
        "exponential_": lambda: x.clone().exponential_(),
        "random_": lambda: x.clone().random_(),
        "dropout": lambda: n.dropout(x, 0.5),
        "dropout1d": lambda: n.dropout1d(x, 0.5),
        "dropout2d": lambda: n.dropout2d(x.view(1, 4, 4, 1), 0.5),
        "dropout3d": lambda: n.dropout3d(x.view(1, 4, 4, 1, 1), 0.5),
        "alpha_dropout": lambda: n.alpha_dropout(x, 0.5, True),
        "feature_alpha_dropout": lambda: n.feature_alpha_dropout(x, 0.5, True),
        "gumbel_softmax": lambda: n.gumbel_softmax(x),
        "scaled_dot_product_attention": lambda: n.scaled_dot_product_attention(x, x, x, dropout_p=0.5),
        "multi_head_attention_forward": None,  # what modules call, with more arguments than show anything
    }
    assert set(calls) == pure._DRAWS
    for name, call in calls.items():
        if call is not None:
            before = pb.get_rng_state()
            call()
            assert not pb.get_rng_state().equal(before), name
    takes_generator = {
        name
        for name in pure._KNOWN
        for holder in (pb, pb.Tensor, n)
        if isinstance(op := vars(holder).get(name), pb._core.Operator)
        and {"generator", "dropout_p", "training"} & set(inspect.signature(op).parameters)
    }
    assert takes_generator <= pure._DRAWS | {"batch_norm"}


def test_draws_of_other_threads(monkeypatch):
    """A function that draws nothing leaves the generator to others, also while it is recorded."""
    drawn = []

    class Meanwhile(Interpreter):
        def __init__(self, rewind, *more):
            drawn.append(pb.rand(2).tolist())  # as another thread might
            super().__init__(rewind, *more)

    monkeypatch.setattr("pullback.replay.compiled.Interpreter", Meanwhile)
    compiled = pb.compile(twice)
    pb.manual_seed(3)
    for _ in range(3):
        compiled(pb.ones(2))
    drawn.append(pb.rand(2).tolist())
    assert replays(compiled) == 2
    pb.manual_seed(3)
    assert drawn == [pb.rand(2).tolist() for _ in range(2)]


def twice(x):
    return x * 2
