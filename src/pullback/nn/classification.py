"""Losses of predicted probabilities and scores of classes, but for cross entropy: likelihoods, divergences, margins."""

import warnings

from .. import _core
from ..calculus.define import TABLE
from ..operators.creation import arange
from ..operators.declare import composed, require_real
from ..operators.entries import every_entry
from .reduction import reduced, reduction_of

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "hinge_embedding_loss",
    "kl_div",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "soft_margin_loss",
]


@composed(public=False, method=False, node="BinaryCrossEntropyBackward0")
def binary_cross_entropy(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    """-(target * log(input) + (1 - target) * log(1 - input)): how far probabilities are from truth values.

    Logarithms are held at -100, and slopes in `input` at those of a probability of 1e-12, so that both stay finite.
    `target` has the shape of `input`, and entries from 0 to 1; `weight` multiplies the losses, and broadcasts.
    Shape: 0-d, or that of `input` with reduction="none". `size_average` and `reduce` are its older form.

    `binary_cross_entropy_with_logits` is exact where a sigmoid before this one has lost its digits.

    Raises:
        ValueError: a `target` of another shape; an unknown `reduction`.
        RuntimeError: an `input` that is no probability.

    Example:
        >>> p = pb.tensor([0.25, 0.5], requires_grad=True)
        >>> loss = pb.nn.functional.binary_cross_entropy(p, pb.tensor([0.0, 1.0]))
        >>> loss.backward()
        >>> loss.detach(), p.grad
        (tensor(0.4904), tensor([ 0.6667, -1.0000]))
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if target.shape != input.shape:
        raise ValueError(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}) is deprecated. "
            "Please ensure they have the same size."
        )
    require_real("binary_cross_entropy", input)
    faults = []
    for name, given, cure in (
        ("input", input, "They are probabilities: logits go to binary_cross_entropy_with_logits."),
        ("target", target, "They are probabilities: classes are 0.0 and 1.0."),
    ):
        seen = every_entry(given.detach())
        inside = (seen >= 0) & (seen <= 1)
        if not inside.all():
            faults.append((int(inside.flatten().int().argmin()), name, cure))
    if faults:
        _, name, cure = min(faults, key=lambda each: each[0])
        raise RuntimeError(f"all elements of {name} should be between 0 and 1. {cure}")
    losses = TABLE["binary_cross_entropy"](input, target)
    return reduced(losses if weight is None else losses * weight, reduction)


@composed(public=False, method=False, node="BinaryCrossEntropyWithLogitsBackward0")
def binary_cross_entropy_with_logits(
    input, target, weight=None, size_average=None, reduce=None, reduction="mean", pos_weight=None
):
    """`binary_cross_entropy` of sigmoid(input), without overflow, and without losing the digits of a sure prediction.

    `target` has the shape of `input`, and entries from 0 to 1; `weight` multiplies the losses, `pos_weight` the part of
    the positive class; both broadcast.
    Shape: 0-d, or that of `input` with reduction="none". `size_average` and `reduce` are its older form.
    Raises ValueError for a `target` of another shape and for an unknown `reduction`.

    Example:
        >>> logits = pb.tensor([-1.0, 2.0, 200.0], requires_grad=True)
        >>> loss = pb.nn.functional.binary_cross_entropy_with_logits(logits, pb.tensor([0.0, 1.0, 0.0]), reduction="sum")
        >>> loss.backward()
        >>> loss.detach(), logits.grad
        (tensor(200.4402), tensor([ 0.2689, -0.1192,  1.0000]))
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if target.shape != input.shape:
        raise ValueError(
            f"Target size ({target.size()}) must be the same as input size ({input.size()}). Bring one to the shape of "
            "the other: a column and a row would make a table."
        )
    if pos_weight is None:
        losses = TABLE["binary_cross_entropy_with_logits"](input, target)
    else:  # (1 - t) * softplus(x) + w * t * softplus(-x), of which the first is x + softplus(-x)
        tail = TABLE["binary_cross_entropy_with_logits"](input, target.new_ones(()))
        losses = (1 - target) * input + (1 + (pos_weight - 1) * target) * tail
    return reduced(losses if weight is None else losses * weight, reduction)


@composed(public=False, method=False)
def kl_div(input, target, size_average=None, reduce=None, reduction="mean", log_target=False):
    """The Kullback-Leibler divergence's terms, target * (log(target) - input): `input` is a logarithm of probabilities.

    With `log_target`, `target` is one as well. A target of 0 costs 0. "mean" divides by the number of elements, with a
    warning, since the divergence is "batchmean": over the first dimension.
    Shape: 0-d, or what the operands broadcast to with reduction="none".
    Raises RuntimeError for shapes that do not broadcast, ValueError for an unknown `reduction`.

    Example:
        >>> q, p = pb.tensor([[0.5, 0.5]]), pb.tensor([[0.25, 0.75]])
        >>> pb.nn.functional.kl_div(q.log(), p, reduction="batchmean")
        tensor(0.1308)
    """
    by_batch = reduction == "batchmean" and size_average is None and reduce is None
    if by_batch:
        reduction = "sum"
    elif reduction == "mean" and size_average is None and reduce is None:
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size.'batchmean' divides "
            "only by the batch size, and aligns with the KL div math definition.'mean' will be changed to behave the "
            "same as 'batchmean' in the next major release.",
            stacklevel=2,
        )
    reduction = reduction_of(reduction, size_average, reduce)
    if input.is_complex() or target.is_complex():
        raise RuntimeError("kl_div: Complex inputs not supported. Probabilities are real.")
    terms = target.exp() * (target - input) if log_target else target.xlogy(target) - target * input
    terms = reduced(terms, reduction)
    return terms / input.shape[0] if by_batch and input.ndim else terms


