"""Pooling to a size that is asked for: windows that cover the input evenly, or at random distances."""

from .. import _core
from ..operators.creation import arange, tensor
from ..operators.declare import composed
from .halves import rounded, wide
from .orders import in_order, order_of
from .pooling import numbered, numbers
from .windows import spread

# As many windows as are asked for: window i of m over n elements is from floor(i n / m) to ceil((i + 1) n / m).


def _asked(name, input, output_size, dims):
    sizes = (None,) * dims if output_size is None else spread(output_size, dims)
    if len(sizes) != dims:
        raise RuntimeError(f"{name}: output_size must be {dims}")
    if input.ndim not in (dims + 1, dims + 2):
        if dims == 1:
            raise RuntimeError(
                f"Expected 2 to 3 dimensions, but got {input.ndim}-dimensional tensor for argument #1 'self' (while "
                f"checking arguments for {name})"
            )
        colon = ":" if "max" in name else ""
        raise RuntimeError(
            f"{name}(): Expected {dims + 1}D or {dims + 2}D tensor, but got{colon} {list(input.shape)}"
        )
    sizes = [n if m is None else m for m, n in zip(sizes, input.shape[-dims:], strict=True)]
    if min(sizes) < 0:
        raise RuntimeError(
            f"{name}: elements of output_size must be greater than or equal to 0 but received "
            f"{{{', '.join(map(str, sizes))}}}"
        )
    # What has no room is refused before there are windows of it.
    input.new_empty((*input.shape[:-dims], *sizes))
    return sizes


