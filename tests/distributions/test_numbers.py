"""Densities, distribution functions, quantiles, moments and entropies beside SciPy, and where they are hard to compute."""

import mpmath
import numpy as np
import pytest
import scipy.special
import scipy.stats as st
from checks import check
from distributions.families import FAMILIES, make, values

import pullback as pb

D = pb.distributions
KNOWN = [name for name, family in FAMILIES.items() if family.scipy]
# What SciPy says otherwise: it has no circular variance, and moments of what has none.
OTHERWISE = {"von mises": {"var", "mean"}, "cauchy": {"mean", "var"}, "half cauchy": {"var"}}


def f64(x, grad=False):
    return pb.tensor(np.asarray(x, dtype=np.float64), requires_grad=grad)


def counterpart(family):
    return family.scipy(**{name: np.array(value) for name, value in family.given.items()})


@pytest.mark.parametrize("name", KNOWN)
def test_beside_scipy(name):
    family = FAMILIES[name]
    ours, theirs = make(family), counterpart(family)
    value = values(family)
    density = "logpmf" if hasattr(theirs, "pmf") else "logpdf"
    pairs = [(ours.log_prob(value), getattr(theirs, density)(value.numpy()))]
    moments = {"mean": "mean", "var": "variance"}
    if name != "multivariate normal":
        for moment, attribute in moments.items():
            if moment not in OTHERWISE.get(name, ()):
                pairs.append((getattr(ours, attribute), getattr(theirs, moment)()))
        try:
            pairs.append((ours.cdf(value), theirs.cdf(value.numpy())))
        except NotImplementedError:
            assert name in ("bernoulli", "von mises")
        try:
            u = np.linspace(0.1, 0.9, 3)
            pairs.append((ours.icdf(pb.tensor(u)), theirs.ppf(u)))
        except NotImplementedError:
            pass
    try:
        pairs.append((ours.entropy(), theirs.entropy()))
    except NotImplementedError:
        assert "negative" in name or name in ("poisson", "fisher", "von mises")
    for found, expected in pairs:
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9, atol=1e-11)


def test_enough_families_are_known():
    assert len(KNOWN) > 24


# ---- distribution functions and their slopes, where they are hard ------------------------------------------------


def big(x):
    return mpmath.mpf(float(x))


@pytest.mark.parametrize("a", [1e-3, 0.3, 1.0, 7.5, 200.0, 1e4])
@pytest.mark.parametrize("q", [1e-9, 0.02, 0.5, 0.97, 1 - 1e-9])
def test_gamma_functions_beside_mpmath(a, q):
    """The distribution function, and its first two derivatives by the shape over the density."""
    y = st.gamma.ppf(q, a)
    if y < 1e-290:
        return
    from pullback.distributions._implicit import gamma_function, gamma_slope

    with mpmath.workdps(40):
        p = lambda a: mpmath.gammainc(a, 0, big(y), regularized=True)
        density = big(y) ** (big(a) - 1) * mpmath.exp(-big(y)) / mpmath.gamma(big(a))
        first, second = (mpmath.diff(p, big(a), n, h=big(a) * mpmath.mpf(10) ** -11) for n in (1, 2))
        expected = [float(each) for each in (p(big(a)), first / density, second / density)]
    found = [gamma_function(f64(y), f64(a)), gamma_slope(f64(y), f64(a), 1), gamma_slope(f64(y), f64(a), 2)]
    scale = abs(expected[2]) + abs(expected[1]) / a
    assert found[0].item() == pytest.approx(expected[0], rel=1e-10)
    assert found[1].item() == pytest.approx(expected[1], rel=1e-9)
    assert found[2].item() == pytest.approx(expected[2], abs=1e-8 * scale)


