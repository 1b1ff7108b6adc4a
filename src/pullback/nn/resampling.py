"""Images of other sizes.

Interpolation goes dimension by dimension: every result is a few elements of one line, times weights. A table says which
elements and weights: `_TAPS` for each mode.
"""

import math
import warnings

from .. import _core
from ..operators.creation import arange, tensor
from ..operators.declare import composed
from ..operators.joining import stack
from .adaptive_pooling import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d
from .halves import rounded, wide
from .orders import in_order, order_of

__all__ = [
    "interpolate",
    "upsample",
    "upsample_bilinear",
    "upsample_nearest",
]


def _step(n, m, align_corners, factor):
    """The distance of two results, in elements."""
    if align_corners:
        return (n - 1) / (m - 1) if m > 1 else 0.0
    return 1.0 / factor if factor else n / m


def _centres(n, m, align_corners, factor, dtype):
    """Where results lie among the elements, each of which is at its number."""
    step = _step(n, m, align_corners, factor)
    at = arange(m, dtype=dtype)
    return at * step if align_corners else (at + 0.5) * step - 0.5


def _nearest(n, m, align_corners, factor, dtype, shift=0.0):
    step = tensor(_step(n, m, False, factor), dtype=_core.float32)
    index = ((arange(m, dtype=_core.float32) + shift) * step).floor().long().clamp(max=n - 1)
    return index.unsqueeze(1), None


def _nearest_exact(n, m, align_corners, factor, dtype):
    return _nearest(n, m, align_corners, factor, dtype, 0.5)


def _linear(n, m, align_corners, factor, dtype):
    at = _centres(n, m, align_corners, factor, dtype).clamp(min=0)
    first = at.floor().long().clamp(max=n - 1)
    part = (at - first).clamp(0, 1)
    index = first.unsqueeze(1) + arange(2)
    return index.clamp(max=n - 1), _columns(1 - part, part)


def _columns(*columns):

    return stack(columns, 1)


def _cubic_weight(x, a):
    """Keys' kernel (1981), of a distance up to 2."""
    x = abs(x)
    if x < 1:
        return ((a + 2) * x - (a + 3)) * x * x + 1
    return (((x - 5) * x + 8) * x - 4) * a if x < 2 else 0.0


def _cubic(n, m, align_corners, factor, dtype):
    at = _centres(n, m, align_corners, factor, dtype)
    first = at.floor().long()
    t = at - first
    index = (first.unsqueeze(1) + arange(-1, 3)).clamp(0, n - 1)
    return index, _columns(*cubic_weights(t))


def cubic_weights(t, a=-0.75):
    """The weights of four neighbours, for a point `t` behind the second of them."""

    def near(x):
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x):
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    return far(t + 1), near(t), near(1 - t), far(2 - t)


def _lanczos_weight(x):
    def sinc(x):
        return math.sin(math.pi * x) / (math.pi * x) if x else 1.0

    return sinc(x) * sinc(x / 3) if abs(x) < 3 else 0.0


_FILTERS = {  # how far a filter reaches, and what it weighs
    "bilinear": (1, lambda x: max(0.0, 1 - abs(x))),
    "bicubic": (2, lambda x: _cubic_weight(x, -0.5)),
    "lanczos": (3, _lanczos_weight),
}


def _antialiased(mode, n, m, align_corners, factor, dtype):
    """A filter as wide as the results are apart, cut off at the border and scaled to 1: Pillow's."""
    reach, weigh = _FILTERS[mode]
    step = _step(n, m, align_corners, factor)
    wide = max(step, 1.0)
    index, weights = [], []
    for i in range(m):
        centre = step * (i + 0.5)
        start = max(int(centre - reach * wide + 0.5), 0)
        end = min(int(centre + reach * wide + 0.5), n)
        row = [weigh((j - centre + 0.5) / wide) for j in range(start, end)]
        total = sum(row)
        index.append(list(range(start, end)))
        weights.append([w / total for w in row] if total else row)
    longest = max(map(len, index), default=0)
    index = [row + [0] * (longest - len(row)) for row in index]
    weights = [row + [0.0] * (longest - len(row)) for row in weights]
    return tensor(index, dtype=_core.int64), tensor(weights, dtype=dtype)


