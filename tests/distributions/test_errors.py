"""What is wrong raises PyTorch's errors; what is validated, and what is not; subclasses; views of everything under vmap."""

import warnings

import numpy as np
import pytest
from distributions.families import FAMILIES, make, tensors, values

import pullback as pb

D = pb.distributions
# Calls over the module of distributions: parameters that are not allowed, arguments that do not fit, values outside.
CALLS = """
d.Bernoulli(t(1.5))
d.Bernoulli()
d.Bernoulli(t(0.5), t(0.5))
d.Bernoulli(t([0.5, 0.2])).log_prob(t([0.5, 1.0]))
d.Bernoulli(t([0.5, 0.2])).log_prob(t([1.0, 1.0, 1.0]))
d.Bernoulli(t(0.5)).log_prob(1.0)
d.Bernoulli(t(0.5)).rsample()
d.Beta(t(0.0), t(1.0))
d.Beta(t(1.0), t(1.0)).log_prob(t(1.5))
d.Beta(t(1.0), t(1.0)).icdf(t(0.5))
d.Binomial(t(-1.0), t(0.5))
d.Binomial(t(3.5), t(0.5))
d.Binomial(3)
d.Binomial(3, t(0.5)).log_prob(t(4.0))
d.Binomial(t([2.0, 3.0]), t(0.5)).entropy()
d.Binomial(t([2.0, 3.0]), t(0.5)).enumerate_support()
d.Categorical(t(1.0))
d.Categorical(logits=t(1.0))
d.Categorical(t([-1.0, 2.0]))
d.Categorical(t([0.5, 0.5])).log_prob(t(2))
d.Categorical(t([0.5, 0.5]), t([0.5, 0.5]))
d.Cauchy(t(0.0), t(0.0))
d.Chi2(t(-1.0))
d.ContinuousBernoulli(t(1.5), validate_args=True)
d.ContinuousBernoulli()
d.ContinuousBernoulli(t(0.5)).log_prob(t(1.5))
d.Dirichlet(t(1.0))
d.Dirichlet(t([1.0, 0.0]))
d.Dirichlet(t([1.0, 1.0])).log_prob(t([0.5, 0.6]))
d.Dirichlet(t([1.0, 1.0])).log_prob(t([0.2, 0.3, 0.5]))
d.Exponential(t(0.0))
d.Exponential(t(1.0)).log_prob(t(-1.0))
d.Exponential(t(1.0)).cdf(t(-1.0))
d.FisherSnedecor(t(1.0), t(1.0)).log_prob(t(0.0))
d.FisherSnedecor(t(1.0), t(1.0)).entropy()
d.Gamma(t(1.0), t(0.0))
d.Gamma("a", 1.0)
d.Gamma(t([1.0, 2.0]), t([1.0, 2.0, 3.0]))
d.Gamma(t(1.0), t(1.0)).icdf(t(0.5))
d.GeneralizedPareto(t(0.0), t(0.0), t(0.1))
d.Geometric(t(0.0))
d.Geometric(t([0.5, 0.0]))
d.Geometric(t(0.5)).log_prob(t(0.5))
d.Gumbel(t(0.0), t(-1.0))
d.HalfCauchy(t(-1.0))
d.HalfCauchy(t(1.0)).log_prob(t(-1.0))
d.HalfNormal(t(0.0))
d.HalfNormal(t(1.0)).cdf(t(-1.0))
d.Independent(d.Normal(t([0.0, 1.0]), t(1.0)), 2)
d.Independent(d.Bernoulli(t([0.5, 0.5])), 1).enumerate_support()
d.InverseGamma(t(0.0), t(1.0))
d.InverseGamma(t(1.0), t(1.0)).log_prob(t(0.0))
d.Kumaraswamy(t(0.0), t(1.0))
d.Laplace(t(0.0), t(0.0))
d.LKJCholesky(1)
d.LKJCholesky(2, t(1.0)).log_prob(t([[1.0, 0.0], [0.5, 0.5]]))
d.LKJCholesky(2, t(1.0)).rsample()
d.LogNormal(t(0.0), t(0.0))
d.LogNormal(t(0.0), t(1.0)).log_prob(t(0.0))
d.LogisticNormal(t(0.0), t(0.0))
d.LogisticNormal(t([0.0]), t([1.0])).log_prob(t([0.5, 0.6]))
d.LogisticNormal(t([0.0]), t([1.0])).mean
d.LowRankMultivariateNormal(t(0.0), t([[1.0]]), t([1.0]))
d.LowRankMultivariateNormal(t([0.0]), t([1.0]), t([1.0]))
d.LowRankMultivariateNormal(t([0.0]), t([[1.0], [2.0]]), t([1.0]))
d.LowRankMultivariateNormal(t([0.0]), t([[1.0]]), t([1.0, 2.0]))
d.LowRankMultivariateNormal(t([[0.0], [0.0]]), t([[[1.0]]] * 3), t([1.0]))
d.LowRankMultivariateNormal(t([0.0, 0.0]), t([[0.1], [0.2]]), t([1.0, -0.1]))
d.MixtureSameFamily(d.Normal(t([0.0]), t([1.0])), d.Normal(t([0.0]), t([1.0])))
d.MixtureSameFamily(d.Categorical(t([0.5, 0.5])), 3)
d.MixtureSameFamily(d.Categorical(t([0.5, 0.5])), d.Normal(t([0.0]), t([1.0])))
d.MixtureSameFamily(d.Categorical(t([[0.5, 0.5]] * 3)), d.Normal(t([[0.0, 1.0]] * 2), t(1.0)))
d.MixtureSameFamily(d.Categorical(t([0.5, 0.5])), d.Gamma(t([1.0, 2.0]), t(1.0))).log_prob(t(-1.0))
d.Multinomial(t(3.0), t([0.5, 0.5]))
d.Multinomial(3, t([0.5, 0.5])).log_prob(t([2.0, 2.0]))
d.MultivariateNormal(t(0.0), t([[1.0]]))
d.MultivariateNormal(t([0.0]))
d.MultivariateNormal(t([0.0]), t([[1.0]]), t([[1.0]]))
d.MultivariateNormal(t([0.0]), t([1.0]))
d.MultivariateNormal(t([0.0]), precision_matrix=t([1.0]))
d.MultivariateNormal(t([0.0]), scale_tril=t([1.0]))
d.MultivariateNormal(t([0.0]), t([[-1.0]]))
d.MultivariateNormal(t([0.0, 0.0]), scale_tril=t([[1.0, 1.0], [0.0, 1.0]]))
d.MultivariateNormal(t([0.0, 0.0]), t([[1.0, 0.0], [0.0, 1.0]])).log_prob(t([0.0]))
d.NegativeBinomial(t(-1.0), t(0.5))
d.NegativeBinomial(t(1.0), t(1.0))
d.NegativeBinomial(t(1.0), t(0.5)).log_prob(t(-1.0))
d.Normal(t(0.0), t([1.0, -1.0]))
d.Normal(t(float("nan")), t(1.0))
d.Normal(t(0.0), t(1.0)).log_prob(t(float("nan")))
d.Normal(t(0.0), t(1.0)).enumerate_support()
d.Normal(t([0.0, 1.0]), t(1.0)).expand((3,))
d.OneHotCategorical(t([0.5, 0.5])).log_prob(t([1.0, 1.0]))
d.OneHotCategorical(t([0.5, -0.5]))
d.OneHotCategoricalStraightThrough(t(1.0))
d.Pareto(t(0.0), t(1.0))
d.Pareto(t(1.0), t(1.0)).log_prob(t(0.5))
d.Poisson(t(-1.0))
d.Poisson(t(1.0)).log_prob(t(0.5))
d.Poisson(t(1.0)).entropy()
d.RelaxedBernoulli(t(1.0))
d.RelaxedBernoulli(t(1.0), t(0.5)).log_prob(t(1.5))
d.RelaxedBernoulli(t(1.0), t(1.5))
d.RelaxedOneHotCategorical(t(1.0), t([0.5, 0.5])).log_prob(t([0.5, 0.6]))
d.RelaxedOneHotCategorical(t(1.0), t([0.5, -0.5]))
d.StudentT(t(1.0), t(0.0), t(0.0))
d.TransformedDistribution(d.Normal(t(0.0), t(1.0)), 3)
d.TransformedDistribution(d.Normal(t(0.0), t(1.0)), [3])
d.TransformedDistribution(d.Normal(t(0.0), t(1.0)), d.StickBreakingTransform())
d.Uniform(t(1.0), t(1.0))
d.Uniform(t(0.0), t(1.0)).log_prob(t(1.5))
d.Uniform(t(0.0), t(1.0)).cdf(t(-0.5))
d.VonMises(t(0.0), t(0.0))
d.VonMises(t(0.0), t(1.0)).rsample()
d.VonMises(t(0.0), t(1.0)).cdf(t(0.0))
d.Weibull(t(1.0), t(0.0))
d.Weibull(t(1.0), t(1.0)).log_prob(t(0.0))
d.Wishart(t(3.0))
d.Wishart(t(1.0), t([[1.0, 0.0], [0.0, 1.0]]))
d.Wishart(t(3.0), t([1.0]))
d.Wishart(t(3.0), t([[1.0, 0.0], [0.0, -1.0]]))
d.Wishart(t(3.0), t([[1.0, 0.0], [0.0, 1.0]])).log_prob(t([[1.0, 2.0], [2.0, 1.0]]))
d.ExponentialFamily().entropy()
d.Distribution(validate_args=False).mean
d.Distribution(validate_args=False).mode
d.Distribution(validate_args=False).stddev
d.Distribution(validate_args=False).support
d.Distribution(validate_args=False).sample()
d.Distribution(validate_args=False).log_prob(t(0.0))
d.Distribution(validate_args=False).cdf(t(0.0))
d.Distribution(validate_args=False).icdf(t(0.0))
d.Distribution(validate_args=False).entropy()
d.Distribution(validate_args=False).perplexity()
d.Distribution(validate_args=False).expand((2,))
d.Distribution(validate_args=False).enumerate_support()
d.Distribution.set_default_validate_args(3)
d.utils.broadcast_all("a")
d.utils.tril_matrix_to_vec(t([[1.0]]), 1)
d.utils.vec_to_tril_matrix(t([1.0, 2.0]))
"""


