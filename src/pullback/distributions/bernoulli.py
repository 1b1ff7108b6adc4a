"""Coins."""

from .. import arange, bernoulli, nan, no_grad, where
from ..messages.missing import missing
from ..nn.functional import binary_cross_entropy_with_logits
from . import constraints
from ._chances import Chances
from .exp_family import ExponentialFamily
from .utils import broadcast_all

__all__ = ["Bernoulli"]


class Bernoulli(Chances, ExponentialFamily):
    """1 with probability `probs`, or of log-odds `logits`; 0 else. Draws are floating.

    Raises ValueError for both or neither of them, and for probabilities outside of [0, 1].

    Example:
        >>> coin = pb.distributions.Bernoulli(pb.tensor([0.25]))
        >>> coin.log_prob(pb.tensor([1.0])).exp(), coin.variance
        (tensor([0.2500]), tensor([0.1875]))
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.boolean
    has_enumerate_support = True
    _mean_carrier_measure = 0

    def __init__(self, probs=None, logits=None, validate_args=None):
        self._begin_chances(probs, logits, validate_args)

    def expand(self, batch_shape, _instance=None):
        return self._expanded(Bernoulli, batch_shape, _instance)

    @property
    def mean(self):
        return self.probs

    @property
    def mode(self):
        return where(self.probs == 0.5, nan, (self.probs >= 0.5).to(self.probs.dtype))

    @property
    def variance(self):
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape=()):
        with no_grad():
            return bernoulli(self.probs.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        return -binary_cross_entropy_with_logits(logits, value, reduction="none")

    def entropy(self):
        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")

    def enumerate_support(self, expand=True):
        return self._enumerated(arange(2, dtype=self._param.dtype), expand)

    @property
    def _natural_params(self):
        return (self.probs.logit(),)

    def _log_normalizer(self, x):
        return x.exp().log1p()


def __getattr__(name):
    raise missing(__name__, name)
