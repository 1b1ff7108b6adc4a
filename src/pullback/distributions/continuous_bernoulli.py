"""Coins that land anywhere between heads and tails."""

import math

from .. import rand, where
from ..messages.missing import missing
from ..nn.functional import binary_cross_entropy_with_logits
from . import constraints
from ._chances import Chances, only_one
from .distribution import holds
from .exp_family import ExponentialFamily
from .utils import broadcast_all, clamp_probs, expm1_over, lazy_property, log1p_over, logits_to_probs

__all__ = ["ContinuousBernoulli"]


class ContinuousBernoulli(Chances, ExponentialFamily):
    """Numbers of [0, 1] whose density is proportional to probs^x (1 - probs)^(1 - x) (arXiv:1907.06845).

    `probs` or `logits`, its log-odds, is given. Between `lims`, around 1/2, formulas become series. Raises ValueError for
    both or neither of them, and for `probs` outside of [0, 1].

    Example:
        >>> pb.distributions.ContinuousBernoulli(0.5).log_prob(pb.tensor(0.3))
        tensor(0.)
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(self, probs=None, logits=None, lims=(0.499, 0.501), validate_args=None):
        only_one(probs, logits)
        if probs is not None:
            (probs,) = broadcast_all(probs)
            if validate_args is not None and not holds(constraints.unit_interval.check(probs)):
                raise ValueError("The parameter probs has invalid values")
            probs = clamp_probs(probs)
        self._lims = lims
        self._begin_chances(probs, logits, validate_args)

    def expand(self, batch_shape, _instance=None):
        new = self._expanded(ContinuousBernoulli, batch_shape, _instance)
        new._lims = self._lims
        return new

    @lazy_property
    def probs(self):
        return clamp_probs(logits_to_probs(self.logits, is_binary=True))

    def _formula_holds(self):
        return (self.probs <= self._lims[0]) | (self.probs > self._lims[1])

    def _safe_probs(self):
        """The probabilities, or others where the formulas do not hold."""
        return where(self._formula_holds(), self.probs, self._lims[0])

    def _cont_bern_log_norm(self):
        p = self._safe_probs()
        odds = ((-p).log1p() - p.log()).abs().log()
        log_norm = odds - (1 - 2 * p).abs().log()
        x = (self.probs - 0.5).square()
        return where(self._formula_holds(), log_norm, math.log(2.0) + (4 / 3 + 104 / 45 * x) * x)

    @property
    def mean(self):
        p, x = self._safe_probs(), self.probs - 0.5
        formula = p / (2 * p - 1) + 1 / ((-p).log1p() - p.log())
        return where(self._formula_holds(), formula, 0.5 + (1 / 3 + 16 / 45 * x.square()) * x)

    @property
    def variance(self):
        p, x = self._safe_probs(), (self.probs - 0.5).square()
        formula = p * (p - 1) / (1 - 2 * p).square() + 1 / ((-p).log1p() - p.log()).square()
        return where(self._formula_holds(), formula, 1 / 12 - (1 / 15 - 128 / 945 * x) * x)

    def sample(self, sample_shape=()):
        return self.rsample(sample_shape).detach()

    def rsample(self, sample_shape=()):
        return self.icdf(rand(self._extended_shape(sample_shape), dtype=self.probs.dtype))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        return -binary_cross_entropy_with_logits(logits, value, reduction="none") + self._cont_bern_log_norm()

    def cdf(self, value):
        if self._validate_args:
            self._validate_sample(value)
        # (exp(x t) - 1) / (exp(t) - 1) with t the log-odds, which is smooth at 0: PyTorch has steps at `lims`.
        odds = self._odds()
        return (value * expm1_over(odds * value) / expm1_over(odds)).clamp(0, 1)

    def icdf(self, value):
        odds = self._odds()
        whole = expm1_over(odds)
        return value * whole * log1p_over(value * odds * whole)

    def _odds(self):
        return self.probs.log() - (-self.probs).log1p()

    def entropy(self):
        tails, heads = (-self.probs).log1p(), self.probs.log()
        return self.mean * (tails - heads) - self._cont_bern_log_norm() - tails

    @property
    def _natural_params(self):
        return (self.logits,)

    def _log_normalizer(self, x):
        formula = (x <= self._lims[0] - 0.5) | (x > self._lims[1] - 0.5)
        safe = where(formula, x, self._lims[0] - 0.5)
        log_norm = safe.expm1().abs().log() - safe.abs().log()
        return where(formula, log_norm, 0.5 * x + x**2 / 24 - x**4 / 2880)


def __getattr__(name):
    raise missing(__name__, name)
