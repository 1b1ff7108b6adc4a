"""Distances, covariances, and areas under curves."""

import warnings

from .. import _core
from ..operators.complex import complex
from ..operators.declare import FUNCTIONS, composed, dimension
from ..operators.variants import kept
from .checks import kind
from .distances import distances

vector_norm = FUNCTIONS["linalg.vector_norm"]
MODES = (
    None,
    "use_mm_for_euclid_dist_if_necessary",
    "use_mm_for_euclid_dist",
    "donot_use_mm_for_euclid_dist",
)


def panels(operation, y, x, dx, dim):
    """The area of each panel between samples along `dim`."""
    if y.dtype == _core.bool:
        raise RuntimeError(f"{operation}: received a bool input for `y`, but bool is not supported")
    n = y.size(dim)
    before, after = y.narrow(dim, 0, max(n - 1, 0)), y.narrow(dim, min(1, n), max(n - 1, 0))
    if x is None:
        return (before + after) * ((1 if dx is None else dx) / 2)
    if dx is not None:
        raise TypeError(
            f"{operation}() received an invalid combination of arguments - got both x and dx. x are the places of the "
            "samples, dx is one distance between all of them."
        )
    if x.dtype == _core.bool:
        raise RuntimeError(f"{operation}: received a bool input for `x`, but bool is not supported")
    if x.ndim == 1:
        if x.shape[0] != n:
            raise RuntimeError(f"{operation}: There must be one `x` value for each sample point")
        shape = [1] * y.ndim
        shape[dim] = n
        x = x.reshape(shape)
    elif x.ndim < y.ndim:
        x = x.reshape((1,) * (y.ndim - x.ndim) + tuple(x.shape))
    m = x.size(dim)
    widths = x.narrow(dim, min(1, m), max(m - 1, 0)) - x.narrow(dim, 0, max(m - 1, 0))
    return (before + after) * widths / 2


@composed(method=False, aliases=("trapz",))
def trapezoid(y, x=None, *, dx=None, dim=-1):
    """The area under samples along `dim` by the trapezoidal rule, at the places `x`, or at equal distances `dx` (1).

    Raises:
        RuntimeError: another number of places than of samples, bool.
        IndexError: a `dim` out of range.

    Example:
        >>> pb.trapezoid(pb.tensor([1., 3., 1.]))
        tensor(4.)
    """
    area = panels("trapezoid", y, x, dx, dim).sum(dim)
    return _core.name_last_step(area, "MulBackward1" if x is None else "DivBackward1")


@composed(method=False)
def cumulative_trapezoid(y, x=None, *, dx=None, dim=-1):
    """The areas up to each sample but the first, as `trapezoid`.

    Raises:
        RuntimeError: another number of places than of samples, bool.
        IndexError: a `dim` out of range.

    Example:
        >>> pb.cumulative_trapezoid(pb.tensor([1., 3., 1.]))
        tensor([2., 4.])
    """
    return panels("cumulative_trapezoid", y, x, dx, dim).cumsum(dim)


@composed(node="SqueezeBackward0")
def cov(input, *, correction=1, fweights=None, aweights=None):
    """The covariances of variables, which are rows; observations are columns. One row is one variable, and gives a number.

    `correction` is taken off the number of observations. `fweights` counts how often each was made, `aweights` says how
    much it matters.

    Raises:
        RuntimeError: more than two dimensions, bool, weights of another size or kind, negative ones, a sum of 0.

    Example:
        >>> pb.cov(pb.tensor([[0., 1., 2.], [2., 1., 0.]]))
        tensor([[ 1., -1.],
                [-1.,  1.]])
    """
    if input.ndim > 2:
        raise RuntimeError(
            "cov(): expected input to have two or fewer dimensions but got an input with "
            f"{input.ndim} dimensions"
        )
    if input.dtype == _core.bool:
        raise RuntimeError("cov(): bool dtype is not supported for input")
    x = input if input.ndim == 2 else input.reshape(1, -1)
    count, weights = x.shape[1], None
    for name, given, integral in (("fweights", fweights, True), ("aweights", aweights, False)):
        if given is None:
            continue
        if given.ndim > 1:
            raise RuntimeError(
                f"cov(): expected {name} to have one or fewer dimensions but got {name} with {given.ndim} dimensions"
            )
        if given.is_floating_point() == integral or given.dtype == _core.bool:
            what = "integral" if integral else "floating point"
            raise RuntimeError(
                f"cov(): expected {name} to have {what} dtype but got {name} with {kind(given)} dtype"
            )
        if given.numel() != count:
            raise RuntimeError(
                f"cov(): expected {name} to have the same numel as there are observations in the input but got "
                f"{given.numel()} != {count}"
            )
        if count and _core.holds_anywhere(given.detach() < 0):
            raise RuntimeError(f"cov(): {name} cannot be negative")
        weights = given if weights is None else weights * given
    x = x if x.is_floating_point() or x.is_complex() else x.to(_core.get_default_dtype())
    if weights is None:
        mean = x.mean(1, keepdim=True) if count else x.sum(1, keepdim=True)
        norm = count - correction
        if norm <= 0:
            warn_of_freedom()
            norm = 0
        scaled = rest = x - mean
    else:
        total = weights.sum()
        if count == 0 or _core.holds_anywhere(total.detach() == 0):
            raise RuntimeError("cov(): weights sum to zero, can't be normalized")
        mean = (x * weights).sum(1, keepdim=True) / total
        if aweights is None or correction == 0:
            norm = total - correction
        else:
            squares = weights * aweights if fweights is not None else weights * weights
            norm = total - correction * squares.sum() / total
        if _core.holds_anywhere(norm.detach() <= 0):
            warn_of_freedom()
        norm = norm.clamp(min=0)
        rest = x - mean
        scaled = rest * weights
    found = rest @ scaled.mH
    return (found / norm).squeeze() if input.ndim < 2 or found.numel() == 1 else found / norm


