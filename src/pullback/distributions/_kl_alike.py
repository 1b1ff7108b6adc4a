"""Divergences of two distributions of one family."""

from .. import broadcast_shapes, inf, linalg, where
from ..nn.functional import softplus
from .bernoulli import Bernoulli
from .beta import Beta
from .binomial import Binomial
from .categorical import Categorical
from .cauchy import Cauchy
from .continuous_bernoulli import ContinuousBernoulli
from .dirichlet import Dirichlet
from .distribution import holds
from .exp_family import ExponentialFamily
from .exponential import Exponential
from .gamma import Gamma
from .geometric import Geometric
from .gumbel import Gumbel
from .half_normal import HalfNormal
from .independent import Independent
from .kl import kl_divergence, register_kl
from .laplace import Laplace
from .lowrank_multivariate_normal import (
    LowRankMultivariateNormal,
    _batch_lowrank_logdet,
    _batch_lowrank_mahalanobis,
)
from .multivariate_normal import MultivariateNormal, _batch_mahalanobis, _half_log_det
from .normal import Normal
from .one_hot_categorical import OneHotCategorical
from .pareto import Pareto
from .poisson import Poisson
from .transformed_distribution import TransformedDistribution
from .uniform import Uniform
from .utils import _sum_rightmost, euler_constant


@register_kl(Bernoulli, Bernoulli)
def _kl_bernoulli(p, q):
    heads = p.probs * (softplus(-q.logits) - softplus(-p.logits))
    tails = (1 - p.probs) * (softplus(q.logits) - softplus(p.logits))
    heads = where(p.probs == 0, 0.0, where(q.probs == 0, inf, heads))
    return heads + where(p.probs == 1, 0.0, where(q.probs == 1, inf, tails))


@register_kl(Beta, Beta)
def _kl_beta(p, q):
    return _kl_dirichlet(p._dirichlet, q._dirichlet)


@register_kl(Binomial, Binomial)
def _kl_binomial(p, q):
    if not holds(p.total_count >= q.total_count):
        raise NotImplementedError(
            "KL between Binomials where q.total_count > p.total_count is not implemented"
        )
    one = p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p()
    return where(p.total_count > q.total_count, inf, p.total_count * one)


@register_kl(Categorical, Categorical)
def _kl_categorical(p, q):
    each = p.probs * (p.logits - q.logits)
    return where(p.probs == 0, 0.0, where(q.probs == 0, inf, each)).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _kl_one_hot(p, q):
    return _kl_categorical(p._categorical, q._categorical)


@register_kl(Cauchy, Cauchy)
def _kl_cauchy(p, q):
    between = (p.scale + q.scale).square() + (p.loc - q.loc).square()
    return between.log() - (4 * p.scale * q.scale).log()


@register_kl(ContinuousBernoulli, ContinuousBernoulli)
def _kl_continuous_bernoulli(p, q):
    def constant(d):
        return d._cont_bern_log_norm() + (-d.probs).log1p()

    return p.mean * (p.logits - q.logits) + constant(p) - constant(q)


@register_kl(Dirichlet, Dirichlet)
def _kl_dirichlet(p, q):
    a, b = p.concentration, q.concentration
    total = a.sum(-1)
    expected = a.digamma() - total.digamma().unsqueeze(-1)  # of the logarithms of shares
    normalizers = total.lgamma() - b.sum(-1).lgamma() - (a.lgamma() - b.lgamma()).sum(-1)
    return normalizers + ((a - b) * expected).sum(-1)


@register_kl(Exponential, Exponential)
def _kl_exponential(p, q):
    ratio = q.rate / p.rate
    return ratio - 1 - ratio.log()


@register_kl(ExponentialFamily, ExponentialFamily)
def _kl_expfamily(p, q):
    """Bregman's divergence of the logarithm of the normaliser."""
    if type(p) is not type(q):
        raise NotImplementedError(
            "The cross KL-divergence between different exponential families cannot be computed using Bregman divergences"
        )
    parameters, normalizer, slopes = p._mean_statistic()
    others = q._natural_params
    result = q._log_normalizer(*others) - normalizer
    batch = len(broadcast_shapes(p.batch_shape, q.batch_shape))
    for own, other, slope in zip(parameters, others, slopes):
        term = (other - own) * slope  # a parameter has the dimensions of an event, or none
        result = result - _sum_rightmost(term, term.dim() - batch)
    return result


@register_kl(Gamma, Gamma)
def _kl_gamma(p, q):
    a, b = p.concentration, q.concentration
    shapes = b.lgamma() - a.lgamma() + (a - b) * a.digamma()
    return b * (p.rate / q.rate).log() + shapes + (q.rate - p.rate) * (a / p.rate)


@register_kl(Geometric, Geometric)
def _kl_geometric(p, q):
    return -p.entropy() - (-q.probs).log1p() / p.probs - q.logits


