"""The generalised Pareto distribution."""

from .. import broadcast_to, inf, nan, rand, where
from ..messages.missing import missing
from . import constraints
from .distribution import Distribution
from .utils import expm1_over, log1p_over

__all__ = ["GeneralizedPareto"]


class GeneralizedPareto(Distribution):
    """What excesses over a threshold `loc` are distributed as, of this `scale`; the tail falls as a power if
    `concentration` is positive, exponentially at 0, and ends if it is negative. All broadcast.

    Raises ValueError for a scale that is not positive.

    Example:
        >>> d = pb.distributions.GeneralizedPareto(0.0, 1.0, 0.5)
        >>> d.mean, d.log_prob(pb.tensor(2.0))
        (tensor(2.), tensor(-2.0794))
    """

    arg_constraints = {
        "loc": constraints.real,
        "scale": constraints.positive,
        "concentration": constraints.real,
    }
    has_rsample = True

    def __init__(self, loc, scale, concentration, validate_args=None):
        self._begin(validate_args, loc=loc, scale=scale, concentration=concentration)

    def expand(self, batch_shape, _instance=None):
        return self._expanded(GeneralizedPareto, batch_shape, _instance, "loc scale concentration")

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self):
        end = self.loc - self.scale / self.concentration
        return constraints.interval(self.loc, where(self.concentration < 0, end, inf))

    @property
    def mean(self):
        return where(self.concentration < 1, self.loc + self.scale / (1 - self.concentration), nan)

    @property
    def variance(self):
        rest = 1 - self.concentration
        finite = self.scale.square() / (rest.square() * (1 - 2 * self.concentration))
        return where(self.concentration < 0.5, finite, nan)

    @property
    def mode(self):
        return self.loc

    def rsample(self, sample_shape=()):
        return self.icdf(rand(self._extended_shape(sample_shape), dtype=self.loc.dtype))

    def _z(self, value):
        return (value - self.loc) / self.scale

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        z = self._z(value)
        t = self.concentration * z
        # At -1 the density is the same everywhere, up to the end, where log1p is not finite.
        falls = where(self.concentration == -1, 0.0, z * log1p_over(t) + t.log1p())
        return -self.scale.log() - falls

    def log_survival_function(self, value):
        """The logarithm of the probability of draws above `value`; raises ValueError as `log_prob` does.

        Example:
            >>> pb.distributions.GeneralizedPareto(0.0, 1.0, 0.0).log_survival_function(pb.tensor(2.0))
            tensor(-2.)
        """
        if self._validate_args:
            self._validate_sample(value)
        z = self._z(value)
        return -z * log1p_over(self.concentration * z)

    def log_cdf(self, value):
        """The logarithm of `cdf`; raises ValueError as `log_prob` does.

        Example:
            >>> pb.distributions.GeneralizedPareto(0.0, 1.0, 0.0).log_cdf(pb.tensor(2.0))
            tensor(-0.1454)
        """
        return (-self.log_survival_function(value).exp()).log1p()

    def cdf(self, value):
        return -self.log_survival_function(value).expm1()

    def icdf(self, value):
        waited = -(-value).log1p()
        return self.loc + self.scale * waited * expm1_over(self.concentration * waited)

    def entropy(self):
        return broadcast_to(self.scale.log() + self.concentration + 1, self._batch_shape)


def __getattr__(name):
    raise missing(__name__, name)