@pytest.mark.parametrize("a", [0.02, 0.8, 3.0, 150.0])
@pytest.mark.parametrize("b", [0.05, 1.0, 6.0, 400.0])
@pytest.mark.parametrize("q", [1e-5, 0.3, 0.9])
def test_beta_functions_beside_mpmath(a, b, q):
    y = st.beta.ppf(q, a, b)
    if not 1e-250 < y < 1 - 1e-10:
        return
    from pullback.distributions._implicit import beta_function, beta_slope

    with mpmath.workdps(40):
        h = mpmath.mpf(10) ** -12
        p = lambda a, b: mpmath.betainc(a, b, 0, big(y), regularized=True)
        density = big(y) ** (big(a) - 1) * (1 - big(y)) ** (big(b) - 1) / mpmath.beta(big(a), big(b))
        by_a = (p(big(a) + h, big(b)) - p(big(a) - h, big(b))) / (2 * h) / density
        by_b = (p(big(a), big(b) + h) - p(big(a), big(b) - h)) / (2 * h) / density
        expected = [float(each) for each in (p(big(a), big(b)), by_a, by_b)]
    given = f64(y), f64(a), f64(b)
    found = [beta_function(*given), beta_slope(*given, 1, 0), beta_slope(*given, 0, 1)]
    for ours, theirs in zip(found, expected):
        assert ours.item() == pytest.approx(theirs, rel=1e-9)


def test_large_parameters():
    """Where series are long, and the normal distribution near: by Cornish and Fisher's expansion, and differences."""
    from pullback.distributions._implicit import beta_function, beta_slope, gamma_function, gamma_slope

    for a in (1e8, 1e12):
        for z in (-3.0, 0.0, 2.0):
            y = a + z * a**0.5 + (z * z - 1) / 3
            expected = 1 + z / (2 * a**0.5) - (z**3 - 7 * z) / (72 * a**1.5)
            assert -gamma_slope(f64(y), f64(a), 1).item() == pytest.approx(expected, abs=1e-8)
            assert gamma_function(f64(y), f64(a)).item() == pytest.approx(st.norm.cdf(z), abs=1e-5)
    for a, b in ((600.0, 12.0), (1e4, 3e5), (1e6, 1e6), (3.0, 1e9)):
        for q in (1e-4, 0.3, 0.9):
            y = st.beta.ppf(q, a, b)
            steps = [st.beta.ppf(q, a * (1 + s * 1e-5), b) for s in (-2, -1, 1, 2)]
            by_a = (steps[0] - 8 * steps[1] + 8 * steps[2] - steps[3]) / (12e-5 * a)
            given = f64(y), f64(a), f64(b)
            assert -beta_slope(*given, 1, 0).item() == pytest.approx(by_a, rel=1e-6)
            assert beta_function(*given).item() == pytest.approx(q, rel=1e-7)
    df = f64(1e10, grad=True)
    pb.manual_seed(0)
    D.StudentT(df).rsample((100,)).sum().backward()
    assert bool(df.grad.isfinite())


def test_slopes_of_all_orders():
    """Each is the derivative of the one before: differences, and every mode."""
    from pullback.distributions._implicit import beta_slope, gamma_slope

    y, a, b = np.array([0.3, 0.6]), np.array([0.7, 4.0]), np.array([1.5, 0.6])
    for order in (1, 2):
        check(lambda y, a, order=order: gamma_slope(y, a, order), y * 5, a, layouts=("contiguous",))
    for i, j in ((1, 0), (0, 1), (1, 1)):
        check(lambda y, a, b, i=i, j=j: beta_slope(y, a, b, i, j), y, a, b, layouts=("contiguous",))
    with pytest.raises(NotImplementedError, match="derivative for _standard_gamma is not implemented"):
        gamma_slope(f64(0.5), f64(0.5), 5)
    with pytest.raises(NotImplementedError, match="derivative for _sample_dirichlet is not implemented"):
        beta_slope(f64(0.5), f64(0.5), f64(0.5), 3, 2)


