"""Modules of one function each that are neither activations, pooling nor losses: padding, shuffles, images, distances."""

from .. import functional as F
from .module import Module
from .simple import Simple, simple


def _define(name, function, parameters, shown, given, printed, base=Simple, renamed=None):
    doc = f"""`nn.functional.{function.__name__}` as a module: see there for shapes and errors.

    Example:
        >>> pb.nn.{name}({given})
        {name}({printed})
    """
    return simple(name, function, parameters, shown, doc, base=base, renamed=renamed, module="others")


class _Around(Simple):
    """Padding: of every side the same, or of each its own, the last dimension's first."""

    _dims = 0
    _mode = "constant"

    def _made(self):
        n = 2 * self._dims
        self.padding = (self.padding,) * n if isinstance(self.padding, int) else tuple(self.padding)

    def forward(self, input):
        value = getattr(self, "value", None)
        return F.pad(input, self.padding, self._mode, value)


class _Zeros(_Around):
    def forward(self, input):
        return F.pad(input, self.padding, "constant", 0.0)


_made = {}
for _kind, _mode in (
    ("Zero", "constant"),
    ("Constant", "constant"),
    ("Reflection", "reflect"),
    ("Replication", "replicate"),
    ("Circular", "circular"),
):
    for _dims in (1, 2, 3):
        _name = f"{_kind}Pad{_dims}d"
        _constant = _kind == "Constant"
        _sides = str((1,) * 2 * _dims)
        _made[_name] = _define(
            _name,
            F.pad,
            {"padding": ..., "value": ...} if _constant else {"padding": ...},
            "padding={padding}, value={value}" if _constant else "{padding}",
            "1, 0.5" if _constant else "1",
            f"padding={_sides}, value=0.5" if _constant else _sides,
            _Zeros if _kind == "Zero" else _Around,
        )
        _made[_name]._dims, _made[_name]._mode = _dims, _mode

_made["PixelShuffle"] = _define(
    "PixelShuffle",
    F.pixel_shuffle,
    {"upscale_factor": ...},
    "upscale_factor={upscale_factor}",
    "2",
    "upscale_factor=2",
)
_made["PixelUnshuffle"] = _define(
    "PixelUnshuffle",
    F.pixel_unshuffle,
    {"downscale_factor": ...},
    "downscale_factor={downscale_factor}",
    "2",
    "downscale_factor=2",
)
_made["ChannelShuffle"] = _define(
    "ChannelShuffle", F.channel_shuffle, {"groups": ...}, "groups={groups}", "2", "groups=2"
)
_made["CosineSimilarity"] = _define(
    "CosineSimilarity", F.cosine_similarity, {"dim": 1, "eps": 1e-8}, "", "dim=0", ""
)
_made["PairwiseDistance"] = _define(
    "PairwiseDistance",
    F.pairwise_distance,
    {"p": 2.0, "eps": 1e-6, "keepdim": False},
    "",
    "p=1.0",
    "",
    renamed={"norm": "p"},
)
_made["Fold"] = _define(
    "Fold",
    F.fold,
    {"output_size": ..., "kernel_size": ..., "dilation": 1, "padding": 0, "stride": 1},
    "output_size={output_size}, kernel_size={kernel_size}, dilation={dilation}, padding={padding}, stride={stride}",
    "4, 2",
    "output_size=4, kernel_size=2, dilation=1, padding=0, stride=1",
)
_made["Unfold"] = _define(
    "Unfold",
    F.unfold,
    {"kernel_size": ..., "dilation": 1, "padding": 0, "stride": 1},
    "kernel_size={kernel_size}, dilation={dilation}, padding={padding}, stride={stride}",
    "2",
    "kernel_size=2, dilation=1, padding=0, stride=1",
)
_made["LocalResponseNorm"] = _define(
    "LocalResponseNorm",
    F.local_response_norm,
    {"size": ..., "alpha": 1e-4, "beta": 0.75, "k": 1.0},
    "{size}, alpha={alpha}, beta={beta}, k={k}",
    "2",
    "2, alpha=0.0001, beta=0.75, k=1.0",
)
_made["Flatten"] = simple(
    "Flatten",
    lambda input, start_dim, end_dim: input.flatten(start_dim, end_dim),
    {"start_dim": 1, "end_dim": -1},
    "start_dim={start_dim}, end_dim={end_dim}",
    """`Tensor.flatten` as a module: all dimensions but the first become one.

    Example:
        >>> pb.nn.Flatten()(pb.ones(2, 3, 4)).shape
        pullback.Size([2, 12])
    """,
    module="others",
)


