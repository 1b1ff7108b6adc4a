"""The draws are those of mt19937 with PyTorch's conversions: compared with NumPy's generator, and with
PyTorch.
"""

import numpy as np
import pytest
from kinds import DTYPES

import pullback as pb


def words(seed, n):
    """The first words of mt19937, from NumPy's implementation."""
    source = np.random.MT19937()
    source._legacy_seeding(seed)
    return source.random_raw(n).astype(np.uint64)


def wide(seed, n):
    w = words(seed, 2 * n)
    return w[0::2] << np.uint64(32) | w[1::2]


def floats(seed, n):
    return (words(seed, n) & np.uint64(2**24 - 1)).astype(np.float32) * np.float32(2.0**-24)


def doubles(seed, n):
    return (wide(seed, n) & np.uint64(2**53 - 1)).astype(np.float64) * 2.0**-53


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1, 2**40 + 5])
def test_uniform(seed):
    pb.manual_seed(seed)
    np.testing.assert_array_equal(pb.rand(1500).numpy(), floats(seed % 2**32, 1500))
    pb.manual_seed(seed)
    np.testing.assert_array_equal(pb.rand(700, dtype=pb.float64).numpy(), doubles(seed % 2**32, 700))
    pb.manual_seed(seed)
    drawn = pb.zeros(50).uniform_(-2, 3).numpy()
    once = floats(seed % 2**32, 50).astype(np.float64) * 5 - 2  # one rounding of product and sum
    np.testing.assert_array_equal(drawn, once.astype(np.float32))


@pytest.mark.parametrize("high", [1, 2, 10, 2**24, 2**28 - 1])
def test_narrow_integers(high):
    pb.manual_seed(3)
    np.testing.assert_array_equal(pb.randint(high, (100,)).numpy(), words(3, 100) % np.uint64(high))


@pytest.mark.parametrize("high", [2**28, 2**32, 2**40, 2**63 - 1])
def test_wide_integers(high):
    pb.manual_seed(3)
    np.testing.assert_array_equal(pb.randint(high, (100,)).numpy(), wide(3, 100) % np.uint64(high))


def test_coins_and_waiting_times():
    pb.manual_seed(7)
    np.testing.assert_array_equal(pb.zeros(200).bernoulli_(0.3).numpy(), doubles(7, 200) < 0.3)
    pb.manual_seed(7)
    np.testing.assert_array_equal(
        pb.bernoulli(pb.full((200,), 0.3)).numpy(), floats(7, 200) < np.float32(0.3)
    )
    pb.manual_seed(7)
    expected = -np.log1p(-doubles(7, 200)) / 2
    np.testing.assert_allclose(
        pb.zeros(200, dtype=pb.float64).exponential_(2.0).numpy(), expected, rtol=1e-15
    )


def test_few_normal_numbers_come_in_pairs():
    pb.manual_seed(11)
    u = doubles(11, 6)
    radius = np.sqrt(-2 * np.log1p(-u[1::2]))
    pairs = np.stack([radius * np.cos(2 * np.pi * u[0::2]), radius * np.sin(2 * np.pi * u[0::2])], 1).ravel()
    one_by_one = [pb.randn(1, dtype=pb.float64).item() for _ in range(6)]
    np.testing.assert_allclose(one_by_one, pairs, rtol=1e-14)


def test_moments():
    pb.manual_seed(0)
    n = 200_000
    for drawn, mean, deviation in (
        (pb.randn(n), 0, 1),
        (pb.zeros(n).normal_(3, 2), 3, 2),
        (pb.rand(n), 0.5, 12**-0.5),
        (pb.zeros(n).exponential_(0.5), 2, 2),
        (pb.randint(0, 10, (n,)).double(), 4.5, 8.25**0.5),
    ):
        x = drawn.numpy()
        assert abs(x.mean() - mean) < 5 * deviation / n**0.5
        assert abs(x.std() / deviation - 1) < 0.02


