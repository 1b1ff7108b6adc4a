"""Convolutions of one, two and three dimensions, and their transposes.

Here arguments are checked, in PyTorch's order; the core convolves (src/core/compute/convolution.cpp). Of half precision what
is done is rounded once, at the end.
"""

import sys

from .. import _core
from ..operators.declare import composed
from ..operators.products import convolve, convolve_back, mm
from .halves import wide
from .orders import in_order, order_of
from .padding import pad as padded
from .windows import Slide, sizes, slides

__all__ = [
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_tbc",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
]


def _times(numbers):
    return " x ".join(map(str, numbers))


def _check(name, dims, input, weight, bias, stride, padding, dilation, groups, transposed):
    """Messages in PyTorch's order."""
    if input.ndim not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to {name}, but got input of size: "
            f"{list(input.shape)}"
        )
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")
    if min(padding, default=0) < 0:
        raise RuntimeError("negative padding is not supported")
    if min(stride) <= 0:
        raise RuntimeError("non-positive stride is not supported")
    if min(dilation) <= 0:
        raise RuntimeError(f"dilation should be greater than zero, but got {list(dilation)}")
    _check_dtypes(input, weight, bias, transposed)
    if weight.ndim != dims + 2:
        raise RuntimeError(
            f"Expected {dims + 2}-dimensional weight for {dims + 2}-dimensional input {list(weight.shape)}, but got "
            f"{weight.ndim}-dimensional weight instead. It has a row for every output channel."
        )
    size, first = list(weight.shape), weight.shape[0]
    if first < groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, but got weight of size "
            f"{size} instead"
        )
    if first % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got weight of size "
            f"[{size}] instead"
        )
    expected = first if transposed else weight.shape[1] * groups
    channels = input.shape[-dims - 1]
    if channels != expected:
        shown = [1, *input.shape] if input.ndim == dims + 1 else list(input.shape)
        raise RuntimeError(
            f"Given {'transposed=1' if transposed else f'groups={groups}'}, weight of size {size}, expected input{shown} "
            f"to have {expected} channels, but got {channels} channels instead"
        )
    outputs = weight.shape[1] * groups if transposed else first
    if bias is not None and tuple(bias.shape) != (outputs,):
        raise RuntimeError(
            f"Given {'transposed=1, ' if transposed else ''}weight of size {size}, expected bias to be "
            f"1-dimensional with {outputs} elements, but got bias of size {list(bias.shape)} instead"
        )


def _check_sizes(dims, batched, kernel):
    """An image has elements, unless there is none, and so has a window."""
    if 0 in batched.shape[2:] and 0 not in batched.shape[:2]:
        shown = list(batched.shape)
        shown[2:2] = [1] * (dims == 1)
        raise RuntimeError(
            f"Only zero batch or zero channel inputs are supported, but got input shape: {shown}"
        )
    if 0 in kernel:
        named = f": {_times(kernel)} (TxHxW)"
        if dims < 3:
            height, width = ((1,) + kernel)[-2:]
            named = f" kernel_height: {height} kernel_width: {width}"
        raise RuntimeError(f"kernel size should be greater than zero, but got{named}")


def _check_dtypes(input, weight, bias, transposed):
    if bias is not None and not transposed and bias.dtype != input.dtype:
        raise RuntimeError(
            f"Input type ({input.dtype._c_name}) and bias type ({bias.dtype._c_name}) should be the same"
        )
    if weight.dtype != input.dtype:
        raise RuntimeError(
            f"expected scalar type {input.dtype._legacy_name} but found {weight.dtype._legacy_name}. The input and the "
            f"weight need one dtype: convert one of them, for example with .to({weight.dtype})."
        )


def _with_bias(result, bias, dims):
    if bias is None:
        return result
    return _core.name_last_step(result + bias.reshape(-1, *[1] * dims), "ConvolutionBackward0")


def _order(dims, input, weight):
    """PyTorch's kernels of volumes in float64 are row by row."""
    return None if dims == 3 and input.dtype is _core.float64 else order_of(input, weight)


def _convolved(name, dims, input, weight, bias, stride, padding, dilation, groups):
    stride, dilation = sizes("stride", stride, dims), sizes("dilation", dilation, dims)
    if isinstance(padding, str):
        input, padding = _padded_by_name(dims, input, weight, stride, padding, dilation)
    padding = sizes("padding", padding, dims)
    _check(name, dims, input, weight, bias, stride, padding, dilation, groups, False)
    batched, order = input if input.ndim == dims + 2 else input.unsqueeze(0), _order(dims, input, weight)
    kernel = tuple(weight.shape[2:])
    along = slides(kernel, stride, dilation)
    spatial = [n + 2 * p for n, p in zip(batched.shape[2:], padding, strict=True)]
    if any(s.extent > n for s, n in zip(along, spatial, strict=True)):
        raise RuntimeError(
            f"Calculated padded input size per channel: ({_times(spatial)}). Kernel size: "
            f"({_times([s.extent for s in along])}). Kernel size can't be greater than actual input size"
        )
    _check_sizes(dims, batched, kernel)
    result = convolve(wide(batched), wide(weight), stride, padding, dilation, groups)
    result = _with_bias(result, bias, dims).to(input.dtype)
    return in_order(result, order) if input.ndim == dims + 2 else result.squeeze(0)


