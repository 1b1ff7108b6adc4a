"""Pooling: the largest, the mean or a power mean of windows, of given sizes or as many as are asked for, and its undoing.

Windows of few elements, and those that overlap, are joined element by element (windows.py): the larger of two, the first
among equals as PyTorch has it, or their sum. The elements of others become the last dimension of a view, and those whose
position is asked for.
"""

import math
import operator

from .. import _core
from ..dtypes import iinfo
from ..operators.creation import arange
from ..operators.declare import composed, require_real
from ..operators.entries import every_entry
from ..operators.indexing import where
from .orders import in_order, order_of
from .padding import pad as padded
from .windows import joined, slides, spread, windows

FEW, LARGE = (
    16,
    2048,
)  # elements of a window along a dimension, and of an input that is worth as many operations


def numbers(name, what, value, dims):
    """`spread`, with the messages of pooling."""
    value = spread(value, dims)
    if len(value) != dims:
        words = {1: "one int", 2: "two ints", 3: "three ints"}[dims]
        raise RuntimeError(f"{name}: {what} must either be a single int, or a tuple of {words}")
    return value


def _check_input(name, input, dims):
    if input.ndim not in (dims + 1, dims + 2):
        if name.startswith("avg_pool") and dims == 1:
            raise RuntimeError(
                f"Expected 2 to 3 dimensions, but got {input.ndim}-dimensional tensor for argument #1 'self' (while "
                f"checking arguments for {name})"
            )
        if dims == 1:
            raise RuntimeError(
                f"{name}: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, but "
                f"got:{list(input.shape)}"
            )
        raise RuntimeError(
            f"non-empty {dims + 1}D or {dims + 2}D (batch mode) tensor expected for input. It has {list(input.shape)}."
        )
    if 0 in input.shape[input.ndim - dims - 1 :]:
        raise RuntimeError(
            f"Expected {dims + 1}D or {dims + 2}D (batch mode) tensor with optional 0 dim batch size for input, but "
            f"got:{list(input.shape)}"
        )


class _Pool:
    """The windows of one call: where they lie along each dimension, and what is padded there."""

    __slots__ = ("ceil_mode", "counts", "dims", "kernel", "name", "padding", "shape", "slides")

    def __init__(self, name, input, dims, kernel_size, stride, padding, dilation, ceil_mode):
        _check_input(name, input, dims)
        self.name, self.dims, self.ceil_mode = name, dims, ceil_mode
        self.kernel = kernel = numbers(name, "kernel_size", kernel_size, dims)
        empty = stride is None or (hasattr(stride, "__len__") and len(stride) == 0)
        stride = kernel if empty else numbers(name, "stride", stride, dims)
        dilation = numbers(name, "dilation", dilation, dims)
        self.padding = numbers(name, "padding", padding, dims)
        self._check(kernel, stride, dilation)
        self.slides = slides(kernel, stride, dilation)
        self.shape = tuple(input.shape[-dims:])
        self.counts = [
            self._positions(s, n, p) for s, n, p in zip(self.slides, self.shape, self.padding, strict=True)
        ]
        if min(self.counts) < 1:
            if dims == 1:
                raise RuntimeError(f"{name}() Invalid computed output size: {self.counts[0]}")
            before, after = [
                "x".join(map(str, (input.shape[-dims - 1], *sizes))) for sizes in (self.shape, self.counts)
            ]
            raise RuntimeError(
                f"Given input size: ({before}). Calculated output size: ({after}). Output size is too small"
            )

    def _check(self, kernel, stride, dilation):
        if self.dims == 1:
            for name, value in (("kernel_size", kernel), ("stride", stride), ("dilation", dilation)):
                if value[0] <= 0:
                    raise RuntimeError(f"{self.name}() {name} must be greater than zero, but got {value[0]}")
        elif min(stride) <= 0:
            raise RuntimeError("stride should not be zero")
        elif min(kernel) <= 0:
            raise RuntimeError(f"kernel size should be greater than zero, but got {list(kernel)}")
        elif min(dilation) <= 0:
            sizes = " ".join(f"dilation{axis}: {d}" for axis, d in zip("THW"[-self.dims :], dilation))
            raise RuntimeError(f"dilation should be greater than zero, but got {sizes}")
        if min(self.padding) < 0:
            raise RuntimeError(f"pad must be non-negative, but got pad: {min(self.padding)}")
        for size, pad, spaced in zip(kernel, self.padding, dilation, strict=True):
            if pad > ((size - 1) * spaced + 1) // 2:
                if self.dims == 1:
                    raise RuntimeError(
                        f"{self.name}() padding should be at most half of kernel size, but got padding={pad} and "
                        f"kernel_size={size}"
                    )
                raise RuntimeError(
                    f"pad should be at most half of effective kernel size, but got pad={pad}, kernel_size={size} and "
                    f"dilation={spaced}"
                )

    def _positions(self, slide, size, padding):
        room = size + 2 * padding - slide.extent
        count = (room + slide.stride - 1 if self.ceil_mode else room) // slide.stride + 1
        if self.ceil_mode and (count - 1) * slide.stride >= size + padding:
            count -= 1  # a window that would begin in the padding behind
        return count

    def padded(self, input, value):
        """The input with what windows see around it."""
        around = []
        for slide, n, p, count in zip(self.slides, self.shape, self.padding, self.counts, strict=True):
            around.append((p, (count - 1) * slide.stride + slide.extent - n - p))
        if not any(p for pair in around for p in pair):
            return input
        return padded(input, [p for pair in reversed(around) for p in pair], value=value)

    @property
    def overlap(self):
        return any(s.stride < s.kernel for s in self.slides)

    def is_worth_joining(self, input):
        """Whether windows are joined element by element."""
        return max(self.kernel) <= FEW and input.numel() >= LARGE

    def inside(self, slide, size, padding, count):
        """How many elements of each window along a dimension are of the input, and how many of input and padding."""
        starts = [k * slide.stride - padding for k in range(count)]
        own = [max(0, min(s + slide.kernel, size) - max(s, 0)) for s in starts]
        all = [min(s + slide.kernel, size + padding) - s for s in starts]
        return own, all