_TAPS = {
    "nearest": _nearest,
    "nearest-exact": _nearest_exact,
    "linear": _linear,
    "bilinear": _linear,
    "trilinear": _linear,
    "bicubic": _cubic,
}
_DIMENSIONS = {"linear": 3, "bilinear": 4, "trilinear": 5, "bicubic": 4, "lanczos": 4}


def _resampled(input, dim, index, weights):
    if index.shape[1] == 1 and weights is None:
        return input.index_select(dim, index[:, 0])
    shape = [-1, *[1] * (input.ndim - dim - 1)]
    total = 0
    for tap in range(index.shape[1]):
        total = total + input.index_select(dim, index[:, tap]) * weights[:, tap].reshape(shape)
    return total


def _check_sizes(input, before, after):
    if min((*before, *after), default=1) < 1:
        shown = [
            ", ".join([f"{d}: {n}" for d, n in zip("DHW"[-len(each) :], each)]) for each in (before, after)
        ]
        raise RuntimeError(
            f"Input and output sizes should be greater than 0, but got input ({shown[0]}) "
            f"{'and ' if len(before) == 1 else ''}output ({shown[1]})"
        )
    if not input.shape[1]:
        raise RuntimeError(
            f"Non-empty {input.ndim}D data tensor expected but got a tensor with sizes {list(input.shape)}"
        )


def _per_dimension(value, dims, input, name):
    if hasattr(value, "__float__") and not hasattr(value, "__len__"):
        return [value] * dims
    if len(value) != dims:
        if name == "size":
            raise ValueError(
                "Input and output must have the same number of spatial dimensions, but got input with spatial dimensions of "
                f"{list(input.shape[2:])} and output size of {value}. Please provide input tensor in (N, C, d1, d2, ...,dK) "
                "format and output size in (o1, o2, ...,oK) format."
            )
        raise ValueError(
            "Input and scale_factor must have the same number of spatial dimensions, but got input with spatial dimensions "
            f"of {list(input.shape[2:])} and scale_factor of shape {value}. Please provide input tensor in (N, C, d1, d2, "
            "...,dK) format and scale_factor in (s1, s2, ...,sK) format."
        )
    return list(value)


@composed(public=False, method=False)
def interpolate(
    input,
    size=None,
    scale_factor=None,
    mode="nearest",
    align_corners=None,
    recompute_scale_factor=None,
    antialias=False,
):
    """`input`, of 1, 2 or 3 spatial dimensions, at another size.

    Args:
        size: that of the result, a number or one for each spatial dimension; or
        scale_factor: by what the sizes are multiplied, rounded down.
        mode: "nearest" (rounded down), "nearest-exact", "linear" (3-d inputs), "bilinear" (4-d), "trilinear" (5-d),
            "bicubic" (4-d, Keys 1981), "area" (means of even windows), "lanczos" (4-d, with `antialias`).
        align_corners: whether the first and last elements stay where they are, for the modes with lines and curves;
            otherwise the outer edges of pixels do.
        recompute_scale_factor: whether distances follow from the rounded size and not from `scale_factor`.
        antialias: whether the filter widens where an image shrinks, as Pillow's does: "bilinear", "bicubic", "lanczos".

    Shape: (N, C, ...) to (N, C, *size). Dtype: that of `input`. Derivative: linear.

    Raises:
        ValueError: neither size nor factor, or both; as many as do not fit; options that the mode does not have.
        NotImplementedError: a mode for other dimensions.

    Example:
        >>> pb.nn.functional.interpolate(pb.tensor([[[0.0, 2.0]]]), 4, mode="linear")
        tensor([[[0.0000, 0.5000, 1.5000, 2.0000]]])
    """
    if mode in ("nearest", "area", "nearest-exact"):
        if align_corners is not None:
            raise ValueError(
                "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear"
            )
    else:
        align_corners = bool(align_corners)
    dims = input.ndim - 2
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is None and scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    if size is not None:
        if recompute_scale_factor:
            raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
        sizes, factors = _per_dimension(size, dims, input, "size"), [None] * dims
        if not all(hasattr(n, "__index__") for n in sizes):
            raise TypeError(
                "expected size to be one of int or Tuple[int] or Tuple[int, int] or Tuple[int, int, int], but got size with "
                f"types {[type(n) for n in sizes]}"
            )
    else:
        factors = _per_dimension(scale_factor, dims, input, "scale_factor")
        sizes = [math.floor(n * f) for n, f in zip(input.shape[2:], factors, strict=True)]
        if recompute_scale_factor or mode == "area":
            factors = [None] * dims
    _check_mode(input, mode, align_corners, antialias)
    _check_sizes(input, input.shape[2:], sizes)
    if mode == "area":
        return (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)[dims - 1](input, sizes)
    order, result, input = order_of(input), input.dtype, wide(input)
    dtype = input.dtype if input.dtype.is_floating_point else _core.float32
    for dim, (m, factor) in enumerate(zip(sizes, factors, strict=True), 2):
        n = input.shape[dim]
        if antialias:
            taps = _antialiased(mode, n, m, align_corners, factor, dtype)
        else:
            taps = _TAPS[mode](n, m, align_corners, factor, dtype)
        input = _resampled(input, dim, *taps)
    return _core.name_last_step(in_order(rounded(input, result), order), _node(mode, dims, antialias))