def said(text, m):
    """The kind of error that a call raises, and its text."""
    with warnings.catch_warnings(), pytest.raises(Exception) as caught:
        warnings.simplefilter("ignore")
        eval(text, {"d": m.distributions, "t": m.tensor})
    return type(caught.value).__name__.lstrip("_"), str(caught.value).replace("pullback", "torch")


@pytest.mark.torch
@pytest.mark.parametrize("text", CALLS.strip().splitlines())
def test_what_is_wrong(text):
    torch = pytest.importorskip("torch")
    torch.distributions.Distribution.set_default_validate_args(
        True
    )  # its compiler, once imported, checks nothing
    ours, theirs = said(text, pb), said(text, torch)
    assert ours[0] == theirs[0]
    plain = [message.replace(", grad_fn=<SelectBackward0>", "") for message in (ours[1], theirs[1])]
    assert plain[0].startswith(plain[1].rstrip("."))


def test_every_family_is_in_the_table():
    families = [name for name in D.__all__ if name[0].isupper() and name not in dir(D.transforms)]
    assert len(families) > 40 and [name for name in families if f"d.{name}" not in CALLS] == []


# ---- validation -----------------------------------------------------------------------------------------------


def test_a_wrong_parameter_is_named_as_it_was_given():
    """PyTorch names a distribution that these are made of."""
    with pytest.raises(ValueError, match=r"Expected parameter df1 .* of distribution FisherSnedecor"):
        D.FisherSnedecor(0.0, 1.0)
    with pytest.raises(ValueError, match=r"Expected parameter df .* of distribution StudentT"):
        D.StudentT(0.0)
    with pytest.raises(ValueError, match=r"Expected parameter concentration .* of distribution LKJCholesky"):
        D.LKJCholesky(2, 0.0)


