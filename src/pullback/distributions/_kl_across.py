"""Divergences of two distributions of different families: most are cross entropies, minus the entropy of p."""

import math

from .. import full_like, inf, where
from .bernoulli import Bernoulli
from .beta import Beta
from .binomial import Binomial
from .continuous_bernoulli import ContinuousBernoulli
from .exponential import Exponential
from .gamma import Gamma
from .gumbel import Gumbel
from .kl import register_kl
from .laplace import Laplace
from .normal import Normal
from .pareto import Pareto
from .poisson import Poisson
from .uniform import Uniform
from .utils import euler_constant

# p, one of its parameters, and all q that have not all of p's values.
NEVER = (
    (Beta, "concentration1", (Pareto,)),
    (ContinuousBernoulli, "probs", (Pareto,)),
    (Exponential, "rate", (Beta, ContinuousBernoulli, Pareto, Uniform)),
    (Gamma, "concentration", (Beta, ContinuousBernoulli, Pareto, Uniform)),
    (Gumbel, "loc", (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform)),
    (Laplace, "loc", (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform)),
    (Normal, "loc", (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform)),
    (Pareto, "scale", (Beta, ContinuousBernoulli, Uniform)),
    (Poisson, "rate", (Bernoulli, Binomial)),
)
for _p, _name, _kinds in NEVER:
    for _q in _kinds:
        register_kl(_p, _q)(lambda p, q, name=_name: full_like(getattr(p, name), inf))


# ---- cross entropies, of what is expected of p's values ------------------------------------------------------


def _to_exponential(p, q, mean):
    return -p.entropy() - q.rate.log() + q.rate * mean


def _to_gamma(p, q, mean, log_mean):
    """Of the means of values and of their logarithms."""
    a = q.concentration
    return -p.entropy() + a.lgamma() - a * q.rate.log() - (a - 1) * log_mean + q.rate * mean


def _to_normal(p, q, mean, variance):
    away = (variance + (mean - q.loc).square()) / q.scale.square()
    return -p.entropy() + 0.5 * (math.log(2 * math.pi) + away) + q.scale.log()


def _to_continuous_bernoulli(p, q):
    return -p.entropy() - p.mean * q.logits - (-q.probs).log1p() - q._cont_bern_log_norm()


def _to_uniform(p, q):
    """Of values in [0, 1]."""
    return where((q.low > 0) | (q.high < 1), inf, -p.entropy() + (q.high - q.low).log())


@register_kl(Bernoulli, Poisson)
def _kl_bernoulli_poisson(p, q):
    return -p.entropy() - (p.probs * q.rate.log() - q.rate)


@register_kl(Beta, ContinuousBernoulli)
def _kl_beta_continuous_bernoulli(p, q):
    return _to_continuous_bernoulli(p, q)


@register_kl(Beta, Exponential)
@register_kl(ContinuousBernoulli, Exponential)
@register_kl(Gamma, Exponential)
def _kl_exponential(p, q):
    return _to_exponential(p, q, p.mean)


@register_kl(Beta, Gamma)
def _kl_beta_gamma(p, q):
    total = p.concentration1 + p.concentration0
    return _to_gamma(p, q, p.mean, p.concentration1.digamma() - total.digamma())


@register_kl(Beta, Normal)
@register_kl(ContinuousBernoulli, Normal)
@register_kl(Exponential, Normal)
@register_kl(Gamma, Normal)
@register_kl(Gumbel, Normal)
@register_kl(Laplace, Normal)
@register_kl(Uniform, Normal)
def _kl_normal(p, q):
    return _to_normal(p, q, p.mean, p.variance)


@register_kl(Beta, Uniform)
@register_kl(ContinuousBernoulli, Uniform)
def _kl_unit_uniform(p, q):
    return _to_uniform(p, q)


@register_kl(Exponential, Gamma)
def _kl_exponential_gamma(p, q):
    return _to_gamma(p, q, p.mean, -euler_constant - p.rate.log())


