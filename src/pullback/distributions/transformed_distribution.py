"""Draws of one distribution, sent through transforms."""

from .. import no_grad
from ..messages.missing import missing
from ..size import Size
from . import constraints
from ._transform import widened
from .distribution import Distribution
from .independent import Independent
from .transforms import ComposeTransform, Transform
from .utils import _sum_rightmost

__all__ = ["TransformedDistribution"]


class TransformedDistribution(Distribution):
    """What comes of the draws of a distribution by a transform, or by several, a list, one after the other.

    `log_prob` follows from their inverses and determinants. Raises ValueError for what are no transforms, and for a
    base of too few dimensions.

    Example:
        >>> base, exp = pb.distributions.Normal(0.0, 1.0), pb.distributions.ExpTransform()
        >>> d = pb.distributions.TransformedDistribution(base, exp)
        >>> d.log_prob(pb.tensor(1.0)), d.support
        (tensor(-0.9189), GreaterThan(lower_bound=0.0))
    """

    arg_constraints = {}

    def __init__(self, base_distribution, transforms, validate_args=None):
        if isinstance(transforms, Transform):
            transforms = [transforms]
        elif not isinstance(transforms, list):
            raise ValueError(f"transforms must be a Transform or list, but was {transforms}")
        elif not all(isinstance(each, Transform) for each in transforms):
            raise ValueError("transforms must be a Transform or a list of Transforms")
        self.transforms = transforms
        transform = ComposeTransform(transforms)
        before, after = transform.domain.event_dim, transform.codomain.event_dim
        shape = base_distribution.batch_shape + base_distribution.event_shape
        event = len(base_distribution.event_shape)
        if len(shape) < before:
            raise ValueError(
                f"base_distribution needs to have shape with size at least {before}, but got {shape}."
            )
        forward = Size(transform.forward_shape(shape))
        needed = Size(transform.inverse_shape(forward))
        if shape != needed:  # parameters of the transform broadcast with it
            base_distribution = base_distribution.expand(needed[: len(needed) - event])
        if before > event:
            base_distribution = Independent(base_distribution, before - event)
        self.base_dist = base_distribution
        cut = len(forward) - max(after, event + after - before)
        super().__init__(forward[:cut], forward[cut:], validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        new = self._get_checked_instance(TransformedDistribution, _instance)
        shape = Size(batch_shape) + self.event_shape
        for transform in reversed(self.transforms):
            shape = Size(transform.inverse_shape(shape))
        new.base_dist = self.base_dist.expand(shape[: len(shape) - len(self.base_dist.event_shape)])
        new.transforms = self.transforms
        return self._finish(new, batch_shape, self.event_shape)

    @constraints.dependent_property(is_discrete=False)
    def support(self):
        if not self.transforms:
            return self.base_dist.support
        return widened(self.transforms[-1].codomain, len(self.event_shape))

    @property
    def has_rsample(self):
        """Whether draws are differentiable: as those of the base.

        Example:
            >>> pb.distributions.Gumbel(0.0, 1.0).has_rsample
            True
        """
        return self.base_dist.has_rsample

    def _through(self, x):
        for transform in self.transforms:
            x = transform(x)
        return x

    def sample(self, sample_shape=()):
        with no_grad():
            return self._through(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape=()):
        return self._through(self.base_dist.rsample(sample_shape))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        event, log_prob = len(self.event_shape), 0.0
        for transform in reversed(self.transforms):
            x = transform.inv(value)
            own = transform.domain.event_dim
            event += own - transform.codomain.event_dim
            log_prob = log_prob - _sum_rightmost(transform.log_abs_det_jacobian(x, value), event - own)
            value = x
        base = self.base_dist.log_prob(value)
        return log_prob + _sum_rightmost(base, event - len(self.base_dist.event_shape))

    def _monotonize_cdf(self, value):
        """A probability, or what is left of 1 where the transforms turn large into small."""
        sign = 1
        for transform in self.transforms:
            sign = sign * transform.sign
        return value if isinstance(sign, int) and sign == 1 else sign * (value - 0.5) + 0.5

    def cdf(self, value):
        for transform in reversed(self.transforms):
            value = transform.inv(value)
        if self._validate_args:
            self.base_dist._validate_sample(value)
        return self._monotonize_cdf(self.base_dist.cdf(value))

    def icdf(self, value):
        return self._through(self.base_dist.icdf(self._monotonize_cdf(value)))


class Derived(TransformedDistribution):
    """A family that is another one, transformed, and has its parameters."""

    def _expanded_base(self, family, batch_shape, instance, names=""):
        new = self._get_checked_instance(family, instance)
        for name in names.split():
            setattr(new, name, getattr(self, name).expand(batch_shape))
        return TransformedDistribution.expand(self, batch_shape, _instance=new)


def __getattr__(name):
    raise missing(__name__, name)