def test_without_validation():
    d = D.Normal(0.0, -1.0, validate_args=False)
    assert d.scale.item() == -1
    assert D.Bernoulli(0.5, validate_args=False).log_prob(pb.tensor(0.3)).item() == pytest.approx(np.log(0.5))
    assert D.Uniform(0.0, 1.0, validate_args=False).log_prob(pb.tensor([-0.5, 1.0])).tolist() == [-np.inf] * 2
    assert D.HalfNormal(1.0, validate_args=False).log_prob(pb.tensor(-1.0)).item() == -np.inf
    try:
        D.Distribution.set_default_validate_args(False)
        assert D.Normal(0.0, -1.0).expand((2,)).scale.tolist() == [-1, -1]
        with pytest.raises(ValueError):
            D.Normal(0.0, -1.0, validate_args=True)
    finally:
        D.Distribution.set_default_validate_args(True)


def test_what_does_not_say_what_is_allowed():
    class Silent(D.Distribution):
        pass

    with pytest.warns(UserWarning, match="does not define `arg_constraints`"):
        silent = Silent()
    with pytest.warns(UserWarning, match="does not define `support`"):
        silent._validate_sample(pb.tensor(1.0))


def test_subclasses():
    class Wide(D.Normal):
        def __init__(self, loc):
            super().__init__(loc, 10.0)

    with pytest.raises(
        NotImplementedError,
        match=r"Subclass Wide of Normal that defines a custom __init__ method must also define a",
    ):
        Wide(0.0).expand((2,))

    class Plain(D.Normal):
        pass

    assert type(Plain(0.0, 1.0).expand((2,))) is Plain

    class Mine(D.Distribution):
        arg_constraints = {"rate": D.constraints.positive}
        support = D.constraints.positive

        def __init__(self, rate):
            self.rate = rate
            super().__init__(rate.shape)

        def log_prob(self, value):
            if self._validate_args:
                self._validate_sample(value)
            return self.rate.log() - self.rate * value

    with pytest.raises(ValueError, match="Expected parameter rate"):
        Mine(pb.tensor(-1.0))
    assert Mine(pb.tensor(2.0)).log_prob(pb.tensor(1.0)).item() == pytest.approx(np.log(2) - 2)
    assert repr(Mine(pb.ones(2))) == "Mine(rate: pullback.Size([2]))"