def test_narrow_numbers_are_computed_in_wide_ones():
    d = D.Gamma(pb.tensor([0.5, 30.0]), 1.0)
    x = pb.tensor([0.2, 31.0])
    np.testing.assert_allclose(d.cdf(x).numpy(), st.gamma.cdf([0.2, 31], [0.5, 30]), rtol=1e-6)
    assert d.cdf(x).dtype == pb.float32
    # Also their slopes, where the logarithm of the density is what is left of numbers of 100,000.
    x = pb.tensor([9900.0, 1e4], requires_grad=True)
    D.Gamma(1e4, 1.0).cdf(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), st.gamma.pdf([9900, 1e4], 1e4), rtol=1e-6)
    x = pb.tensor([0.25, 0.26], requires_grad=True)
    D.Beta(3e3, 9e3).cdf(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), st.beta.pdf(x.detach().double().numpy(), 3e3, 9e3), rtol=1e-6)


def test_ends_of_the_support():
    assert D.Gamma(2.0, 1.0).cdf(pb.tensor([0.0, np.inf])).tolist() == [0, 1]
    assert D.Beta(2.0, 1.0).cdf(pb.tensor([0.0, 1.0])).tolist() == [0, 1]
    assert D.StudentT(3.0).cdf(pb.tensor([-np.inf, np.inf])).tolist() == [0, 1]
    assert bool(D.Gamma(2.0, 1.0, validate_args=False).cdf(pb.tensor(-1.0)).isnan())


def test_tails():
    """Where PyTorch rounds off what is left."""
    x = f64([-30.0, -10.0])
    np.testing.assert_allclose(
        D.Normal(f64(0.0), f64(1.0)).cdf(x).numpy(), st.norm.cdf([-30, -10]), rtol=1e-12
    )
    np.testing.assert_allclose(
        D.StudentT(f64(4.0)).cdf(x * 1e3).numpy(), st.t.cdf([-3e4, -1e4], 4), rtol=1e-9
    )
    np.testing.assert_allclose(D.Exponential(f64(1.0)).cdf(f64(1e-20)).item(), 1e-20)
    np.testing.assert_allclose(D.HalfNormal(f64(1.0)).cdf(f64(1e-20)).item(), 1e-20 * np.sqrt(2 / np.pi))
    np.testing.assert_allclose(D.Binomial(5, logits=f64(800.0)).log_prob(f64(5.0)).item(), 0, atol=1e-12)
    relaxed = D.relaxed_bernoulli.LogitRelaxedBernoulli(f64(1.0), logits=f64(1e3))
    np.testing.assert_allclose(relaxed.log_prob(f64(0.0)).item(), -1e3)


def test_a_tail_that_is_nearly_exponential():
    """Generalised Pareto and continuous Bernoulli distributions are smooth where their formulas are 0 over 0."""
    for shape in (0.0, 1e-9, -1e-7, 1e-4, 2e-3):
        value, u = f64(0.7), f64(0.3)
        d = D.GeneralizedPareto(f64(0.1), f64(1.3), f64(shape))
        theirs = st.genpareto(shape, 0.1, 1.3)
        for found, expected in (
            (d.log_prob(value), theirs.logpdf(0.7)),
            (d.cdf(value), theirs.cdf(0.7)),
            (d.icdf(u), theirs.ppf(0.3)),
        ):
            assert found.item() == pytest.approx(expected, rel=1e-6 if shape and abs(shape) < 1e-6 else 1e-11)
    slope = pb.func.grad(lambda c: D.GeneralizedPareto(0.0, 1.0, c).log_prob(f64(2.0)))
    assert slope(f64(0.0)).item() == pytest.approx(0.0)  # z^2 / 2 - z at z = 2
    assert pb.func.grad(slope)(f64(0.0)).item() == pytest.approx(-2 * 2**3 / 3 + 2**2)
    middle = D.ContinuousBernoulli(f64(0.5))
    assert middle.cdf(f64(0.3)).item() == pytest.approx(0.3)
    slope = pb.func.grad(lambda p: D.ContinuousBernoulli(p).cdf(f64(0.3)))(f64(0.5)).item()
    assert slope == pytest.approx(4 * (0.3**2 - 0.3) / 2)
    end = D.GeneralizedPareto(f64(0.0), f64(1.0), f64(-1.0))
    assert end.log_prob(f64([0.0, 0.5, 1.0])).tolist() == [0, 0, 0]


