"""The families in a table: a line each of constructor, parameters, values that it may have, and its counterpart in SciPy."""

from typing import NamedTuple

import numpy as np
import scipy.stats as st

import pullback as pb

A, B, C = [0.5, 1.3, 2.5], [1.2, 0.7, 3.0], [0.3, -0.8, 1.1]
P = [0.2, 0.5, 0.9]
ROWS3 = [[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]]
SIMPLEX = [[0.25, 0.35, 0.4], [0.1, 0.6, 0.3]]
COVARIANCE = [[2.0, 0.5, 0.1], [0.5, 1.0, 0.2], [0.1, 0.2, 1.5]]
FACTOR = np.linalg.cholesky(COVARIANCE).tolist()
VECTORS = [[0.5, -1.0, 0.3], [1.0, 0.2, -0.4]]
ANGLES = [-2.0, 0.1, 3.0]


class Family(NamedTuple):
    name: str
    given: dict  # the parameters, all tensors
    values: object  # in the support, of the shapes of batch and event
    scipy: object = None  # of the parameters as arrays
    fixed: dict = {}  # other arguments


def row(name, values, scipy=None, fixed=None, **given):
    return Family(name, given, values, scipy, fixed or {})


def _nested(kind):
    """Distributions of distributions, of either library."""

    def made(m, loc, scale, weights=None):
        d = m.distributions
        if kind == "independent":
            return d.Independent(d.Normal(loc, scale), 1)
        if kind == "mixture":
            return d.MixtureSameFamily(d.Categorical(weights), d.Normal(loc, scale))
        if kind == "mixture of vectors":
            return d.MixtureSameFamily(d.Categorical(weights), d.Independent(d.Normal(loc, scale), 1))
        transforms = [d.AffineTransform(0.5, 2.0), d.transforms.TanhTransform()]
        return d.TransformedDistribution(d.Normal(loc, scale), transforms)

    return made


