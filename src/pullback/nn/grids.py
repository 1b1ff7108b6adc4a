"""Images read at any points: grids of points, and what an image is there."""

import warnings

from .. import _core
from ..operators.creation import arange
from ..operators.declare import composed, require_real
from .resampling import cubic_weights

__all__ = ["affine_grid", "grid_sample"]

# In the order of PyTorch's numbers for them.
MODES, PADDINGS = ("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection")


def _corners(align_corners):
    if align_corners is None:
        warnings.warn(
            "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. Please specify "
            "align_corners=True if the old behavior is desired. See the documentation of grid_sample for details.",
            stacklevel=3,
        )
        return False
    return align_corners


def _base(n, align_corners, like):
    """n points from -1 to 1: on the outer elements' centres, or half an element within."""
    if n <= 1:
        return like.new_zeros(n)
    points = (arange(n, dtype=like.dtype) * 2 - (n - 1)) / (n - 1)
    return points if align_corners else points * ((n - 1) / n)


@composed(public=False, method=False, node="AffineGridGeneratorBackward0")
def affine_grid(theta, size, align_corners=None):
    """Where an affine map reads the pixels of its result, for `grid_sample` (arXiv:1506.02025).

    Shape: `theta` (N, 2, 3) and `size` (N, C, H, W) to (N, H, W, 2), or (N, 3, 4) and (N, C, D, H, W) to (N, D, H, W, 3):
    coordinates x, y (, z) from -1 to 1, on the centres of corner pixels with `align_corners`, else on their outer edges.
    Derivative: linear in `theta`. Raises ValueError for a `theta` or `size` that does not fit, and sizes that are not
    positive.

    Example:
        >>> pb.nn.functional.affine_grid(pb.tensor([[[1.0, 0.0, 0.5], [0.0, 1.0, 0.0]]]), (1, 1, 1, 2), True)
        tensor([[[[-0.5000,  0.0000],
                  [ 1.5000,  0.0000]]]])
    """
    align_corners = _corners(align_corners)
    if not theta.is_floating_point():
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    dims = len(size) - 2
    if dims not in (2, 3):
        raise NotImplementedError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. Got size "
            f"{tuple(size)}."
        )
    if theta.ndim != 3 or tuple(theta.shape[1:]) != (dims, dims + 1):
        raise ValueError(
            f"Expected a batch of {dims}D affine matrices of shape Nx{dims}x{dims + 1} for size {tuple(size)}. Got "
            f"{theta.size()}."
        )
    if min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {tuple(size)}")
    if theta.shape[0] != size[0]:
        raise RuntimeError(
            f"Expected a batch of {size[0]} affine matrices for size {tuple(size)}. Got {theta.shape[0]}."
        )
    grid = theta[:, :, -1].reshape(size[0], *[1] * dims, dims)
    for axis, n in enumerate(reversed(size[2:])):  # x goes along the last dimension
        points = _base(n, align_corners, theta.detach()).reshape(-1, *[1] * (axis + 1))
        grid = grid + points * theta[:, :, axis].reshape(size[0], *[1] * dims, dims)
    return grid


def _unnormalised(x, n, align_corners):
    return (x + 1) / 2 * (n - 1) if align_corners else ((x + 1) * n - 1) / 2


def _clipped(x, n):
    """Between the outer elements; the slope is 0 on them, too."""
    return x.where(x > 0, 0.0).where(x < n - 1, float(n - 1)) if n > 1 else x * 0


def _reflected(x, twice_low, twice_high):
    """Mirrored between two borders, given as twice their places."""
    if twice_low == twice_high:
        return x * 0
    low, span = twice_low / 2, (twice_high - twice_low) / 2
    x = (x - low).abs()
    extra = x.fmod(span)
    flips = (x.detach() / span).floor()
    return (extra + low).where(flips % 2 == 0, span - extra + low)


def _source(x, n, padding_mode, align_corners):
    x = _unnormalised(x, n, align_corners)
    return _inside(x, n, padding_mode, align_corners)


def _inside(x, n, padding_mode, align_corners):
    if padding_mode == "border":
        return _clipped(x, n)
    if padding_mode == "reflection":
        x = _reflected(x, 0, 2 * (n - 1)) if align_corners else _reflected(x, -1, 2 * n - 1)
        return _clipped(x, n)
    return x


def _picked(flat, index, sizes, padding_mode):
    """The elements at these whole coordinates, last dimension last, and 0 outside."""
    inside, where = None, 0
    for each, n in zip(index, sizes, strict=True):
        within = (each >= 0) & (each <= n - 1)
        inside = within if inside is None else inside & within
        where = where * n + each.clamp(0, n - 1).nan_to_num(0.0).long()
    where = where.flatten(1).unsqueeze(1).expand(-1, flat.shape[1], -1)
    values = flat.gather(2, where).reshape(*flat.shape[:2], *index[0].shape[1:])
    return values.where(inside.unsqueeze(1), 0.0)


