"""Normalisation with weights and running statistics of their own."""

import numbers

from ... import _core
from ...autograd import no_grad
from ...operators.creation import empty, ones, tensor, zeros
from .. import functional as F
from ..init import ones_, zeros_
from ..parameter import Parameter, UninitializedBuffer, UninitializedParameter
from .lazy import LazyModuleMixin
from .module import Module


def _add_weights(norm, shape, device, dtype, **there):
    """Parameters of a shape for the names that are there, None for the others."""
    for name, present in there.items():
        norm.register_parameter(
            name, Parameter(empty(shape, device=device, dtype=dtype)) if present else None
        )


def _first_values(norm):
    if norm.weight is not None:
        ones_(norm.weight)
    if norm.bias is not None:
        zeros_(norm.bias)


class _Norm(Module):
    """Weights and running statistics of channels."""

    _version = 2
    __constants__ = ["track_running_stats", "momentum", "eps", "num_features", "affine"]

    def __init__(
        self,
        num_features,
        eps=1e-05,
        momentum=0.1,
        affine=True,
        track_running_stats=True,
        device=None,
        dtype=None,
        *,
        bias=True,
    ):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        _add_weights(self, num_features, device, dtype, weight=affine, bias=affine and bias)
        if track_running_stats:
            self.register_buffer("running_mean", zeros(num_features, device=device, dtype=dtype))
            self.register_buffer("running_var", ones(num_features, device=device, dtype=dtype))
            self.register_buffer("num_batches_tracked", tensor(0, dtype=_core.int64))
        else:
            for name in ("running_mean", "running_var", "num_batches_tracked"):
                self.register_buffer(name, None)
        self.reset_parameters()

    def reset_running_stats(self):
        """Forget what was seen: mean 0 and variance 1."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self):
        """Weights 1 and biases 0, and the running statistics as at first."""
        self.reset_running_stats()
        _first_values(self)

    def _check_input_dim(self, input):
        dims = self._allowed
        if input.ndim not in dims:
            expected = " or ".join([f"{n}D" for n in dims])
            raise ValueError(f"expected {expected} input (got {input.ndim}D input)")

    def extra_repr(self):
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )

    def _load_from_state_dict(self, state_dict, prefix, local_metadata, *rest):
        version = local_metadata.get("version")
        key = prefix + "num_batches_tracked"
        if (version is None or version < 2) and self.track_running_stats and key not in state_dict:
            state_dict[key] = tensor(0, dtype=_core.int64)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)


_NormBase = _Norm


class _BatchNorm(_Norm):
    def _stop_tracking(self):  # for func.replace_all_batch_norm_modules_
        if self.track_running_stats:
            self.running_mean = self.running_var = self.num_batches_tracked = None
            self.track_running_stats = False

    def forward(self, input):
        self._check_input_dim(input)
        average = 0.0 if self.momentum is None else self.momentum
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:  # the mean of all that was seen
                average = 1.0 / float(self.num_batches_tracked)
        by_batch = self.training or (self.running_mean is None and self.running_var is None)
        tracked = not self.training or self.track_running_stats
        return F.batch_norm(
            input,
            self.running_mean if tracked else None,
            self.running_var if tracked else None,
            self.weight,
            self.bias,
            by_batch,
            average,
            self.eps,
        )


class BatchNorm1d(_BatchNorm):
    """`nn.functional.batch_norm` of (N, C) or (N, C, L), with weights, and running statistics where it is not training.

    `momentum` None makes these the mean of all batches.

    Example:
        >>> norm = pb.nn.BatchNorm1d(2)
        >>> norm(pb.tensor([[1.0, 10.0], [3.0, 30.0]])).detach()
        tensor([[-1.0000, -1.0000],
                [ 1.0000,  1.0000]])
        >>> norm.running_mean
        tensor([0.2000, 2.0000])
    """

    _allowed = (2, 3)


class BatchNorm2d(_BatchNorm):
    """`nn.functional.batch_norm` of images (N, C, H, W): see `BatchNorm1d`.

    Example:
        >>> pb.nn.BatchNorm2d(3)
        BatchNorm2d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)
    """

    _allowed = (4,)


class BatchNorm3d(_BatchNorm):
    """`nn.functional.batch_norm` of volumes (N, C, D, H, W): see `BatchNorm1d`.

    Example:
        >>> pb.nn.BatchNorm3d(3, affine=False).weight is None
        True
    """

    _allowed = (5,)


class _InstanceNorm(_Norm):
    def __init__(
        self,
        num_features,
        eps=1e-05,
        momentum=0.1,
        affine=False,
        track_running_stats=False,
        device=None,
        dtype=None,
        *,
        bias=True,
    ):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def forward(self, input):
        self._check_input_dim(input)
        single = input.ndim == self._allowed[0]
        given = input.unsqueeze(0) if single else input
        if given.shape[1] != self.num_features:
            if self.affine:
                raise ValueError(
                    f"expected input's size at dim=1 to match num_features ({self.num_features}), but got: {given.shape[1]}."
                )
            import warnings

            warnings.warn(
                "input's size at dim=1 does not match num_features. You can silence this warning by not passing in "
                "num_features, which is not used because affine=False",
                stacklevel=2,
            )
        result = F.instance_norm(
            given,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            0.0 if self.momentum is None else self.momentum,
            self.eps,
        )
        return result.squeeze(0) if single else result


class InstanceNorm1d(_InstanceNorm):
    """`nn.functional.instance_norm` of (C, L) or (N, C, L); weights and running statistics only where they are asked for.

    Example:
        >>> pb.nn.InstanceNorm1d(1)(pb.tensor([[1.0, 3.0]]))
        tensor([[-1.0000,  1.0000]])
    """

    _allowed = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """`nn.functional.instance_norm` of (C, H, W) or (N, C, H, W): see `InstanceNorm1d`.

    Example:
        >>> pb.nn.InstanceNorm2d(3)
        InstanceNorm2d(3, eps=1e-05, momentum=0.1, affine=False, bias=False, track_running_stats=False)
    """

    _allowed = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    """`nn.functional.instance_norm` of (C, D, H, W) or (N, C, D, H, W): see `InstanceNorm1d`.

    Example:
        >>> pb.nn.InstanceNorm3d(3, affine=True).weight.shape
        pullback.Size([3])
    """

    _allowed = (4, 5)


def _sizes(normalized_shape):
    if isinstance(normalized_shape, numbers.Integral):
        return (normalized_shape,)
    return tuple(normalized_shape)


class LayerNorm(Module):
    """`pullback.layer_norm` with weights: each row, of the shape `normalized_shape`, gets mean 0 and variance 1.

    Example:
        >>> pb.nn.LayerNorm(3)
        LayerNorm((3,), eps=1e-05, elementwise_affine=True, bias=True)
    """

    __constants__ = ["normalized_shape", "eps", "elementwise_affine"]

    def __init__(
        self, normalized_shape, eps=1e-05, elementwise_affine=True, bias=True, device=None, dtype=None
    ):
        super().__init__()
        self.normalized_shape, self.eps = _sizes(normalized_shape), eps
        self.elementwise_affine = elementwise_affine
        _add_weights(
            self,
            self.normalized_shape,
            device,
            dtype,
            weight=elementwise_affine,
            bias=elementwise_affine and bias,
        )
        self.reset_parameters()

    def reset_parameters(self):
        """Weights 1 and biases 0."""
        _first_values(self)

    def forward(self, input):
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self):
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class GroupNorm(Module):
    """`nn.functional.group_norm` with weights.

    Raises ValueError for channels that `num_groups` does not divide.

    Example:
        >>> pb.nn.GroupNorm(2, 6)
        GroupNorm(2, 6, eps=1e-05, affine=True, bias=True)
    """

    __constants__ = ["num_groups", "num_channels", "eps", "affine"]

    def __init__(
        self, num_groups, num_channels, eps=1e-05, affine=True, device=None, dtype=None, *, bias=True
    ):
        super().__init__()
        if num_channels % num_groups:
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        _add_weights(self, num_channels, device, dtype, weight=affine, bias=affine and bias)
        self.reset_parameters()

    def reset_parameters(self):
        """Weights 1 and biases 0."""
        _first_values(self)

    def forward(self, input):
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self):
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """`nn.functional.rms_norm` with weights.

    Example:
        >>> pb.nn.RMSNorm(3)
        RMSNorm((3,), eps=None, elementwise_affine=True)
    """

    __constants__ = ["normalized_shape", "eps", "elementwise_affine"]

    def __init__(self, normalized_shape, eps=None, elementwise_affine=True, device=None, dtype=None):
        super().__init__()
        self.normalized_shape, self.eps = _sizes(normalized_shape), eps
        self.elementwise_affine = elementwise_affine
        _add_weights(self, self.normalized_shape, device, dtype, weight=elementwise_affine)
        self.reset_parameters()

    def reset_parameters(self):
        """Weights 1."""
        if self.elementwise_affine:
            ones_(self.weight)

    def forward(self, input):
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self):
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class _LazyNorm(LazyModuleMixin):
    def __init__(
        self,
        eps=1e-05,
        momentum=0.1,
        affine=True,
        track_running_stats=True,
        device=None,
        dtype=None,
        *,
        bias=True,
    ):
        super().__init__(0, eps, momentum, False, False)
        self.affine, self.track_running_stats = affine, track_running_stats
        if affine:
            self.weight = UninitializedParameter(device=device, dtype=dtype)
        if affine and bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)
        if track_running_stats:
            self.running_mean = UninitializedBuffer(device=device, dtype=dtype)
            self.running_var = UninitializedBuffer(device=device, dtype=dtype)
            self.num_batches_tracked = tensor(0, dtype=_core.int64)

    def reset_parameters(self):
        if not self.has_uninitialized_params() and self.num_features != 0:
            super().reset_parameters()

    def initialize_parameters(self, input):
        """Take the channels of a first input."""
        if not self.has_uninitialized_params():
            return
        single = isinstance(self, _InstanceNorm) and input.ndim == min(self._allowed)
        self.num_features = input.shape[0 if single else 1]
        for each in (self.weight, self.bias, self.running_mean, self.running_var):
            if each is not None and hasattr(each, "materialize"):
                with no_grad():
                    each.materialize((self.num_features,))
        self.reset_parameters()


def _lazy(base):
    dims = ", 2" * (max(base._allowed) - 2)
    page = f"""A {base.__name__} whose num_features are the channels of its first input.

    Example:
        >>> norm = pb.nn.Lazy{base.__name__}()
        >>> _ = norm(pb.ones(2, 3{dims}))
        >>> norm.num_features
        3
    """
    named = {"__module__": __name__, "__doc__": page, "cls_to_become": base}
    return type(f"Lazy{base.__name__}", (_LazyNorm, base), named)


LazyBatchNorm1d, LazyBatchNorm2d, LazyBatchNorm3d = map(_lazy, (BatchNorm1d, BatchNorm2d, BatchNorm3d))
LazyInstanceNorm1d, LazyInstanceNorm2d, LazyInstanceNorm3d = map(
    _lazy, (InstanceNorm1d, InstanceNorm2d, InstanceNorm3d)
)

__all__ = [
    "GroupNorm",
    "LayerNorm",
    "RMSNorm",
    *[
        f"{lazy}{kind}Norm{dims}d"
        for lazy in ("", "Lazy")
        for kind in ("Batch", "Instance")
        for dims in (1, 2, 3)
    ],
]
