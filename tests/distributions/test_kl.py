"""Divergences: every registered pair beside PyTorch, beside the mean over draws, and differentiable."""

import itertools

import numpy as np
import pytest
from checks import check

import pullback as pb
from pullback.distributions import _kl_across, _kl_alike, kl, kl_divergence, register_kl  # noqa: F401

D = pb.distributions
# Two of each kind, as text over the module of distributions and the function that makes tensors.
PAIRS = """
Bernoulli                 ; d.Bernoulli(t([0.3, 0.6]))                          ; d.Bernoulli(t([0.5, 0.2]))
Beta                      ; d.Beta(t([1.5, 2.0]), t([2.5, 0.8]))                ; d.Beta(t([2.0, 1.2]), t([1.1, 3.0]))
Binomial                  ; d.Binomial(4, t([0.3, 0.6]))                        ; d.Binomial(4, t([0.5, 0.2]))
Categorical               ; d.Categorical(t([[0.3, 0.6, 0.1]]))                 ; d.Categorical(t([[0.2, 0.2, 0.6]]))
Cauchy                    ; d.Cauchy(t([0.3, 0.6]), t([1.0, 2.0]))              ; d.Cauchy(t([1.3, 0.0]), t([2.0, 0.5]))
ContinuousBernoulli       ; d.ContinuousBernoulli(t([0.3, 0.8]))                ; d.ContinuousBernoulli(t([0.6, 0.2]))
Dirichlet                 ; d.Dirichlet(t([[1.5, 2.0, 3.0]]))                   ; d.Dirichlet(t([[2.5, 1.0, 0.7]]))
Exponential               ; d.Exponential(t([0.5, 2.0]))                        ; d.Exponential(t([1.5, 0.7]))
Gamma                     ; d.Gamma(t([1.5, 2.0]), t([0.7, 3.0]))               ; d.Gamma(t([2.5, 1.0]), t([1.7, 1.0]))
Geometric                 ; d.Geometric(t([0.3, 0.6]))                          ; d.Geometric(t([0.5, 0.2]))
Gumbel                    ; d.Gumbel(t([0.3, 0.6]), t([1.0, 2.0]))              ; d.Gumbel(t([1.3, 0.0]), t([2.0, 1.5]))
HalfNormal                ; d.HalfNormal(t([0.3, 0.6]))                         ; d.HalfNormal(t([1.0, 0.5]))
Independent               ; d.Independent(d.Normal(t([[0.3, 0.6]]), 1.0), 1)    ; d.Independent(d.Normal(t([[1.3, 0.1]]), 2.0), 1)
Laplace                   ; d.Laplace(t([0.3, 0.6]), t([1.0, 2.0]))             ; d.Laplace(t([1.3, 0.0]), t([2.0, 0.5]))
LowRankMultivariateNormal ; d.LowRankMultivariateNormal(t([0.1, 0.2]), t([[1.0], [0.5]]), t([1.0, 2.0])) ; d.LowRankMultivariateNormal(t([0.5, -0.2]), t([[0.3], [0.9]]), t([2.0, 0.5]))
MultivariateNormal        ; d.MultivariateNormal(t([0.1, 0.2]), t([[1.0, 0.3], [0.3, 2.0]])) ; d.MultivariateNormal(t([0.9, -0.2]), t([[2.0, 0.1], [0.1, 1.5]]))
Normal                    ; d.Normal(t([0.3, 0.6]), t([1.0, 2.0]))              ; d.Normal(t([1.3, 0.0]), t([2.0, 0.5]))
OneHotCategorical         ; d.OneHotCategorical(t([[0.3, 0.6, 0.1]]))           ; d.OneHotCategorical(t([[0.2, 0.2, 0.6]]))
Pareto                    ; d.Pareto(t([1.5, 2.0]), t([6.5, 8.0]))              ; d.Pareto(t([0.2, 0.1]), t([3.5, 4.0]))
Poisson                   ; d.Poisson(t([0.3, 2.0]))                            ; d.Poisson(t([0.8, 1.0]))
TransformedDistribution   ; d.LogNormal(t([0.3, 0.6]), t([1.0, 2.0]))           ; d.LogNormal(t([1.3, 0.0]), t([2.0, 0.5]))
Uniform                   ; d.Uniform(t([0.3, 0.2]), t([0.5, 0.9]))             ; d.Uniform(t([-1.0, 0.1]), t([2.0, 0.95]))
"""  # noqa: E501
LINES = {a: (b, c) for a, b, c in (map(str.strip, line.split(" ; ")) for line in PAIRS.strip().splitlines())}


def made(text, m=pb):
    return eval(text, {"d": m.distributions, "t": lambda x: m.tensor(x, dtype=m.float64)})


