"""Draws have the moments and the distribution functions that they should, and move with parameters along their quantiles."""

import numpy as np
import pytest
import scipy.stats as st
from distributions.families import FAMILIES, make, tensors

import pullback as pb
from pullback.autograd.gradcheck import gradcheck, gradgradcheck

D = pb.distributions
N = 20_000


def f64(x, grad=False):
    return pb.tensor(np.asarray(x, dtype=np.float64), requires_grad=grad)


def moments(d):
    try:
        return d.mean, d.variance
    except NotImplementedError:
        return None


# What has no mean, no variance, or an angle's.
WITHOUT = (
    "categorical",
    "cauchy",
    "half cauchy",
    "von mises",
    "student",
    "pareto",
    "inverse gamma",
    "log normal",
)
WITH = [
    name for name in FAMILIES if not name.startswith(WITHOUT) and moments(make(FAMILIES[name])) is not None
]


@pytest.mark.parametrize("name", WITH)
def test_moments(name):
    pb.manual_seed(1)
    d = make(FAMILIES[name])
    x = d.sample((N,)).numpy()
    mean, variance = d.mean.numpy(), d.variance.numpy()
    assert (np.abs(x.mean(0) - mean) <= 6 * np.sqrt(variance / N) + 1e-12).all()
    fourth = ((x - mean) ** 4).mean(0)  # of what is drawn: how much its variance varies
    assert (np.abs(x.var(0) - variance) <= 8 * np.sqrt(fourth / N) + 1e-3 * variance).all()


CONTINUOUS = [name for name, family in FAMILIES.items() if family.scipy and name != "multivariate normal"]


@pytest.mark.parametrize("name", CONTINUOUS)
def test_beside_distribution_functions(name):
    """Kolmogorov and Smirnov, or counts."""
    pb.manual_seed(2)
    family = FAMILIES[name]
    drawn = make(family).sample((N,)).numpy()
    for i in range(drawn.shape[1]):
        theirs = family.scipy(**{key: np.array(value)[i] for key, value in family.given.items()})
        x = drawn[:, i]
        if name == "von mises":  # SciPy's angles are within half a turn of their mean
            loc = family.given["loc"][i]
            x = loc + (x - loc + np.pi) % (2 * np.pi) - np.pi
        if hasattr(theirs, "pmf"):
            kinds, counts = np.unique(x, return_counts=True)
            common = counts > 50
            expected = theirs.pmf(kinds[common]) * N
            assert (np.abs(counts[common] - expected) < 5 * np.sqrt(expected)).all()
        else:
            assert st.kstest(x, theirs.cdf).pvalue > 1e-4


def test_shapes_far_from_one():
    """Gamma draws of tiny and of large shapes."""
    pb.manual_seed(3)
    for shape in (0.02, 0.5, 1.0, 50.0, 1e4):
        x = D.Gamma(f64(shape), f64(1.0)).sample((N,)).numpy()
        assert (x > 0).all() and st.kstest(x, st.gamma(shape).cdf).pvalue > 1e-4
    x = D.Dirichlet(pb.full((4,), 1e-3)).sample((1000,))
    assert bool((x > 0).all()) and bool((x < 1).all()) and bool(x.sum(-1).sub(1).abs().max() < 1e-5)
    x = D.Beta(pb.tensor(1e-3), pb.tensor(1e-3)).sample((1000,))
    assert bool(D.Beta(1e-3, 1e-3).log_prob(x).isfinite().all())


def test_mixtures_draw_from_their_components():
    pb.manual_seed(4)
    components = D.Normal(f64([[-5.0, 0.0, 5.0], [1.0, 2.0, 3.0]]), 0.01)
    mixture = D.MixtureSameFamily(D.Categorical(f64([[0.5, 0.0, 0.5], [0.0, 1.0, 0.0]])), components)
    x = mixture.sample((N,)).numpy()
    assert set(np.round(x[:, 0]).astype(int)) == {-5, 5} and abs((x[:, 0] > 0).mean() - 0.5) < 0.02
    assert np.abs(x[:, 1] - 2).max() < 0.1


# ---- draws as functions of parameters ------------------------------------------------------------------------

REPARAMETRISED = [name for name in FAMILIES if make(FAMILIES[name]).has_rsample]
# By rejection: the same numbers do not give the same quantile, and what moves is compared with quantiles below.
REJECTED = "beta chi2 dirichlet fisher gamma inverse student wishart one relaxed".split()


