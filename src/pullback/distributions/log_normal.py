"""What has a normal logarithm."""

from ..messages.missing import missing
from . import constraints
from .normal import Normal
from .transformed_distribution import Derived
from .transforms import ExpTransform

__all__ = ["LogNormal"]


class LogNormal(Derived):
    """exp of normal numbers of mean `loc` and standard deviation `scale`. Raises ValueError unless that is positive.

    Example:
        >>> d = pb.distributions.LogNormal(0.0, 1.0)
        >>> d.mean, d.cdf(pb.tensor(1.0))
        (tensor(1.6487), tensor(0.5000))
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.positive
    has_rsample = True

    def __init__(self, loc, scale, validate_args=None):
        base = Normal(loc, scale, validate_args=validate_args)
        super().__init__(base, ExpTransform(), validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        return self._expanded_base(LogNormal, batch_shape, _instance)

    @property
    def loc(self):
        return self.base_dist.loc

    @property
    def scale(self):
        return self.base_dist.scale

    @property
    def mean(self):
        return (self.loc + self.scale.square() / 2).exp()

    @property
    def mode(self):
        return (self.loc - self.scale.square()).exp()

    @property
    def variance(self):
        square = self.scale.square()
        return square.expm1() * (2 * self.loc + square).exp()

    def entropy(self):
        return self.base_dist.entropy() + self.loc


def __getattr__(name):
    raise missing(__name__, name)