def _padded_by_name(dims, input, weight, stride, padding, dilation):
    """(input, what is left to pad) for "same", by which the size stays, and for "valid", which pads nothing."""
    if padding == "valid":
        return input, 0
    if padding != "same":
        raise RuntimeError(f"Invalid padding string: '{padding}'. There are 'valid' and 'same'.")
    if any(s != 1 for s in stride):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    around = []
    for kernel, spaced in zip(weight.shape[2:], dilation, strict=True):
        total = spaced * (kernel - 1)
        around.append((total // 2, total - total // 2))
    return padded(input, [p for each in reversed(around) for p in each]), 0


def _transposed(name, dims, input, weight, bias, stride, padding, output_padding, groups, dilation):
    stride, dilation = sizes("stride", stride, dims), sizes("dilation", dilation, dims)
    padding, more = sizes("padding", padding, dims), sizes("output_padding", output_padding, dims)
    _check(name, dims, input, weight, bias, stride, padding, dilation, groups, True)
    for extra, step, spaced in zip(more, stride, dilation, strict=True):
        if extra >= max(step, spaced):
            raise RuntimeError(
                "output padding must be smaller than either stride or dilation, but got output_padding: "
                f"{list(more)}, stride: {list(stride)} and dilation: {list(dilation)}"
            )
    batched = input if input.ndim == dims + 2 else input.unsqueeze(0)
    counts, kernel = batched.shape[2:], tuple(weight.shape[2:])
    _check_sizes(dims, batched, kernel)
    along = [Slide(*each) for each in zip(kernel, stride, dilation, strict=True)]
    full = [(n - 1) * s.stride + s.extent for s, n in zip(along, counts, strict=True)]
    size = [n - 2 * p + e for n, p, e in zip(full, padding, more, strict=True)]
    if min(size, default=1) < 1:
        raise RuntimeError(
            f"Given input size per channel: ({_times(counts)}). Calculated output size per channel: ({_times(size)}). "
            "Output size is too small"
        )
    if max(size) > sys.maxsize:
        raise RuntimeError(
            f"Storage size calculation overflowed with sizes=[{', '.join(map(str, size))}]. No memory holds what a "
            "stride or a dilation as large as this leads to."
        )
    result = convolve_back(wide(batched), wide(weight), stride, padding, dilation, groups, size)
    if bias is not None and bias.dtype != input.dtype:
        input.new_empty(0).add_(bias.new_empty(0))  # PyTorch adds it in place: refused where that is
    result = _with_bias(result, bias, dims).to(input.dtype)
    return in_order(result, _order(dims, input, weight)) if input.ndim == dims + 2 else result.squeeze(0)


@composed(public=False, method=False)
def conv1d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """The products of sliding windows of `input` with `weight`: a cross-correlation, for every output channel.

    Shape: (N, C, L) to (N, O, positions), or without N; `weight` has (O, C / groups, K), `bias` (O). Of L elements, padded
    on both sides, there are (L + 2 * padding - dilation * (K - 1) - 1) // stride + 1 positions; padding="same" keeps L.
    Dtype: the common dtype. Derivative: linear in each of `input`, `weight` and `bias`; of every order.

    Raises:
        RuntimeError: shapes, strides, paddings, dilations and groups that do not fit; a window larger than the input.

    Example:
        >>> x, w = pb.tensor([[[1.0, 2.0, 4.0, 8.0]]]), pb.tensor([[[1.0, -1.0]]])
        >>> pb.nn.functional.conv1d(x, w)
        tensor([[[-1., -2., -4.]]])
        >>> pb.nn.functional.conv1d(x, w, stride=2, padding=1)
        tensor([[[-1., -2.,  8.]]])
    """
    return _convolved("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


@composed(public=False, method=False)
def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """The products of sliding windows of images with `weight`: `conv1d` over two dimensions.

    Shape: (N, C, H, W) to (N, O, positions, positions), or without N; `weight` has (O, C / groups, KH, KW), `bias` (O).
    `stride`, `padding` and `dilation` are numbers, or pairs (rows, columns); padding="same" keeps H and W.
    Dtype: the common dtype. Derivative: linear in each of `input`, `weight` and `bias`; of every order.
    Raises RuntimeError for shapes and numbers that do not fit.

    Example:
        >>> image = pb.arange(9.0).reshape(1, 1, 3, 3).requires_grad_()
        >>> edges = pb.nn.functional.conv2d(image, pb.tensor([[[[-1.0, 1.0]]]]))
        >>> edges.sum().backward()
        >>> edges.shape, image.grad[0, 0, 0]
        (pullback.Size([1, 1, 3, 2]), tensor([-1.,  0.,  1.]))
    """
    return _convolved("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


@composed(public=False, method=False)
def conv3d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """The products of sliding windows of volumes with `weight`: `conv1d` over three dimensions.

    Shape: (N, C, D, H, W) to (N, O, positions of each), or without N; `weight` has (O, C / groups, KD, KH, KW), `bias` (O).
    `stride`, `padding` and `dilation` are numbers, or one for each dimension; padding="same" keeps the sizes.
    Dtype: the common dtype. Derivative: linear in each of `input`, `weight` and `bias`; of every order.
    Raises RuntimeError for shapes and numbers that do not fit.

    Example:
        >>> pb.nn.functional.conv3d(pb.ones(1, 2, 3, 3, 3), pb.ones(1, 2, 2, 2, 2)).unique()
        tensor([16.])
    """
    return _convolved("conv3d", 3, input, weight, bias, stride, padding, dilation, groups)


@composed(public=False, method=False)
def conv_transpose1d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """Each element spreads `weight`, times itself, over a window: the transpose of `conv1d`, which is its derivative.

    Shape: (N, C, L) to (N, O, size), or without N; `weight` has (C, O / groups, K), `bias` (O). The size is
    (L - 1) * stride - 2 * padding + dilation * (K - 1) + output_padding + 1.
    Dtype: the common dtype. Derivative: linear in each of `input`, `weight` and `bias`; of every order.
    Raises RuntimeError for shapes and numbers that do not fit.

    Example:
        >>> x, w = pb.tensor([[[1.0, 10.0]]]), pb.tensor([[[1.0, 2.0, 3.0]]])
        >>> pb.nn.functional.conv_transpose1d(x, w)
        tensor([[[ 1., 12., 23., 30.]]])
    """
    return _transposed(
        "conv_transpose1d", 1, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


@composed(public=False, method=False)
def conv_transpose2d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """The transpose of `conv2d`: `conv_transpose1d` over two dimensions.

    Shape: (N, C, H, W) to (N, O, size, size), or without N; `weight` has (C, O / groups, KH, KW), `bias` (O).
    Dtype: the common dtype. Derivative: linear in each of `input`, `weight` and `bias`; of every order.
    Raises RuntimeError for shapes and numbers that do not fit.

    Example:
        >>> pb.nn.functional.conv_transpose2d(pb.ones(1, 1, 2, 2), pb.ones(1, 1, 2, 2))
        tensor([[[[1., 2., 1.],
                  [2., 4., 2.],
                  [1., 2., 1.]]]])
    """
    return _transposed(
        "conv_transpose2d", 2, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


@composed(public=False, method=False)
def conv_transpose3d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """The transpose of `conv3d`: `conv_transpose1d` over three dimensions.

    Shape: (N, C, D, H, W) to (N, O, size, size, size), or without N; `weight` has (C, O / groups, KD, KH, KW).
    Dtype: the common dtype. Derivative: linear in each of `input`, `weight` and `bias`; of every order.
    Raises RuntimeError for shapes and numbers that do not fit.

    Example:
        >>> pb.nn.functional.conv_transpose3d(pb.ones(1, 1, 2, 2, 2), pb.ones(1, 1, 2, 2, 2)).amax()
        tensor(8.)
    """
    return _transposed(
        "conv_transpose3d", 3, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


@composed(public=False, method=False, node="ConvTbcBackward0")
def conv_tbc(input, weight, bias, pad=0):
    """`conv1d` of sequences whose dimensions are (time, batch, channels), by a `weight` of (K, C, O).

    Shape: (T, N, C) to (T + 2 * pad - K + 1, N, O); a negative `pad` leaves elements out.
    Raises RuntimeError for shapes that do not fit.

    Example:
        >>> pb.nn.functional.conv_tbc(pb.ones(4, 1, 2), pb.ones(3, 2, 1), pb.zeros(1)).flatten()
        tensor([6., 6.])
    """
    for each, dims, wanted in (
        (input, 3, "Input must have 3 dims: time, batch, in_channel"),
        (weight, 3, "Weight tensor must have 3 dims: kernel_width, in_channels, out_channels"),
        (bias, 1, "Bias must be 1-D"),
    ):
        if each.ndim != dims:
            raise RuntimeError(f"{wanted}. It has shape {list(each.shape)}.")
    (times, batch, channels), (kernel, expected, outputs) = input.shape, weight.shape
    if channels != expected:
        raise RuntimeError(
            f"Input dim 2 (input channels) is not == dim 1 in the weight tensor. They are {channels} and {expected}."
        )
    if bias.shape[0] != outputs:
        raise RuntimeError(
            "Bias size must equal dim 2 in the weight tensor (output channels). They are "
            f"{bias.shape[0]} and {outputs}."
        )
    positions = times + 2 * pad - kernel + 1
    shape = [positions, batch, outputs]
    if positions < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {positions}: {shape}")
    if 0 in (positions, *input.shape, *weight.shape):  # the bias, and sums of nothing
        nothing = mm(input[:0].reshape(0, 1).t(), weight[:0].reshape(0, 1))
        return bias.to(input.dtype).expand(shape) + nothing
    if pad < 0:
        input, pad = input[-pad:pad], 0
    result = conv1d(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, 1, pad)
    return result.permute(2, 0, 1)
