"""The Pareto distribution."""

from ..messages.missing import missing
from . import constraints
from .exponential import Exponential
from .transformed_distribution import Derived
from .transforms import AffineTransform, ExpTransform
from .utils import broadcast_all

__all__ = ["Pareto"]


class Pareto(Derived):
    """Numbers from `scale` on whose density falls as a power, of exponent -(`alpha` + 1).

    Both broadcast. Raises ValueError unless they are positive.

    Example:
        >>> d = pb.distributions.Pareto(1.0, 3.0)
        >>> d.mean, d.log_prob(pb.tensor(1.0))
        (tensor(1.5000), tensor(1.0986))
    """

    arg_constraints = {"alpha": constraints.positive, "scale": constraints.positive}

    def __init__(self, scale, alpha, validate_args=None):
        self.scale, self.alpha = broadcast_all(scale, alpha)
        base = Exponential(self.alpha, validate_args=validate_args)
        transforms = [ExpTransform(), AffineTransform(0, self.scale)]
        super().__init__(base, transforms, validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        return self._expanded_base(Pareto, batch_shape, _instance, "scale alpha")

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self):
        return constraints.greater_than_eq(self.scale)

    @property
    def mean(self):
        a = self.alpha.clamp(min=1)
        return a * self.scale / (a - 1)

    @property
    def mode(self):
        return self.scale

    @property
    def variance(self):
        a = self.alpha.clamp(min=2)
        return self.scale.square() * a / ((a - 1).square() * (a - 2))

    def entropy(self):
        return (self.scale / self.alpha).log() + (1 + self.alpha.reciprocal())


def __getattr__(name):
    raise missing(__name__, name)
