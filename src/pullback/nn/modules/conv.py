"""Convolutions and their transposes, with weights of their own."""

import math

from ...operators.creation import empty
from .. import functional as F
from ..init import kaiming_uniform_, uniform_
from ..parameter import Parameter, UninitializedParameter
from .lazy import LazyModuleMixin
from .module import Module


def repeated(value, count):
    """As many numbers as there are dimensions."""
    return tuple(value) if not isinstance(value, int) else (value,) * count


class _Convolution(Module):
    """What all convolutions share; `_dims` is the number of spatial dimensions."""

    __constants__ = [
        "stride",
        "padding",
        "dilation",
        "groups",
        "padding_mode",
        "output_padding",
        "in_channels",
        "out_channels",
        "kernel_size",
    ]
    _dims = 0
    _is_transposed = False

    def _make(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride,
        padding,
        dilation,
        output_padding,
        groups,
        bias,
        padding_mode,
        device,
        dtype,
    ):
        Module.__init__(self)
        dims = self._dims
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        if in_channels % groups:
            raise ValueError("in_channels must be divisible by groups")
        if out_channels % groups:
            raise ValueError("out_channels must be divisible by groups")
        self.kernel_size, self.stride = repeated(kernel_size, dims), repeated(stride, dims)
        self.dilation = repeated(dilation, dims)
        if isinstance(padding, str):
            if padding not in ("same", "valid"):
                raise ValueError(f"Invalid padding string {padding!r}, should be one of {{'same', 'valid'}}")
            if padding == "same" and any(s != 1 for s in self.stride):
                raise ValueError("padding='same' is not supported for strided convolutions")
            self.padding = padding
        else:
            self.padding = repeated(padding, dims)
        modes = {"zeros", "reflect", "replicate", "circular"}
        if padding_mode not in modes:
            raise ValueError(f"padding_mode must be one of {modes}, but got padding_mode='{padding_mode}'")
        if self._is_transposed and padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.transposed = self._is_transposed
        self.output_padding = repeated(output_padding, dims)
        self.padding_mode = padding_mode
        self.weight = Parameter(empty(self._weight_shape(), device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def _weight_shape(self):
        if self.transposed:
            return (self.in_channels, self.out_channels // self.groups, *self.kernel_size)
        return (self.out_channels, self.in_channels // self.groups, *self.kernel_size)

    def _around(self):
        """What is padded in another mode than with zeros: pairs, the last dimension's first."""
        if self.padding == "valid":
            return [0] * (2 * self._dims)
        if self.padding == "same":
            found = []
            for k, d in reversed(list(zip(self.kernel_size, self.dilation, strict=True))):
                total = d * (k - 1)
                found += [total // 2, total - total // 2]
            return found
        return [p for each in reversed(self.padding) for p in (each, each)]

    def reset_parameters(self):
        """Draw the first values anew."""
        kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan = math.prod(self.weight.shape[1:])
            if fan != 0:
                uniform_(self.bias, -1 / math.sqrt(fan), 1 / math.sqrt(fan))

    def forward(self, input):
        return self._conv_forward(input, self.weight, self.bias)

    def _conv_forward(self, input, weight, bias):
        padding = self.padding
        if self.padding_mode != "zeros":
            input, padding = F.pad(input, self._around(), mode=self.padding_mode), 0
        convolve = (F.conv1d, F.conv2d, F.conv3d)[self._dims - 1]
        return convolve(input, weight, bias, self.stride, padding, self.dilation, self.groups)

    def extra_repr(self):
        text = (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        )
        if self.padding != (0,) * len(self.kernel_size):
            text += f", padding={self.padding}"
        if self.dilation != (1,) * len(self.kernel_size):
            text += f", dilation={self.dilation}"
        if self.output_padding != (0,) * len(self.kernel_size):
            text += f", output_padding={self.output_padding}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text


_ConvNd = _Convolution


class _Straight(_Convolution):
    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        groups=1,
        bias=True,
        padding_mode="zeros",
        device=None,
        dtype=None,
    ):
        self._make(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            0,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )


class Conv1d(_Straight):
    """`nn.functional.conv1d` with a weight and a bias: (N, C, L) to (N, O, positions), or without N.

    Both are first even numbers within 1 / sqrt(elements of a window). `padding_mode` is that of `nn.functional.pad`.

    Example:
        >>> pb.nn.Conv1d(2, 3, 5, padding=2)
        Conv1d(2, 3, kernel_size=(5,), stride=(1,), padding=(2,))
    """

    _dims = 1


class Conv2d(_Straight):
    """`nn.functional.conv2d` with a weight and a bias: (N, C, H, W) to (N, O, positions, positions), or without N.

    Example:
        >>> pb.nn.Conv2d(1, 4, 3, stride=2)(pb.ones(1, 1, 9, 9)).shape
        pullback.Size([1, 4, 4, 4])
    """

    _dims = 2


class Conv3d(_Straight):
    """`nn.functional.conv3d` with a weight and a bias: (N, C, D, H, W) to (N, O, positions of each), or without N.

    Example:
        >>> pb.nn.Conv3d(1, 2, (1, 2, 3))(pb.ones(1, 3, 3, 3)).shape
        pullback.Size([2, 3, 2, 1])
    """

    _dims = 3


class _Turned(_Convolution):
    _is_transposed = True

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        output_padding=0,
        groups=1,
        bias=True,
        dilation=1,
        padding_mode="zeros",
        device=None,
        dtype=None,
    ):
        self._make(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            output_padding,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def forward(self, input, output_size=None):
        more = self.output_padding if output_size is None else self._output_padding(input, output_size)
        convolve = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[self._dims - 1]
        return convolve(
            input, self.weight, self.bias, self.stride, self.padding, more, self.groups, self.dilation
        )

    def _output_padding(self, input, output_size):
        """What has to be added for a size that is asked for: several sizes give one by a strided convolution."""
        dims = self._dims
        output_size = list(output_size)
        if len(output_size) == input.ndim:
            output_size = output_size[input.ndim - dims :]
        if len(output_size) != dims:
            raise ValueError(
                f"ConvTranspose{dims}D: for {input.ndim}D input, output_size must have {dims} or {input.ndim} elements (got "
                f"{len(output_size)})"
            )
        least = [
            (n - 1) * s - 2 * p + d * (k - 1) + 1
            for n, s, p, d, k in zip(
                input.shape[-dims:], self.stride, self.padding, self.dilation, self.kernel_size, strict=True
            )
        ]
        most = [n + s - 1 for n, s in zip(least, self.stride, strict=True)]
        if any(not low <= n <= high for n, low, high in zip(output_size, least, most, strict=True)):
            raise ValueError(
                f"requested an output size of {output_size}, but valid sizes range from {least} to {most} (for an input of "
                f"{input.size()[2:]})"
            )
        return [n - low for n, low in zip(output_size, least, strict=True)]


_ConvTransposeNd = _Turned


class ConvTranspose1d(_Turned):
    """`nn.functional.conv_transpose1d` with a weight and a bias: (N, C, L) to (N, O, size), or without N.

    The module may be called with an `output_size`, where several are possible.

    Example:
        >>> pb.nn.ConvTranspose1d(1, 2, 3, stride=2)(pb.ones(1, 1, 4), output_size=[10]).shape
        pullback.Size([1, 2, 10])
    """

    _dims = 1


class ConvTranspose2d(_Turned):
    """`nn.functional.conv_transpose2d` with a weight and a bias: (N, C, H, W) to (N, O, size, size), or without N.

    Example:
        >>> pb.nn.ConvTranspose2d(1, 2, 2, stride=2)(pb.ones(1, 1, 4, 4)).shape
        pullback.Size([1, 2, 8, 8])
    """

    _dims = 2


class ConvTranspose3d(_Turned):
    """`nn.functional.conv_transpose3d` with a weight and a bias: (N, C, D, H, W) to (N, O, size of each), or without N.

    Example:
        >>> pb.nn.ConvTranspose3d(1, 2, 2)(pb.ones(1, 2, 2, 2)).shape
        pullback.Size([2, 3, 3, 3])
    """

    _dims = 3


class _Lazy(LazyModuleMixin):
    """A convolution whose channels are those of its first input."""

    def _begun(self, out_channels, groups, bias, device, dtype):
        self.out_channels, self.groups = out_channels, groups
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self):
        if not self.has_uninitialized_params() and self.in_channels != 0:
            super().reset_parameters()

    def initialize_parameters(self, input, *args):
        """Take the channels of a first input."""
        if not self.has_uninitialized_params():
            return
        if input.ndim not in (self._dims + 1, self._dims + 2):
            raise RuntimeError(
                f"Expected {self._dims + 1}D (unbatched) or {self._dims + 2}D (batched) input to {type(self).__name__}, but "
                f"got input of size: {input.shape}"
            )
        self.in_channels = input.shape[-self._dims - 1]
        if self.in_channels % self.groups:
            raise ValueError("in_channels must be divisible by groups")
        self.weight.materialize(self._weight_shape())
        if self.bias is not None:
            self.bias.materialize((self.out_channels,))
        self.reset_parameters()


def _straight(
    self,
    out_channels,
    kernel_size,
    stride=1,
    padding=0,
    dilation=1,
    groups=1,
    bias=True,
    padding_mode="zeros",
    device=None,
    dtype=None,
):
    LazyModuleMixin.__init__(self, 0, 0, kernel_size, stride, padding, dilation, 1, False, padding_mode)
    self._begun(out_channels, groups, bias, device, dtype)


def _turned(
    self,
    out_channels,
    kernel_size,
    stride=1,
    padding=0,
    output_padding=0,
    groups=1,
    bias=True,
    dilation=1,
    padding_mode="zeros",
    device=None,
    dtype=None,
):
    LazyModuleMixin.__init__(
        self, 0, 0, kernel_size, stride, padding, output_padding, 1, False, dilation, padding_mode
    )
    self._begun(out_channels, groups, bias, device, dtype)


def _lazy(base):
    example = f"""
        >>> layer = pb.nn.Lazy{base.__name__}(2, 1)
        >>> _ = layer(pb.ones(1, 3{", 2" * base._dims}))
        >>> type(layer).__name__, layer.in_channels
        ('{base.__name__}', 3)
    """

    return type(
        f"Lazy{base.__name__}",
        (_Lazy, base),
        {
            "__module__": __name__,
            "__doc__": f"A {base.__name__} whose in_channels are those of its first input.\n\n    Example:{example}",
            "__init__": _turned if base._is_transposed else _straight,
            "cls_to_become": base,
        },
    )


LazyConv1d, LazyConv2d, LazyConv3d = map(_lazy, (Conv1d, Conv2d, Conv3d))
LazyConvTranspose1d, LazyConvTranspose2d, LazyConvTranspose3d = map(
    _lazy, (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)
)

__all__ = [
    *[f"{lazy}Conv{kind}{dims}d" for lazy in ("", "Lazy") for kind in ("", "Transpose") for dims in (1, 2, 3)]
]