@register_kl(Gumbel, Gumbel)
def _kl_gumbel(p, q):
    ratio, away = p.scale / q.scale, (p.loc - q.loc) / q.scale
    # E[exp((q.loc - x) / q.scale)], of a gamma function.
    expected = ((1 + ratio).lgamma() - away).exp()
    return away - ratio.log() + ratio * euler_constant + expected - (1 + euler_constant)


@register_kl(HalfNormal, HalfNormal)
def _kl_half_normal(p, q):
    return _kl_normal(p.base_dist, q.base_dist)


@register_kl(Laplace, Laplace)
def _kl_laplace(p, q):
    ratio, away = p.scale / q.scale, (p.loc - q.loc).abs()
    return away / q.scale + ratio * (-away / p.scale).exp() - ratio.log() - 1


@register_kl(Normal, Normal)
def _kl_normal(p, q):
    ratio = (p.scale / q.scale).square()
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale).square() - 1 - ratio.log())


@register_kl(Pareto, Pareto)
def _kl_pareto(p, q):
    ratio = q.alpha / p.alpha
    result = q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1
    return where(p.scale < q.scale, inf, result)


@register_kl(Poisson, Poisson)
def _kl_poisson(p, q):
    return p.rate.xlogy(p.rate) - p.rate.xlogy(q.rate) - (p.rate - q.rate)


@register_kl(Uniform, Uniform)
def _kl_uniform(p, q):
    result = ((q.high - q.low) / (p.high - p.low)).log()
    return where((q.low > p.low) | (q.high < p.high), inf, result)


# ---- made of others ------------------------------------------------------------------------------------------


@register_kl(Independent, Independent)
def _kl_independent(p, q):
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError
    return _sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


@register_kl(TransformedDistribution, TransformedDistribution)
def _kl_transformed(p, q):
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError
    return kl_divergence(p.base_dist, q.base_dist)


# ---- normal vectors ------------------------------------------------------------------------------------------


def _check_vectors(p, q, kind):
    if p.event_shape != q.event_shape:
        raise ValueError(f"KL-divergence between two {kind} with different event shapes cannot be computed")


def _squares(matrices):
    """The trace of X X^T."""
    return matrices.square().sum((-2, -1))


def _solved(factor, matrices):
    batch = broadcast_shapes(factor.shape[:-2], matrices.shape[:-2])
    factor, matrices = (each.expand(batch + each.shape[-2:]) for each in (factor, matrices))
    return linalg.solve_triangular(factor, matrices, upper=False)


def _whitened(q):
    """Of q's W and D and the capacitance C C^T: C^-1 W^T D^-1."""
    W, D = q._parts
    return _solved(q._capacitance_tril, W.mT / D.unsqueeze(-2))


def _log_det(d):
    if isinstance(d, MultivariateNormal):
        return 2 * _half_log_det(d._unbroadcasted_scale_tril)
    return _batch_lowrank_logdet(*d._parts, d._capacitance_tril)


def _kl_vectors(p, q, trace):
    """What all of them have, besides the trace of p's covariance times q's precision."""
    away = q.loc - p.loc
    if isinstance(q, MultivariateNormal):
        distance = _batch_mahalanobis(q._unbroadcasted_scale_tril, away)
    else:
        distance = _batch_lowrank_mahalanobis(*q._parts, away, q._capacitance_tril)
    return 0.5 * (_log_det(q) - _log_det(p) + trace + distance - p.event_shape[0])


@register_kl(MultivariateNormal, MultivariateNormal)
def _kl_multivariate(p, q):
    _check_vectors(p, q, "Multivariate Normals")
    return _kl_vectors(p, q, _squares(_solved(q._unbroadcasted_scale_tril, p._unbroadcasted_scale_tril)))


@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
def _kl_lowrank(p, q):
    _check_vectors(p, q, "Low Rank Multivariate Normals")
    (W, D), (_, other), A = p._parts, q._parts, _whitened(q)
    diagonal = (D / other).sum(-1) + _squares(W * other.rsqrt().unsqueeze(-1))
    return _kl_vectors(p, q, diagonal - _squares(A * D.sqrt().unsqueeze(-2)) - _squares(A @ W))


@register_kl(MultivariateNormal, LowRankMultivariateNormal)
def _kl_multivariate_lowrank(p, q):
    _check_vectors(p, q, "(Low Rank) Multivariate Normals")
    factor, (_, D) = p._unbroadcasted_scale_tril, q._parts
    trace = _squares(factor * D.rsqrt().unsqueeze(-1)) - _squares(_whitened(q) @ factor)
    return _kl_vectors(p, q, trace)


@register_kl(LowRankMultivariateNormal, MultivariateNormal)
def _kl_lowrank_multivariate(p, q):
    _check_vectors(p, q, "(Low Rank) Multivariate Normals")
    (W, D), factor = p._parts, q._unbroadcasted_scale_tril
    trace = _squares(_solved(factor, W)) + _squares(_solved(factor, D.sqrt().diag_embed()))
    return _kl_vectors(p, q, trace)
