"""Cross entropy: how far predicted classes are from the true ones, by logits or by their logarithms of probabilities."""

from .. import _core
from ..operators.declare import composed
from ..operators.entries import every_entry
from ..operators.line_functions import cross_entropy_of_indices
from .reduction import reduced, reduction_of

__all__ = ["cross_entropy", "nll_loss"]


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
    reduction = reduction_of(reduction, size_average, reduce)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(
            f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}. It is the part of each "
            "target that is spread over all classes."
        )
    if input.ndim == 0:
        raise RuntimeError("cross_entropy expects logits with a dimension of classes, but got a scalar.")
    classes = input.shape[0 if input.ndim == 1 else 1]
    _check_weight("cross_entropy: ", weight, classes)
    if tuple(target.shape) == tuple(input.shape) and not (input.ndim == 1 and target.ndim == 0):
        return _of_probabilities(input, target, weight, ignore_index, reduction, label_smoothing)
    return _of_indices(input, target, weight, ignore_index, reduction, label_smoothing)


@composed(public=False, method=False)
def nll_loss(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean"):
    """The negative of `input`, logarithms of probabilities, at the true classes `target`.

    `input` has shape (C), (N, C) or (N, C, d1, ...) for C classes; `target`, int64 or uint8, the same without C. `weight`,
    of shape (C), multiplies the losses of its class; targets that are `ignore_index` count nothing.
    Shape: 0-d, or that of `target` with reduction="none"; the mean is over the weights of what counts.
    Derivative: in `input` and `weight`. `cross_entropy` is this after `log_softmax`.

    Raises:
        ValueError: a batch of another size; a 0-d `input`; an unknown `reduction`.
        RuntimeError: other shapes or dtypes that do not fit.
        IndexError: an index that is no class.

    Example:
        >>> logs = pb.tensor([[0.5, 0.5], [0.25, 0.75]]).log().requires_grad_()
        >>> loss = pb.nn.functional.nll_loss(logs, pb.tensor([0, 1]))
        >>> loss.backward()
        >>> loss.detach(), logs.grad
        (tensor(0.4904), tensor([[-0.5000,  0.0000],
                [ 0.0000, -0.5000]]))
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if input.ndim == 0:
        raise ValueError("Expected 1 or more dimensions (got 0). One of them is that of the classes.")
    _check_indices(input, target)
    rows, index = _rows(input), target.reshape(-1).long()
    classes = rows.shape[1]
    _check_weight("", weight, classes)
    counts = index != ignore_index
    safe = index.where(counts, index.new_zeros(()))
    seen = every_entry(safe)
    if index.numel() and not ((seen >= 0) & (seen < classes)).all():
        wrong = seen[(seen < 0) | (seen >= classes)][0].item()
        raise IndexError(f"Target {wrong} is out of bounds. There are {classes} classes: 0 to {classes - 1}.")
    shares = counts.to(rows.dtype) if weight is None else weight[safe].where(counts, 0.0)
    losses = (-rows.gather(1, safe.unsqueeze(1)).squeeze(1) * shares).where(counts, 0.0)
    return _named(_added_up(losses, shares, reduction), input, target, reduction)


def _added_up(losses, shares, reduction):
    """The losses of rows, which have shares in a mean."""
    if reduction == "mean":
        return losses.sum() / shares.sum()
    return reduced(losses, reduction)


def _named(loss, input, target, reduction):
    """A loss of indices as it is shaped, shown under PyTorch's name of the node."""
    if reduction == "none":
        loss = loss.reshape(target.shape)
        if input.ndim not in (1, 2, 4):
            return loss  # PyTorch reshapes it, too
    return _core.name_last_step(loss, "NllLossBackward0" if input.ndim < 3 else "NllLoss2DBackward0")


def _check_weight(who, weight, classes):
    if weight is not None and tuple(weight.shape) != (classes,):
        raise RuntimeError(
            f"{who}weight tensor should be defined either for all {classes} classes or no classes but got weight tensor "
            f"of shape: {list(weight.shape)}."
        )


def _check_indices(input, target):
    if input.ndim > 1 and (target.ndim == 0 or input.shape[0] != target.shape[0]):
        batch = target.shape[0] if target.ndim else 0
        raise ValueError(
            f"Expected input batch_size ({input.shape[0]}) to match target batch_size ({batch}). Targets have "
            "the shape of the logits without the classes."
        )
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
        return _named(loss, input, target, reduction)
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
    total = _named(_added_up(total.where(counts, 0.0), shares, reduction), input, target, reduction)
    return _core.name_last_step(total, "AddBackward0") if smoothing else total


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
