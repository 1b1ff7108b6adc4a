"""How losses are added up: `reduction`, and the older pair of arguments that says the same."""

import warnings

from .. import _core

REDUCTIONS = ("none", "mean", "sum")


def reduction_of(reduction, size_average=None, reduce=None):
    """The reduction that is meant: `size_average` and `reduce`, where given, go before `reduction`."""
    if size_average is not None or reduce is not None:
        mean = size_average is None or size_average
        reduction = "none" if reduce is not None and not reduce else "mean" if mean else "sum"
        warnings.warn(
            f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.",
            stacklevel=3,
        )
    elif reduction not in REDUCTIONS:
        if reduction == "elementwise_mean":
            warnings.warn(
                "reduction='elementwise_mean' is deprecated. Please use reduction='mean' instead.",
                stacklevel=3,
            )
            return "mean"
        raise ValueError(f"{reduction} is not a valid value for reduction. Choose 'none', 'mean' or 'sum'.")
    return reduction


def reduced(losses, reduction, node=""):
    """Losses as they are, their mean, or their sum; the last step is shown under the name `node`, if it is given."""
    if reduction == "mean":
        losses = losses.mean()
    elif reduction == "sum":
        losses = losses.sum()
    return _core.name_last_step(losses, node) if node else losses