def test_multinomial_frequencies():
    pb.manual_seed(0)
    weights = pb.tensor([1.0, 0.0, 3.0, 6.0])
    drawn = pb.multinomial(weights, 20_000, replacement=True).numpy()
    np.testing.assert_allclose(np.bincount(drawn, minlength=4) / 20_000, [0.1, 0, 0.3, 0.6], atol=0.015)
    rows = pb.multinomial(weights.expand(20_000, 4), 2).numpy()
    assert (rows[:, 0] != rows[:, 1]).all() and not (rows == 1).any()
    np.testing.assert_allclose(np.bincount(rows[:, 0], minlength=4) / 20_000, [0.1, 0, 0.3, 0.6], atol=0.015)
    # The second given the first: 3 of (1, 3) after 6, and so on.
    expected = 0.6 * 3 / 4 + 0.1 * 3 / 9
    assert abs((rows[:, 1] == 2).mean() - expected) < 0.015


def test_permutations_are_even():
    pb.manual_seed(0)
    first = np.array([pb.randperm(4)[0].item() for _ in range(4000)])
    np.testing.assert_allclose(np.bincount(first, minlength=4) / 4000, 0.25, atol=0.04)
    assert sorted(pb.randperm(1000).tolist()) == list(range(1000))


def test_state():
    pb.manual_seed(5)
    pb.randn(3)  # leaves half a pair behind
    state = pb.get_rng_state()
    first = [pb.randn(2).tolist(), pb.rand(700).tolist(), pb.randint(5, (3,)).tolist()]
    pb.set_rng_state(state)
    assert [pb.randn(2).tolist(), pb.rand(700).tolist(), pb.randint(5, (3,)).tolist()] == first
    with pytest.raises(TypeError, match="RNG state must be a"):
        pb.set_rng_state(pb.zeros(3))
    with pytest.raises(RuntimeError, match="found the input RNG state size to be 3"):
        pb.set_rng_state(pb.zeros(3, dtype=pb.uint8))
    with pytest.raises(RuntimeError, match="state"):
        pb.set_rng_state(pb.zeros(5056, dtype=pb.uint8))


def test_generators_are_independent():
    a, b = pb.Generator().manual_seed(1), pb.Generator().manual_seed(1)
    pb.manual_seed(9)
    expected = pb.rand(4).tolist()
    pb.manual_seed(9)
    x = pb.rand(4, generator=a)
    assert pb.rand(4).tolist() == expected
    assert pb.equal(x, pb.rand(4, generator=b))
    assert a.initial_seed() == 1 and pb.Generator().manual_seed(-1).initial_seed() == 2**64 - 1
    assert a.seed() == a.initial_seed()
    for bad in (2**64, -(2**63) - 1, "a"):
        with pytest.raises(ValueError):
            pb.manual_seed(bad)


def test_probabilities_are_inputs():
    p = pb.full((3,), 0.5, requires_grad=True)
    for y in (pb.bernoulli(p), pb.zeros(3).bernoulli_(p), pb.zeros(2, 3).bernoulli_(p)):
        (g,) = pb.autograd.grad(y.sum(), p)
        assert g.tolist() == [0, 0, 0]
    assert not pb.multinomial(p, 2).requires_grad
    with pb.autograd.forward_ad.dual_level():
        d = pb.autograd.forward_ad.make_dual(p.detach(), pb.ones(3))
        assert pb.autograd.forward_ad.unpack_dual(pb.bernoulli(d)).tangent.tolist() == [0, 0, 0]
        assert pb.multinomial(d, 2).dtype == pb.int64


def test_draws_cut_the_gradient():
    x = pb.ones(3, requires_grad=True)
    for draw in (
        lambda y: y.uniform_(),
        lambda y: y.normal_(),
        lambda y: y.exponential_(),
        lambda y: y.bernoulli_(0.5),
        lambda y: y.random_(4),
        lambda y: y.fill_(2.0),
        lambda y: y.zero_(),
        pb.bernoulli,
    ):
        x.grad = None
        y = draw(x * 1)
        assert y.grad_fn is not None
        y.backward(pb.ones(3))
        assert x.grad.tolist() == [0, 0, 0]
    with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
        x.uniform_()


