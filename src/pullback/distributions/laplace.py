"""The Laplace distribution."""

from .. import empty, finfo
from ..messages.missing import missing
from . import constraints
from ._located import Located
from .distribution import Distribution

__all__ = ["Laplace"]


class Laplace(Located, Distribution):
    """Exponential to both sides of `loc`, of mean distance `scale`; both broadcast.

    Raises ValueError for a scale that is not positive.

    Example:
        >>> d = pb.distributions.Laplace(0.0, 1.0)
        >>> d.cdf(pb.tensor(0.0)), d.variance
        (tensor(0.5000), tensor(2.))
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, loc, scale, validate_args=None):
        self._begin(validate_args, loc=loc, scale=scale)

    def expand(self, batch_shape, _instance=None):
        return self._expanded(Laplace, batch_shape, _instance, "loc scale")

    @property
    def variance(self):
        return 2 * self.scale.square()

    @property
    def stddev(self):
        return 2**0.5 * self.scale

    def rsample(self, sample_shape=()):
        shape, dtype = self._extended_shape(sample_shape), self.loc.dtype
        u = empty(shape, dtype=dtype).uniform_(finfo(dtype).eps - 1, 1)
        return self.loc - self.scale * u.sign() * (-u.abs()).log1p()

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return -(2 * self.scale).log() - (value - self.loc).abs() / self.scale

    def cdf(self, value):
        if self._validate_args:
            self._validate_sample(value)
        away = value - self.loc
        return 0.5 - 0.5 * away.sign() * (-away.abs() / self.scale).expm1()

    def icdf(self, value):
        term = value - 0.5
        return self.loc - self.scale * term.sign() * (-2 * term.abs()).log1p()

    def entropy(self):
        return 1 + (2 * self.scale).log()


def __getattr__(name):
    raise missing(__name__, name)