def _node(mode, dims, antialias):
    """PyTorch's name of the node: UpsampleNearest1DBackward0."""
    kind = "".join([part.capitalize() for part in mode.split("-")])
    return f"Upsample{kind}{dims}D{'Aa' if antialias else ''}Backward0"


def _check_mode(input, mode, align_corners, antialias):
    if antialias and not (mode in _FILTERS and input.ndim == 4):
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor as input"
        )
    needed = _DIMENSIONS.get(mode)
    lines = mode in ("linear", "bilinear", "trilinear")
    if lines and input.ndim in (3, 4, 5) and input.ndim != needed:
        raise NotImplementedError(f"Got {input.ndim}D input, but {mode} mode needs {needed}D input")
    known = mode in _TAPS or mode in ("area", "lanczos")
    if input.ndim not in (3, 4, 5) or not known or (needed and input.ndim != needed):
        raise NotImplementedError(
            f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {input.ndim}D) for the modes: nearest | linear | "
            f"bilinear | bicubic | trilinear | lanczos | area | nearest-exact (got {mode})"
        )
    if mode == "lanczos":
        if align_corners:
            raise ValueError("Lanczos mode does not support align_corners=True")
        if not antialias:
            raise ValueError("Lanczos mode requires antialias=True")


@composed(public=False, method=False)
def upsample(input, size=None, scale_factor=None, mode="nearest", align_corners=None):
    """`interpolate`, under its older name.

    Raises what `interpolate` raises: ValueError for sizes that do not fit, NotImplementedError for other dimensions.

    Example:
        >>> pb.nn.functional.upsample(pb.tensor([[[1.0, 2.0]]]), scale_factor=2)
        tensor([[[1., 1., 2., 2.]]])
    """
    warnings.warn(
        "`nn.functional.upsample` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=2
    )
    return interpolate(input, size, scale_factor, mode, align_corners)


@composed(public=False, method=False)
def upsample_nearest(input, size=None, scale_factor=None):
    """`interpolate` with mode="nearest", under its older name.

    Raises what `interpolate` raises: ValueError for sizes that do not fit, NotImplementedError for other dimensions.

    Example:
        >>> pb.nn.functional.upsample_nearest(pb.tensor([[[1.0, 2.0]]]), 4)
        tensor([[[1., 1., 2., 2.]]])
    """
    warnings.warn(
        "`nn.functional.upsample_nearest` is deprecated. Use `nn.functional.interpolate` instead.",
        stacklevel=2,
    )
    return interpolate(input, size, scale_factor, "nearest")


@composed(public=False, method=False)
def upsample_bilinear(input, size=None, scale_factor=None):
    """`interpolate` with mode="bilinear" and corners that stay, under its older name.

    Raises what `interpolate` raises: ValueError for sizes that do not fit, NotImplementedError for other dimensions.

    Example:
        >>> pb.nn.functional.upsample_bilinear(pb.tensor([[[[0.0, 2.0]]]]), (1, 3))
        tensor([[[[0., 1., 2.]]]])
    """
    warnings.warn(
        "`nn.functional.upsample_bilinear` is deprecated. Use `nn.functional.interpolate` instead.",
        stacklevel=2,
    )
    return interpolate(input, size, scale_factor, "bilinear", True)
