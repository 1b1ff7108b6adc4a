"""Draws beside PyTorch's, bit for bit: long mixed programs, states that travel both ways, and errors."""

import pickle
import random
import warnings

import pytest
from draws import recorded
from twins import first_sentence

import pullback as pb

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

SIZES = [0, 1, 2, 3, 5, 15, 16, 17, 31, 100, 623, 624, 625, 1300]


def state(m):
    """What counts of it: the last bytes are padding."""
    return m.get_rng_state().numpy()[:5053].tobytes()


def same(ours, theirs, what):
    assert str(ours.dtype).partition(".")[2] == str(theirs.dtype).partition(".")[2], what
    assert tuple(ours.shape) == tuple(theirs.shape) and ours.stride() == theirs.stride(), what
    assert ours.numpy().tobytes() == theirs.numpy().tobytes(), what


def step(m, choose):
    """One draw, which the choices decide."""
    n, d = choose.choice(SIZES), getattr(m, choose.choice(recorded.FLOATS))
    x = m.empty(n, dtype=d)
    kind = choose.randrange(20)
    if kind == 0:
        return m.randn(n, dtype=d)
    if kind == 1:
        return m.rand(n, dtype=d)
    if kind == 2:
        return x.normal_(1, 3)
    if kind == 3:
        return x.exponential_(choose.random() + 0.1)
    if kind == 4:
        return x.bernoulli_(choose.random())
    if kind == 5:
        return m.randint(1000, (n,))
    if kind == 6:
        return m.randperm(n)
    if kind == 7:
        return m.empty(n, 2, dtype=d)[:, 0].normal_()
    if kind == 8:
        return x.log_normal_()
    if kind == 9:
        return m.randint(2**40, (n,))
    if kind == 10:
        return x.cauchy_()
    if kind == 11:
        return m.poisson(x.uniform_(0, 30))
    if kind == 12:
        return m.multinomial(
            m.rand(max(n, 1), dtype=d), max(n // choose.choice([2, 70]), 1), choose.random() < 0.5
        )
    if kind == 13:
        return m.bernoulli(m.rand(n, dtype=d))
    if kind == 14:
        return m.empty(7, n, dtype=d).t().bernoulli_(m.rand(7, dtype=d))
    if kind == 15:
        return m.binomial(x.uniform_(0, 99).floor(), m.rand(n, dtype=d))
    if kind == 16:
        return m.nn.functional.dropout(m.randn(n, dtype=d), choose.random())
    if kind == 17:
        return m.normal(m.rand(n, 1, dtype=d), m.rand(3, dtype=d))
    if kind == 18:
        return x.geometric_(choose.random())
    return m.empty(n, dtype=m.int32).random_(-5, choose.choice([10, 2**30]))


@pytest.mark.parametrize("seed", range(60))
def test_programs(seed):
    for m in (pb, torch):
        m.manual_seed(seed * 7919 - 2**31)
    ours, theirs = random.Random(seed), random.Random(seed)
    for k in range(40):
        if k % 8 == 7:  # the states change places
            mine, other = pb.get_rng_state().numpy().copy(), torch.get_rng_state().numpy().copy()
            pb.set_rng_state(pb.from_numpy(other))
            torch.set_rng_state(torch.from_numpy(mine))
        same(step(pb, ours), step(torch, theirs), (seed, k))
        assert state(pb) == state(torch), (seed, k)


@pytest.mark.parametrize("target", recorded.TARGETS)
@pytest.mark.parametrize("dtype", [*recorded.FLOATS, *recorded.INTEGERS, "bool"])
def test_into_strides(target, dtype):
    x = recorded.TARGETS[target].format(dtype)
    calls = ["bernoulli_(0.3)", "random_()", "random_(2)", "random_(0, None)"]
    calls += [f"bernoulli_(({recorded.TARGETS[target].format(p)}).fill_(0.4))" for p in recorded.FLOATS]
    calls += [f"bernoulli_(m.full({x}.shape[-1:], 0.4))"]
    if dtype != "bool":
        calls += ["geometric_(0.2)", "random_(1, 100)"]
    if dtype in recorded.FLOATS:
        calls += ["normal_()", "uniform_(2, 5)", "exponential_()", "cauchy_()", "log_normal_()"]
    for call in calls:
        same(recorded.run(pb, f"{x}.{call}"), recorded.run(torch, f"{x}.{call}"), call)
        assert state(pb) == state(torch), call


@pytest.mark.parametrize("seed", [0, 1, -1, 2**31, 2**32 - 1, 2**32, 2**63, 2**64 - 1, -(2**63)])
def test_seeds(seed):
    for text in ("m.rand(700)", "m.randn(40)", "m.randperm(30)"):
        same(recorded.run(pb, text, seed), recorded.run(torch, text, seed), text)
    assert pb.initial_seed() == torch.initial_seed()
    ours, theirs = pb.Generator().manual_seed(seed), torch.Generator().manual_seed(seed)
    same(pb.randn(3, generator=ours), torch.randn(3, generator=theirs), seed)
    same(ours.clone_state().get_state()[:5053], theirs.clone_state().get_state()[:5053], seed)
    copied = pickle.loads(pickle.dumps(ours))
    same(pb.randn(3, generator=copied), torch.randn(3, generator=theirs), seed)


def test_a_new_generator_is_pytorchs():
    same(pb.rand(5, generator=pb.Generator()), torch.rand(5, generator=torch.Generator()), "")


@pytest.mark.parametrize("shape", [(3,), (2, 3), (4, 5, 6), (2, 3, 4, 5), (2, 3, 4, 5, 2), (0, 3), (40,)])
def test_dropouts(shape):
    names = [
        f"nn.functional.{n}"
        for n in "dropout alpha_dropout feature_alpha_dropout dropout1d dropout2d dropout3d".split()
    ]
    names += "dropout feature_dropout alpha_dropout feature_alpha_dropout".split()
    names += [name + "_" for name in names[-4:]]
    for name in names:
        for p in (0.0, 0.1, 0.5, 1.0):
            for rest in ("True", "False", "True, True", "False, True") if "nn" in name else ("True", "False"):
                text = f"m.{name}(m.randn({shape}), {p}, {rest})"
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    alike(text)


def alike(text):
    """The same number, or the same exception."""
    outcomes = []
    for m in (pb, torch):
        try:
            outcomes.append(recorded.run(m, text))
        except Exception as error:
            outcomes.append((type(error), first_sentence(error)))
    ours, theirs = outcomes
    if isinstance(ours, tuple) or isinstance(theirs, tuple):
        assert isinstance(ours, tuple) and isinstance(theirs, tuple), (text, outcomes)
        assert ours[0] is theirs[0], (text, outcomes)
        kind = theirs[1].partition(" - got")[0].partition(",")[0]
        assert ours[1].startswith(kind) or "invalid combination" in kind, (text, outcomes)
    else:
        same(ours, theirs, text)
        assert state(pb) == state(torch), text


@pytest.mark.parametrize(
    "text",
    [
        "m.nn.functional.rrelu(m.randn(40), 0.1, 0.4, True)",
        "m.nn.functional.rrelu(m.randn(5, 3, dtype=m.float64).t(), 0.1, 0.4, True)",
        "m.rrelu_(m.randn(40), 0.1, 0.4, True)",
        "m.rrelu(m.randn(4), 0.5, 0.4, True)",
        "m.nn.functional.gumbel_softmax(m.randn(5, 3).t(), 0.7, True).round()",
        "m.native_dropout(m.randn(40), 0.3, True)[0]",
        "m.native_dropout(m.randn(40), 0.3, None)[1]",
        "m.zeros(2).uniform_(3, 1)",
        "m.zeros(2).uniform_(**{'from': 3, 'to': 4})",
        "m.zeros(2, dtype=m.int64).uniform_()",
        "m.zeros(2).normal_(0, -1)",
        "m.zeros(2, dtype=m.int32).normal_()",
        "m.zeros(2).exponential_(0)",
        "m.zeros(2, dtype=m.int32).exponential_()",
        "m.zeros(2).geometric_(1)",
        "m.zeros(2).geometric_(0)",
        "m.zeros(2, dtype=m.bool).geometric_(0.5)",
        "m.zeros(9, dtype=m.int8).geometric_(1e-12)",
        "m.zeros(9, dtype=m.int32).geometric_(1e-12)",
        "m.zeros(9, dtype=m.uint8).geometric_(0.01)",
        "m.zeros(9, dtype=m.int64).geometric_(1e-30)",
        "m.zeros(2).cauchy_(0, 0)",
        "m.zeros(2, dtype=m.int32).cauchy_()",
        "m.zeros(2).log_normal_(0, 0)",
        "m.zeros(2, dtype=m.int32).log_normal_()",
        "m.zeros(2).bernoulli_(1.5)",
        "m.zeros(2).bernoulli_(m.tensor([0.5, 1.5]))",
        "m.zeros(2).random_(5, 3)",
        "m.zeros(2).random_(2**25 + 1, 2**25 + 2)",
        "m.zeros(2).random_(2**25, None)",
        "m.zeros(2, dtype=m.uint8).random_(-1, None)",
        "m.zeros(2, dtype=m.uint8).random_(255, None)",
        "m.zeros(2, dtype=m.uint8).random_(500)",
        "m.zeros(2, dtype=m.int32).random_(-(2**63), None)",
        "m.zeros(2).random_(**{'from': 3, 'to': None})",
        "m.zeros(2).random_(to=3)",
        "m.zeros(2).expand(3, 2).normal_()",
        "m.poisson(m.tensor([-1.0]))",
        "m.poisson(m.tensor([3]))",
        "m.binomial(m.tensor([3]), m.tensor([0.5]))",
        "m.binomial(m.tensor([3.0]).double(), m.tensor([0.5]))",
        "m.binomial(m.tensor([-1.0, 4, 4, 3, 0]), m.tensor([0.5, 1.5, -2, 0.5, 0.5]))",
        "m.multinomial(m.tensor([0.0, 0]), 1)",
        "m.multinomial(m.ones(2, 2, 2), 1)",
        "m.multinomial(m.ones(2), 3)",
        "m.multinomial(m.ones(2), 0)",
        "m.multinomial(m.ones(2, dtype=m.int64), 1)",
        "m.bernoulli(m.tensor([1, 0]))",
        "m.randint(5, 3, (2,))",
        "m.randint(300, (2,), dtype=m.uint8)",
        "m.randperm(-1)",
        "m.randperm(300, dtype=m.uint8)",
        "m.dropout(m.ones(2), 1.5, True)",
        "m.nn.functional.dropout(m.ones(2), 1.5)",
        "m.feature_dropout(m.ones(2), 0.5, True)",
        "m.Generator().get_offset()",
        "m.Generator().set_offset(3)",
        "m.Generator().manual_seed('a')",
        "m.Generator().manual_seed(2**64)",
        "m.manual_seed(2**64)",
        "m.manual_seed('a')",
        "m.set_rng_state(3)",
        "m.set_rng_state(m.zeros(5056))",
        "m.set_rng_state(m.zeros(50, dtype=m.uint8))",
        "m.set_rng_state(m.zeros(5056, dtype=m.uint8))",
        "m.set_rng_state(m.zeros(5056, 2, dtype=m.uint8)[:, 0])",
    ],
)
def test_errors_and_edges(text):
    alike(text)
