"""Cross entropy of logits that are a linear map of what is given, as one function, with PyTorch's options."""

from __future__ import annotations

import dataclasses
import math

from .. import _core
from ..operators.declare import composed
from ..operators.products import linear
from .cross_entropy import cross_entropy

__all__ = ["linear_cross_entropy"]

_FLOATS = (_core.float16, _core.bfloat16, _core.float32, _core.float64)


@dataclasses.dataclass(slots=True, frozen=True)
class LinearCrossEntropyOptions:
    """How PyTorch divides `linear_cross_entropy` into chunks; checked and kept here, where the logits are one piece.

    Raises ValueError for an unknown `acc_policy` or `chunking_method`, a `batch_chunk_size` that is no positive int, and an
    `acc_dtype` that is no floating one.

    Example:
        >>> pb.nn.LinearCrossEntropyOptions(batch_chunk_size=8).batch_chunk_size
        8
    """

    allow_retain_graph: bool = False
    batch_chunk_size: int | None = None
    chunking_method: str | None = "auto"
    acc_policy: str = "auto"
    acc_dtype: _core.dtype | None = None

    def __post_init__(self):
        if self.acc_policy not in ("auto", "accurate", "balanced", "compact"):
            raise ValueError(f"invalid acc_policy: {self.acc_policy!r}")
        if self.chunking_method not in (None, "auto"):
            name, _, factor = self.chunking_method.partition(":")
            whole = name == self.chunking_method or (factor.isdigit() and int(factor) > 0)
            if name != "aspect_ratio" or not whole:
                raise ValueError(f"invalid chunking_method: {self.chunking_method!r}")
        size = self.batch_chunk_size
        if size is not None and not (isinstance(size, int) and size > 0):
            raise ValueError(f"batch_chunk_size must be positive int or None, got {size!r}")
        if self.acc_dtype is not None and self.acc_dtype not in _FLOATS:
            raise ValueError(
                "acc_dtype must be one of {None, torch.float16, torch.bfloat16, torch.float32, torch.float64}, got "
                f"{self.acc_dtype!r}. None picks it."
            )


@composed(public=False, method=False)
def linear_cross_entropy(
    input,
    linear_weight,
    target,
    *,
    linear_bias=None,
    weight=None,
    reduction="mean",
    ignore_index=None,
    label_smoothing=0.0,
    options=None,
):
    """`cross_entropy` of the logits `linear(input, linear_weight, linear_bias)`.

    Shapes: `input` (in) or (N, in); `linear_weight` (C, in) or, for logits of several dimensions, (C, d1, ..., in), and
    `linear_bias` the same without the last; `target`, `weight`, `reduction` and `label_smoothing` as in `cross_entropy`.
    `options` say how PyTorch divides the work, which changes no value; here the logits are computed in one piece.
    Derivative: in `input`, `linear_weight`, `linear_bias` and `weight`, of every order.
    Raises RuntimeError for shapes that do not fit, and for an `ignore_index` where the target is probabilities.

    Example:
        >>> x, w = pb.tensor([[1.0, 2.0]]), pb.tensor([[0.0, 1.0], [1.0, 0.0]])
        >>> pb.nn.functional.linear_cross_entropy(x, w, pb.tensor([0]))
        tensor(0.3133)
    """
    if input.ndim not in (1, 2):
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {input.ndim}")
    if linear_weight.ndim < 2:
        raise RuntimeError(f"expected linear_weight with dimensionality at least 2, got {linear_weight.ndim}")
    batch, features = tuple(input.shape[:-1]), input.shape[-1]
    classes, *several, inputs = linear_weight.shape
    if features != inputs:
        raise RuntimeError(
            "expected equal input and linear_weight last dimensions (in_features), "
            f"got {features} and {inputs}, respectively"
        )
    if linear_bias is not None and tuple(linear_bias.shape) != (classes, *several):
        raise RuntimeError(
            f"expected linear_bias shape {(classes, *several)}, got {tuple(linear_bias.shape)}"
        )
    if several and not batch:
        raise RuntimeError(
            f"K-dimensional loss defined by linear_weight shape {tuple(linear_weight.shape)} requires batched input, "
            f"(N, {features}), got unbatched input with shape {tuple(input.shape)}"
        )
    shape = (*batch, classes, *several)
    if tuple(target.shape) == shape and ignore_index is not None:
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    rows = math.prod(several, start=classes)
    bias = None if linear_bias is None else linear_bias.reshape(rows)
    logits = linear(input, linear_weight.reshape(rows, features), bias).reshape(shape)
    return cross_entropy(
        logits,
        target,
        weight=weight,
        ignore_index=-100 if ignore_index is None else ignore_index,
        reduction=reduction,
        label_smoothing=label_smoothing,
    )
