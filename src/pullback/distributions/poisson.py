"""The Poisson distribution."""

from .. import no_grad, poisson
from ..messages.missing import missing
from . import constraints
from ._implicit import gamma_function
from .exp_family import ExponentialFamily
from .utils import broadcast_all

__all__ = ["Poisson"]


class Poisson(ExponentialFamily):
    """How many events come that come at this `rate`. Raises ValueError for a negative rate.

    Example:
        >>> pb.distributions.Poisson(1.0).log_prob(pb.tensor([0.0, 1.0, 2.0]))
        tensor([-1.0000, -1.0000, -1.6931])
    """

    arg_constraints = {"rate": constraints.nonnegative}
    support = constraints.nonnegative_integer

    def __init__(self, rate, validate_args=None):
        self._begin(validate_args, rate=rate)

    def expand(self, batch_shape, _instance=None):
        return self._expanded(Poisson, batch_shape, _instance, "rate")

    @property
    def mean(self):
        return self.rate

    @property
    def mode(self):
        return self.rate.floor()

    @property
    def variance(self):
        return self.rate

    def sample(self, sample_shape=()):
        with no_grad():
            return poisson(self.rate.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        rate, value = broadcast_all(self.rate, value)
        return value.xlogy(rate) - rate - (value + 1).lgamma()

    def cdf(self, value):
        """The probability of draws up to `value`, by the incomplete gamma function. PyTorch has none.

        Example:
            >>> pb.distributions.Poisson(1.0).cdf(pb.tensor([0.0, 1.0]))
            tensor([0.3679, 0.7358])
        """
        if self._validate_args:
            self._validate_sample(value)
        return 1 - gamma_function(self.rate, value.floor() + 1)

    @property
    def _natural_params(self):
        return (self.rate.log(),)

    def _log_normalizer(self, x):
        return x.exp()


def __getattr__(name):
    raise missing(__name__, name)
