"""Quantiles, and the mean of what is not NaN."""

from .. import _core
from .creation import tensor
from .declare import FUNCTIONS, composed

_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


@composed
def nanmean(input, dim=None, keepdim=False, *, dtype=None, out=None):
    """The mean over `dim` (an int or a tuple of ints), or over everything, of the elements that are not NaN;
    NaN where there are none.

    Elements that are NaN receive a gradient of zero. Raises RuntimeError for integers.

    Example:
        >>> pb.nanmean(pb.tensor([1.0, float("nan"), 3.0]))
        tensor(2.)
    """
    if not (input.dtype.is_floating_point or input.dtype.is_complex):
        raise RuntimeError(
            f"nanmean(): expected input to have floating point or complex dtype but got "
            f"{input.dtype._legacy_name}. Integers are never NaN: mean() serves them."
        )
    count = input.detach().isnan().logical_not().sum(dim, keepdim)
    return input.nansum(dim, keepdim, dtype=dtype) / count


@composed(out="exact", node="SqueezeBackward4")
def quantile(input, q, dim=None, keepdim=False, *, interpolation="linear", out=None):
    """The elements at the fractions `q` of the order along `dim`, or of everything.

    Between two elements, at rank ``q * (n - 1)``, `interpolation` decides: "linear", "lower", "higher",
    "midpoint", or "nearest" (the even one of two). A row with a NaN gives NaN. The gradient goes to the
    elements between which the quantile lies, and to `q`.

    Args:
        input: a float32 or float64 tensor with at least one element.
        q: a number in [0, 1], or a tensor of such numbers, 0-d or [k], of the dtype of `input`.

    Returns a tensor of the shape of `input` without `dim` (of size 1 if `keepdim`), and with a first
    dimension k for a `q` of shape [k].

    Raises RuntimeError for a `q` outside of [0, 1], of another dtype or of more dimensions, for an unknown
    interpolation, for integers, and where there is no element to choose.

    Definition: Hyndman and Fan, "Sample quantiles in statistical packages" (1996), number 7.

    Example:
        >>> pb.quantile(pb.tensor([4.0, 1.0, 3.0, 2.0]), 0.25)
        tensor(1.7500)
        >>> pb.quantile(pb.tensor([[1.0, 5.0], [7.0, 3.0]]), pb.tensor([0.0, 1.0]), dim=1)
        tensor([[1., 3.],
                [5., 7.]])
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation, False)


@composed(out="exact", node="SqueezeBackward4")
def nanquantile(input, q, dim=None, keepdim=False, *, interpolation="linear", out=None):
    """`quantile` of the elements that are not NaN; NaN where there are none.

    Shapes, dtypes and errors are those of `quantile`. Raises RuntimeError for a `q` outside of [0, 1] and for
    integers.

    Example:
        >>> pb.nanquantile(pb.tensor([1.0, float("nan"), 3.0]), 0.5)
        tensor(2.)
    """
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation, True)


def _quantile(name, input, q, dim, keepdim, interpolation, ignore_nan):
    q = _checked(name, input, q, dim, interpolation)
    # Quantiles of the last dimension of `rows`, in order; the ranks they have are the last dimension of `ranks`.
    last = max(input.ndim, 1) - 1
    # A dimension that is kept stands in its place from the start.
    if dim is None or input.ndim == 0:
        rows = input.reshape([1] * (input.ndim if keepdim else 0) + [-1])
    else:
        dim = dim + last + 1 if dim < 0 else dim
        rows = input.movedim(dim, -1)
        rows = rows.unsqueeze(dim) if keepdim else rows
    rows = rows.sort(-1).values
    nan = rows.detach().isnan()
    if ignore_nan:
        ranks = q * (nan.logical_not().sum(-1, True) - 1).clamp(min=0)
    else:  # a NaN is sorted behind all numbers
        n = rows.shape[-1] - 1
        ranks = FUNCTIONS["where"](nan.any(-1, True), float(n), q * n).to(input.dtype)
    below, above = ranks.floor(), ranks.ceil()
    if interpolation == "nearest":
        below = ranks.round()
    elif interpolation == "higher":
        below = above
    values = rows.gather(-1, below.detach().to(_core.int64))
    if interpolation in ("linear", "midpoint"):
        weights = ranks - below.detach() if interpolation == "linear" else 0.5
        values = _between(values, rows.gather(-1, above.detach().to(_core.int64)), weights)
    return values.squeeze(-1) if q.ndim == 0 else values.movedim(-1, 0)


def _between(low, high, weights):
    """The points between pairs of neighbours. A difference of infinities says nothing: between equal ones lies the
    same, and beside one every point is infinite."""
    infinite = low.detach().isinf() | high.detach().isinf()
    where = FUNCTIONS["where"]
    beside = where(low.detach() == high.detach(), low, (1 - weights) * low + weights * high)
    return where(infinite, beside, low.lerp(high, weights))


def _checked(name, input, q, dim, interpolation):
    """`q` as a tensor. What is wrong is said in PyTorch's order."""
    alone = not isinstance(q, _core.Tensor)
    if alone and not isinstance(q, (int, float)):
        raise TypeError(
            f"{name}(): argument 'q' (position 2) must be Tensor or float, not {type(q).__name__}"
        )
    if alone and not 0 <= q <= 1:
        raise RuntimeError(f"quantile() q must be in the range [0, 1] but got {q}")
    if input.numel() == 0:
        raise RuntimeError(
            f"quantile() input tensor must be non-empty. This one has shape {list(input.shape)}."
        )
    if not alone and q.ndim > 1:
        raise RuntimeError(
            f"quantile() q must be a scalar or 1D tensor. It has {q.ndim} dimensions: flatten() it."
        )
    if not input.dtype.is_floating_point or input.dtype.itemsize < 4:
        raise RuntimeError(
            f"quantile() input tensor must be either float or double dtype. This one is {input.dtype}: convert "
            "it, for example with .to(pullback.float64)."
        )
    if not alone and q.dtype != input.dtype:
        raise RuntimeError(
            f"quantile() q tensor must be same dtype as the input tensor. They are {q.dtype} and {input.dtype}: "
            "convert one of them with .to(...)."
        )
    if interpolation not in _INTERPOLATIONS:
        raise RuntimeError(
            "quantile() interpolation must be one of linear, lower, higher, midpoint or nearest, but got "
            f"{interpolation}"
        )
    size = max(input.ndim, 1)
    if dim is not None and not -size <= dim < size:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-size}, {size - 1}], but got {dim})"
        )
    if alone:
        return tensor(q, dtype=input.dtype)
    if not bool(((q >= 0) & (q <= 1)).all()):
        raise RuntimeError("quantile() q values must be in the range [0, 1]")
    return q