@composed(public=False, method=False, node="SoftMarginLossBackward0")
def soft_margin_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    """log(1 + e**(-target * input)), for targets of -1 and 1.

    Shape: 0-d, or what the operands broadcast to with reduction="none". Of real numbers nothing overflows; of complex ones the
    logarithm is that of the sum as it stands.
    Raises RuntimeError for shapes that do not broadcast, ValueError for an unknown `reduction`.

    Example:
        >>> pb.nn.functional.soft_margin_loss(pb.tensor([2.0, 2.0]), pb.tensor([1.0, -1.0]), reduction="none")
        tensor([0.1269, 2.1269])
    """
    reduction = reduction_of(reduction, size_average, reduce)
    agreement = target * input
    if agreement.is_complex():
        return reduced((1 + (-agreement).exp()).log(), reduction)
    return reduced(-TABLE["logsigmoid"](agreement), reduction)


@composed(public=False, method=False, kinds={"target": " ", "weight": " "})
def multilabel_soft_margin_loss(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    """The mean of `binary_cross_entropy_with_logits` over the last dimension, which is that of the labels.

    `input` and `target`, which is 0 or 1, have shape [..., labels]; `weight` multiplies, and broadcasts.
    Shape: 0-d, or [...] with reduction="none". Raises ValueError for an unknown `reduction`.

    Example:
        >>> x, labels = pb.tensor([[2.0, -2.0, 0.0]]), pb.tensor([[1.0, 0.0, 1.0]])
        >>> pb.nn.functional.multilabel_soft_margin_loss(x, labels)
        tensor(0.3157)
    """
    reduction = reduction_of(reduction, size_average, reduce)
    losses = TABLE["binary_cross_entropy_with_logits"](input, target)
    if weight is not None:
        losses = losses * weight
    return reduced(losses.sum(-1) / input.size(-1), reduction)


@composed(public=False, method=False)
def hinge_embedding_loss(input, target, margin=1.0, size_average=None, reduce=None, reduction="mean"):
    """A distance `input` where `target` is 1, what it lacks of `margin` where it is -1, and both where it is neither.

    Shape: 0-d, or what the operands broadcast to with reduction="none".
    Raises RuntimeError for shapes that do not broadcast, ValueError for an unknown `reduction`.

    Example:
        >>> distance, same = pb.tensor([0.25, 0.25, 3.0]), pb.tensor([1, -1, -1])
        >>> pb.nn.functional.hinge_embedding_loss(distance, same, reduction="none")
        tensor([0.2500, 0.7500, 0.0000])
    """
    reduction = reduction_of(reduction, size_average, reduce)
    near = input.where(target != -1, 0.0)
    far = (margin - input).clamp(min=0).where(target != 1, 0.0)
    return reduced(near + far, reduction)


@composed(public=False, method=False, node="MultiMarginLossBackward0")
def multi_margin_loss(
    input, target, p=1, margin=1.0, weight=None, size_average=None, reduce=None, reduction="mean"
):
    """The sum over the wrong classes of max(0, margin - score of the right one + score)**p, over the number of classes.

    `input` has shape (C) or (N, C), `target` holds class indices, int64, of shape () or (N). `p` is 1 or 2. `weight`, of
    shape (C), multiplies the terms by the weight of the right class.
    Shape: 0-d, or that of `target` with reduction="none".

    Raises:
        ValueError: another `p`; a `weight` of more dimensions; an unknown `reduction`.
        RuntimeError: shapes that do not fit; an index that is no class.

    Example:
        >>> scores = pb.tensor([[0.1, 0.2, 0.4, 0.8]])
        >>> pb.nn.functional.multi_margin_loss(scores, pb.tensor([3]))
        tensor(0.3250)
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if input.ndim > 2:
        raise RuntimeError(
            f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {list(input.shape)}"
        )
    scores = input.reshape(1, -1) if input.ndim < 2 else input
    samples, classes = scores.shape
    if target.ndim > 1 or target.numel() != samples:
        raise RuntimeError(
            "multi_margin_loss: target tensor should be 1-D with size equal to the number of input samples (batch "
            f"size). Expected target size [{samples}], but got {list(target.shape)}. Input has shape "
            f"{list(input.shape)}."
        )
    if weight is not None:
        if weight.ndim != 1:
            raise ValueError("weight must be one-dimensional")
        if weight.numel() != classes:
            raise RuntimeError(
                f"inconsistent weight size, expected {classes} but got {list(weight.shape)}. Each class has one weight."
            )
    right = target.reshape(samples, 1)
    if samples and not every_entry((right >= 0) & (right < classes)).all():
        raise RuntimeError(f"target out of range. There are {classes} classes: 0 to {classes - 1}.")
    terms = (margin - scores.gather(1, right) + scores).clamp(min=0)
    if p == 2:
        terms = terms.square()
    if weight is not None:
        terms = terms * weight[right]
    wrong = arange(classes) != right
    losses = terms.where(wrong, 0.0).sum(1) / classes
    return reduced(losses.reshape(target.shape), reduction)


@composed(public=False, method=False, node="MultilabelMarginLossBackward0")
def multilabel_margin_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    """The sum over right and wrong classes of max(0, 1 - score of the right + score of the wrong), over the classes.

    `input` has shape (C) or (N, C), and `target` too: the indices of the right classes, int64, which end at the first -1.
    Shape: 0-d, or (N) with reduction="none".
    Raises RuntimeError for shapes that do not fit and for an index that is no class, ValueError for an unknown
    `reduction`.

    Example:
        >>> scores = pb.tensor([[0.1, 0.2, 0.4, 0.8]])
        >>> pb.nn.functional.multilabel_margin_loss(scores, pb.tensor([[3, 0, -1, 1]]))
        tensor(0.8500)
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if input.ndim > 2:
        raise RuntimeError(
            f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {list(input.shape)}"
        )
    if target.shape != input.shape:
        raise RuntimeError(
            f"inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}. Each row of the "
            "target has as many entries, of which those after the first -1 do not count."
        )
    scores, listed = [each.reshape(1, -1) if each.ndim < 2 else each for each in (input, target)]
    classes = scores.shape[1]
    if not every_entry((listed >= -1) & (listed < classes)).all():
        raise RuntimeError(
            f"argument #2 'target' is out of range. There are {classes} classes: 0 to {classes - 1}."
        )
    counts = (listed < 0).cumsum(1) == 0
    index = listed.where(counts, 0)
    right = counts.new_zeros(scores.shape, dtype=_core.int64).scatter_add(1, index, counts.long()) > 0
    distances = 1 - scores.gather(1, index).unsqueeze(2) + scores.unsqueeze(1)
    terms = distances.clamp(min=0).where(counts.unsqueeze(2) & ~right.unsqueeze(1), 0.0)
    losses = terms.sum((1, 2)) / classes
    return reduced(losses.reshape(()) if input.ndim < 2 else losses, reduction)
