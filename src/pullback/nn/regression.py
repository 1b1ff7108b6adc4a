"""Losses of predicted numbers: squares, distances, parabolas with straight ends, and likelihoods of two families."""

import math
import warnings

from .. import _core
from ..calculus.define import TABLE
from ..operators.declare import composed, require_real
from ..operators.entries import every_entry
from .reduction import reduced, reduction_of

__all__ = ["gaussian_nll_loss", "huber_loss", "l1_loss", "mse_loss", "poisson_nll_loss", "smooth_l1_loss"]


def _shapes_should_be_equal(input, target):
    if input.shape != target.shape:
        warnings.warn(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}). This will "
            "likely lead to incorrect results due to broadcasting. Please ensure they have the same size.",
            stacklevel=3,
        )


def _weighed(losses, weight, input, reduction, node="", by_weight=True):
    """Losses times their weights; the mean is over the weights, or over the number of losses."""
    if weight is None:
        return reduced(losses, reduction, node)
    if weight.shape != input.shape:
        raise ValueError(
            f"Weights and input must have the same size. The weights have {list(weight.shape)}, the input "
            f"{list(input.shape)}."
        )
    losses = losses * weight
    if reduction == "mean" and by_weight:
        return losses.sum() / weight.sum()
    return reduced(losses, reduction)


@composed(public=False, method=False)
def mse_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """The squares of input - target: their mean, their sum ("sum"), or each of them ("none").

    Shape: 0-d, or that of the operands with "none"; operands of other shapes are broadcast, with a warning. `weight`, of
    the shape of `input`, multiplies the squares, and the mean is over the weights.
    Dtype: the common dtype. `size_average` and `reduce` are the older form of `reduction`.

    Raises:
        RuntimeError: shapes that do not broadcast.
        ValueError: a `weight` of another shape; an unknown `reduction`.

    Example:
        >>> x = pb.tensor([1.0, 2.0, 5.0], requires_grad=True)
        >>> loss = pb.nn.functional.mse_loss(x, pb.tensor([1.0, 4.0, 4.0]))
        >>> loss.item()
        1.6666666269302368
        >>> loss.backward()
        >>> x.grad
        tensor([ 0.0000, -1.3333,  0.6667])
    """
    if weight is None:  # as PyTorch, which squares and weighs complex numbers by products
        require_real("mse_cpu", input, target)
    _shapes_should_be_equal(input, target)
    reduction = reduction_of(reduction, size_average, reduce)
    return _weighed((input - target).square(), weight, input, reduction, "MseLossBackward0")


@composed(public=False, method=False)
def l1_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """The distances |input - target|: their mean, their sum ("sum"), or each of them ("none").

    Shape, dtype, arguments and errors are those of `mse_loss`. The slope is 0 where both are equal.
    Raises RuntimeError for shapes that do not broadcast, ValueError for a `weight` of another shape than `input`.

    Example:
        >>> pb.nn.functional.l1_loss(pb.tensor([1.0, 2.0, 6.0]), pb.tensor([1.0, 4.0, 5.0]))
        tensor(1.)
    """
    _shapes_should_be_equal(input, target)
    reduction = reduction_of(reduction, size_average, reduce)
    return _weighed((input - target).abs(), weight, input, reduction)


@composed(public=False, method=False)
def smooth_l1_loss(input, target, size_average=None, reduce=None, reduction="mean", beta=1.0):
    """A parabola within `beta` of the target, 0.5 * d**2 / beta, and straight beyond, d - 0.5 * beta (arXiv:1504.08083).

    Shape, dtype and arguments are those of `mse_loss`; with a `beta` of 0 it is `l1_loss`.
    Raises RuntimeError for a negative `beta` and for shapes that do not broadcast.

    Example:
        >>> pb.nn.functional.smooth_l1_loss(pb.tensor([0.5, 3.0]), pb.tensor([0.0, 0.0]), reduction="none")
        tensor([0.1250, 2.5000])
    """
    _shapes_should_be_equal(input, target)
    reduction = reduction_of(reduction, size_average, reduce)
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss does not support negative values for beta. It is {beta}.")
    if beta == 0:
        return reduced((input - target).abs(), reduction)
    return reduced(TABLE["smooth_l1_loss"](input, target, beta), reduction, "SmoothL1LossBackward0")


