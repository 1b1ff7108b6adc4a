"""Transforms of vectors and matrices, and of several things side by side."""

import math

from .. import cat, eye, finfo, linalg, stack
from ..nn.functional import logsigmoid, pad, softplus
from . import constraints
from ._transform import OfOneKind, Transform
from ._transform_numbers import clipped_sigmoid
from .utils import _sum_rightmost, lazy_property, tril_matrix_to_vec, vec_to_tril_matrix


def _needs(dims, shape):
    if len(shape) < dims:
        raise ValueError("Too few dimensions on input")


class CorrCholeskyTransform(Transform):
    """Vectors [n (n - 1) / 2] as Cholesky factors [n, n] of correlation matrices.

    Each number, by tanh, is how much of what is left of its row an element has (D. Lewandowski, D. Kurowicka and H. Joe,
    2009). Raises ValueError for other lengths.

    Example:
        >>> pb.distributions.CorrCholeskyTransform()(pb.tensor([0.0]))
        tensor([[1., 0.],
                [0., 1.]])
    """

    domain = constraints.real_vector
    codomain = constraints.corr_cholesky
    bijective = True

    def _call(self, x):
        eps = finfo(x.dtype).eps
        r = vec_to_tril_matrix(x.tanh().clamp(min=-1 + eps, max=1 - eps), diag=-1)
        left = (1 - r.square()).sqrt().cumprod(-1)
        return (r + eye(r.shape[-1], dtype=r.dtype)) * pad(left[..., :-1], [1, 0], value=1)

    def _inverse(self, y):
        left = pad((1 - y.square().cumsum(-1))[..., :-1], [1, 0], value=1)
        return (tril_matrix_to_vec(y, -1) / tril_matrix_to_vec(left, -1).sqrt()).atanh()

    def log_abs_det_jacobian(self, x, y, intermediates=None):
        left = tril_matrix_to_vec(1 - y.square().cumsum(-1), diag=-2)
        tanh = -2 * (x + softplus(-2 * x) - math.log(2.0)).sum(-1)
        return 0.5 * left.log().sum(-1) + tanh

    def forward_shape(self, shape):
        _needs(1, shape)
        size = shape[-1]
        n = round((0.25 + 2 * size) ** 0.5 + 0.5)
        if n * (n - 1) // 2 != size:
            raise ValueError("Input is not a flattened lower-diagonal number")
        return shape[:-1] + (n, n)

    def inverse_shape(self, shape):
        _needs(2, shape)
        if shape[-2] != shape[-1]:
            raise ValueError("Input is not square")
        return shape[:-2] + (shape[-1] * (shape[-1] - 1) // 2,)


class SoftmaxTransform(OfOneKind):
    """y = softmax(x); the inverse is one of many.

    Example:
        >>> pb.distributions.SoftmaxTransform()(pb.zeros(2))
        tensor([0.5000, 0.5000])
    """

    domain = constraints.real_vector
    codomain = constraints.simplex

    def _call(self, x):
        return x.softmax(-1)

    def _inverse(self, y):
        return y.log()

    def forward_shape(self, shape):
        _needs(1, shape)
        return shape

    def inverse_shape(self, shape):
        _needs(1, shape)
        return shape


class StickBreakingTransform(OfOneKind):
    """Vectors [n] as shares [n + 1] of a whole: each number says how much of what is left the next share is.

    Zeros give equal shares.

    Example:
        >>> pb.distributions.StickBreakingTransform()(pb.zeros(2))
        tensor([0.3333, 0.3333, 0.3333])
    """

    domain = constraints.real_vector
    codomain = constraints.simplex
    bijective = True

    def _offset(self, like, count):
        """The logarithms of how many shares are still to come."""
        return (count + 1 - like.new_ones(count).cumsum(-1)).log()

    def _call(self, x):
        z = clipped_sigmoid(x - self._offset(x, x.shape[-1]))
        return pad(z, [0, 1], value=1) * pad((1 - z).cumprod(-1), [1, 0], value=1)

    def _inverse(self, y):
        shares = y[..., :-1]
        left = (1 - shares.cumsum(-1)).clamp(min=finfo(y.dtype).tiny)
        return shares.log() - left.log() + self._offset(y, shares.shape[-1])

    def log_abs_det_jacobian(self, x, y):
        x = x - self._offset(x, x.shape[-1])
        return (-x + logsigmoid(x) + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape):
        _needs(1, shape)
        return shape[:-1] + (shape[-1] + 1,)

    def inverse_shape(self, shape):
        _needs(1, shape)
        return shape[:-1] + (shape[-1] - 1,)


class LowerCholeskyTransform(OfOneKind):
    """The lower triangle of a matrix, with exp of the diagonal.

    Example:
        >>> pb.distributions.LowerCholeskyTransform()(pb.tensor([[0.0, 1.0], [2.0, 0.0]]))
        tensor([[1., 0.],
                [2., 1.]])
    """

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.lower_cholesky

    def _call(self, x):
        return x.tril(-1) + x.diagonal(dim1=-2, dim2=-1).exp().diag_embed()

    def _inverse(self, y):
        return y.tril(-1) + y.diagonal(dim1=-2, dim2=-1).log().diag_embed()


class PositiveDefiniteTransform(OfOneKind):
    """L L^T with the L that `LowerCholeskyTransform` gives.

    Example:
        >>> pb.distributions.PositiveDefiniteTransform()(pb.tensor([[0.0, 1.0], [2.0, 0.0]]))
        tensor([[1., 2.],
                [2., 5.]])
    """

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.positive_definite

    def _call(self, x):
        factor = LowerCholeskyTransform()(x)
        return factor @ factor.mT

    def _inverse(self, y):
        return LowerCholeskyTransform().inv(linalg.cholesky(y))


class Several(Transform):
    """Transforms side by side along `dim`."""

    def __init__(self, tseq, dim=0, cache_size=0):
        if not all(isinstance(each, Transform) for each in tseq):
            raise AssertionError("All elements of tseq must be Transform instances")
        super().__init__(cache_size=cache_size)
        self.transforms = [each.with_cache(cache_size) for each in tseq] if cache_size else list(tseq)
        self.dim = dim

    def _check(self, name, x, length, what):
        if not -x.dim() <= self.dim < x.dim():
            raise AssertionError(f"dim {self.dim} out of range for {name} with {x.dim()} dimensions")
        if x.size(self.dim) != length:
            name = "x" if name == "tensor" else name
            raise AssertionError(f"{name}.size({self.dim}) = {x.size(self.dim)} must equal {what} {length}")

    @property
    def bijective(self):
        return all(each.bijective for each in self.transforms)


class CatTransform(Several):
    """A transform for each of several slices along `dim`, of these lengths, or of length 1.

    Raises AssertionError for what are no transforms, for another number of lengths, and for arguments of other sizes.

    Example:
        >>> distributions = pb.distributions
        >>> both = distributions.CatTransform([distributions.ExpTransform(), distributions.identity_transform])
        >>> both(pb.zeros(2))
        tensor([1., 0.])
    """

    def __init__(self, tseq, dim=0, lengths=None, cache_size=0):
        super().__init__(tseq, dim, cache_size)
        self.lengths = [1] * len(self.transforms) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.transforms):
            raise AssertionError(
                f"lengths ({len(self.lengths)}) must match transforms ({len(self.transforms)})"
            )

    @lazy_property
    def event_dim(self):
        return max(each.event_dim for each in self.transforms)

    @lazy_property
    def length(self):
        return sum(self.lengths)

    def with_cache(self, cache_size=1):
        if self._cache_size == cache_size:
            return self
        return CatTransform(self.transforms, self.dim, self.lengths, cache_size)

    def _slices(self, x, name="tensor"):
        self._check(name, x, self.length, "length")
        return x.split(self.lengths, self.dim)

    def _call(self, x):
        return cat([each(part) for each, part in zip(self.transforms, self._slices(x))], self.dim)

    def _inverse(self, y):
        return cat([each.inv(part) for each, part in zip(self.transforms, self._slices(y))], self.dim)

    def log_abs_det_jacobian(self, x, y):
        found = [
            _sum_rightmost(each.log_abs_det_jacobian(a, b), self.event_dim - each.event_dim)
            for each, a, b in zip(self.transforms, self._slices(x, "x"), self._slices(y, "y"))
        ]
        dim = (self.dim - x.dim() if self.dim >= 0 else self.dim) + self.event_dim
        return cat(found, dim) if dim < 0 else sum(found)

    @constraints.dependent_property()
    def domain(self):
        return constraints.cat([each.domain for each in self.transforms], self.dim, self.lengths)

    @constraints.dependent_property()
    def codomain(self):
        return constraints.cat([each.codomain for each in self.transforms], self.dim, self.lengths)


