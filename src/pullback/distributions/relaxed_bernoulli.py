"""Coins that are differentiable, of a temperature."""

from .. import rand
from ..messages.missing import missing
from ..nn.functional import softplus
from . import constraints
from ._chances import Chances
from .distribution import Distribution
from .transformed_distribution import Derived
from .transforms import SigmoidTransform
from .utils import broadcast_all, clamp_probs

__all__ = ["LogitRelaxedBernoulli", "RelaxedBernoulli"]


class LogitRelaxedBernoulli(Chances, Distribution):
    """The log-odds of draws of `RelaxedBernoulli`, of a `temperature`, a tensor (arXiv:1611.00712).

    Raises ValueError for both or neither of `probs` and `logits`, and for probabilities outside of [0, 1].

    Example:
        >>> d = pb.distributions.relaxed_bernoulli.LogitRelaxedBernoulli(pb.tensor(1.0), pb.tensor(0.5))
        >>> d.log_prob(pb.tensor(0.0)).exp()
        tensor(0.2500)
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.real

    def __init__(self, temperature, probs=None, logits=None, validate_args=None):
        self.temperature = temperature
        self._begin_chances(probs, logits, validate_args)

    def expand(self, batch_shape, _instance=None):
        new = self._expanded(LogitRelaxedBernoulli, batch_shape, _instance)
        new.temperature = self.temperature
        return new

    def rsample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        probs = clamp_probs(self.probs.expand(shape))
        u = clamp_probs(rand(shape, dtype=probs.dtype))
        return (u.log() - (-u).log1p() + probs.log() - (-probs).log1p()) / self.temperature

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        away = logits - value * self.temperature
        return self.temperature.log() + away - 2 * softplus(away)


class OfTemperature(Derived):
    """A relaxed family, which has the parameters of its base."""

    has_rsample = True

    @property
    def temperature(self):
        return self.base_dist.temperature

    @property
    def logits(self):
        return self.base_dist.logits

    @property
    def probs(self):
        return self.base_dist.probs


class RelaxedBernoulli(OfTemperature):
    """Numbers of (0, 1) in place of 0 and 1, whose draws are differentiable; a low `temperature`, a tensor, brings them near.

    arXiv:1611.00712, 1611.01144. Raises ValueError for both or neither of `probs` and `logits`, and for probabilities
    outside of [0, 1].

    Example:
        >>> d = pb.distributions.RelaxedBernoulli(pb.tensor(0.1), pb.tensor(0.5))
        >>> bool(((d.sample((100,)) - 0.5).abs() > 0.4).float().mean() > 0.7)
        True
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval

    def __init__(self, temperature, probs=None, logits=None, validate_args=None):
        base = LogitRelaxedBernoulli(temperature, probs, logits)
        super().__init__(base, SigmoidTransform(), validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        return self._expanded_base(RelaxedBernoulli, batch_shape, _instance)


def __getattr__(name):
    raise missing(__name__, name)