@pytest.mark.parametrize("kappa", [1e-3, 0.5, 3.7, 3.8, 19.9, 20.1, 700.0, 1e5])
def test_bessel_functions(kappa):
    from pullback.distributions.von_mises import _log_scaled_bessel

    x = f64(kappa)
    for order in (0, 1):
        expected = np.log(scipy.special.ive(order, kappa))
        assert _log_scaled_bessel(x, order).item() == pytest.approx(expected, rel=1e-12, abs=1e-14)
    ratio = scipy.special.ive(1, kappa) / scipy.special.ive(0, kappa)
    slope = pb.func.grad(lambda x: _log_scaled_bessel(x))
    assert slope(x).item() == pytest.approx(ratio - 1, rel=1e-9)
    curvature = 1 - ratio / kappa - ratio**2
    assert pb.func.grad(slope)(x).item() == pytest.approx(curvature, rel=1e-6, abs=1e-12)
    assert D.VonMises(f64(0.0), x).variance.item() == pytest.approx(1 - ratio, rel=1e-9)


def test_modes_beside_a_search():
    """Where the density is largest."""
    x = np.linspace(1e-4, 1 - 1e-4, 200_001)
    for d in (
        D.Kumaraswamy(f64(1.5), f64(2.5)),
        D.Beta(f64(2.5), f64(1.7)),
        D.Weibull(f64(0.5), f64(2.5)),
        D.LogNormal(f64(-1.0), f64(0.5)),
        D.FisherSnedecor(f64(5.0), f64(4.0)),
    ):
        best = x[d.log_prob(f64(x)).argmax().item()]
        assert d.mode.item() == pytest.approx(best, abs=1e-5)


def test_enumerated_supports_add_up():
    for d in (
        D.Bernoulli(f64([0.2, 0.7])),
        D.Binomial(4, f64([0.2, 0.7])),
        D.Categorical(f64([[0.2, 0.7, 0.1], [1, 1, 1]])),
        D.OneHotCategorical(f64([[0.2, 0.7, 0.1], [1, 1, 1]])),
    ):
        values = d.enumerate_support()
        probabilities = d.log_prob(values).exp()
        np.testing.assert_allclose(probabilities.sum(0).numpy(), 1)
        if not isinstance(d, D.Categorical):
            shape = probabilities.shape + (1,) * (values.dim() - probabilities.dim())
            np.testing.assert_allclose((probabilities.reshape(shape) * values).sum(0).numpy(), d.mean.numpy())
        if type(d) is not D.Binomial:
            np.testing.assert_allclose(
                d.entropy().numpy(), -(probabilities * probabilities.log()).sum(0).numpy()
            )


def test_the_entropy_of_a_multinomial_beside_scipy():
    d = D.Multinomial(5, f64([0.2, 0.3, 0.5]))
    assert d.entropy().item() == pytest.approx(float(st.multinomial(5, [0.2, 0.3, 0.5]).entropy()))
    assert d.log_prob(f64([1, 2, 2])).item() == pytest.approx(
        st.multinomial(5, [0.2, 0.3, 0.5]).logpmf([1, 2, 2])
    )
    certain = D.Multinomial(2, f64([0.0, 1.0]))
    assert certain.log_prob(f64([0, 2])).item() == pytest.approx(0, abs=1e-15)