kl._fill()
REGISTERED = sorted((p.__name__, q.__name__) for p, q in kl._KL_REGISTRY if "ExponentialFamily" != p.__name__)
TESTED = [(p, q) for p, q in REGISTERED if p in LINES and q in LINES]
NEVER = {(p.__name__, q.__name__) for p, _, kinds in _kl_across.NEVER for q in kinds}
# PyTorch says inf where an interval just reaches the support's ends, or is wider.
OTHERWISE = {("ContinuousBernoulli", "Uniform")}


def test_all_pairs_are_tested():
    assert set(REGISTERED) == set(TESTED) and len(TESTED) > 75


@pytest.mark.torch
@pytest.mark.parametrize("p, q", TESTED, ids=map("-".join, TESTED))
def test_against_torch(p, q):
    torch = pytest.importorskip("torch")
    expected = torch.distributions.kl_divergence(made(LINES[p][0], torch), made(LINES[q][1], torch))
    found = kl_divergence(made(LINES[p][0]), made(LINES[q][1]))
    assert found.shape == tuple(expected.shape)
    if (p, q) in OTHERWISE:
        assert bool(expected.isinf().any()) and not bool(found[0].isinf())
        return
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.torch
def test_all_pairs_of_pytorch_are_there():
    torch = pytest.importorskip("torch")
    theirs = {(p.__name__, q.__name__) for p, q in torch.distributions.kl._KL_REGISTRY}
    assert theirs == {
        (p.__name__, q.__name__) for p, q in kl._KL_REGISTRY if p.__module__.startswith("pullback")
    }


FINITE = [pair for pair in TESTED if pair not in NEVER]


@pytest.mark.parametrize("p, q", FINITE, ids=map("-".join, FINITE))
def test_the_mean_over_draws(p, q):
    """log(p / q) averages to the divergence."""
    pb.manual_seed(0)
    p, q = made(LINES[p][0]), made(LINES[q][1])
    x = p.sample((20_000,))
    q._validate_args = False
    difference = (p.log_prob(x) - q.log_prob(x)).reshape(20_000, -1).numpy()
    expected = np.broadcast_to(kl_divergence(p, q).numpy(), difference.shape[1:])
    infinite = np.isinf(expected)
    assert np.isinf(difference.max(0)[infinite]).all()
    finite = difference[:, ~infinite]
    error = finite.std(0) / np.sqrt(len(finite))
    assert (np.abs(finite.mean(0) - expected[~infinite]) <= 5 * error + 1e-12).all()


@pytest.mark.parametrize("p", ["Normal", "Gamma", "Beta", "Bernoulli", "Dirichlet", "Exponential", "Poisson"])
def test_exponential_families_by_bregmans_divergence(p):
    p, q = made(LINES[p][0]), made(LINES[p][1])
    general = kl._KL_REGISTRY[D.ExponentialFamily, D.ExponentialFamily]
    np.testing.assert_allclose(general(p, q).numpy(), kl_divergence(p, q).numpy(), rtol=1e-9)
    if type(p) not in (D.Beta, D.Dirichlet, D.Poisson):  # these have no mean of the carrier measure
        entropy = D.ExponentialFamily.entropy(p)
        np.testing.assert_allclose(entropy.numpy(), p.entropy().numpy(), rtol=1e-9)


def test_parameters_of_several_shapes():
    """A Wishart distribution has a matrix and a number; PyTorch sums over batches of the latter."""
    pb.manual_seed(0)
    t = lambda x: pb.tensor(x, dtype=pb.float64)
    p = D.Wishart(t([4.0, 5.0]), t([[1.0, 0.3], [0.3, 2.0]]))
    q = D.Wishart(t(6.0), t([[2.0, 0.1], [0.1, 1.0]]))
    x = p.sample((20_000,))
    difference = (p.log_prob(x) - q.log_prob(x)).numpy()
    away = np.abs(difference.mean(0) - kl_divergence(p, q).numpy())
    assert (away <= 5 * difference.std(0) / np.sqrt(20_000)).all()


def test_exponential_families_are_differentiable():
    check(
        lambda a, b, c, e: kl._KL_REGISTRY[D.ExponentialFamily, D.ExponentialFamily](
            D.Gamma(a, b), D.Gamma(c, e)
        ),
        *([np.array([x, x + 0.5]) for x in (1.0, 0.7, 2.0, 1.2)]),
        layouts=("contiguous",),
    )
    with pytest.raises(NotImplementedError, match="between different exponential families"):
        kl._KL_REGISTRY[D.ExponentialFamily, D.ExponentialFamily](D.Gamma(1.0, 1.0), D.Normal(1.0, 1.0))