def _lowest(dtype):
    return -math.inf if dtype.is_floating_point else iinfo(dtype).min


def numbered(within, sizes, axes):
    """Numbers within windows as numbers within the input, row by row.

    `axes` has for each dimension where its windows start, how many elements they have, and how far apart these are.
    """
    flat, rest, offsets = 0, within, []
    for _, length, _ in reversed(axes):
        offsets.append(rest % length)
        rest = rest // length
    for axis, (n, (starts, _, spacing), offset) in enumerate(
        zip(sizes, axes, reversed(offsets), strict=True)
    ):
        starts = starts.reshape(-1, *[1] * (len(axes) - 1 - axis))
        flat = flat * n + starts + (offset * spacing if spacing > 1 else offset)
    return flat


def _max_pool(name, dims, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices):
    pool = _Pool(name, input, dims, kernel_size, stride, padding, dilation, ceil_mode)
    require_real(name, input)
    whole, order = pool.padded(input, _lowest(input.dtype)), order_of(input)
    if not return_indices and (max(pool.kernel) <= 3 or pool.overlap) and pool.is_worth_joining(input):
        return in_order(joined(whole, pool.slides, _larger), order)
    view = windows(whole, pool.slides)
    values, index = (in_order(each, order) for each in view.flatten(-dims).max(-1))
    if not return_indices:
        return values
    axes = [
        (arange(count) * slide.stride - p, slide.kernel, slide.dilation)
        for slide, p, count in zip(pool.slides, pool.padding, pool.counts, strict=True)
    ]
    return values, in_order(numbered(index, pool.shape, axes), order)


def _larger(a, b):
    return where((b > a) | (b != b), b, a)