@composed(public=False, method=False)
def grid_sample(input, grid, mode="bilinear", padding_mode="zeros", align_corners=None):
    """`input` read at the points of `grid`: coordinates x, y (, z) from -1 to 1, x along the last dimension.

    Args:
        mode: "bilinear" (of eight neighbours in three dimensions), "nearest", or "bicubic" (two dimensions).
        padding_mode: what is outside: "zeros", the "border", or the "reflection" of the inside.
        align_corners: whether -1 and 1 are the centres of the corner pixels, or their outer edges (the default).

    Shape: (N, C, H, W) and (N, h, w, 2) to (N, C, h, w), or (N, C, D, H, W) and (N, d, h, w, 3) to (N, C, d, h, w).
    Derivative: linear in `input`; in `grid` as well, 0 for "nearest" and beyond a border.

    Raises:
        ValueError: another `mode` or `padding_mode`.
        RuntimeError: shapes or dtypes that do not fit; "bicubic" in three dimensions.

    Example:
        >>> image = pb.tensor([[[[0.0, 1.0], [2.0, 3.0]]]])
        >>> pb.nn.functional.grid_sample(image, pb.tensor([[[[0.0, 0.0], [1.0, 1.0]]]]), align_corners=True)
        tensor([[[[1.5000, 3.0000]]]])
    """
    if mode not in MODES:
        raise ValueError(
            "nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: "
            f"'{mode}'"
        )
    if padding_mode not in PADDINGS:
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', but got: "
            f"'{padding_mode}'"
        )
    align_corners = _corners(align_corners)
    dims = input.ndim - 2
    _check_grid(input, grid, dims, mode)
    require_real("grid_sampler_2d_cpu_kernel_impl" if dims == 2 else "grid_sampler3d_cpu", input)
    sizes = tuple(input.shape[2:])
    points = [grid[..., k] for k in reversed(range(dims))]  # the first dimension's first
    found = _read(input.flatten(2), points, sizes, mode, padding_mode, align_corners)
    return _core.name_last_step(found, f"GridSampler{dims}DBackward0")


def _read(flat, points, sizes, mode, padding_mode, align_corners):
    """What lies at points, their coordinates by dimension."""
    dims = len(sizes)
    if mode == "bicubic":
        return _bicubic_at(flat, points, sizes, padding_mode, align_corners)
    at = [_source(x, n, padding_mode, align_corners) for x, n in zip(points, sizes, strict=True)]
    if mode == "nearest":
        return _picked(flat, [x.detach().round() for x in at], sizes, padding_mode)
    low = [x.detach().floor() for x in at]
    part = [x - floor for x, floor in zip(at, low, strict=True)]
    total = 0
    for corner in range(2**dims):
        bits = [corner >> (dims - 1 - k) & 1 for k in range(dims)]
        weight = 1
        for bit, t in zip(bits, part, strict=True):
            weight = weight * (t if bit else 1 - t)
        index = [floor + bit for floor, bit in zip(low, bits, strict=True)]
        total = total + _picked(flat, index, sizes, padding_mode) * weight.unsqueeze(1)
    return total


def _bicubic_at(flat, points, sizes, padding_mode, align_corners):
    y, x = [_unnormalised(p, n, align_corners) for p, n in zip(points, sizes, strict=True)]
    rows, columns = y.detach().floor(), x.detach().floor()
    total = 0
    for i, wy in enumerate(cubic_weights(y - rows), -1):
        line = 0
        for j, wx in enumerate(cubic_weights(x - columns), -1):
            index = [
                _inside(rows + i, sizes[0], padding_mode, align_corners),
                _inside(columns + j, sizes[1], padding_mode, align_corners),
            ]
            line = line + _picked(flat, index, sizes, padding_mode) * wx.unsqueeze(1)
        total = total + line * wy.unsqueeze(1)
    return total


def _check_grid(input, grid, dims, mode):
    if input.ndim not in (4, 5) or input.ndim != grid.ndim:
        raise RuntimeError(
            "grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but got input with sizes "
            f"{list(input.shape)} and grid with sizes {list(grid.shape)}"
        )
    if input.shape[0] != grid.shape[0]:
        raise RuntimeError(
            "grid_sampler(): expected grid and input to have same batch size, but got input with sizes "
            f"{list(input.shape)} and grid with sizes {list(grid.shape)}"
        )
    if grid.shape[-1] != dims:
        raise RuntimeError(
            f"grid_sampler(): expected grid to have size {dims} in last dimension, but got grid with sizes "
            f"{list(grid.shape)}"
        )
    if 0 in input.shape[2:]:
        raise RuntimeError(
            "grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes "
            f"{list(input.shape)} with dimension {2 + input.shape[2:].index(0)} being empty"
        )
    if mode == "bicubic" and dims == 3:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