@pytest.mark.torch
class TestAgainstTorch:
    @pytest.fixture(autouse=True)
    def _seeded(self):
        self.torch = pytest.importorskip("torch")

    def same(self, draw, tolerance=0.0):
        self.torch.manual_seed(13)
        theirs = draw(self.torch)
        pb.manual_seed(13)
        ours = draw(pb)
        assert str(ours.dtype).split(".")[1] == str(theirs.dtype).split(".")[1]
        assert tuple(ours.shape) == tuple(theirs.shape) and ours.stride() == theirs.stride()
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=tolerance, atol=tolerance)
        # and the generators stand at the same place
        assert pb.rand(1).item() == self.torch.rand(1).item()

    def test_exact(self):
        for draw in (
            lambda t: t.rand(1000),
            lambda t: t.rand(3, 5, dtype=t.float64),
            lambda t: t.randint(100, (7,)),
            lambda t: t.randint(-5, 5, (7,), dtype=t.int32),
            lambda t: t.randint(-(2**40), 2**40, (7,)),
            lambda t: t.randint(0, 2**30, (7,), dtype=t.float64),
            lambda t: t.randperm(1),
            lambda t: t.randperm(50),
            lambda t: t.randperm(50, dtype=t.float32),
            lambda t: t.zeros(5, 4).t().uniform_(1, 2),
            lambda t: t.rand_like(t.zeros(5, 4).t()),
            lambda t: t.randint_like(t.zeros(5), 3, 9),
            lambda t: t.bernoulli(t.full((9,), 0.3)),
            lambda t: t.bernoulli(t.full((9,), 0.3, dtype=t.float64)),
            lambda t: t.zeros(9).bernoulli_(t.full((9,), 0.3)),
            lambda t: t.multinomial(t.tensor([0.1, 0.2, 0.3, 0.4]), 30, replacement=True),
            *(lambda t, d=d: t.zeros(9, dtype=getattr(t, d)).random_() for d in DTYPES),
            lambda t: t.zeros(9).random_(40),
            lambda t: t.zeros(9).random_(4, 40),
        ):
            self.same(draw)

    @pytest.mark.parametrize("n", [1, 2, 15, 16, 17, 31, 33, 1000])
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_normal(self, n, dtype):
        tolerance = 2e-6 if dtype == "float32" else 1e-13
        self.same(lambda t: t.randn(n, dtype=getattr(t, dtype)), tolerance)

    def test_normal_forms(self):
        for draw in (
            lambda t: t.zeros(4, 20)[:, :18].normal_(),
            lambda t: t.zeros(6, 4).t().normal_(1, 2),
            lambda t: t.randn_like(t.zeros(6, 4).t()),
            lambda t: t.normal(t.arange(20.0), t.ones(20) * 2),
            lambda t: t.normal(t.arange(20.0), 2.0),
            lambda t: t.normal(1.0, t.arange(20.0)),
            lambda t: t.normal(1.0, 2.0, (3, 4)),
        ):
            self.same(draw, 2e-5)

    def test_states_are_exchangeable(self):
        torch = self.torch
        torch.manual_seed(3)
        torch.rand(5)
        torch.randn(3, dtype=torch.float64)
        pb.set_rng_state(pb.from_numpy(torch.get_rng_state().numpy()))
        np.testing.assert_allclose(pb.randn(3).numpy(), torch.randn(3).numpy(), rtol=1e-6)
        assert pb.rand(700).tolist() == torch.rand(700).tolist()
        torch.set_rng_state(torch.from_numpy(pb.get_rng_state().numpy()))
        assert pb.rand(700).tolist() == torch.rand(700).tolist()