def _edges(n, m):
    return [(i * n // m, -(-(i + 1) * n // m)) for i in range(m)]


def _adaptive_avg_pool(name, dims, input, output_size):
    order, counts = order_of(input), _asked(name, input, output_size, dims)
    if set(counts) != {1}:  # one mean is that of `mean`
        if not (input.is_floating_point() or input.is_complex()):
            kernel = "adaptive_avg_pool3d_cpu" if dims == 3 else "adaptive_avg_pool2d"
            raise NotImplementedError(
                f"\"{kernel}\" not implemented for '{input.dtype._legacy_name}'. Means are no whole numbers: take float()."
            )
        order = None if dims == 3 else order
    given, dtype, input = input, input.dtype, wide(input)
    for dim, m in enumerate(counts, input.ndim - dims):
        n = input.shape[dim]
        if n == m:
            continue
        if m and n % m == 0:
            input = input.unflatten(dim, (m, n // m)).mean(dim + 1)
            continue
        starts, ends = arange(m) * n // m, -(arange(1, m + 1) * -n // m)
        place = arange(n).unsqueeze(1)
        means = ((place >= starts) & (place < ends)).to(input.dtype) / (ends - starts)
        input = (input.movedim(dim, -1) @ means).movedim(-1, dim)
    found = in_order(rounded(input, dtype), order)
    if dims == 1 or found is given:
        return found
    return _core.name_last_step(
        found, "MeanBackward1" if set(counts) == {1} else f"AdaptiveAvgPool{dims}DBackward0"
    )


def _index(numbers):
    return tensor(numbers, dtype=_core.int64)


def _adaptive_max_pool(name, dims, input, output_size, return_indices):
    counts = _asked(name, input, output_size, dims)
    sizes = input.shape[-dims:]
    edges = [_edges(n, m) for n, m in zip(sizes, counts, strict=True)]
    order = order_of(input) if dims == 2 else None
    found = _largest_between(input, edges, sizes, dims, return_indices)
    return tuple(in_order(each, order) for each in found) if return_indices else in_order(found, order)


def _largest_between(input, edges, sizes, dims, return_indices):
    """The largest element of windows with these edges along each dimension, and where it is."""
    lead = input.ndim - dims
    longest = [max((end - start for start, end in each), default=1) for each in edges]
    for axis, (each, length) in enumerate(zip(edges, longest, strict=True)):
        index = [
            min(start + k, end - 1) if start + k < end else start
            for start, end in each
            for k in range(length)
        ]
        dim = lead + 2 * axis
        input = input.index_select(dim, _index(index)).unflatten(dim, (len(each), length))
    order = [*range(lead), *range(lead, lead + 2 * dims, 2), *range(lead + 1, lead + 2 * dims, 2)]
    values, within = input.permute(order).flatten(-dims).max(-1)
    if not return_indices:
        return values
    axes = [
        (_index([start for start, _ in each]), length, 1) for each, length in zip(edges, longest, strict=True)
    ]
    return values, numbered(within, sizes, axes)


@composed(public=False, method=False, node="SqueezeBackward1")
def adaptive_avg_pool1d(input, output_size):
    """The means of `output_size` windows that cover the last dimension evenly: from floor(i n / m) to ceil((i + 1) n / m).

    Shape: (N, C, L) to (N, C, output_size), or without N. Dtype: that of `input`. Derivative: linear.
    Raises RuntimeError for other dimensions and a negative size.

    Example:
        >>> pb.nn.functional.adaptive_avg_pool1d(pb.tensor([[1.0, 2.0, 3.0, 4.0, 5.0]]), 2)
        tensor([[2., 4.]])
    """
    return _adaptive_avg_pool("adaptive_avg_pool1d", 1, input, output_size)


@composed(public=False, method=False)
def adaptive_avg_pool2d(input, output_size):
    """The means of windows that cover images evenly, `output_size` of them: `adaptive_avg_pool1d` over two dimensions.

    Shape: (N, C, H, W) to (N, C, *output_size), or without N; None keeps a size. Derivative: linear.
    Raises RuntimeError for other dimensions and a negative size.

    Example:
        >>> pb.nn.functional.adaptive_avg_pool2d(pb.arange(9.0).reshape(1, 3, 3), (1, None))
        tensor([[[3., 4., 5.]]])
    """
    return _adaptive_avg_pool("adaptive_avg_pool2d", 2, input, output_size)


@composed(public=False, method=False)
def adaptive_avg_pool3d(input, output_size):
    """The means of windows that cover volumes evenly: `adaptive_avg_pool1d` over three dimensions.

    Shape: (N, C, D, H, W) to (N, C, *output_size), or without N; None keeps a size. Derivative: linear.
    Raises RuntimeError for other dimensions and a negative size.

    Example:
        >>> pb.nn.functional.adaptive_avg_pool3d(pb.arange(8.0).reshape(1, 2, 2, 2), 1)
        tensor([[[[3.5000]]]])
    """
    return _adaptive_avg_pool("adaptive_avg_pool3d", 3, input, output_size)


@composed(public=False, method=False, node="SqueezeBackward1")
def adaptive_max_pool1d(input, output_size, return_indices=False):
    """The largest elements of `output_size` windows that cover the last dimension evenly: see `adaptive_avg_pool1d`.

    Shape: (N, C, L) to (N, C, output_size), or without N; `return_indices` gives (values, indices int64).
    Raises RuntimeError for other dimensions and a negative size.

    Example:
        >>> pb.nn.functional.adaptive_max_pool1d(pb.tensor([[1.0, 9.0, 3.0, 4.0, 5.0]]), 2, True)
        (tensor([[9., 5.]]), tensor([[1, 4]]))
    """
    return _adaptive_max_pool("adaptive_max_pool1d", 1, input, output_size, return_indices)


@composed(public=False, method=False, node="AdaptiveMaxPool2DBackward0")
def adaptive_max_pool2d(input, output_size, return_indices=False):
    """The largest elements of windows that cover images evenly: `adaptive_max_pool1d` over two dimensions.

    Shape: (N, C, H, W) to (N, C, *output_size), or without N; None keeps a size.
    Raises RuntimeError for other dimensions and a negative size.

    Example:
        >>> pb.nn.functional.adaptive_max_pool2d(pb.arange(9.0).reshape(1, 3, 3), (1, None))
        tensor([[[6., 7., 8.]]])
    """
    return _adaptive_max_pool("adaptive_max_pool2d", 2, input, output_size, return_indices)


@composed(public=False, method=False, node="AdaptiveMaxPool3DBackward0")
def adaptive_max_pool3d(input, output_size, return_indices=False):
    """The largest elements of windows that cover volumes evenly: `adaptive_max_pool1d` over three dimensions.

    Shape: (N, C, D, H, W) to (N, C, *output_size), or without N; None keeps a size.
    Raises RuntimeError for other dimensions and a negative size.

    Example:
        >>> pb.nn.functional.adaptive_max_pool3d(pb.arange(8.0).reshape(1, 2, 2, 2), 1)
        tensor([[[[7.]]]])
    """
    return _adaptive_max_pool("adaptive_max_pool3d", 3, input, output_size, return_indices)


# Windows at random distances (arXiv:1412.6071): those of sample u start at floor((i + u) a) - floor(u a).


def _fractional(name, dims, input, kernel_size, output_size, output_ratio, return_indices, samples):
    if output_size is None and output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    if input.ndim not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"{name}(): Expected {dims + 1}D or {dims + 2}D tensor, but got: {list(input.shape)}"
        )
    kernel = numbers(name, "kernel_size", kernel_size, dims)
    sizes = tuple(input.shape[-dims:])
    if output_size is None:
        ratios = (output_ratio,) * dims if isinstance(output_ratio, float) else tuple(output_ratio)
        counts = [int(n * r) for n, r in zip(sizes, ratios, strict=True)]
    else:
        counts = numbers(name, "output_size", output_size, dims)
    axes = ("time", "height", "width")[-dims:]
    for axis, n, k, m in zip(axes, sizes, kernel, counts, strict=True):
        if m + k - 1 > n - (dims == 3):  # PyTorch's bounds
            raise RuntimeError(f"{name}(): pool {axis} {k} too large relative to input {axis} {n}")
    batched = input if input.ndim == dims + 2 else input.unsqueeze(0)
    batch, channels = batched.shape[:2]
    if samples is None:
        samples = input.detach().new_empty(batch, channels, dims).uniform_()
    flat = 0
    for axis, (n, k, m) in enumerate(zip(sizes, kernel, counts, strict=True)):
        # PyTorch's order: of two dimensions, the last one's sample is the first.
        u = samples[..., axis if dims == 3 else 1 - axis].unsqueeze(-1)
        apart = (n - k) / (m - 1) if m > 1 else 0.0
        i = arange(m)
        start = ((i + u) * apart).long() - (u * apart).long()
        start = start.where(i < m - 1, n - k)
        index = start.unsqueeze(-1) + arange(k)  # N, C, m, k
        shape = [batch, channels, *[1] * axis, m, *[1] * (dims - 1), k, *[1] * (dims - 1 - axis)]
        flat = flat * n + index.reshape(shape)
    flat = flat.flatten(-dims)  # N, C, counts, elements
    picked = batched.flatten(2).gather(2, flat.reshape(batch, channels, -1)).reshape(flat.shape)
    values, within = picked.max(-1)
    where = flat.gather(-1, within.unsqueeze(-1)).squeeze(-1)
    if input.ndim == dims + 1:
        values, where = values.squeeze(0), where.squeeze(0)
    return (values, where) if return_indices else values


@composed(public=False, method=False, node="FractionalMaxPool2DBackward0")
def fractional_max_pool2d(
    input, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None
):
    """The largest elements of windows at random distances, so many that an image shrinks by any ratio (arXiv:1412.6071).

    Shape: (N, C, H, W) to (N, C, *output_size), or without N; or `output_ratio`, of the sizes, is given.
    `_random_samples`, of shape (N, C, 2), uniform in [0, 1), says where windows lie; they are drawn if it is None.
    Raises ValueError if neither size nor ratio is given, RuntimeError for windows that do not fit.

    Example:
        >>> x = pb.arange(36.0).reshape(1, 1, 6, 6)
        >>> pb.nn.functional.fractional_max_pool2d(x, 2, 3, _random_samples=pb.full((1, 1, 2), 0.5))
        tensor([[[[ 7.,  9., 11.],
                  [19., 21., 23.],
                  [31., 33., 35.]]]])
    """
    return _fractional(
        "fractional_max_pool2d",
        2,
        input,
        kernel_size,
        output_size,
        output_ratio,
        return_indices,
        _random_samples,
    )


@composed(public=False, method=False, node="FractionalMaxPool3DBackward0")
def fractional_max_pool3d(
    input, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None
):
    """`fractional_max_pool2d` over three dimensions.

    Shape: (N, C, D, H, W) to (N, C, *output_size), or without N; `_random_samples` has shape (N, C, 3).
    Raises ValueError if neither size nor ratio is given, RuntimeError for windows that do not fit.

    Example:
        >>> pb.nn.functional.fractional_max_pool3d(pb.ones(1, 1, 4, 4, 4), 2, output_ratio=0.5).shape
        pullback.Size([1, 1, 2, 2, 2])
    """
    return _fractional(
        "fractional_max_pool3d",
        3,
        input,
        kernel_size,
        output_size,
        output_ratio,
        return_indices,
        _random_samples,
    )


__all__ = [
    *[f"adaptive_{kind}_pool{dims}d" for kind in ("avg", "max") for dims in (1, 2, 3)],
    "fractional_max_pool2d",
    "fractional_max_pool3d",
]