class _Dropout(Simple):
    def _made(self):
        if not 0 <= self.p <= 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {self.p}")

    def forward(self, input):
        return type(self)._function(input, self.p, self.training, self.inplace)

    def extra_repr(self):
        return f"p={self.p}, inplace={self.inplace}"


for _name, _function in {
    "Dropout": F.dropout,
    "Dropout1d": F.dropout1d,
    "Dropout2d": F.dropout2d,
    "Dropout3d": F.dropout3d,
    "AlphaDropout": F.alpha_dropout,
    "FeatureAlphaDropout": F.feature_alpha_dropout,
}.items():
    _made[_name] = _define(
        _name, _function, {"p": 0.5, "inplace": False}, "", "0.25", "p=0.25, inplace=False", _Dropout
    )
globals().update(_made)
Dropout, PairwiseDistance = _made["Dropout"], _made["PairwiseDistance"]


class Unflatten(Module):
    """One dimension as several: `Tensor.unflatten` as a module.

    `dim` is a number, `unflattened_size` the sizes. Raises TypeError for sizes that are no integers.

    Example:
        >>> pb.nn.Unflatten(1, (2, 3))(pb.ones(4, 6)).shape
        pullback.Size([4, 2, 3])
    """

    __constants__ = ["dim", "unflattened_size"]

    def __init__(self, dim, unflattened_size):
        super().__init__()
        if not isinstance(dim, int):
            raise TypeError("invalid argument type for dim parameter: named dimensions are not there")
        if not isinstance(unflattened_size, (tuple, list)):
            raise TypeError(
                f"unflattened_size must be a tuple of ints, but found type {type(unflattened_size).__name__}"
            )
        for position, size in enumerate(unflattened_size):
            if not isinstance(size, int):
                raise TypeError(
                    f"unflattened_size must be tuple of ints, but found element of type {type(size).__name__} at pos "
                    f"{position}"
                )
        self.dim, self.unflattened_size = dim, unflattened_size

    def forward(self, input):
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self):
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


class Upsample(Module):
    """`nn.functional.interpolate` as a module: see there for modes, shapes and errors.

    Example:
        >>> pb.nn.Upsample(scale_factor=2)
        Upsample(scale_factor=2.0, mode='nearest')
    """

    __constants__ = ["size", "scale_factor", "mode", "align_corners", "name", "recompute_scale_factor"]

    def __init__(
        self, size=None, scale_factor=None, mode="nearest", align_corners=None, recompute_scale_factor=None
    ):
        super().__init__()
        self.name = type(self).__name__
        self.size = size
        if isinstance(scale_factor, (tuple, list)):
            scale_factor = tuple([float(each) for each in scale_factor])
        self.scale_factor = (
            float(scale_factor) if scale_factor and not isinstance(scale_factor, tuple) else scale_factor
        )
        self.mode, self.align_corners = mode, align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input):
        return F.interpolate(
            input,
            self.size,
            self.scale_factor,
            self.mode,
            self.align_corners,
            self.recompute_scale_factor,
        )

    def extra_repr(self):
        how = (
            f"scale_factor={self.scale_factor!r}" if self.scale_factor is not None else f"size={self.size!r}"
        )
        return f"{how}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """An Upsample of mode "nearest", under its older name.

    Example:
        >>> pb.nn.UpsamplingNearest2d(scale_factor=2)(pb.ones(1, 1, 2, 2)).shape
        pullback.Size([1, 1, 4, 4])
    """

    def __init__(self, size=None, scale_factor=None):
        super().__init__(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample):
    """An Upsample of mode "bilinear" whose corners stay, under its older name.

    Example:
        >>> pb.nn.UpsamplingBilinear2d(scale_factor=2)(pb.ones(1, 1, 2, 2)).shape
        pullback.Size([1, 1, 4, 4])
    """

    def __init__(self, size=None, scale_factor=None):
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)


__all__ = [*_made, "Unflatten", "Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d"]
