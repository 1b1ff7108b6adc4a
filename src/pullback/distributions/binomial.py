"""How many of several coins show their heads."""

from .. import _core, arange, binomial, no_grad, where
from ..messages.missing import missing
from ..nn.functional import softplus
from . import constraints
from ._chances import Chances
from ._implicit import beta_function
from .distribution import Distribution

__all__ = ["Binomial"]


class Binomial(Chances, Distribution):
    """How many of `total_count` trials succeed, each with probability `probs`, or of log-odds `logits`.

    All broadcast. Raises ValueError for both or neither of the latter, for counts that are not whole numbers from 0
    on, and for probabilities outside of [0, 1].

    Example:
        >>> flips = pb.distributions.Binomial(4, pb.tensor([0.5]))
        >>> flips.log_prob(pb.tensor([2.0])).exp(), flips.mean
        (tensor([0.3750]), tensor([2.]))
    """

    arg_constraints = {
        "total_count": constraints.nonnegative_integer,
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }
    has_enumerate_support = True

    def __init__(self, total_count=1, probs=None, logits=None, validate_args=None):
        self._begin_chances(probs, logits, validate_args, total_count=total_count)

    def expand(self, batch_shape, _instance=None):
        return self._expanded(Binomial, batch_shape, _instance, "total_count")

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self):
        return constraints.integer_interval(0, self.total_count)

    @property
    def mean(self):
        return self.total_count * self.probs

    @property
    def mode(self):
        return ((self.total_count + 1) * self.probs).floor().minimum(self.total_count)

    @property
    def variance(self):
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        with no_grad():
            return binomial(self.total_count.expand(shape), self.probs.expand(shape))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        n = self.total_count
        ways = (n + 1).lgamma() - (value + 1).lgamma() - (n - value + 1).lgamma()
        # log(1 + e^logits) is the logarithm of 1 / (1 - probs); it may be far from 0.
        return value * self.logits - n * softplus(self.logits) + ways

    def cdf(self, value):
        """The probability of draws up to `value`, by the incomplete beta function. PyTorch has none.

        Example:
            >>> pb.distributions.Binomial(2, pb.tensor(0.5)).cdf(pb.tensor([0.0, 1.0, 2.0]))
            tensor([0.2500, 0.7500, 1.0000])
        """
        if self._validate_args:
            self._validate_sample(value)
        k, n = value.floor(), self.total_count
        below = beta_function(1 - self.probs, (n - k).clamp(min=1), k + 1)
        return where(k < n, below, 1.0)

    def _common_count(self, operation):
        """The count, which has to be the same everywhere."""
        count = int(self.total_count.max())
        if _core.holds_anywhere(self.total_count != count):
            raise NotImplementedError(f"Inhomogeneous total count not supported by `{operation}`.")
        return count

    def entropy(self):
        self._common_count("entropy")
        log_prob = self.log_prob(self.enumerate_support(False))
        return -(log_prob.exp() * log_prob).sum(0)

    def enumerate_support(self, expand=True):
        count = self._common_count("enumerate_support")
        return self._enumerated(arange(1 + count, dtype=self._param.dtype), expand)


def __getattr__(name):
    raise missing(__name__, name)