@pytest.mark.parametrize("name", [n for n in REPARAMETRISED if n.split()[0] not in REJECTED])
def test_draws_are_functions_of_parameters(name):
    family = FAMILIES[name]
    parameters = tensors(family, pb, grad=True)

    def drawn(*given):
        pb.manual_seed(6)
        made = dict(zip(parameters, given))
        for matrix in ("covariance_matrix", "precision_matrix"):
            if matrix in made:
                made[matrix] = (made[matrix] + made[matrix].mT) / 2
        if "scale_tril" in made:
            made["scale_tril"] = made["scale_tril"].tril()
        return make(family, pb, made).rsample((2,))

    assert gradcheck(drawn, tuple(parameters.values()))
    assert gradgradcheck(drawn, tuple(parameters.values()))


QUANTILES = {
    "gamma": (D.Gamma, st.gamma, lambda a, rate: (a, 0, 1 / rate), ([0.05, 0.7, 3.0, 80.0], [1.0, 2.0, 0.5, 3.0])),
    "beta": (D.Beta, st.beta, lambda a, b: (a, b), ([0.3, 1.0, 5.0, 40.0], [0.4, 3.0, 2.0, 60.0])),
    "chi2": (D.Chi2, st.chi2, lambda k: (k,), ([0.5, 2.0, 9.0],)),
    "inverse gamma": (D.InverseGamma, st.invgamma, lambda a, rate: (a, 0, rate), ([0.7, 3.0, 8.0], [1.0, 2.0, 0.5])),
}  # fmt: skip


@pytest.mark.parametrize("name", QUANTILES)
def test_draws_keep_their_quantiles(name):
    """The derivative of a draw by a parameter is that of SciPy's quantile, by differences; and so is the second one."""
    kind, theirs, arguments, values = QUANTILES[name]
    pb.manual_seed(8)
    parameters = [f64(each, grad=True) for each in values]
    draws = kind(*parameters).rsample((3,))
    arrays = [np.array(each) for each in values]
    u = theirs.cdf(draws.detach().numpy(), *arguments(*arrays))
    first = pb.autograd.grad(draws.sum(), parameters, create_graph=True)
    # Each element alone: parameters are rows of what is summed.
    for i, p in enumerate(arrays):
        h = 1e-4 * p

        def quantile(step, i=i, h=h):
            moved = [each + step * h if j == i else each for j, each in enumerate(arrays)]
            return theirs.ppf(u, *arguments(*moved))

        five = (quantile(-2) - 8 * quantile(-1) + 8 * quantile(1) - quantile(2)) / (12 * h)
        np.testing.assert_allclose(first[i].detach().numpy(), five.sum(0), rtol=2e-6)
        (second,) = pb.autograd.grad(first[i].sum(), parameters[i], retain_graph=True)
        h = 2e-3 * p
        curve = sum(c * quantile(s, h=h) for s, c in zip((-2, -1, 0, 1, 2), (-1, 16, -30, 16, -1))) / (
            12 * h * h
        )
        np.testing.assert_allclose(
            second.numpy(), curve.sum(0), rtol=2e-3, atol=2e-4 * first[i].abs().max().item()
        )


def test_shares_move_as_beta_distributed_ones_do():
    """A share of a Dirichlet draw by its own concentration; the others keep their proportions."""
    pb.manual_seed(9)
    a = f64([0.7, 2.0, 1.3], grad=True)
    y = D.Dirichlet(a).rsample()
    rest = a.detach().sum() - a.detach()
    u = st.beta.cdf(y.detach().numpy(), a.detach().numpy(), rest.numpy())
    rows = [pb.autograd.grad(y[i], a, retain_graph=True)[0].numpy() for i in range(3)]
    for i in range(3):
        h = 1e-4
        moved = [st.beta.ppf(u[i], a[i].item() + s * h, rest[i].item()) for s in (-1, 1)]
        own = (moved[1] - moved[0]) / (2 * h)
        assert rows[i][i] == pytest.approx(own, rel=1e-6)
        for j in {0, 1, 2} - {i}:
            assert rows[j][i] == pytest.approx(-own * y[j].item() / (1 - y[i].item()), rel=1e-6)
    np.testing.assert_allclose(np.sum(rows, 0), 0, atol=1e-12)


def test_gradients_of_means():
    """The mean of many derivatives is the derivative of the mean."""
    pb.manual_seed(10)
    a, rate = f64([0.5, 3.0], grad=True), f64([2.0, 0.5], grad=True)
    (D.Gamma(a, rate).rsample((N,)).mean(0)).sum().backward()
    np.testing.assert_allclose(a.grad.numpy(), 1 / rate.detach().numpy(), rtol=0.05)
    np.testing.assert_allclose(rate.grad.numpy(), (-a / rate**2).detach().numpy(), rtol=0.05)
    a = f64([0.7, 2.0, 1.3], grad=True)
    (D.Dirichlet(a).rsample((N,)) * f64([1.0, 2.0, 4.0])).sum(-1).mean().backward()
    b = f64([0.7, 2.0, 1.3], grad=True)
    (D.Dirichlet(b).mean * f64([1.0, 2.0, 4.0])).sum().backward()
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), atol=0.01)
    df = f64(5.0, grad=True)
    D.StudentT(df).rsample((N * 10,)).square().mean().backward()
    assert df.grad.item() == pytest.approx(-2 / 9, rel=0.15)  # of df / (df - 2)
    df = f64(6.0, grad=True)
    wishart = D.Wishart(df, f64([[1.0, 0.3], [0.3, 2.0]]))
    wishart.rsample((2000,)).mean(0).sum().backward()
    assert df.grad.item() == pytest.approx(3.6, rel=0.1)


