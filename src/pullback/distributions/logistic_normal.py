"""Shares of a whole, by stick-breaking of normal numbers."""

from ..messages.missing import missing
from . import constraints
from .normal import Normal
from .transformed_distribution import Derived
from .transforms import StickBreakingTransform

__all__ = ["LogisticNormal"]


class LogisticNormal(Derived):
    """Shares [n + 1] that `StickBreakingTransform` makes of normal vectors [n] of means `loc` and deviations `scale`.

    Raises ValueError unless deviations are positive.

    Example:
        >>> d = pb.distributions.LogisticNormal(pb.zeros(3), 1.0)
        >>> d.event_shape, bool(d.sample().sum() > 0.9999)
        (pullback.Size([4]), True)
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.simplex
    has_rsample = True

    def __init__(self, loc, scale, validate_args=None):
        base = Normal(loc, scale, validate_args=validate_args)
        if not base.batch_shape:
            base = base.expand((1,))
        super().__init__(base, StickBreakingTransform(), validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        return self._expanded_base(LogisticNormal, batch_shape, _instance)

    @property
    def loc(self):
        return self.base_dist.base_dist.loc

    @property
    def scale(self):
        return self.base_dist.base_dist.scale


def __getattr__(name):
    raise missing(__name__, name)
