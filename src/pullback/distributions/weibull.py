"""The Weibull distribution."""

from .. import ones_like
from ..messages.missing import missing
from . import constraints
from .exponential import Exponential
from .transformed_distribution import Derived
from .transforms import AffineTransform, PowerTransform
from .utils import broadcast_all, euler_constant

__all__ = ["Weibull"]


class Weibull(Derived):
    """A power of an exponentially distributed number: `scale` x^(1 / `concentration`). Both broadcast.

    Raises ValueError unless they are positive.

    Example:
        >>> d = pb.distributions.Weibull(2.0, 1.0)
        >>> d.mean, d.log_prob(pb.tensor(2.0))
        (tensor(2.), tensor(-1.6931))
    """

    arg_constraints = {"scale": constraints.positive, "concentration": constraints.positive}
    support = constraints.positive

    def __init__(self, scale, concentration, validate_args=None):
        self.scale, self.concentration = broadcast_all(scale, concentration)
        base = Exponential(ones_like(self.scale), validate_args=validate_args)
        super().__init__(base, self._transforms(), validate_args=validate_args)

    def _transforms(self):
        self.concentration_reciprocal = self.concentration.reciprocal()
        return [PowerTransform(self.concentration_reciprocal), AffineTransform(0, self.scale)]

    def expand(self, batch_shape, _instance=None):
        new = self._expanded_base(Weibull, batch_shape, _instance, "scale concentration")
        new.transforms = new._transforms()
        return new

    @property
    def mean(self):
        return self.scale * (1 + self.concentration_reciprocal).lgamma().exp()

    @property
    def mode(self):
        a = self.concentration
        return self.scale * (((a - 1) / a).clamp(min=0)) ** self.concentration_reciprocal

    @property
    def variance(self):
        once = (1 + self.concentration_reciprocal).lgamma()
        twice = (1 + 2 * self.concentration_reciprocal).lgamma()
        return self.scale.square() * (twice.exp() - (2 * once).exp())

    def entropy(self):
        return (
            euler_constant * (1 - self.concentration_reciprocal)
            + (self.scale * self.concentration_reciprocal).log()
            + 1
        )


def __getattr__(name):
    raise missing(__name__, name)
