"""Correlation matrices."""

import math

from .. import arange, cat, finfo, randn, where
from ..messages.missing import missing
from ..size import Size
from . import constraints
from .beta import Beta
from .distribution import Distribution
from .utils import broadcast_all
from .wishart import mvlgamma

__all__ = ["LKJCholesky"]


class LKJCholesky(Distribution):
    """Cholesky factors [`dim`, `dim`] of correlation matrices, whose density is proportional to a power of their determinant,
    `concentration` - 1 (D. Lewandowski, D. Kurowicka and H. Joe, 2009). At 1 all such matrices are alike.

    Raises ValueError for less than two dimensions, and unless the concentration is positive.

    Example:
        >>> factor = pb.distributions.LKJCholesky(3, 1.0).sample()
        >>> bool(((factor @ factor.mT).diagonal() - 1).abs().max() < 1e-5)
        True
    """

    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_cholesky

    def __init__(self, dim, concentration=1.0, validate_args=None):
        if dim < 2:
            raise ValueError(f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}.")
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        # How much of each row is not on the diagonal, squared: the onion method.
        offset = arange(dim - 1, dtype=self.concentration.dtype)
        offset = cat([offset.new_zeros((1,)), offset])
        rest = (self.concentration + 0.5 * (dim - 2)).unsqueeze(-1) - 0.5 * offset
        super().__init__(self.concentration.shape, (dim, dim), validate_args)
        self._beta = Beta(offset + 0.5, rest, validate_args=False)

    def expand(self, batch_shape, _instance=None):
        new, batch_shape = self._get_checked_instance(LKJCholesky, _instance), Size(batch_shape)
        new.dim, new.concentration = self.dim, self.concentration.expand(batch_shape)
        new._beta = self._beta.expand(batch_shape + (self.dim,))
        return self._finish(new, batch_shape, self.event_shape)

    def sample(self, sample_shape=()):
        y = self._beta.sample(sample_shape).detach().unsqueeze(-1)
        normal = randn(self._extended_shape(sample_shape), dtype=y.dtype).tril(-1)
        length = normal.square().sum(-1, keepdim=True).sqrt()
        w = y.sqrt() * where(length > 0, normal / length, 0.0)  # the first row is the diagonal
        left = (1 - w.square().sum(-1)).clamp(min=finfo(w.dtype).tiny)
        return w + left.sqrt().diag_embed()

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        diagonal, concentration = value.diagonal(dim1=-1, dim2=-2)[..., 1:], self.concentration
        order = 2 * (concentration - 1).unsqueeze(-1) + self.dim - arange(2, self.dim + 1)
        less = self.dim - 1
        alpha = concentration + 0.5 * less
        normalizer = 0.5 * less * math.log(math.pi) + mvlgamma(alpha - 0.5, less) - alpha.lgamma() * less
        return (order * diagonal.log()).sum(-1) - normalizer


def __getattr__(name):
    raise missing(__name__, name)
