"""The beta distribution."""

from .. import stack
from ..messages.missing import missing
from ..size import Size
from . import constraints
from ._implicit import beta_function
from .dirichlet import Dirichlet
from .exp_family import ExponentialFamily
from .utils import broadcast_all

__all__ = ["Beta"]


class Beta(ExponentialFamily):
    """The share of the first of two, with concentrations that broadcast: Dirichlet's distribution of two.

    Draws, and `cdf`, are differentiable to the fourth order. Raises ValueError for concentrations that are not positive.

    Example:
        >>> d = pb.distributions.Beta(1.0, 2.0)
        >>> d.mean, d.cdf(pb.tensor(0.5))
        (tensor(0.3333), tensor(0.7500))
    """

    arg_constraints = {"concentration1": constraints.positive, "concentration0": constraints.positive}
    support = constraints.unit_interval
    has_rsample = True

    def __init__(self, concentration1, concentration0, validate_args=None):
        both = stack(broadcast_all(concentration1, concentration0), -1)
        if not both.is_floating_point():
            both = both.float()
        self._dirichlet = Dirichlet(both, validate_args=validate_args)
        super().__init__(self._dirichlet.batch_shape, validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        new, batch_shape = self._get_checked_instance(Beta, _instance), Size(batch_shape)
        new._dirichlet = self._dirichlet.expand(batch_shape)
        return self._finish(new, batch_shape)

    @property
    def concentration1(self):
        return self._dirichlet.concentration[..., 0]

    @property
    def concentration0(self):
        return self._dirichlet.concentration[..., 1]

    @property
    def mean(self):
        return self.concentration1 / (self.concentration1 + self.concentration0)

    @property
    def mode(self):
        return self._dirichlet.mode[..., 0]

    @property
    def variance(self):
        total = self.concentration1 + self.concentration0
        return self.concentration1 * self.concentration0 / (total.square() * (total + 1))

    def rsample(self, sample_shape=()):
        return self._dirichlet.rsample(sample_shape).select(-1, 0)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return self._dirichlet.log_prob(stack([value, 1.0 - value], -1))

    def cdf(self, value):
        """The probability of draws up to `value`: the incomplete beta function. PyTorch has none.

        Example:
            >>> pb.distributions.Beta(2.0, 2.0).cdf(pb.tensor(0.5))
            tensor(0.5000)
        """
        if self._validate_args:
            self._validate_sample(value)
        return beta_function(value, self.concentration1, self.concentration0)

    def entropy(self):
        return self._dirichlet.entropy()

    @property
    def _natural_params(self):
        return (self.concentration1, self.concentration0)

    def _log_normalizer(self, x, y):
        return x.lgamma() + y.lgamma() - (x + y).lgamma()


def __getattr__(name):
    raise missing(__name__, name)