def test_older_names():
    with pytest.warns(FutureWarning, match=r"`sample_n\(n\)` will be deprecated"):
        assert D.Normal(pb.zeros(2), 1.0).sample_n(3).shape == (3, 2)


def test_low_degrees_of_freedom():
    with pytest.warns(UserWarning, match="Low df values detected"):
        D.Wishart(pb.tensor(1.5), pb.eye(2))


# ---- inside of transforms -------------------------------------------------------------------------------------

BATCHED = [name for name, f in FAMILIES.items() if make(f).batch_shape and "mixture" not in name]


@pytest.mark.parametrize("name", BATCHED)
def test_inside_of_a_vmap(name):
    """Entry by entry, with validation, as the whole batch."""
    family = FAMILIES[name]
    d, value, parameters = make(family), values(family), tensors(family, pb)
    size = d.batch_shape[0]
    dims = {
        key: 0 if each.shape[:1] == (size,) and per_entry(name, key) else None
        for key, each in parameters.items()
    }

    def one(value, parameters):
        return make(family, pb, parameters).log_prob(value)

    found = pb.vmap(one, in_dims=(0, dims))(value, parameters)
    np.testing.assert_allclose(found.numpy(), d.log_prob(value).numpy(), rtol=1e-12)


def per_entry(name, key):
    """Whether a parameter has one part for each entry: not what is one vector, or one matrix, for all."""
    return not (
        key in ("cov_factor", "cov_diag", "temperature")
        or (key == "covariance_matrix")
        or (name.startswith("multivariate normal") and key == "loc" and "factor" in name)
    )