def _to_gumbel(p, q, mean, expected):
    """`expected` is the mean of exp(-x / q.scale)."""
    return -p.entropy() + q.scale.log() + (mean - q.loc) / q.scale + (q.loc / q.scale).exp() * expected


@register_kl(Exponential, Gumbel)
def _kl_exponential_gumbel(p, q):
    product = p.rate * q.scale
    return _to_gumbel(p, q, p.mean, product / (product + 1))


@register_kl(Gamma, Gumbel)
def _kl_gamma_gumbel(p, q):
    return _to_gumbel(p, q, p.mean, (1 + 1 / (p.rate * q.scale)) ** -p.concentration)


@register_kl(Normal, Gumbel)
def _kl_normal_gumbel(p, q):
    ratio = (p.scale / q.scale).square()
    away = (p.loc - q.loc) / q.scale
    return -p.entropy() + q.scale.log() + away + (0.5 * ratio - away).exp()


@register_kl(Uniform, Gumbel)
def _kl_uniform_gumbel(p, q):
    low, high = ((end - q.loc) / q.scale for end in (p.low, p.high))
    part = q.scale / (p.high - p.low)
    return part.log() + 0.5 * (high + low) - part * ((-high).exp() - (-low).exp())


@register_kl(Normal, Laplace)
def _kl_normal_laplace(p, q):
    away = p.loc - q.loc
    ratio = away / p.scale
    near = math.sqrt(2 / math.pi) * p.scale * (-0.5 * ratio.square()).exp()
    distance = near + away * (math.sqrt(0.5) * ratio).erf()
    return -p.entropy() + (2 * q.scale).log() + distance / q.scale


# ---- Pareto's values ------------------------------------------------------------------------------------------


@register_kl(Pareto, Exponential)
def _kl_pareto_exponential(p, q):
    return where(p.alpha <= 1, inf, _to_exponential(p, q, p.alpha * p.scale / (p.alpha - 1)))


@register_kl(Pareto, Gamma)
def _kl_pareto_gamma(p, q):
    mean = p.alpha * p.scale / (p.alpha - 1)
    return where(p.alpha <= 1, inf, _to_gamma(p, q, mean, p.scale.log() + 1 / p.alpha))


@register_kl(Pareto, Normal)
def _kl_pareto_normal(p, q):
    step = p.scale / (p.alpha - 1)
    variance = p.alpha * step.square() / (p.alpha - 2)
    return where(p.alpha <= 2, inf, _to_normal(p, q, p.alpha * step, variance))


# ---- uniform values -------------------------------------------------------------------------------------------


def _log_mean(low, high):
    """The mean of the logarithm over an interval of positive numbers."""
    return (high.xlogy(high) - low.xlogy(low)) / (high - low) - 1


@register_kl(Uniform, Beta)
def _kl_uniform_beta(p, q):
    a, b = q.concentration1, q.concentration0
    expected = (a - 1) * _log_mean(p.low, p.high) + (b - 1) * _log_mean(1 - p.high, 1 - p.low)
    result = -p.entropy() + a.lgamma() + b.lgamma() - (a + b).lgamma() - expected
    return where((p.high > 1) | (p.low < 0), inf, result)


@register_kl(Uniform, ContinuousBernoulli)
def _kl_uniform_continuous_bernoulli(p, q):
    return where((p.high > 1) | (p.low < 0), inf, _to_continuous_bernoulli(p, q))


@register_kl(Uniform, Exponential)
def _kl_uniform_exponential(p, q):
    return where(p.low < 0, inf, _to_exponential(p, q, p.mean))


@register_kl(Uniform, Gamma)
def _kl_uniform_gamma(p, q):
    return where(p.low < 0, inf, _to_gamma(p, q, p.mean, _log_mean(p.low, p.high)))


@register_kl(Uniform, Pareto)
def _kl_uniform_pareto(p, q):
    density = q.alpha.log() + q.alpha * q.scale.log() - (q.alpha + 1) * _log_mean(p.low, p.high)
    return where(p.low < q.scale, inf, -p.entropy() - density)