def test_matrices_beside_scipy():
    scale, value = np.array([[1.0, 0.3], [0.3, 2.0]]), np.array([[2.0, 0.5], [0.5, 1.0]])
    d = D.Wishart(f64(3.5), f64(scale))
    theirs = st.wishart(3.5, scale)
    assert d.log_prob(f64(value)).item() == pytest.approx(theirs.logpdf(value))
    assert d.entropy().item() == pytest.approx(float(theirs.entropy()))
    np.testing.assert_allclose(d.mean.numpy(), theirs.mean())
    np.testing.assert_allclose(d.variance.numpy(), theirs.var())
    np.testing.assert_allclose(D.Wishart(f64(4.5), f64(scale)).mode.numpy(), st.wishart(4.5, scale).mode())
    d = D.Dirichlet(f64([1.5, 2.0, 0.7]))
    theirs = st.dirichlet([1.5, 2.0, 0.7])
    assert d.log_prob(f64([0.2, 0.3, 0.5])).item() == pytest.approx(theirs.logpdf([0.2, 0.3, 0.5]))
    assert d.entropy().item() == pytest.approx(float(theirs.entropy()))
    np.testing.assert_allclose(d.variance.numpy(), theirs.var())
    # LKJ: the density of correlations of 2 x 2 matrices is a beta distribution's.
    r = np.array([-0.5, 0.1, 0.8])
    factor = np.linalg.cholesky([[[1, c], [c, 1]] for c in r])
    found = D.LKJCholesky(2, f64(1.7)).log_prob(f64(factor)).numpy()
    expected = st.beta(1.7, 1.7).logpdf((1 + r) / 2) - np.log(2)  # and dr is the factor's own element
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("form", ["covariance_matrix", "precision_matrix", "scale_tril"])
def test_forms_of_a_matrix(form):
    covariance = np.array([[2.0, 0.5, 0.1], [0.5, 1.0, 0.2], [0.1, 0.2, 1.5]])
    forms = {
        "covariance_matrix": covariance,
        "precision_matrix": np.linalg.inv(covariance),
        "scale_tril": np.linalg.cholesky(covariance),
    }
    for d in (
        D.MultivariateNormal(f64([1.0, 2.0, 3.0]), **{form: f64(forms[form])}),
        D.Wishart(f64(4.0), **{form: f64(forms[form])}),
        D.MultivariateNormal(f64([1.0, 2.0, 3.0]), **{form: f64(forms[form])}).expand((2,)),
    ):
        for name, matrix in forms.items():
            found = getattr(d, name)
            assert found.shape == d.batch_shape + (3, 3)
            np.testing.assert_allclose(found.numpy(), np.broadcast_to(matrix, found.shape), atol=1e-12)
    low = D.LowRankMultivariateNormal(f64([1.0, 2.0]), f64([[1.0], [0.5]]), f64([1.0, 2.0]))
    full = D.MultivariateNormal(low.loc, low.covariance_matrix)
    np.testing.assert_allclose(low.precision_matrix.numpy(), full.precision_matrix.numpy())
    np.testing.assert_allclose(low.scale_tril.numpy(), full.scale_tril.numpy())
    np.testing.assert_allclose(low.variance.numpy(), full.variance.numpy())
    np.testing.assert_allclose(low.entropy().numpy(), full.entropy().numpy())
    value = f64(np.random.RandomState(0).randn(5, 2))
    np.testing.assert_allclose(low.log_prob(value).numpy(), full.log_prob(value).numpy())


def test_logarithms_of_relaxed_categories():
    """The density of logarithms is that of shares, times their product but one."""
    given = f64(0.7), f64([0.2, 0.3, 0.5])
    logarithms = D.relaxed_categorical.ExpRelaxedCategorical(*given)
    shares = f64([0.1, 0.6, 0.3])
    found = logarithms.log_prob(shares.log()) - shares.log().sum()
    assert found.item() == pytest.approx(D.RelaxedOneHotCategorical(*given).log_prob(shares).item())
    assert logarithms.expand((2,)).rsample().logsumexp(-1).abs().max() < 1e-12