@pytest.mark.parametrize("name", ["Normal", "Gamma", "Laplace", "Gumbel"])
def test_derivatives(name):
    def f(a, b, c, e):
        p, q = (getattr(D, name)(*each, validate_args=False) for each in ((a, b), (c, e)))
        return kl_divergence(p, q)

    check(f, *([np.array([x, x + 0.5]) for x in (1.0, 0.7, 2.0, 1.2)]), layouts=("contiguous",))


def test_where_q_lacks_what_p_has():
    assert kl_divergence(D.Bernoulli(0.5), D.Bernoulli(1.0)).item() == np.inf
    assert kl_divergence(D.Bernoulli(1.0), D.Bernoulli(1.0)).item() == 0
    assert kl_divergence(D.Poisson(0.0), D.Poisson(2.0)).item() == 2  # PyTorch: NaN
    assert kl_divergence(D.Uniform(0.0, 2.0), D.Uniform(0.0, 1.0)).item() == np.inf
    assert kl_divergence(D.Uniform(0.0, 1.0), D.ContinuousBernoulli(0.3)).isfinite()  # PyTorch: inf
    assert kl_divergence(D.Pareto(1.0, 1.0), D.Exponential(1.0)).item() == np.inf
    p = D.Categorical(pb.tensor([0.0, 1.0]))
    assert kl_divergence(p, D.Categorical(pb.tensor([0.5, 0.5]))).item() == pytest.approx(np.log(2))
    assert kl_divergence(D.Categorical(pb.tensor([0.5, 0.5])), p).item() == np.inf
    with pytest.raises(NotImplementedError, match=r"q.total_count > p.total_count is not implemented"):
        kl_divergence(D.Binomial(3, pb.tensor(0.5)), D.Binomial(4, pb.tensor(0.5)))
    assert kl_divergence(D.Binomial(5, pb.tensor(0.5)), D.Binomial(4, pb.tensor(0.5))).item() == np.inf


def test_batches_of_normal_vectors_broadcast():
    pb.manual_seed(0)
    factors = [pb.randn(2, 1, 3, 3, dtype=pb.float64).tril(-1) + pb.eye(3), pb.eye(3, dtype=pb.float64) * 2]
    p, q = (D.MultivariateNormal(pb.zeros(3, dtype=pb.float64), scale_tril=each) for each in factors)
    low = D.LowRankMultivariateNormal(*(pb.ones(shape, dtype=pb.float64) for shape in ((4, 3), (3, 1), (3,))))
    for a, b in itertools.product((p, q, low), repeat=2):
        expected = kl_divergence(a, b).numpy()
        x = a.expand(expected.shape).sample((40_000,))
        difference = (a.log_prob(x) - b.log_prob(x)).numpy()
        assert expected.shape == difference.shape[1:]
        error = difference.std(0) / 200
        assert (np.abs(difference.mean(0) - expected) <= 5 * error + 1e-9).all()
    with pytest.raises(ValueError, match="different event shapes cannot be computed"):
        kl_divergence(p, D.MultivariateNormal(pb.zeros(2), pb.eye(2)))


def test_which_formula_counts():
    class A(D.Normal):
        pass

    class B(A):
        pass

    try:
        register_kl(A, D.Normal)(lambda p, q: "left")
        assert kl_divergence(B(0.0, 1.0), A(0.0, 1.0)) == "left"
        register_kl(D.Normal, A)(lambda p, q: "right")
        with pytest.warns(
            RuntimeWarning, match=r"Ambiguous kl_divergence\(B, A\). Please register_kl\(A, A\)"
        ):
            assert kl_divergence(B(0.0, 1.0), A(0.0, 1.0)) == "left"
        register_kl(A, A)(lambda p, q: "both")
        assert kl_divergence(B(0.0, 1.0), A(0.0, 1.0)) == "both"
        assert kl_divergence(D.Normal(0.0, 1.0), D.Normal(0.0, 1.0)).item() == 0
    finally:
        for pair in [pair for pair in kl._KL_REGISTRY if A in pair]:
            del kl._KL_REGISTRY[pair]
        kl._KL_MEMOIZE.clear()


def test_errors():
    with pytest.raises(
        NotImplementedError, match=r"No KL\(p \|\| q\) is implemented for p type Cauchy and q type Normal"
    ):
        kl_divergence(D.Cauchy(0.0, 1.0), D.Normal(0.0, 1.0))
    with pytest.raises(NotImplementedError):
        kl_divergence(D.LogNormal(0.0, 1.0), D.HalfCauchy(1.0))
    with pytest.raises(NotImplementedError):
        normal = D.Normal(pb.zeros(2, 2), 1.0)
        kl_divergence(D.Independent(normal, 1), D.Independent(normal, 2))
    with pytest.raises(TypeError, match="Expected type_q to be a Distribution subclass but got 3"):
        register_kl(D.Normal, 3)