def _avg_pool(
    name, dims, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override=None
):
    if divisor_override == 0:
        raise RuntimeError("divisor must be not zero. It is what sums are divided by.")
    pool = _Pool(name, input, dims, kernel_size, stride, padding, 1, ceil_mode)
    if dims == 3 and any(n < k for n, k in zip(pool.shape, pool.kernel, strict=True)):
        sizes, kernel = [
            " ".join(f"{mark}{axis}: {n}" for axis, n in zip("THW", each, strict=True))
            for mark, each in (("", pool.shape), ("k", pool.kernel))
        ]
        raise RuntimeError(
            f"input image ({sizes}) smaller than kernel size ({kernel}). Padding does not count: pad() it before."
        )
    require_real("avg_pool3d_out_frame" if dims == 3 else "avg_pool2d", input)
    whole = pool.padded(input, 0)
    if pool.overlap and pool.is_worth_joining(input) and input.dtype in (_core.float32, _core.float64):
        total = joined(whole, pool.slides, operator.add)
    else:
        total = windows(whole, pool.slides).sum(tuple(range(-dims, 0)))
    total = in_order(total, order_of(input) if dims == 2 else None)
    if divisor_override is not None:
        return _divided(total, divisor_override)
    sizes = [
        pool.inside(*each)[count_include_pad]
        for each in zip(pool.slides, pool.shape, pool.padding, pool.counts, strict=True)
    ]
    if all(len(set(each)) == 1 for each in sizes):
        return _divided(total, math.prod(each[0] for each in sizes))
    divisor = 1
    for axis, each in enumerate(sizes):
        divisor = divisor * input.new_tensor(each).reshape(-1, *[1] * (dims - 1 - axis))
    return _divided(total, divisor)


def _divided(total, divisor):
    return total / divisor if total.is_floating_point() else total.div(divisor, rounding_mode="trunc")


