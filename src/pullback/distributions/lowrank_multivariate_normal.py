"""The normal distribution of long vectors, whose covariance is a diagonal and a few directions."""

import math

from .. import broadcast_tensors, diag_embed, eye, linalg
from ..messages.missing import missing
from ..size import Size
from . import constraints
from ._located import Located
from .distribution import Distribution
from .multivariate_normal import _batch_mahalanobis, _batch_mv, _half_log_det
from .utils import _standard_normal, lazy_property

__all__ = ["LowRankMultivariateNormal"]


def _with_unit(products):
    return products + eye(products.shape[-1], dtype=products.dtype)


def _batch_capacitance_tril(W, D):
    """The Cholesky factor of I + W^T D^-1 W, a small matrix."""
    return linalg.cholesky(_with_unit((W.mT / D.unsqueeze(-2)) @ W))


def _batch_lowrank_logdet(W, D, capacitance_tril):
    """log det(W W^T + D), by the matrix determinant lemma."""
    return 2 * _half_log_det(capacitance_tril) + D.log().sum(-1)


def _batch_lowrank_mahalanobis(W, D, x, capacitance_tril):
    """x^T (W W^T + D)^-1 x, by Woodbury's identity."""
    inside = _batch_mv(W.mT / D.unsqueeze(-2), x)
    return (x.square() / D).sum(-1) - _batch_mahalanobis(capacitance_tril, inside)


class LowRankMultivariateNormal(Located, Distribution):
    """The normal distribution of vectors [n] of mean `loc` and covariance W W^T + diag(D): W is `cov_factor`, (n, m), and
    D `cov_diag`, [n]. What is in front of them broadcasts.

    All of it takes time and memory linear in n. Raises ValueError for shapes that do not fit, and for a diagonal
    that is not positive.

    Example:
        >>> d = pb.distributions.LowRankMultivariateNormal(pb.zeros(2), pb.ones(2, 1), pb.ones(2))
        >>> d.covariance_matrix
        tensor([[2., 1.],
                [1., 2.]])
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc, cov_factor, cov_diag, validate_args=None):
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        event_shape = loc.shape[-1:]
        if cov_factor.dim() < 2:
            raise ValueError(
                "cov_factor must be at least two-dimensional, with optional leading batch dimensions"
            )
        if cov_factor.shape[-2:-1] != event_shape:
            raise ValueError(f"cov_factor must be a batch of matrices with shape {event_shape[0]} x m")
        if cov_diag.shape[-1:] != event_shape:
            raise ValueError(f"cov_diag must be a batch of vectors with shape {event_shape}")
        try:
            columns = broadcast_tensors(loc.unsqueeze(-1), cov_factor, cov_diag.unsqueeze(-1))
        except RuntimeError as error:
            raise ValueError(
                f"Incompatible batch shapes: loc {loc.shape}, cov_factor {cov_factor.shape}, cov_diag {cov_diag.shape}"
            ) from error
        self.loc, self.cov_factor, self.cov_diag = columns[0][..., 0], columns[1], columns[2][..., 0]
        self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag = cov_factor, cov_diag
        self._capacitance_tril = _batch_capacitance_tril(cov_factor, cov_diag)
        super().__init__(self.loc.shape[:-1], event_shape, validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        new = self._get_checked_instance(LowRankMultivariateNormal, _instance)
        shape = Size(batch_shape) + self.event_shape
        new.loc, new.cov_diag = self.loc.expand(shape), self.cov_diag.expand(shape)
        new.cov_factor = self.cov_factor.expand(shape + self.cov_factor.shape[-1:])
        for name in ("_unbroadcasted_cov_factor", "_unbroadcasted_cov_diag", "_capacitance_tril"):
            setattr(new, name, getattr(self, name))
        return self._finish(new, batch_shape, self.event_shape)

    @property
    def _parts(self):
        return self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag

    @property
    def _square(self):
        return self._batch_shape + self._event_shape * 2

    @lazy_property
    def variance(self):
        W, D = self._parts
        return (W.square().sum(-1) + D).expand(self._batch_shape + self._event_shape)

    @lazy_property
    def scale_tril(self):
        W, D = self._parts
        root = D.sqrt().unsqueeze(-1)
        scaled = W / root
        return (root * linalg.cholesky(_with_unit(scaled @ scaled.mT))).expand(self._square)

    @lazy_property
    def covariance_matrix(self):
        W, D = self._parts
        return (W @ W.mT + diag_embed(D)).expand(self._square)

    @lazy_property
    def precision_matrix(self):
        W, D = self._parts
        A = linalg.solve_triangular(self._capacitance_tril, W.mT / D.unsqueeze(-2), upper=False)
        return (diag_embed(D.reciprocal()) - A.mT @ A).expand(self._square)

    def rsample(self, sample_shape=()):
        shape, dtype = self._extended_shape(sample_shape), self.loc.dtype
        W, D = self._parts
        along = _standard_normal(shape[:-1] + self.cov_factor.shape[-1:], dtype)
        return self.loc + _batch_mv(W, along) + D.sqrt() * _standard_normal(shape, dtype)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        log_det = _batch_lowrank_logdet(*self._parts, self._capacitance_tril)
        distance = _batch_lowrank_mahalanobis(*self._parts, value - self.loc, self._capacitance_tril)
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + log_det + distance)

    def entropy(self):
        log_det = _batch_lowrank_logdet(*self._parts, self._capacitance_tril)
        entropy = 0.5 * (self._event_shape[0] * (1.0 + math.log(2 * math.pi)) + log_det)
        return entropy.expand(self._batch_shape)


def __getattr__(name):
    raise missing(__name__, name)
