"""The words are those of mt19937, as NumPy draws them, and become numbers by PyTorch's conversions; and what is drawn
follows the distribution that it should.
"""

import numpy as np
import pytest

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


def test_counts_follow_their_distributions():
    """The mass of each count, from SciPy, against 20,000 draws: chi squared."""
    stats = pytest.importorskip("scipy.stats")
    pb.manual_seed(1)
    n = 20_000
    for drawn, law in (
        (pb.poisson(pb.full((n,), 3.0)), stats.poisson(3)),
        (pb.poisson(pb.full((n,), 40.0)), stats.poisson(40)),
        (pb.binomial(pb.full((n,), 12.0), pb.full((n,), 0.3)), stats.binom(12, 0.3)),
        (pb.binomial(pb.full((n,), 90.0), pb.full((n,), 0.8)), stats.binom(90, 0.8)),
        (pb.zeros(n).geometric_(0.2), stats.geom(0.2)),
    ):
        low, high = int(law.ppf(0.001)), int(law.ppf(0.999))
        counts = np.clip(drawn.numpy().astype(int), low, high)
        expected = law.pmf(np.arange(low, high + 1))
        expected[0], expected[-1] = law.cdf(low), law.sf(high - 1)
        assert (
            stats.chisquare(np.bincount(counts - low, minlength=high - low + 1), n * expected).pvalue > 1e-4
        )


def test_continuous_draws_follow_their_distributions():
    stats = pytest.importorskip("scipy.stats")
    pb.manual_seed(2)
    x = pb.empty(5000, dtype=pb.float64)
    for drawn, law in (
        (x.exponential_(1.5), stats.expon(scale=1 / 1.5)),
        (pb.empty(5000).cauchy_(1, 2), stats.cauchy(1, 2)),
        (pb.empty(5000).log_normal_(0.5, 0.7), stats.lognorm(0.7, scale=np.exp(0.5))),
        (pb.empty(5000).normal_(3, 2), stats.norm(3, 2)),
    ):
        assert stats.kstest(drawn.numpy(), law.cdf).pvalue > 1e-4


def test_very_wide_ranges_stay_even():
    """Of a range of 3 * 2^61 a remainder of 64 bits would take the lower third twice as often."""
    pb.manual_seed(0)
    drawn = pb.randint(-(2**61), 2**62, (20_000,)).double()
    for third in range(3):
        inside = (drawn >= (third - 1) * 2.0**61) & (drawn < third * 2.0**61)
        assert abs(inside.double().mean().item() - 1 / 3) < 0.015


def test_the_end_of_a_range_of_floats_is_no_draw():
    for high in (2**24 + 3, 2**28 - 1):
        assert pb.empty(100_000).random_(high - 100, high).max().item() < high


def test_any_split_of_a_stream_is_the_stream():
    """Runs of words, and halves of a double on both sides of a block of 624."""
    for draw in (
        lambda n: pb.rand(n),
        lambda n: pb.rand(n, dtype=pb.float64),
        lambda n: pb.randint(1000, (n,)),
        lambda n: pb.empty(n).bernoulli_(0.5),
        lambda n: pb.randint(2**40, (n,)),
    ):
        pb.manual_seed(4)
        pb.rand(3)  # so that a double begins with the last word of a block
        whole = draw(2000).tolist()
        for parts in ([1] * 700 + [1300], [310, 1, 1, 0, 312, 1376], [1999, 1]):
            pb.manual_seed(4)
            pb.rand(3)
            assert [v for n in parts for v in draw(n).tolist()] == whole


def test_a_state_of_numpys():
    """The same engine: a state of RandomState is a state here."""
    source = np.random.RandomState(77)
    source.random_sample(1234)
    source.normal()
    _, key, at, has_spare, spare = source.get_state()
    state = np.zeros(1, dtype="u8, i4, i4, u8, (624,)u8, f8, f8, f8, i4, i4, f4, f4")
    state["f1"], state["f2"], state["f3"], state["f4"] = 625 - at, 1, at, key
    state["f6"], state["f8"] = spare, has_spare
    pb.set_rng_state(pb.from_numpy(np.frombuffer(state.tobytes(), np.uint8).copy()))
    assert pb.empty(1, dtype=pb.float64).normal_().item() == spare
    assert pb.empty(900, dtype=pb.int64).random_(2**32 // 64).tolist() == [
        word % (2**32 // 64) for word in source.randint(0, 2**32, 900, dtype=np.uint32).tolist()
    ]


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
    with pytest.raises(RuntimeError, match="Invalid mt19937 state"):
        pb.set_rng_state(pb.zeros(5056, dtype=pb.uint8))
    with pytest.raises(RuntimeError, match="RNG state must be contiguous"):
        pb.set_rng_state(pb.zeros(5056, 2, dtype=pb.uint8)[:, 0])
    with pytest.raises(TypeError, match="expected a torch.ByteTensor, but got int"):
        pb.set_rng_state(3)


def test_fork():
    pb.manual_seed(5)
    expected = pb.randn(3).tolist()
    pb.manual_seed(5)
    with pb.random.fork_rng():
        pb.randn(100)
        pb.manual_seed(6)
    assert pb.randn(3).tolist() == expected
    pb.manual_seed(5)
    with pytest.raises(ZeroDivisionError), pb.random.fork_rng(devices=[]):
        pb.rand(1) / (1 // 0)
    pb.random.fork_rng()(lambda: pb.rand(3))()
    with pb.random.fork_rng(enabled=False):
        assert pb.randn(3).tolist() == expected
    assert pb.randn(3).tolist() != expected
    with (
        pytest.raises(RuntimeError, match="no generators of cuda devices"),
        pb.random.fork_rng([0], device_type="cuda"),
    ):
        pass


def test_seeds():
    for seed, word in (
        (-1, 2**32 - 1),
        (2**32 + 5, 5),
        (-(2**63), 0),
        (2**64 - 1, 2**32 - 1),
        (True, 1),
        ("7", 7),
    ):
        generator = pb.manual_seed(seed)
        assert generator.initial_seed() == int(seed) % 2**64 == pb.random.initial_seed()
        np.testing.assert_array_equal(pb.rand(9).numpy(), floats(word, 9))
    assert pb.seed() != pb.seed()  # from the system's entropy
    generator = pb.Generator()
    assert str(generator.device) == "cpu"
    for bad in ("7", 3.7, None, True):
        with pytest.raises(RuntimeError, match="manual_seed expected a long, but got"):
            generator.manual_seed(bad)
    other = generator.clone_state()
    assert pb.equal(other.get_state(), generator.get_state())
    assert pb.randn(1, generator=other).item() == pb.randn(1, generator=generator).item()


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
        assert pb.autograd.forward_ad.unpack_dual(pb.poisson(d)).tangent.tolist() == [0, 0, 0]
    (g,) = pb.autograd.grad(pb.poisson(p * 9).sum(), p)
    assert g.tolist() == [0, 0, 0]
    assert [g.tolist() for g in pb.autograd.grad(pb.binomial(p * 9, p).sum() + (p * 0).sum(), [p])] == [
        [0, 0, 0]
    ]


def test_draws_cut_the_gradient():
    x = pb.ones(3, requires_grad=True)
    for draw in (
        lambda y: y.uniform_(),
        lambda y: y.normal_(),
        lambda y: y.exponential_(),
        lambda y: y.geometric_(0.5),
        lambda y: y.cauchy_(),
        lambda y: y.log_normal_(),
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
