"""A layer and the batch normalisation behind it, made one layer: for networks that are no longer trained."""

import copy

from ...operators.creation import ones_like, zeros_like
from ..parameter import Parameter

__all__ = ["fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights"]


def _check(layer, bn):
    if layer.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("bn.running_mean and bn.running_var must not be None")


def fuse_conv_bn_eval(conv, bn, transpose=False):
    """A copy of a convolution that computes what it and then a batch normalisation do; `transpose` for transposed ones.

    Raises AssertionError where one of them is in training mode, and for a `bn` without running statistics.

    Example:
        >>> conv, bn = pb.nn.Conv1d(2, 3, 1).eval(), pb.nn.BatchNorm1d(3).eval()
        >>> bn.running_mean.copy_(pb.arange(3.0))
        tensor([0., 1., 2.])
        >>> x = pb.ones(1, 2, 4)
        >>> pb.nn.utils.fuse_conv_bn_eval(conv, bn)(x).allclose(bn(conv(x)), atol=1e-6)
        True
    """
    _check(conv, bn)
    made = copy.deepcopy(conv)
    made.weight, made.bias = fuse_conv_bn_weights(
        made.weight, made.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, transpose
    )
    return made


def fuse_conv_bn_weights(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, transpose=False):
    """The weight and the bias, as parameters, of the convolution that `fuse_conv_bn_eval` makes.

    Args:
        conv_w, conv_b: those of the convolution; the bias may be None.
        bn_rm, bn_rv, bn_eps: running mean and variance of the normalisation, of shape (C), and what is added to the latter.
        bn_w, bn_b: its weight and bias, of shape (C), or None.
        transpose: whether the channels are the weight's second dimension.

    Example:
        >>> w, b = pb.nn.utils.fuse_conv_bn_weights(
        ...     pb.ones(1, 1, 1), None, pb.tensor([3.0]), pb.tensor([4.0]), 0.0, None, None)
        >>> w.item(), b.item()
        (0.5, -1.5)
    """
    bias = zeros_like(bn_rm) if conv_b is None else conv_b
    scale = (ones_like(bn_rm) if bn_w is None else bn_w) * (bn_rv + bn_eps).rsqrt()
    shift = zeros_like(bn_rm) if bn_b is None else bn_b
    shape = ((1, -1) if transpose else (-1, 1)) + (1,) * (conv_w.ndim - 2)
    return _parameters(conv_w, bias, conv_w * scale.reshape(shape), (bias - bn_rm) * scale + shift, conv_b)


def fuse_linear_bn_eval(linear, bn):
    """A copy of a Linear that computes what it and then a batch normalisation do.

    Raises AssertionError where one of them is in training mode, for a `bn` without running statistics, and for one of
    another number of features than the layer's, if that is not 1.

    Example:
        >>> linear, bn = pb.nn.Linear(2, 3).eval(), pb.nn.BatchNorm1d(3).eval()
        >>> pb.nn.utils.fuse_linear_bn_eval(linear, bn)
        Linear(in_features=2, out_features=3, bias=True)
    """
    if not (linear.training or bn.training) and bn.num_features not in (1, linear.out_features):
        raise AssertionError(
            "To fuse, linear.out_features == bn.num_features or bn.num_features == 1, got "
            f"linear.out_features={linear.out_features} and bn.num_features={bn.num_features}"
        )
    _check(linear, bn)
    made = copy.deepcopy(linear)
    made.weight, made.bias = fuse_linear_bn_weights(
        made.weight, made.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
    )
    return made


def fuse_linear_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b):
    """The weight and the bias, as parameters, of the Linear that `fuse_linear_bn_eval` makes.

    Arguments as in `fuse_conv_bn_weights`.

    Example:
        >>> one, three = pb.ones(1), pb.tensor([3.0])
        >>> w, b = pb.nn.utils.fuse_linear_bn_weights(pb.ones(1, 2), None, three, 4 * one, 0.0, one, one)
        >>> w.tolist(), b.item()
        ([[0.5, 0.5]], -0.5)
    """
    bias = zeros_like(bn_rm) if linear_b is None else linear_b
    scale = bn_w * (bn_rv + bn_eps).rsqrt()
    return _parameters(
        linear_w, bias, linear_w * scale.unsqueeze(-1), (bias - bn_rm) * scale + bn_b, linear_b
    )


def _parameters(weight, bias, made_weight, made_bias, given_bias):
    """Parameters of the dtypes that the layer has."""
    kind = weight.dtype if given_bias is None else bias.dtype
    return (
        Parameter(made_weight.to(weight.dtype), weight.requires_grad),
        Parameter(made_bias.to(kind), bias.requires_grad),
    )