def test_forward_mode_and_higher_orders():
    def moved(a):
        pb.manual_seed(12)
        return D.Gamma(a, 1.0).rsample() + D.Beta(a, 2.0).rsample()

    a = f64(1.7)
    value, pushed = pb.func.jvp(moved, (a,), (pb.ones_like(a),))
    pulled = pb.func.grad(moved)
    assert pushed.item() == pytest.approx(pulled(a).item())
    curved = pb.func.grad(pulled)
    assert pb.func.jacfwd(pb.func.jacfwd(moved))(a).item() == pytest.approx(curved(a).item())
    assert pb.func.jacfwd(curved)(a).item() == pytest.approx(pb.func.grad(curved)(a).item())
    with pytest.raises(NotImplementedError, match="draws have derivatives up to the order 4"):
        pb.func.grad(pb.func.grad(pb.func.grad(curved)))(a)


def test_straight_through():
    weights = f64([0.2, 0.3, 0.5], grad=True)
    pb.manual_seed(0)
    draw = D.OneHotCategoricalStraightThrough(weights).rsample()
    assert sorted(draw.tolist()) == [0, 0, 1]
    (draw * f64([1.0, 2.0, 4.0])).sum().backward()
    probs = f64([0.2, 0.3, 0.5], grad=True)
    ((probs / probs.sum()) * f64([1.0, 2.0, 4.0])).sum().backward()
    np.testing.assert_allclose(weights.grad.numpy(), probs.grad.numpy())


def test_sample_is_constant():
    for name in FAMILIES:
        parameters = tensors(FAMILIES[name], pb, grad=True)
        assert not make(FAMILIES[name], pb, parameters).sample().requires_grad, name


def test_what_underflows():
    d = D.Gamma(pb.tensor(1e-2, requires_grad=True), pb.tensor(1e30))
    x = d.rsample((500,))
    assert bool((x > 0).all()) and x.requires_grad
    assert bool(D.Gamma(1e-2, 1e30).log_prob(x.detach()).isfinite().all())


def test_von_mises_ends():
    """Parameters that are no numbers give draws that are none, instead of drawing for ever."""
    d = D.VonMises(pb.tensor([0.0, 0.0]), pb.tensor([1.0, np.nan]), validate_args=False)
    assert d.sample((3,)).isnan().tolist() == [[False, True]] * 3


def test_draws_of_nothing():
    for name in ("gamma", "dirichlet", "normal", "bernoulli"):
        d = make(FAMILIES[name])
        assert d.sample((0, 2)).shape == (0, 2, *d.batch_shape, *d.event_shape)
    assert D.Dirichlet(pb.ones(0, 3)).rsample().shape == (0, 3)
    assert D.Gamma(pb.ones(0), 1.0).rsample((2,)).shape == (2, 0)


@pytest.mark.parametrize("randomness", ["different", "same"])
@pytest.mark.parametrize("name", [name for name, family in FAMILIES.items() if not callable(family.name)])
def test_inside_of_a_vmap(name, randomness):
    family = FAMILIES[name]
    pb.manual_seed(0)
    three = {key: pb.stack([each] * 3) for key, each in tensors(family, pb).items()}
    before = pb.func.set_vmap_fallback("allow")
    drawn = pb.vmap(lambda p: make(family, pb, p).sample((4,)), randomness=randomness)(three)
    alone = pb.vmap(lambda i: make(family).sample((4,)), randomness=randomness)(pb.arange(3))
    pb.func.set_vmap_fallback(before)
    for x in (drawn, alone):
        assert x.shape == (3, *make(family).sample((4,)).shape)
        assert bool((x[0] == x[1]).all()) == (randomness == "same")


def test_gradients_inside_of_a_vmap():
    def slope(a):
        return pb.func.grad(lambda a: D.Gamma(a, 1.0).rsample() + D.Beta(a, 2.0).rsample())(a)

    pb.manual_seed(0)
    a = f64([0.5, 1.0, 4.0])
    found = pb.vmap(slope, randomness="different")(a)
    assert found.shape == (3,) and bool((found > 0).all()) and bool(found.isfinite().all())
