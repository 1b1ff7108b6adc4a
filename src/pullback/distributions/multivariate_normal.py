"""The normal distribution of vectors."""

import math

from .. import broadcast_shapes, cholesky_inverse, eye, linalg
from ..messages.missing import missing
from ..size import Size
from . import constraints
from ._located import Located
from .distribution import Distribution
from .utils import _standard_normal, lazy_property

__all__ = ["MultivariateNormal"]

FORMS = "covariance_matrix precision_matrix scale_tril"


def _batch_mv(bmat, bvec):
    """Products of matrices and vectors."""
    return (bmat @ bvec.unsqueeze(-1)).squeeze(-1)


def _batch_mahalanobis(bL, bx):
    """x^T (L L^T)^-1 x for factors (..., n, n) and vectors (..., n); what only the vectors have in front are columns."""
    lead = bx.dim() + 1 - bL.dim()
    if lead <= 0:
        return linalg.solve_triangular(bL, bx.unsqueeze(-1), upper=False).square().sum((-2, -1))
    columns = bx.reshape((-1,) + bx.shape[lead:]).movedim(0, -1)
    found = linalg.solve_triangular(bL, columns, upper=False).square().sum(-2).movedim(-1, 0)
    return found.reshape(bx.shape[:lead] + found.shape[1:])


def _half_log_det(factor):
    """Half of log det(L L^T)."""
    return factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)


def _precision_to_scale_tril(P):
    """The Cholesky factor of the inverse: that of P, from the end to the beginning, inverted."""
    reverse = linalg.cholesky(P.flip((-2, -1))).flip((-2, -1)).mT
    return linalg.solve_triangular(reverse, eye(P.shape[-1], dtype=P.dtype), upper=False)


def chosen_form(error, **forms):
    """The name and the matrix of the one form that is given; `error` is raised for none, and for several."""
    given = [(name, matrix) for name, matrix in forms.items() if matrix is not None]
    if len(given) != 1:
        raise error("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
    return given[0]


def factor_of(name, matrix):
    """The Cholesky factor of a covariance matrix that is given in one of the three forms."""
    if name == "scale_tril":
        return matrix
    return linalg.cholesky(matrix) if name == "covariance_matrix" else _precision_to_scale_tril(matrix)


class Factored(Distribution):
    """What has a positive definite matrix, in one of three forms; the others are made of its factor when asked for."""

    @property
    def _matrix_shape(self):
        return self._batch_shape + (self._event_shape[-1],) * 2

    @lazy_property
    def scale_tril(self):
        return self._unbroadcasted_scale_tril.expand(self._matrix_shape)

    @lazy_property
    def covariance_matrix(self):
        factor = self._unbroadcasted_scale_tril
        return (factor @ factor.mT).expand(self._matrix_shape)

    @lazy_property
    def precision_matrix(self):
        return cholesky_inverse(self._unbroadcasted_scale_tril).expand(self._matrix_shape)

    def _expand_forms(self, new, shape):
        for name in FORMS.split():
            if name in self.__dict__:
                setattr(new, name, self.__dict__[name].expand(shape))


class MultivariateNormal(Located, Factored):
    """The normal distribution of vectors [n] of mean `loc`, with a covariance matrix, its inverse, or its Cholesky factor.

    One of the three is given; what is in front of matrices and means broadcasts. Raises ValueError for none or several
    of them, for a single number, and for matrices that are not positive definite, or no such factors.

    Example:
        >>> d = pb.distributions.MultivariateNormal(pb.zeros(2), pb.eye(2))
        >>> d.log_prob(pb.zeros(2)), d.sample((3,)).shape
        (tensor(-1.8379), pullback.Size([3, 2]))
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self, loc, covariance_matrix=None, precision_matrix=None, scale_tril=None, validate_args=None
    ):
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        name, matrix = chosen_form(
            ValueError,
            covariance_matrix=covariance_matrix,
            precision_matrix=precision_matrix,
            scale_tril=scale_tril,
        )
        if matrix.dim() < 2:
            form = "scale_tril matrix" if name == "scale_tril" else name
            raise ValueError(
                f"{form} must be at least two-dimensional, with optional leading batch dimensions"
            )
        batch_shape = broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        setattr(self, name, matrix.expand(batch_shape + (-1, -1)))
        self.loc = loc.expand(batch_shape + (-1,))
        super().__init__(batch_shape, self.loc.shape[-1:], validate_args=validate_args)
        self._unbroadcasted_scale_tril = factor_of(name, matrix)

    def expand(self, batch_shape, _instance=None):
        new, batch_shape = self._get_checked_instance(MultivariateNormal, _instance), Size(batch_shape)
        new.loc = self.loc.expand(batch_shape + self.event_shape)
        new._unbroadcasted_scale_tril = self._unbroadcasted_scale_tril
        self._expand_forms(new, batch_shape + self.event_shape * 2)
        return self._finish(new, batch_shape, self.event_shape)

    @property
    def variance(self):
        squares = self._unbroadcasted_scale_tril.square().sum(-1)
        return squares.expand(self._batch_shape + self._event_shape)

    def rsample(self, sample_shape=()):
        eps = _standard_normal(self._extended_shape(sample_shape), self.loc.dtype)
        return self.loc + _batch_mv(self._unbroadcasted_scale_tril, eps)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        factor = self._unbroadcasted_scale_tril
        distance = _batch_mahalanobis(factor, value - self.loc)
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + distance) - _half_log_det(factor)

    def entropy(self):
        half_log_det = _half_log_det(self._unbroadcasted_scale_tril)
        entropy = 0.5 * self._event_shape[0] * (1.0 + math.log(2 * math.pi)) + half_log_det
        return entropy.expand(self._batch_shape)


def __getattr__(name):
    raise missing(__name__, name)
