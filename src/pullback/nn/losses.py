"""Cross entropy: how far predicted classes are from the true ones."""

from .. import _core
from ..operators.declare import composed
from ..operators.row_functions import cross_entropy_of_indices

_REDUCTIONS = ("none", "mean", "sum")


@composed(public=False, method=False)
def cross_entropy(
    input,
    target,
    weight=None,
    size_average=None,
    ignore_index=-100,
    reduce=None,
    reduction="mean",
    label_smoothing=0.0,
):
    """The negative logarithm of the softmax of the logits `input` at the true classes `target`.

    `input` has shape (C), (N, C) or (N, C, d1, ...) for C classes. `target` holds class indices (int64 or uint8), of
    the same shape without C, or probabilities, of the same shape as `input` and its dtype. `weight` gives each class a
    weight; samples whose index is `ignore_index` count nothing. `reduction` is "mean" (over the weights of the samples
    that count), "sum" or "none". `label_smoothing` moves that part of each target evenly to all classes.
    `size_average` and `reduce` are the older form of `reduction`.

    With indices and neither weights nor smoothing, the logits are read once for the value and once for the gradient.
    Raises ValueError or RuntimeError for shapes that do not fit, IndexError for an index that is no class.

    Example:
        >>> pb.nn.functional.cross_entropy(pb.tensor([[2.0, 0.0], [0.0, 1.0]]), pb.tensor([0, 1]))
        tensor(0.2201)
    """
    if size_average is not None or reduce is not None:
        mean = size_average is None or size_average
        reduction = "none" if reduce is not None and not reduce else "mean" if mean else "sum"
    if reduction not in _REDUCTIONS:
        raise ValueError(f"{reduction} is not a valid value for reduction. Choose 'none', 'mean' or 'sum'.")
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(
            f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}. It is the part of each "
            "target that is spread over all classes."
        )
    if input.ndim == 0:
        raise RuntimeError("cross_entropy expects logits with a dimension of classes, but got a scalar.")
    classes = input.shape[0 if input.ndim == 1 else 1]
    if weight is not None and tuple(weight.shape) != (classes,):
        raise RuntimeError(
            f"cross_entropy: weight tensor should be defined either for all {classes} classes or no classes "
            f"but got weight tensor of shape: {list(weight.shape)}."
        )
    if tuple(target.shape) == tuple(input.shape) and not (input.ndim == 1 and target.ndim == 0):
        return _of_probabilities(input, target, weight, ignore_index, reduction, label_smoothing)
    return _of_indices(input, target, weight, ignore_index, reduction, label_smoothing)


def _check_indices(input, target):
    if target.dtype not in (_core.int64, _core.uint8):
        raise RuntimeError(
            f"expected target dtype to be Long or Byte, but got "
            f"{target.dtype._legacy_name}. Class indices are int64: target.long()."
        )
    if input.ndim == 1:
        if target.ndim != 0:
            raise RuntimeError(
                f"size mismatch (got input: {list(input.shape)}, target: {list(target.shape)}). One row of "
                "logits has one target."
            )
        return
    if target.ndim == 0 or input.shape[0] != target.shape[0]:
        batch = target.shape[0] if target.ndim else "none"
        raise ValueError(
            f"Expected input batch_size ({input.shape[0]}) to match target batch_size ({batch}). Targets have "
            "the shape of the logits without the classes."
        )
    if tuple(target.shape) != (input.shape[0], *input.shape[2:]):
        raise RuntimeError(
            f"Expected target size {[input.shape[0], *input.shape[2:]]}, got {list(target.shape)}. Targets have "
            "the shape of the logits without the classes."
        )


def _rows(input):
    """The logits as a matrix of rows: classes last."""
    if input.ndim == 1:
        return input.unsqueeze(0)
    return input if input.ndim == 2 else input.movedim(1, -1).reshape(-1, input.shape[1])


def _of_indices(input, target, weight, ignore_index, reduction, smoothing):
    _check_indices(input, target)
    rows, index = _rows(input), target.reshape(-1)
    if weight is None and smoothing == 0.0:
        loss = cross_entropy_of_indices(rows, index, reduction, ignore_index)
        return loss.reshape(target.shape) if reduction == "none" else loss
    index = index.long()
    counts = index != ignore_index
    # Where nothing counts, class 0 stands in; its loss is not selected. The plain loss checks the range.
    losses = cross_entropy_of_indices(rows, index, "none", ignore_index)
    safe = index.where(counts, index.new_zeros(()))
    shares = counts.to(rows.dtype) if weight is None else weight[safe].where(counts, 0.0)
    total = (1.0 - smoothing) * losses * shares
    if smoothing:
        logarithms = rows.log_softmax(1)
        spread = logarithms if weight is None else logarithms * weight
        total = total - (smoothing / rows.shape[1]) * spread.sum(1)
    total = total.where(counts, 0.0)
    if reduction == "none":
        return total.reshape(target.shape)
    return total.sum() / shares.sum() if reduction == "mean" else total.sum()


def _of_probabilities(input, target, weight, ignore_index, reduction, smoothing):
    if not target.is_floating_point():
        raise RuntimeError(
            "Expected floating point type for target with class probabilities, got "
            f"{str(target.dtype).rpartition('.')[2]}. Class indices have the shape of the logits without the classes."
        )
    if ignore_index >= 0:
        raise RuntimeError(
            "ignore_index is not supported for floating point target. Give the samples to be ignored "
            "probabilities of 0."
        )
    rows, p = _rows(input), _rows(target)
    if smoothing:
        p = (1.0 - smoothing) * p + smoothing / rows.shape[1]
    logarithms = rows.log_softmax(1)
    losses = -(logarithms * p if weight is None else logarithms * p * weight).sum(1)
    if reduction == "none":
        return losses.reshape((input.shape[0], *input.shape[2:]) if input.ndim > 1 else ())
    return losses.sum() / rows.shape[0] if reduction == "mean" else losses.sum()
