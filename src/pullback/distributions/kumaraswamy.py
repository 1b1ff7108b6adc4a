"""Kumaraswamy's distribution."""

from .. import full_like, nan, where
from ..messages.missing import missing
from . import constraints
from .transformed_distribution import Derived
from .transforms import AffineTransform, PowerTransform
from .uniform import Uniform
from .utils import broadcast_all, euler_constant

__all__ = ["Kumaraswamy"]


class Kumaraswamy(Derived):
    """Numbers of [0, 1] with distribution function 1 - (1 - x^a)^b, a and b being the concentrations 1 and 0.

    They broadcast. Raises ValueError unless both are positive.

    Example:
        >>> pb.distributions.Kumaraswamy(1.0, 1.0).log_prob(pb.tensor(0.5))
        tensor(0.)
    """

    arg_constraints = {"concentration1": constraints.positive, "concentration0": constraints.positive}
    support = constraints.unit_interval
    has_rsample = True

    def __init__(self, concentration1, concentration0, validate_args=None):
        self.concentration1, self.concentration0 = broadcast_all(concentration1, concentration0)
        like = self.concentration0
        base = Uniform(full_like(like, 0), full_like(like, 1), validate_args=validate_args)
        transforms = [
            PowerTransform(self.concentration0.reciprocal()),
            AffineTransform(1.0, -1.0),
            PowerTransform(self.concentration1.reciprocal()),
        ]
        super().__init__(base, transforms, validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        names = "concentration1 concentration0"
        return self._expanded_base(Kumaraswamy, batch_shape, _instance, names)

    def _moment(self, n):
        a, b = 1 + n / self.concentration1, self.concentration0
        return b * (a.lgamma() + b.lgamma() - (a + b).lgamma()).exp()

    @property
    def mean(self):
        return self._moment(1)

    @property
    def mode(self):
        a, b = self.concentration1, self.concentration0
        # ((a - 1) / (a b - 1))^(1 / a); PyTorch's formula has other signs and powers.
        mode = ((a - 1) / (a * b - 1)) ** (1 / a)
        return where((a < 1) | (b < 1), nan, mode)

    @property
    def variance(self):
        return self._moment(2) - self.mean.square()

    def cdf(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return -(self.concentration0 * (-(value**self.concentration1)).log1p()).expm1()

    def icdf(self, value):
        return (-((-value).log1p() / self.concentration0).expm1()) ** (1 / self.concentration1)

    def entropy(self):
        a, b = self.concentration1, self.concentration0
        harmonic = (b + 1).digamma() + euler_constant
        return (1 - 1 / b) + (1 - 1 / a) * harmonic - a.log() - b.log()


def __getattr__(name):
    raise missing(__name__, name)