def test_wrong_entries_of_a_vmap():
    with pytest.raises(ValueError, match="Expected parameter scale"):
        pb.vmap(lambda scale: D.Normal(0.0, scale).log_prob(pb.tensor(1.0)))(pb.tensor([1.0, -1.0]))
    with pytest.raises(RuntimeError, match="vmap: called random operation"):
        pb.vmap(lambda a: D.Gamma(a, 1.0).rsample())(pb.ones(2))


def test_hessians():
    x = pb.tensor([0.3, 1.2, 0.8], dtype=pb.float64)
    fisher = pb.func.hessian(lambda p: -D.Gamma(p[0], p[1]).log_prob(x).sum())(pb.tensor([1.5, 2.0]).double())
    expected = [[3 * pb.polygamma(1, pb.tensor(1.5)).item(), -3 / 2], [-3 / 2, 3 * 1.5 / 4]]
    np.testing.assert_allclose(fisher.numpy(), expected, rtol=1e-6)


# ---- tools ------------------------------------------------------------------------------------------------------


def test_broadcast_all():
    a, b = D.utils.broadcast_all(pb.ones(2, dtype=pb.float64), 3)
    assert b.tolist() == [3, 3] and b.dtype == pb.float64
    assert D.utils.broadcast_all(1, 2.0)[0].dtype == pb.get_default_dtype()
    with pytest.raises(RuntimeError):
        D.utils.broadcast_all(pb.ones(2), pb.ones(3))


def test_probabilities_and_logarithms():
    probs_to_logits, logits_to_probs = D.utils.probs_to_logits, D.utils.logits_to_probs
    p = pb.tensor([[0.2, 0.8]], dtype=pb.float64)
    np.testing.assert_allclose(logits_to_probs(probs_to_logits(p)).numpy(), p.numpy())
    np.testing.assert_allclose(logits_to_probs(probs_to_logits(p, True), True).numpy(), p.numpy())
    ends = D.utils.clamp_probs(pb.tensor([0.0, 1.0]))
    eps = pb.finfo(pb.float32).eps
    assert ends.tolist() == [np.float32(eps), np.float32(1 - eps)]
    assert bool(probs_to_logits(pb.tensor([0.0, 1.0]), True).isfinite().all())


def test_lazy_property():
    class Thing:
        count = 0

        @D.utils.lazy_property
        def value(self):
            """Of a thing."""
            self.count += 1
            return pb.tensor(2.0, requires_grad=True) * 3

    thing = Thing()
    with pb.no_grad():
        value = thing.value
    assert value.requires_grad and thing.value is value and thing.count == 1
    assert isinstance(Thing.value, property) and Thing.__dict__["value"].__doc__ == "Of a thing."


@pytest.mark.parametrize("diag", [-2, -1, 0, 1])
def test_triangles(diag):
    tril_matrix_to_vec, vec_to_tril_matrix = D.utils.tril_matrix_to_vec, D.utils.vec_to_tril_matrix
    matrix = pb.arange(1.0, 33.0).view(2, 4, 4)
    vector = tril_matrix_to_vec(matrix, diag)
    rows, columns = np.tril_indices(4, diag)
    np.testing.assert_array_equal(vector.numpy(), matrix.numpy()[:, rows, columns])
    np.testing.assert_array_equal(vec_to_tril_matrix(vector, diag).numpy(), np.tril(matrix.numpy(), diag))


def test_what_is_not_there():
    with pytest.raises(AttributeError, match="Nomal.*Normal"):
        D.Nomal
    assert "Normal" in dir(D) and "constraints" in dir(D) and D.normal.Normal is D.Normal