@composed(public=False, method=False, node="SqueezeBackward1")
def max_pool1d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """The largest element of every window along the last dimension.

    Shape: (N, C, L) to (N, C, positions), or without N. `stride` is `kernel_size` if none is given; `padding`, at most half
    a window, never wins; with `ceil_mode` a last window may lack elements. `return_indices` gives (values, indices int64).
    Dtype: that of `input`. Derivative: the element that is taken, the first of equal ones.
    Raises RuntimeError for sizes that do not fit.

    Example:
        >>> pb.nn.functional.max_pool1d(pb.tensor([[1.0, 3.0, 2.0, 5.0, 4.0]]), 2, return_indices=True)
        (tensor([[3., 5.]]), tensor([[1, 3]]))
    """
    return _max_pool(
        "max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


@composed(public=False, method=False, node="MaxPool2DWithIndicesBackward0")
def max_pool2d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """The largest element of every window of images: `max_pool1d` over two dimensions.

    Shape: (N, C, H, W) to (N, C, positions, positions), or without N. Indices count row by row.
    Dtype: that of `input`. Derivative: the element that is taken, the first of equal ones.
    Raises RuntimeError for sizes that do not fit.

    Example:
        >>> pb.nn.functional.max_pool2d(pb.arange(16.0).reshape(1, 4, 4), 2)
        tensor([[[ 5.,  7.],
                 [13., 15.]]])
    """
    return _max_pool(
        "max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


@composed(public=False, method=False, node="MaxPool3DWithIndicesBackward0")
def max_pool3d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """The largest element of every window of volumes: `max_pool1d` over three dimensions.

    Shape: (N, C, D, H, W) to (N, C, positions of each), or without N. Dtype: that of `input`.
    Derivative: the element that is taken, the first of equal ones. Raises RuntimeError for sizes that do not fit.

    Example:
        >>> pb.nn.functional.max_pool3d(pb.arange(8.0).reshape(1, 2, 2, 2), 2)
        tensor([[[[7.]]]])
    """
    return _max_pool(
        "max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


@composed(public=False, method=False, node="SqueezeBackward1")
def avg_pool1d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    """The mean of every window along the last dimension.

    Shape: (N, C, L) to (N, C, positions), or without N. `stride` is `kernel_size` if none is given; `padding`, of zeros,
    counts unless `count_include_pad` is False; with `ceil_mode` a last window may lack elements, which do not count.
    Dtype: that of `input`. Derivative: linear. Raises RuntimeError for sizes that do not fit.

    Example:
        >>> pb.nn.functional.avg_pool1d(pb.tensor([[1.0, 3.0, 2.0, 6.0]]), 2)
        tensor([[2., 4.]])
    """
    return _avg_pool("avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad)


@composed(public=False, method=False, node="AvgPool2DBackward0")
def avg_pool2d(
    input,
    kernel_size,
    stride=None,
    padding=0,
    ceil_mode=False,
    count_include_pad=True,
    divisor_override=None,
):
    """The mean of every window of images: `avg_pool1d` over two dimensions.

    Shape: (N, C, H, W) to (N, C, positions, positions), or without N. `divisor_override` divides the sums instead of the
    number of elements. Dtype: that of `input`. Derivative: linear. Raises RuntimeError for sizes that do not fit.

    Example:
        >>> pb.nn.functional.avg_pool2d(pb.arange(16.0).reshape(1, 4, 4), 2)
        tensor([[[ 2.5000,  4.5000],
                 [10.5000, 12.5000]]])
    """
    return _avg_pool(
        "avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


@composed(public=False, method=False, node="AvgPool3DBackward0")
def avg_pool3d(
    input,
    kernel_size,
    stride=None,
    padding=0,
    ceil_mode=False,
    count_include_pad=True,
    divisor_override=None,
):
    """The mean of every window of volumes: `avg_pool1d` over three dimensions.

    Shape: (N, C, D, H, W) to (N, C, positions of each), or without N. `divisor_override` divides the sums instead of the
    number of elements. Dtype: that of `input`. Derivative: linear. Raises RuntimeError for sizes that do not fit.

    Example:
        >>> pb.nn.functional.avg_pool3d(pb.arange(8.0).reshape(1, 2, 2, 2), 2)
        tensor([[[[3.5000]]]])
    """
    return _avg_pool(
        "avg_pool3d", 3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


def _lp_pool(dims, input, p, kernel_size, stride, ceil_mode):
    pool = (max_pool1d, max_pool2d, max_pool3d)[dims - 1]
    if p == math.inf:
        return pool(input.abs(), kernel_size, stride, 0, 1, ceil_mode)
    if p == -math.inf:
        return -pool(-input.abs(), kernel_size, stride, 0, 1, ceil_mode)
    kernel = numbers(f"lp_pool{dims}d", "kernel_size", kernel_size, dims)
    mean = _avg_pool(f"avg_pool{dims}d", dims, input**p, kernel, stride, 0, ceil_mode, True)
    return (mean.relu() * math.prod(kernel)) ** (1.0 / p)


@composed(public=False, method=False)
def lp_pool1d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """The p-norm of every window along the last dimension, (sum of input**p)**(1 / p); the largest for infinity.

    Shape: (N, C, L) to (N, C, positions), or without N. Dtype: that of `input`. The slope is 0 where the sum is 0.
    Raises RuntimeError for sizes that do not fit.

    Example:
        >>> pb.nn.functional.lp_pool1d(pb.tensor([[3.0, 4.0, 6.0, 8.0]]), 2, 2)
        tensor([[ 5., 10.]])
    """
    return _lp_pool(1, input, norm_type, kernel_size, stride, ceil_mode)


@composed(public=False, method=False)
def lp_pool2d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """The p-norm of every window of images: `lp_pool1d` over two dimensions.

    Shape: (N, C, H, W) to (N, C, positions, positions), or without N. Raises RuntimeError for sizes that do not fit.

    Example:
        >>> pb.nn.functional.lp_pool2d(pb.ones(1, 2, 2), 2, 2)
        tensor([[[2.]]])
    """
    return _lp_pool(2, input, norm_type, kernel_size, stride, ceil_mode)


@composed(public=False, method=False)
def lp_pool3d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """The p-norm of every window of volumes: `lp_pool1d` over three dimensions.

    Shape: (N, C, D, H, W) to (N, C, positions of each), or without N. Raises RuntimeError for sizes that do not fit.

    Example:
        >>> pb.nn.functional.lp_pool3d(pb.ones(1, 2, 2, 2), 3, 2)
        tensor([[[[2.]]]])
    """
    return _lp_pool(3, input, norm_type, kernel_size, stride, ceil_mode)


def _unpooled(dims, input, indices, kernel_size, stride, padding, output_size):
    name = f"max_unpool{dims}d"
    kernel = numbers(name, "kernel_size", kernel_size, dims)
    stride = kernel if stride is None else numbers(name, "stride", stride, dims)
    padding = numbers(name, "padding", padding, dims)
    if indices.shape != input.shape:
        raise RuntimeError(
            f"Expected shape of indices to be same as that of the input tensor ({list(input.shape)}) but got indices "
            f"tensor with shape: {list(indices.shape)}"
        )
    size = [
        (n - 1) * s + k - 2 * p
        for n, s, k, p in zip(input.shape[-dims:], stride, kernel, padding, strict=True)
    ]
    if output_size is not None:
        given = tuple(output_size)
        given = given[2:] if len(given) == dims + 2 else given
        if len(given) != dims:
            raise ValueError(
                f"output_size should be a sequence containing {dims} or {dims + 2} elements, but it has a length of "
                f"'{len(given)}'"
            )
        for d, (asked, usual, step) in enumerate(zip(given, size, stride, strict=True)):
            if not usual - step < asked < usual + step:
                raise ValueError(
                    f'invalid output_size "{given}" (dim {d} must be between {usual - step} and {usual + step})'
                )
        size = given
    count = math.prod(size)
    seen = every_entry(indices)
    wrong = (seen < 0) | (seen >= count)
    if indices.numel() and wrong.any():
        raise RuntimeError(
            f"Found an invalid max index: {seen[wrong][0].item()} (output volumes are of size "
            f"{'x'.join(map(str, size))})"
        )
    lead = input.shape[: input.ndim - dims]
    zeros = input.new_zeros(*lead, count)
    return zeros.scatter(-1, indices.flatten(-dims), input.flatten(-dims)).reshape(*lead, *size)


@composed(public=False, method=False, node="SqueezeBackward1")
def max_unpool1d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    """The elements of `input` at the positions that `max_pool1d` found them, and zeros elsewhere.

    Shape: (N, C, L) to (N, C, size), or without N; the size follows from the window, or is `output_size`.
    Derivative: linear. Raises RuntimeError for indices that do not fit, ValueError for a size that does not.

    Example:
        >>> values, where = pb.nn.functional.max_pool1d(pb.tensor([[1.0, 3.0, 2.0, 0.0]]), 2, return_indices=True)
        >>> pb.nn.functional.max_unpool1d(values, where, 2)
        tensor([[0., 3., 2., 0.]])
    """
    return _unpooled(1, input, indices, kernel_size, stride, padding, output_size)


@composed(public=False, method=False, node="MaxUnpool2DBackward0")
def max_unpool2d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    """`max_unpool1d` over two dimensions: (N, C, H, W) to (N, C, size, size), or without N.

    Raises RuntimeError for indices that do not fit, ValueError for a size that does not.

    Example:
        >>> values, where = pb.nn.functional.max_pool2d(pb.arange(4.0).reshape(1, 2, 2), 2, return_indices=True)
        >>> pb.nn.functional.max_unpool2d(values, where, 2)
        tensor([[[0., 0.],
                 [0., 3.]]])
    """
    return _unpooled(2, input, indices, kernel_size, stride, padding, output_size)


@composed(public=False, method=False, node="MaxUnpool3DBackward0")
def max_unpool3d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    """`max_unpool1d` over three dimensions: (N, C, D, H, W) to (N, C, size, size, size), or without N.

    Raises RuntimeError for indices that do not fit, ValueError for a size that does not.

    Example:
        >>> x = pb.arange(8.0).reshape(1, 2, 2, 2)
        >>> values, where = pb.nn.functional.max_pool3d(x, 2, return_indices=True)
        >>> pb.nn.functional.max_unpool3d(values, where, 2).sum()
        tensor(7.)
    """
    return _unpooled(3, input, indices, kernel_size, stride, padding, output_size)


__all__ = [
    *[f"{kind}_pool{dims}d" for kind in ("max", "avg", "lp") for dims in (1, 2, 3)],
    *[f"max_unpool{dims}d" for dims in (1, 2, 3)],
]