class StackTransform(Several):
    """A transform for each index along `dim`.

    Raises AssertionError for what are no transforms, and for arguments of other sizes.

    Example:
        >>> distributions = pb.distributions
        >>> both = distributions.StackTransform([distributions.ExpTransform(), distributions.identity_transform])
        >>> both(pb.zeros(2))
        tensor([1., 0.])
    """

    def __init__(self, tseq, dim=0, cache_size=0):
        super().__init__(tseq, dim, cache_size)

    def with_cache(self, cache_size=1):
        if self._cache_size == cache_size:
            return self
        return StackTransform(self.transforms, self.dim, cache_size)

    def _slices(self, x, name="tensor"):
        self._check(name, x, len(self.transforms), "len(transforms)")
        return x.unbind(self.dim)

    def _call(self, x):
        return stack([each(part) for each, part in zip(self.transforms, self._slices(x))], self.dim)

    def _inverse(self, y):
        return stack([each.inv(part) for each, part in zip(self.transforms, self._slices(y))], self.dim)

    def log_abs_det_jacobian(self, x, y):
        pairs = zip(self.transforms, self._slices(x, "x"), self._slices(y, "y"))
        return stack([each.log_abs_det_jacobian(a, b) for each, a, b in pairs], self.dim)

    @constraints.dependent_property()
    def domain(self):
        return constraints.stack([each.domain for each in self.transforms], self.dim)

    @constraints.dependent_property()
    def codomain(self):
        return constraints.stack([each.codomain for each in self.transforms], self.dim)