def warn_of_freedom():
    """PyTorch's warning."""
    warnings.warn(
        "cov(): degrees of freedom is <= 0. Correction should be strictly less than the number of observations.",
        stacklevel=3,
    )


@composed
def corrcoef(input):
    """The coefficients of correlation of variables, which are rows: covariances by standard deviations, within -1 and 1.

    Raises:
        RuntimeError: more than two dimensions, bool.

    Example:
        >>> pb.corrcoef(pb.tensor([[0., 1., 2.], [2., 1., 0.]]))
        tensor([[ 1., -1.],
                [-1.,  1.]])
    """
    if input.ndim > 2:
        raise RuntimeError(
            "corrcoef(): expected input to have two or fewer dimensions but got an input with "
            f"{input.ndim} dimensions"
        )
    found = cov(input)
    if found.ndim == 0:
        return found / found
    deviations = found.diagonal().real.sqrt()
    if found.is_complex():
        found = found / deviations[:, None] / deviations[None, :]
        return complex(found.real.clamp(-1, 1), found.imag.clamp(-1, 1))
    return (found / deviations[:, None] / deviations[None, :]).clamp(-1, 1)


@composed(method=False)
def cdist(x1, x2, p=2.0, compute_mode="use_mm_for_euclid_dist_if_necessary"):
    """The distances of order `p` between points: (..., n, k) and (..., m, k) give (..., n, m). Batches broadcast.

    Distances are those of differences, in any `compute_mode`. The derivative where two points are one is 0.

    Raises:
        RuntimeError: no matrices, integers, different numbers of coordinates, a negative order, batches that do not fit.
        ValueError: another mode.

    Example:
        >>> pb.cdist(pb.tensor([[0., 0.]]), pb.tensor([[3., 4.], [0., 1.]]))
        tensor([[5., 1.]])
    """
    if compute_mode not in MODES:
        raise ValueError(f"{compute_mode} is not a valid value for compute_mode")
    for name, x in (("X1", x1), ("X2", x2)):
        if x.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {x.ndim}D")
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(
            f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}"
        )
    for name, x in (("X1", x1), ("X2", x2)):
        if not x.is_floating_point():
            raise RuntimeError(f"cdist only supports floating-point dtypes, {name} got: {kind(x)}")
    if x1.dtype != x2.dtype:
        raise RuntimeError(f"expected scalar type {kind(x1)} but found {kind(x2)}")
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    if p in (1, 2) and x1.dtype in (_core.float32, _core.float64):
        return distances(x1, x2, p)
    if not x1.shape[-1]:
        return (x1[..., :, None, :] - x2[..., None, :, :]).sum(-1)
    return vector_norm(x1[..., :, None, :] - x2[..., None, :, :], p, -1)


@composed(kinds={"other": "T"}, node="DistBackward0")
def dist(input, other, p=2):
    """The norm of order `p` of the difference of two tensors, which broadcast.

    Raises:
        RuntimeError: integers, shapes that do not broadcast.

    Example:
        >>> pb.dist(pb.tensor([0., 0.]), pb.tensor([3., 4.]))
        tensor(5.)
    """
    difference = input - other
    if not (difference.is_floating_point() or difference.is_complex()):
        raise RuntimeError(
            f"norm(): input dtype should be either floating point or complex. Got {kind(difference)} instead."
        )
    return vector_norm(difference, p)


@composed(out="exact", node="RenormBackward0")
def renorm(input, p, dim, maxnorm, *, out=None):
    """Each part along `dim` scaled down to the norm `maxnorm` of order `p`, where its norm is larger.

    Raises:
        RuntimeError: fewer than two dimensions, integers, an order that is not positive, a negative norm.
        IndexError: a `dim` out of range.

    Example:
        >>> pb.renorm(pb.tensor([[3., 4.], [0., 1.]]), 2, 0, 1)
        tensor([[0.6000, 0.8000],
                [0.0000, 1.0000]])
    """
    if p <= 0:
        raise RuntimeError("renorm: non-positive-norm not supported")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm}")
    n = input.ndim
    if n < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {n} dimensions")
    dim = dimension(input, dim)
    others = [d for d in range(n) if d != dim]
    norms = vector_norm(input, p, others, True)
    factors = (maxnorm / (norms + 1e-7)).where(norms > maxnorm, 1.0)
    return input * factors


@composed(public=False)
def renorm_(input, p, dim, maxnorm):
    """In-place form of `renorm`: the tensor takes the result, and is returned.

    Raises:
        RuntimeError: what `renorm` raises; a leaf that requires grad.
        IndexError: a `dim` out of range.

    Example:
        >>> pb.tensor([[3., 4.]]).renorm_(2, 0, 1)
        tensor([[0.6000, 0.8000]])
    """
    _core.check_captured(input, "renorm_")
    return input.copy_(renorm(kept(input), p, dim, maxnorm))