FAMILIES = {
    "bernoulli": row("Bernoulli", [0.0, 1.0, 1.0], lambda probs: st.bernoulli(probs), probs=P),
    "bernoulli by log-odds": row("Bernoulli", [0.0, 1.0, 1.0], logits=C),
    "beta": row("Beta", P, lambda concentration1, concentration0: st.beta(concentration1, concentration0),
                concentration1=A, concentration0=B),
    "binomial": row("Binomial", [0.0, 3.0, 5.0], lambda probs: st.binom(5, probs), {"total_count": 5}, probs=P),
    "binomial by log-odds": row("Binomial", [0.0, 3.0, 5.0], None, {"total_count": 5}, logits=C),
    "categorical": row("Categorical", [0, 2], probs=ROWS3),
    "categorical by logarithms": row("Categorical", [1, 2], logits=VECTORS),
    "cauchy": row("Cauchy", A, lambda loc, scale: st.cauchy(loc, scale), loc=C, scale=B),
    "chi2": row("Chi2", A, lambda df: st.chi2(df), df=B),
    "continuous bernoulli": row("ContinuousBernoulli", [0.3, 0.5, 0.8], probs=[0.2, 0.6, 0.8]),
    "continuous bernoulli in the middle": row("ContinuousBernoulli", [0.3, 0.5, 0.8], probs=[0.5, 0.4997, 0.5002]),
    "continuous bernoulli by log-odds": row("ContinuousBernoulli", [0.3, 0.5, 0.8], logits=C),
    "dirichlet": row("Dirichlet", SIMPLEX, concentration=[[0.5, 1.5, 2.5], [1.2, 3.0, 1.1]]),
    "exponential": row("Exponential", A, lambda rate: st.expon(0, 1 / rate), rate=B),
    "fisher": row("FisherSnedecor", A, lambda df1, df2: st.f(df1, df2), df1=[3.0, 4.0, 5.0], df2=[5.0, 6.5, 9.0]),
    "gamma": row("Gamma", A, lambda concentration, rate: st.gamma(concentration, 0, 1 / rate),
                 concentration=A, rate=B),
    "generalised pareto": row("GeneralizedPareto", [1.0, 0.5, 2.0],
                              lambda loc, scale, concentration: st.genpareto(concentration, loc, scale),
                              loc=[0.1, 0.2, 0.3], scale=B, concentration=[-0.3, 0.2, 0.4]),
    "geometric": row("Geometric", [0.0, 2.0, 1.0], lambda probs: st.geom(probs, -1), probs=P),
    "geometric by log-odds": row("Geometric", [0.0, 2.0, 1.0], logits=C),
    "gumbel": row("Gumbel", C, lambda loc, scale: st.gumbel_r(loc, scale), loc=A, scale=B),
    "half cauchy": row("HalfCauchy", A, lambda scale: st.halfcauchy(0, scale), scale=B),
    "half normal": row("HalfNormal", A, lambda scale: st.halfnorm(0, scale), scale=B),
    "inverse gamma": row("InverseGamma", A, lambda concentration, rate: st.invgamma(concentration, 0, rate),
                         concentration=[2.5, 3.0, 4.5], rate=B),
    "kumaraswamy": row("Kumaraswamy", P, concentration1=[1.5, 1.3, 2.5], concentration0=[1.2, 1.7, 3.0]),
    "laplace": row("Laplace", [0.1, 0.9, -1.0], lambda loc, scale: st.laplace(loc, scale), loc=C, scale=B),
    "lkj": row("LKJCholesky", [np.linalg.cholesky([[1, 0.3], [0.3, 1]]).tolist()] * 3, None, {"dim": 2},
               concentration=A),
    "log normal": row("LogNormal", A, lambda loc, scale: st.lognorm(scale, 0, np.exp(loc)), loc=C, scale=B),
    "logistic normal": row("LogisticNormal", SIMPLEX, loc=[[0.1, 0.2], [0.3, -0.5]], scale=[[1.0, 0.5], [0.7, 2.0]]),
    "low rank normal": row("LowRankMultivariateNormal", VECTORS, loc=VECTORS[::-1],
                           cov_factor=[[1.0, 0.2], [0.3, 0.5], [-0.2, 0.7]], cov_diag=B),
    "multinomial": row("Multinomial", [[1.0, 2.0, 2.0], [5.0, 0.0, 0.0]], None, {"total_count": 5}, probs=ROWS3),
    "multivariate normal": row("MultivariateNormal", VECTORS,
                               lambda loc, covariance_matrix: st.multivariate_normal(loc, covariance_matrix),
                               loc=[0.1, 0.2, 0.3], covariance_matrix=COVARIANCE),
    "multivariate normal by precision": row("MultivariateNormal", VECTORS, loc=VECTORS[::-1],
                                            precision_matrix=COVARIANCE),
    "multivariate normal by factor": row("MultivariateNormal", VECTORS, loc=VECTORS[0], scale_tril=[FACTOR, FACTOR]),
    "negative binomial": row("NegativeBinomial", [0.0, 2.0, 5.0],
                             lambda total_count, probs: st.nbinom(total_count, 1 - probs),
                             total_count=[1.0, 2.5, 4.0], probs=P),
    "negative binomial by log-odds": row("NegativeBinomial", [0.0, 2.0, 5.0], total_count=[1.0, 2.5, 4.0], logits=C),
    "normal": row("Normal", A, lambda loc, scale: st.norm(loc, scale), loc=C, scale=B),
    "one hot": row("OneHotCategorical", [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], probs=ROWS3),
    "one hot, straight through": row("OneHotCategoricalStraightThrough", [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]],
                                     logits=VECTORS),
    "pareto": row("Pareto", [1.0, 2.0, 3.0], lambda scale, alpha: st.pareto(alpha, 0, scale), scale=A,
                  alpha=[2.5, 3.0, 4.5]),
    "poisson": row("Poisson", [0.0, 1.0, 4.0], lambda rate: st.poisson(rate), rate=B),
    "relaxed bernoulli": row("RelaxedBernoulli", [0.1, 0.5, 0.8], temperature=0.7, probs=P),
    "relaxed one hot": row("RelaxedOneHotCategorical", SIMPLEX, temperature=0.7, logits=VECTORS),
    "student": row("StudentT", A, lambda df, loc, scale: st.t(df, loc, scale), df=[2.5, 3.0, 4.5], loc=C, scale=B),
    "uniform": row("Uniform", [0.1, 0.5, 1.0], lambda low, high: st.uniform(low, high - low), low=[0.0, -1.0, 0.5],
                   high=[1.0, 2.0, 1.5]),
    "von mises": row("VonMises", ANGLES, lambda loc, concentration: st.vonmises(concentration, loc), loc=C,
                     concentration=[0.5, 2.0, 30.0]),
    "weibull": row("Weibull", A, lambda scale, concentration: st.weibull_min(concentration, 0, scale), scale=B,
                   concentration=[1.5, 1.3, 2.5]),
    "wishart": row("Wishart", [[[6.0, 0.5], [0.5, 5.0]]] * 2, df=[3.0, 4.5],
                   covariance_matrix=[[5.0, 0.3], [0.3, 6.0]]),
    "independent": row(_nested("independent"), VECTORS, loc=VECTORS[::-1], scale=[B, A]),
    "mixture": row(_nested("mixture"), [0.1, -1.0], loc=VECTORS, scale=[B, A], weights=ROWS3),
    "mixture of vectors": row(_nested("mixture of vectors"), [[0.1, -1.0]], loc=[[[0.5, -1.0], [1.0, 0.2], [0.1, 0.9]]],
                              scale=[[[1.0, 2.0], [0.5, 0.4], [1.0, 0.8]]], weights=[ROWS3[0]]),
    "transformed": row(_nested("transformed"), P, loc=C, scale=B),
}  # fmt: skip


def tensors(family, m, dtype="float64", grad=False):
    made = {name: m.tensor(value, dtype=getattr(m, dtype)) for name, value in family.given.items()}
    return {name: value.requires_grad_() for name, value in made.items()} if grad else made


def make(family, m=pb, parameters=None, dtype="float64", **options):
    """The distribution of a row, in either library."""
    parameters = tensors(family, m, dtype) if parameters is None else parameters
    if callable(family.name):
        return family.name(m, **parameters)
    return getattr(m.distributions, family.name)(**parameters, **family.fixed, **options)


def values(family, m=pb, dtype="float64"):
    given = m.tensor(np.asarray(family.values))
    return given.to(getattr(m, dtype)) if given.is_floating_point() else given
