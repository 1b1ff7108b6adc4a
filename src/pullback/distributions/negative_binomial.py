"""How many trials succeed before several have failed."""

from .. import no_grad, poisson
from ..messages.missing import missing
from ..nn.functional import logsigmoid
from . import constraints
from ._chances import Chances
from ._implicit import beta_function
from .distribution import Distribution
from .gamma import Gamma
from .utils import lazy_property

__all__ = ["NegativeBinomial"]


class NegativeBinomial(Chances, Distribution):
    """How many trials succeed, each with probability `probs`, or of log-odds `logits`, before `total_count` have failed.

    `total_count` need not be a whole number: a Poisson distribution whose rate is gamma distributed. Raises ValueError
    for both or neither of the others, for negative counts, and for probabilities outside of [0, 1).

    Example:
        >>> d = pb.distributions.NegativeBinomial(2, pb.tensor(0.5))
        >>> d.log_prob(pb.tensor(0.0)).exp(), d.mean
        (tensor(0.2500), tensor(2.))
    """

    arg_constraints = {
        "total_count": constraints.greater_than_eq(0),
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }
    support = constraints.nonnegative_integer

    def __init__(self, total_count, probs=None, logits=None, validate_args=None):
        self._begin_chances(probs, logits, validate_args, total_count=total_count)

    def expand(self, batch_shape, _instance=None):
        return self._expanded(NegativeBinomial, batch_shape, _instance, "total_count")

    @property
    def mean(self):
        return self.total_count * self.logits.exp()

    @property
    def mode(self):
        return ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0.0)

    @property
    def variance(self):
        return self.mean / (-self.logits).sigmoid()

    @lazy_property
    def _gamma(self):
        return Gamma(self.total_count, (-self.logits).exp(), validate_args=False)

    def sample(self, sample_shape=()):
        with no_grad():
            return poisson(self._gamma.sample(sample_shape))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        n = self.total_count
        runs = n * logsigmoid(-self.logits) + value * logsigmoid(self.logits)
        ways = (n + value).lgamma() - (1.0 + value).lgamma() - n.lgamma()
        return runs + ways.masked_fill(n + value == 0.0, 0.0)

    def cdf(self, value):
        """The probability of draws up to `value`, by the incomplete beta function. PyTorch has none.

        Example:
            >>> pb.distributions.NegativeBinomial(1, pb.tensor(0.5)).cdf(pb.tensor([0.0, 1.0]))
            tensor([0.5000, 0.7500])
        """
        if self._validate_args:
            self._validate_sample(value)
        return beta_function(1 - self.probs, self.total_count, value.floor() + 1)


def __getattr__(name):
    raise missing(__name__, name)
