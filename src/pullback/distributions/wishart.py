"""The Wishart distribution, of covariance matrices."""

import math
import warnings

from .. import arange, broadcast_shapes, cholesky_solve, finfo, linalg, nan, no_grad, randn, tensor, where
from ..messages.missing import missing
from ..size import Size
from . import constraints
from .chi2 import Chi2
from .distribution import holds
from .exp_family import ExponentialFamily
from .multivariate_normal import Factored, _half_log_det, chosen_form, factor_of
from .utils import NUMBERS, vec_to_tril_matrix

__all__ = ["Wishart"]


def _steps(x, p):
    """x, x - 1/2, ..., in a new dimension."""
    return x.unsqueeze(-1) - arange(p, dtype=x.dtype) / 2


def mvlgamma(x, p):
    """The logarithm of the multivariate gamma function."""
    return p * (p - 1) / 4 * math.log(math.pi) + _steps(x, p).lgamma().sum(-1)


class Wishart(Factored, ExponentialFamily):
    """The sum of x x^T of `df` normal vectors [n] of mean 0 and one covariance matrix, or of its inverse or Cholesky factor.

    `df` need not be whole, and broadcasts with what is in front of the matrix. Raises AssertionError for none or
    several of the three, ValueError unless `df` is above n - 1 and matrices are what they should be; warns below n.

    Example:
        >>> d = pb.distributions.Wishart(pb.tensor(3.0), pb.eye(2))
        >>> d.mean
        tensor([[3., 0.],
                [0., 3.]])
    """

    support = constraints.positive_definite
    has_rsample = True
    _mean_carrier_measure = 0

    @property
    def arg_constraints(self):
        return {
            "covariance_matrix": constraints.positive_definite,
            "precision_matrix": constraints.positive_definite,
            "scale_tril": constraints.lower_cholesky,
            "df": constraints.greater_than(self.event_shape[-1] - 1),
        }

    def __init__(
        self, df, covariance_matrix=None, precision_matrix=None, scale_tril=None, validate_args=None
    ):
        name, matrix = chosen_form(
            AssertionError,
            covariance_matrix=covariance_matrix,
            precision_matrix=precision_matrix,
            scale_tril=scale_tril,
        )
        if matrix.dim() < 2:
            raise ValueError(
                "scale_tril must be at least two-dimensional, with optional leading batch dimensions"
            )
        if isinstance(df, NUMBERS):
            df = tensor(df, dtype=matrix.dtype)
        batch_shape, n = broadcast_shapes(matrix.shape[:-2], df.shape), matrix.shape[-1]
        self.df = df.expand(batch_shape)
        if not holds(self.df > n - 1):
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {n - 1}.")
        setattr(self, name, matrix.expand(batch_shape + (-1, -1)))
        if not holds(self.df >= n):
            warnings.warn(
                "Low df values detected. Singular samples are highly likely to occur for ndim - 1 < df < ndim.",
                stacklevel=2,
            )
        super().__init__(batch_shape, matrix.shape[-2:], validate_args=validate_args)
        self._unbroadcasted_scale_tril = factor_of(name, matrix)
        self._dist_chi2 = self._chi2()

    def _chi2(self):
        less = arange(self._event_shape[-1], dtype=self.df.dtype)
        return Chi2(self.df.unsqueeze(-1) - less, validate_args=False)

    def expand(self, batch_shape, _instance=None):
        new, batch_shape = self._get_checked_instance(Wishart, _instance), Size(batch_shape)
        shape = batch_shape + self.event_shape
        new._unbroadcasted_scale_tril = self._unbroadcasted_scale_tril.expand(shape)
        new.df = self.df.expand(batch_shape)
        self._expand_forms(new, shape)
        self._finish(new, batch_shape, self.event_shape)
        new._dist_chi2 = new._chi2()
        return new

    @property
    def mean(self):
        return self.df[..., None, None] * self.covariance_matrix

    @property
    def mode(self):
        factor = self.df - self._event_shape[-1] - 1
        return where(factor <= 0, nan, factor)[..., None, None] * self.covariance_matrix

    @property
    def variance(self):
        v = self.covariance_matrix
        diagonal = v.diagonal(dim1=-2, dim2=-1)
        return self.df[..., None, None] * (v.square() + diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2))

    def _bartlett_sampling(self, sample_shape=()):
        n = self._event_shape[-1]
        roots = self._dist_chi2.rsample(sample_shape).sqrt()
        diagonal = roots.clamp(min=finfo(roots.dtype).eps).diag_embed()
        below = randn(roots.shape[:-1] + (n * (n - 1) // 2,), dtype=roots.dtype)
        factor = self._unbroadcasted_scale_tril @ (diagonal + vec_to_tril_matrix(below, diag=-1))
        return factor @ factor.mT

    def rsample(self, sample_shape=(), max_try_correction=None):
        """Draws that are differentiable functions of the parameters; singular ones are drawn again, as often as is said, ten
        times without.

        Example:
            >>> pb.distributions.Wishart(pb.tensor(3.0), pb.eye(2)).rsample((4,)).shape
            pullback.Size([4, 2, 2])
        """
        sample_shape = Size(sample_shape)
        with no_grad():
            self._bartlett_sampling(sample_shape)  # PyTorch's numbers are those that come second
        sample = self._bartlett_sampling(sample_shape)
        for _ in range(10 if max_try_correction is None else max_try_correction):
            regular = self.support.check(sample)
            if holds(regular):
                break
            warnings.warn("Singular sample detected.", stacklevel=2)
            sample = where(regular[..., None, None], sample, self._bartlett_sampling(sample_shape))
        return sample

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        df, n, factor = self.df, self._event_shape[-1], self._unbroadcasted_scale_tril
        normalizer = df * (n * math.log(2) / 2 + _half_log_det(factor)) + mvlgamma(df / 2, n)
        inside = cholesky_solve(value, factor).diagonal(dim1=-2, dim2=-1).sum(-1)
        return (df - n - 1) / 2 * linalg.slogdet(value).logabsdet - inside / 2 - normalizer

    def entropy(self):
        df, n = self.df, self._event_shape[-1]
        size = n * math.log(2) / 2 + _half_log_det(self._unbroadcasted_scale_tril)
        slope = _steps(df / 2, n).digamma().sum(-1)
        return (n + 1) * size + mvlgamma(df / 2, n) - (df - n - 1) / 2 * slope + df * n / 2

    @property
    def _natural_params(self):
        return (-self.precision_matrix / 2, (self.df - self._event_shape[-1] - 1) / 2)

    def _log_normalizer(self, x, y):
        n = self._event_shape[-1]
        shape = y + (n + 1) / 2
        return shape * (n * math.log(2) - linalg.slogdet(-2 * x).logabsdet) + mvlgamma(shape, n)


def __getattr__(name):
    raise missing(__name__, name)
