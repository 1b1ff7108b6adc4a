"""What distributions are written with: parameters that broadcast, probabilities and log-odds, properties made when asked for."""

from functools import update_wrapper

from .. import (
    Tensor,
    arange,
    broadcast_tensors,
    cat,
    empty,
    enable_grad,
    finfo,
    full,
    get_default_dtype,
    tensor,
    where,
)
from ..messages.missing import missing

__all__ = [
    "broadcast_all",
    "clamp_probs",
    "lazy_property",
    "logits_to_probs",
    "probs_to_logits",
    "tril_matrix_to_vec",
    "vec_to_tril_matrix",
]

NUMBERS = (bool, int, float)
NEAR = 1e-3  # where quotients become series
euler_constant = 0.5772156649015329


def broadcast_all(*values):
    """The arguments as tensors of one shape: numbers take the dtype of the first tensor, or the default one.

    Raises ValueError for what is neither a tensor nor a number, RuntimeError for shapes that do not broadcast.

    Example:
        >>> pb.distributions.utils.broadcast_all(2, pb.zeros(2))
        (tensor([2., 2.]), tensor([0., 0.]))
    """
    if not all(isinstance(each, (Tensor, *NUMBERS)) for each in values):
        raise ValueError(
            "Input arguments must all be instances of Number, torch.Tensor or objects implementing __torch_function__. "
            f"Here are {', '.join(type(each).__name__ for each in values)}: make them tensors, by `pb.tensor`."
        )
    dtype = next((each.dtype for each in values if isinstance(each, Tensor)), get_default_dtype())
    return broadcast_tensors(
        *[each if isinstance(each, Tensor) else tensor(each, dtype=dtype) for each in values]
    )


def _standard_normal(shape, dtype, device=None):
    return empty(shape, dtype=dtype).normal_()


def _sum_rightmost(value, dim):
    return value if dim == 0 else value.sum(tuple(range(-dim, 0)))


def logits_to_probs(logits, is_binary=False):
    """Probabilities of log-odds (`is_binary`), or of logarithms of weights along the last dimension.

    Shape and dtype stay.

    Example:
        >>> pb.distributions.utils.logits_to_probs(pb.tensor([0.0, 0.0]))
        tensor([0.5000, 0.5000])
    """
    return logits.sigmoid() if is_binary else logits.softmax(-1)


def clamp_probs(probs):
    """Probabilities, moved off 0 and 1 by the rounding of their dtype.

    Shape and dtype stay; raises TypeError for integers.

    Example:
        >>> pb.distributions.utils.clamp_probs(pb.tensor([0.0, 0.5])) > 0
        tensor([True, True])
    """
    eps = finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def probs_to_logits(probs, is_binary=False):
    """Log-odds of probabilities (`is_binary`), or their logarithms; finite, as `clamp_probs` comes first.

    Shape and dtype stay; raises TypeError for integers.

    Example:
        >>> pb.distributions.utils.probs_to_logits(pb.tensor([0.5]), is_binary=True)
        tensor([0.])
    """
    inside = clamp_probs(probs)
    return inside.log() - (-inside).log1p() if is_binary else inside.log()


class lazy_property:
    """A property that is computed when it is first asked for, with gradients recorded, and kept.

    Example:
        >>> class Square:
        ...     @pb.distributions.utils.lazy_property
        ...     def area(self):
        ...         print("computed")
        ...         return 4
        >>> square = Square()
        >>> square.area, square.area
        computed
        (4, 4)
    """

    def __init__(self, wrapped):
        self.wrapped = wrapped
        update_wrapper(self, wrapped)

    def __get__(self, instance, obj_type=None):
        if instance is None:
            return _lazy_property_and_property(self.wrapped)
        with enable_grad():
            value = self.wrapped(instance)
        setattr(instance, self.wrapped.__name__, value)
        return value


class _lazy_property_and_property(lazy_property, property):
    """What a class shows of a lazy property: tools that look for properties find one."""

    def __init__(self, wrapped):
        property.__init__(self, wrapped)


def _lower(n, diag):
    columns = arange(n)
    return columns < columns.view(-1, 1) + (diag + 1)


def tril_matrix_to_vec(mat, diag=0):
    """The elements of matrices (..., n, n) on and below the diagonal number `diag`, row by row, in one dimension.

    Raises ValueError for a diagonal outside of the matrix.

    Example:
        >>> pb.distributions.utils.tril_matrix_to_vec(pb.tensor([[1, 2], [3, 4]]))
        tensor([1, 3, 4])
    """
    n = mat.shape[-1]
    if not -n <= diag < n:
        raise ValueError(f"diag ({diag}) provided is outside [{-n}, {n - 1}].")
    rows, columns = _lower(n, diag).nonzero().unbind(1)
    return mat[..., rows, columns]


def vec_to_tril_matrix(vec, diag=0):
    """Matrices (..., n, n) that have the elements of vectors on and below the diagonal number `diag`, and zeros above.

    Raises ValueError where their number is not that of such a triangle.

    Example:
        >>> pb.distributions.utils.vec_to_tril_matrix(pb.tensor([1, 3, 4]))
        tensor([[1, 0],
                [3, 4]])
    """
    size = vec.shape[-1]
    side = ((1 + 2 * diag) ** 2 + 8 * size + 4 * abs(diag) * (diag + 1)) ** 0.5
    n = round((side - (1 + 2 * diag)) / 2)
    mask = _lower(n, diag)
    rows, columns = mask.nonzero().unbind(1)
    if len(rows) != size:
        raise ValueError(
            f"The size of last dimension is {size} which cannot be expressed as the lower triangular part of a square "
            "D x D matrix."
        )
    # Read, not written: every element is one of the vector's, or the zero behind them.
    places = full((n, n), size)
    places[rows, columns] = arange(size)
    padded = cat([vec, vec.new_zeros(vec.shape[:-1] + (1,))], -1)
    return padded[..., places]


def log1p_over(t):
    """log(1 + t) / t, smooth at 0."""
    series = 1 - t * (1 / 2 - t * (1 / 3 - t * (1 / 4 - t * (1 / 5 - t * (1 / 6 - t / 7)))))
    return where(t.abs() < NEAR, series, t.log1p() / t)


def expm1_over(t):
    """(exp(t) - 1) / t, likewise."""
    series = 1 + t / 2 * (1 + t / 3 * (1 + t / 4 * (1 + t / 5 * (1 + t / 6))))
    return where(t.abs() < NEAR, series, t.expm1() / t)


def __getattr__(name):
    raise missing(__name__, name)
