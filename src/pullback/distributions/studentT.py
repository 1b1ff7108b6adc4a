"""Student's t distribution."""

import math

from .. import inf, nan, where
from ..messages.missing import missing
from . import constraints
from ._implicit import beta_function
from .chi2 import Chi2
from .distribution import Distribution
from .utils import _standard_normal

__all__ = ["StudentT"]


class StudentT(Distribution):
    """Student's t distribution of `df` degrees of freedom, moved by `loc` and scaled by `scale`; all broadcast.

    Raises ValueError unless `df` and `scale` are positive.

    Example:
        >>> d = pb.distributions.StudentT(3.0)
        >>> d.variance, d.cdf(pb.tensor(0.0))
        (tensor(3.), tensor(0.5000))
    """

    arg_constraints = {"df": constraints.positive, "loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, df, loc=0.0, scale=1.0, validate_args=None):
        self._begin(validate_args, df=df, loc=loc, scale=scale)
        self._chi2 = Chi2(self.df, validate_args=False)

    def expand(self, batch_shape, _instance=None):
        new = self._expanded(StudentT, batch_shape, _instance, "df loc scale")
        new._chi2 = self._chi2.expand(batch_shape)
        return new

    @property
    def mean(self):
        return where(self.df <= 1, nan, self.loc)

    @property
    def mode(self):
        return self.loc

    @property
    def variance(self):
        finite = self.scale.square() * self.df / (self.df - 2)
        return where(self.df > 2, finite, where(self.df > 1, inf, nan))

    def rsample(self, sample_shape=()):
        x = _standard_normal(self._extended_shape(sample_shape), self.df.dtype)
        return self.loc + self.scale * (x * (self._chi2.rsample(sample_shape) / self.df).rsqrt())

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        y, df = (value - self.loc) / self.scale, self.df
        normalizer = 0.5 * (df.log() + math.log(math.pi)) + (0.5 * df).lgamma() - (0.5 * (df + 1.0)).lgamma()
        return -0.5 * (df + 1.0) * (y.square() / df).log1p() - self.scale.log() - normalizer

    def cdf(self, value):
        """The probability of draws up to `value`, by the incomplete beta function. PyTorch has none.

        Example:
            >>> pb.distributions.StudentT(1.0).cdf(pb.tensor(1.0))
            tensor(0.7500)
        """
        if self._validate_args:
            self._validate_sample(value)
        y, df = (value - self.loc) / self.scale, self.df
        half, whole = 0.5 * df, df + y.square()
        # Around 0 by y / sqrt(df + y^2), which is smooth there; outside by what keeps the digits of the tails.
        middle = beta_function(0.5 + 0.5 * y * whole.rsqrt(), half, half)
        tail = 0.5 * beta_function(df / whole, half, df.new_full((), 0.5))
        return where(y.abs() < 1, middle, where(y < 0, tail, 1 - tail))

    def entropy(self):
        df = self.df
        half, more = 0.5 * df, 0.5 * (df + 1)
        log_beta = half.lgamma() + math.lgamma(0.5) - more.lgamma()
        return self.scale.log() + more * (more.digamma() - half.digamma()) + 0.5 * df.log() + log_beta


def __getattr__(name):
    raise missing(__name__, name)