@composed(public=False, method=False)
def huber_loss(input, target, reduction="mean", delta=1.0, weight=None):
    """Half the square within `delta` of the target, and straight beyond, delta * (d - 0.5 * delta) (Huber 1964).

    Shape and dtype are those of `mse_loss`; `weight` multiplies the losses, and the mean is over their number.
    Raises RuntimeError for a `delta` that is not positive, ValueError for a `weight` of another shape than `input`.

    Example:
        >>> pb.nn.functional.huber_loss(pb.tensor([0.5, 3.0]), pb.tensor([0.0, 0.0]), "none", delta=2.0)
        tensor([0.1250, 4.0000])
    """
    _shapes_should_be_equal(input, target)
    reduction = reduction_of(reduction)
    if not delta > 0:
        raise RuntimeError(f"huber_loss does not support non-positive values for delta. It is {delta}.")
    losses = TABLE["huber_loss"](input, target, delta)
    return _weighed(losses, weight, input, reduction, "HuberLossBackward0", by_weight=False)


@composed(public=False, method=False)
def poisson_nll_loss(
    input,
    target,
    log_input=True,
    full=False,
    size_average=None,
    eps=1e-08,
    reduce=None,
    reduction="mean",
):
    """The negative log likelihood of counts under Poisson's distribution, whose rate is e**input.

    Without `log_input` the rate is `input` itself, and its logarithm that of input + eps. `full` adds Stirling's
    approximation of log(target!), which depends on no parameter, for targets above 1.
    Shape: 0-d, or what the operands broadcast to with reduction="none". Raises ValueError for an unknown `reduction`.

    Example:
        >>> pb.nn.functional.poisson_nll_loss(pb.tensor([0.0, 1.0]), pb.tensor([1.0, 2.0]), reduction="none")
        tensor([1.0000, 0.7183])
    """
    reduction = reduction_of(reduction, size_average, reduce)
    losses = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        stirling = target * target.log() - target + 0.5 * (2 * math.pi * target).log()
        losses = losses + stirling.where(target > 1, 0.0)
    return reduced(losses, reduction)


@composed(public=False, method=False, kinds={"target": " ", "full": " "})
def gaussian_nll_loss(input, target, var, full=False, eps=1e-06, reduction="mean"):
    """The negative log likelihood of `target` under normal distributions of mean `input` and variance `var`.

    0.5 * (log(var) + (input - target)**2 / var), and 0.5 * log(2 pi) more with `full`. `var` has the shape of `input`, or
    one of its last dimension left out or 1, or is a number; it counts as not below `eps`, and its gradient passes there.
    Raises ValueError for a negative variance, for one of another shape, and for an unknown `reduction`.

    Example:
        >>> x, var = pb.tensor([0.0, 1.0]), pb.tensor([1.0, 4.0])
        >>> pb.nn.functional.gaussian_nll_loss(x, pb.tensor([1.0, 1.0]), var, reduction="none")
        tensor([0.5000, 0.6931])
    """
    if not isinstance(var, _core.Tensor):
        if var < 0:
            raise ValueError(f"var has negative entry/entries. It is {var}.")
        var = input.new_full(input.shape, var)
    elif every_entry(var < 0).any():
        raise ValueError("var has negative entry/entries. A variance is not negative: was it its logarithm?")
    var = _variance_beside(input, var)
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not valid. Choose 'none', 'mean' or 'sum' as reduction.")
    var = var + (eps - var.detach()).clamp(min=0)  # not below eps, and the slope stays 1
    losses = 0.5 * (var.log() + (input - target).square() / var)
    if full:
        losses = losses + 0.5 * math.log(2 * math.pi)
    return reduced(losses, reduction)


def _variance_beside(input, var):
    if var.shape == input.shape:
        return var
    if input.shape[:-1] == var.shape:
        return var.unsqueeze(-1)
    if input.ndim == var.ndim and sum(v for n, v in zip(input.shape, var.shape, strict=True) if n != v) == 1:
        return var
    raise ValueError(
        f"var is of incorrect size. It has {list(var.shape)} where the input has {list(input.shape)}: the same, or its "
        "last dimension left out, or one dimension of 1."
    )
