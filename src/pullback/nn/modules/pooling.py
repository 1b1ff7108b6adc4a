"""Pooling as modules: a table over nn.functional."""

from .. import functional as F
from .conv import repeated
from .module import Module
from .simple import Simple, simple


class _Pool(Simple):
    """A window's stride is its size, where none is given."""

    def _made(self):
        if self.stride is None:
            self.stride = self.kernel_size


def _define(name, function, parameters, shown, given, printed, base=Simple):
    doc = f"""`nn.functional.{function.__name__}` as a module: see there for shapes and errors.

    Example:
        >>> pb.nn.{name}({given})
        {name}({printed})
    """
    return simple(name, function, parameters, shown, doc, base=base, module="pooling")


_MAX = {
    "kernel_size": ...,
    "stride": None,
    "padding": 0,
    "dilation": 1,
    "return_indices": False,
    "ceil_mode": False,
}
_MAX_SHOWN = "kernel_size={kernel_size}, stride={stride}, padding={padding}, dilation={dilation}, ceil_mode={ceil_mode}"
_AVG = {
    "kernel_size": ...,
    "stride": None,
    "padding": 0,
    "ceil_mode": False,
    "count_include_pad": True,
}
_AVG_SHOWN = "kernel_size={kernel_size}, stride={stride}, padding={padding}"
_LP = {"norm_type": ..., "kernel_size": ..., "stride": None, "ceil_mode": False}
_LP_SHOWN = "norm_type={norm_type}, kernel_size={kernel_size}, stride={stride}, ceil_mode={ceil_mode}"


class _Powers(Simple):
    """The stride stays None."""


class _Means1d(_Pool):
    """Numbers are shown as tuples."""

    def _made(self):
        super()._made()
        for name in ("kernel_size", "stride", "padding"):
            setattr(self, name, repeated(getattr(self, name), 1))


_made = {}
for _dims in (1, 2, 3):
    _made[f"MaxPool{_dims}d"] = _define(
        f"MaxPool{_dims}d",
        getattr(F, f"max_pool{_dims}d"),
        _MAX,
        _MAX_SHOWN,
        "2",
        "kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False",
        _Pool,
    )
    _one = _dims == 1
    _made[f"AvgPool{_dims}d"] = _define(
        f"AvgPool{_dims}d",
        getattr(F, f"avg_pool{_dims}d"),
        _AVG if _one else {**_AVG, "divisor_override": None},
        _AVG_SHOWN,
        "2",
        "kernel_size=(2,), stride=(2,), padding=(0,)" if _one else "kernel_size=2, stride=2, padding=0",
        _Means1d if _one else _Pool,
    )
    _made[f"LPPool{_dims}d"] = _define(
        f"LPPool{_dims}d",
        getattr(F, f"lp_pool{_dims}d"),
        _LP,
        _LP_SHOWN,
        "2, 3",
        "norm_type=2, kernel_size=3, stride=None, ceil_mode=False",
        _Powers,
    )
    _made[f"AdaptiveAvgPool{_dims}d"] = _define(
        f"AdaptiveAvgPool{_dims}d",
        getattr(F, f"adaptive_avg_pool{_dims}d"),
        {"output_size": ...},
        "output_size={output_size}",
        "5",
        "output_size=5",
    )
    _made[f"AdaptiveMaxPool{_dims}d"] = _define(
        f"AdaptiveMaxPool{_dims}d",
        getattr(F, f"adaptive_max_pool{_dims}d"),
        {"output_size": ..., "return_indices": False},
        "output_size={output_size}",
        "5",
        "output_size=5",
    )


class _Unpool(Simple):
    def _made(self):
        dims = self._dims
        self.kernel_size = repeated(self.kernel_size, dims)
        self.stride = self.kernel_size if self.stride is None else repeated(self.stride, dims)
        self.padding = repeated(self.padding, dims)

    def forward(self, input, indices, output_size=None):
        return type(self)._function(input, indices, self.kernel_size, self.stride, self.padding, output_size)


for _dims in (1, 2, 3):
    _size = f"({', '.join(['2'] * _dims)}{',' * (_dims == 1)})"
    _made[f"MaxUnpool{_dims}d"] = _define(
        f"MaxUnpool{_dims}d",
        getattr(F, f"max_unpool{_dims}d"),
        {"kernel_size": ..., "stride": None, "padding": 0},
        "kernel_size={kernel_size}, stride={stride}, padding={padding}",
        "2",
        f"kernel_size={_size}, stride={_size}, padding={_size.replace('2', '0')}",
        _Unpool,
    )
    _made[f"MaxUnpool{_dims}d"]._dims = _dims
globals().update(_made)


class _Fractional(Module):
    _dims = 0

    def __init__(
        self, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None
    ):
        super().__init__()
        dims = self._dims
        self.kernel_size = repeated(kernel_size, dims)
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size = None if output_size is None else repeated(output_size, dims)
        self.output_ratio = (output_ratio,) * dims if isinstance(output_ratio, float) else output_ratio
        if output_size is None and output_ratio is None:
            raise ValueError(
                f"FractionalMaxPool{dims}d requires specifying either an output size, or a pooling ratio"
            )
        if output_size is not None and output_ratio is not None:
            raise ValueError("only one of output_size and output_ratio may be specified")
        if self.output_ratio is not None and not all(0 < each < 1 for each in self.output_ratio):
            raise ValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")

    def forward(self, input):
        pool = (F.fractional_max_pool2d, F.fractional_max_pool3d)[self._dims - 2]
        return pool(
            input,
            self.kernel_size,
            self.output_size,
            self.output_ratio,
            self.return_indices,
            self._random_samples,
        )


class FractionalMaxPool2d(_Fractional):
    """`nn.functional.fractional_max_pool2d` as a module: see there for shapes and errors.

    Example:
        >>> pb.nn.FractionalMaxPool2d(2, output_size=3)(pb.ones(1, 7, 7)).shape
        pullback.Size([1, 3, 3])
    """

    _dims = 2


class FractionalMaxPool3d(_Fractional):
    """`nn.functional.fractional_max_pool3d` as a module: see there for shapes and errors.

    Example:
        >>> pb.nn.FractionalMaxPool3d(2, output_size=3)(pb.ones(1, 7, 7, 7)).shape
        pullback.Size([1, 3, 3, 3])
    """

    _dims = 3


__all__ = [*_made, "FractionalMaxPool2d", "FractionalMaxPool3d"]
