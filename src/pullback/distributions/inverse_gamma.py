"""Reciprocals of gamma distributed numbers."""

from .. import inf, where
from ..messages.missing import missing
from . import constraints
from ._implicit import gamma_function
from .gamma import Gamma
from .transformed_distribution import Derived
from .transforms import PowerTransform

__all__ = ["InverseGamma"]


class InverseGamma(Derived):
    """1 / x of gamma distributed numbers x of shape `concentration` and this `rate`.

    Raises ValueError unless both are positive.

    Example:
        >>> d = pb.distributions.InverseGamma(3.0, 2.0)
        >>> d.mean, d.variance
        (tensor(1.), tensor(1.))
    """

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.positive
    has_rsample = True

    def __init__(self, concentration, rate, validate_args=None):
        base = Gamma(concentration, rate, validate_args=validate_args)
        transform = PowerTransform(-base.rate.new_ones(()))
        super().__init__(base, transform, validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        return self._expanded_base(InverseGamma, batch_shape, _instance)

    @property
    def concentration(self):
        return self.base_dist.concentration

    @property
    def rate(self):
        return self.base_dist.rate

    @property
    def mean(self):
        return where(self.concentration > 1, self.rate / (self.concentration - 1), inf)

    @property
    def mode(self):
        return self.rate / (self.concentration + 1)

    @property
    def variance(self):
        a = self.concentration
        return where(a > 2, self.rate.square() / ((a - 1).square() * (a - 2)), inf)

    def cdf(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return 1 - gamma_function(self.rate / value, self.concentration)

    def entropy(self):
        a = self.concentration
        return a + self.rate.log() + a.lgamma() - (1 + a) * a.digamma()


def __getattr__(name):
    raise missing(__name__, name)
