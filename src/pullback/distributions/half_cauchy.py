"""The absolute values of Cauchy's numbers."""

import math

from .. import inf
from ..messages.missing import missing
from .cauchy import Cauchy
from .half_normal import Half
from .transforms import AbsTransform

__all__ = ["HalfCauchy"]


class HalfCauchy(Half):
    """|x| of numbers x of a Cauchy distribution about 0, of this `scale`. Raises ValueError unless that is positive.

    Example:
        >>> pb.distributions.HalfCauchy(1.0).cdf(pb.tensor(1.0))
        tensor(0.5000)
    """

    def __init__(self, scale, validate_args=None):
        super().__init__(Cauchy(0, scale, validate_args=False), AbsTransform(), validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        return self._expanded_base(HalfCauchy, batch_shape, _instance)

    @property
    def mean(self):
        return self._constant(inf, self.scale)

    @property
    def variance(self):
        return self.base_dist.variance

    def cdf(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return (value / self.scale).atan() * (2 / math.pi)


def __getattr__(name):
    raise missing(__name__, name)
