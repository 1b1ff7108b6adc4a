"""Dimensions of a batch, taken for dimensions of an event."""

from ..messages.missing import missing
from ..size import Size
from . import constraints
from .distribution import Distribution
from .utils import _sum_rightmost

__all__ = ["Independent"]


class Independent(Distribution):
    """The last `reinterpreted_batch_ndims` dimensions of a batch become dimensions of the event: `log_prob` sums over them.

    Raises ValueError for more dimensions than the batch has.

    Example:
        >>> d = pb.distributions.Independent(pb.distributions.Normal(pb.zeros(3), 1.0), 1)
        >>> d.event_shape, d.log_prob(pb.zeros(3))
        (pullback.Size([3]), tensor(-2.7568))
    """

    arg_constraints = {}

    def __init__(self, base_distribution, reinterpreted_batch_ndims, validate_args=None):
        batch, event = base_distribution.batch_shape, base_distribution.event_shape
        if reinterpreted_batch_ndims > len(batch):
            raise ValueError(
                "Expected reinterpreted_batch_ndims <= len(base_distribution.batch_shape), actual "
                f"{reinterpreted_batch_ndims} vs {len(batch)}"
            )
        self.base_dist, self.reinterpreted_batch_ndims = base_distribution, reinterpreted_batch_ndims
        cut = len(batch) - reinterpreted_batch_ndims
        super().__init__(batch[:cut], batch[cut:] + event, validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        new, batch_shape = self._get_checked_instance(Independent, _instance), Size(batch_shape)
        ndims = new.reinterpreted_batch_ndims = self.reinterpreted_batch_ndims
        new.base_dist = self.base_dist.expand(batch_shape + self.event_shape[:ndims])
        return self._finish(new, batch_shape, self.event_shape)

    @property
    def has_rsample(self):
        """Whether draws are differentiable: as those of the base.

        Example:
            >>> pb.distributions.Independent(pb.distributions.Normal(pb.zeros(3), 1.0), 1).has_rsample
            True
        """
        return self.base_dist.has_rsample

    @property
    def has_enumerate_support(self):
        """Whether there is a list of all values.

        Example:
            >>> pb.distributions.Independent(pb.distributions.Bernoulli(pb.zeros(3)), 1).has_enumerate_support
            False
        """
        return self.reinterpreted_batch_ndims == 0 and self.base_dist.has_enumerate_support

    @constraints.dependent_property()
    def support(self):
        result = self.base_dist.support
        ndims = self.reinterpreted_batch_ndims
        return constraints.independent(result, ndims) if ndims else result

    @property
    def mean(self):
        return self.base_dist.mean

    @property
    def mode(self):
        return self.base_dist.mode

    @property
    def variance(self):
        return self.base_dist.variance

    def sample(self, sample_shape=()):
        return self.base_dist.sample(sample_shape)

    def rsample(self, sample_shape=()):
        return self.base_dist.rsample(sample_shape)

    def log_prob(self, value):
        return _sum_rightmost(self.base_dist.log_prob(value), self.reinterpreted_batch_ndims)

    def entropy(self):
        return _sum_rightmost(self.base_dist.entropy(), self.reinterpreted_batch_ndims)

    def enumerate_support(self, expand=True):
        if self.reinterpreted_batch_ndims > 0:
            raise NotImplementedError("Enumeration over cartesian product is not implemented")
        return self.base_dist.enumerate_support(expand=expand)

    def __repr__(self):
        return f"{self.__class__.__name__}({self.base_dist}, {self.reinterpreted_batch_ndims})"


def __getattr__(name):
    raise missing(__name__, name)
