"""Losses whose reduction is a number: 0 for none, 1 for the mean, 2 for the sum; without one the losses are as they are."""

from ...operators.declare import composed
from .. import functional as F
from ..reduction import REDUCTIONS

__all__ = [
    "binary_cross_entropy_with_logits",
    "cosine_embedding_loss",
    "ctc_loss",
    "hinge_embedding_loss",
    "kl_div",
    "margin_ranking_loss",
    "poisson_nll_loss",
    "triplet_margin_loss",
]


def named(operation, position, reduction):
    """The word for a reduction, in `nn.functional`."""
    if not hasattr(reduction, "__index__"):
        raise TypeError(
            f"{operation}(): argument 'reduction' (position {position}) must be int, not {type(reduction).__name__}. "
            f"Words are those of pullback.nn.functional.{operation}."
        )
    if not 0 <= reduction < len(REDUCTIONS):
        raise ValueError(
            f"{reduction} is not a valid value for reduction. It is 0 (none), 1 (mean) or 2 (sum)."
        )
    return REDUCTIONS[reduction]


@composed(public=False, method=False)
def binary_cross_entropy_with_logits(input, target, weight=None, pos_weight=None, reduction=0):
    """`nn.functional.binary_cross_entropy_with_logits`, whose reduction is a number.

    Raises ValueError for shapes that differ and for another number, TypeError for a word.

    Example:
        >>> z, target = pb.tensor([0.0, 200.0]), pb.tensor([1.0, 1.0])
        >>> pb.binary_cross_entropy_with_logits(z, target), pb.binary_cross_entropy_with_logits(z, target, reduction=2)
        (tensor([0.6931, 0.0000]), tensor(0.6931))
    """
    reduction = named("binary_cross_entropy_with_logits", 5, reduction)
    return F.binary_cross_entropy_with_logits(
        input, target, weight, reduction=reduction, pos_weight=pos_weight
    )


@composed(public=False, method=False)
def cosine_embedding_loss(input1, input2, target, margin=0.0, reduction=0):
    """`nn.functional.cosine_embedding_loss`, whose reduction is a number.

    Raises RuntimeError for shapes that do not fit, ValueError for another number, TypeError for a word.

    Example:
        >>> a, b = pb.tensor([[1.0, 0.0], [1.0, 0.0]]), pb.tensor([[0.0, 1.0], [1.0, 0.0]])
        >>> pb.cosine_embedding_loss(a, b, pb.tensor([1, 1]))
        tensor([1., 0.])
    """
    reduction = named("cosine_embedding_loss", 5, reduction)
    return F.cosine_embedding_loss(input1, input2, target, margin, reduction=reduction)


@composed(public=False, method=False)
def ctc_loss(log_probs, targets, input_lengths, target_lengths, blank=0, reduction=0, zero_infinity=False):
    """`nn.functional.ctc_loss`, whose reduction is a number.

    Raises RuntimeError for lengths and shapes that do not fit, ValueError for another number, TypeError for a word.

    Example:
        >>> p = pb.tensor([[[0.4, 0.6]], [[0.5, 0.5]]])  # two times, a blank and one symbol
        >>> pb.ctc_loss(p.log(), pb.tensor([[1]]), (2,), (1,)).neg().exp()
        tensor([0.8000])
    """
    reduction = named("ctc_loss", 6, reduction)
    return F.ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, reduction, zero_infinity)


@composed(public=False, method=False)
def hinge_embedding_loss(input, target, margin=1.0, reduction=0):
    """`nn.functional.hinge_embedding_loss`, whose reduction is a number.

    Raises ValueError for another number, TypeError for a word.

    Example:
        >>> pb.hinge_embedding_loss(pb.tensor([0.25, 0.25]), pb.tensor([1, -1]), 1.0, 2)
        tensor(1.)
    """
    return F.hinge_embedding_loss(
        input, target, margin, reduction=named("hinge_embedding_loss", 4, reduction)
    )


@composed(public=False, method=False)
def kl_div(input, target, reduction=0, *, log_target=False):
    """`nn.functional.kl_div`, whose reduction is a number.

    Raises ValueError for another number, TypeError for a word.

    Example:
        >>> pb.kl_div(pb.tensor([0.5, 0.5]).log(), pb.tensor([0.25, 0.75]))
        tensor([-0.1733,  0.3041])
    """
    reduction = named("kl_div", 3, reduction)
    if reduction == "mean":  # the word has a warning of its own: a mean over all elements is seldom meant
        return F.kl_div(input, target, reduction="none", log_target=log_target).mean()
    return F.kl_div(input, target, reduction=reduction, log_target=log_target)


@composed(public=False, method=False)
def margin_ranking_loss(input1, input2, target, margin=0.0, reduction=0):
    """`nn.functional.margin_ranking_loss`, whose reduction is a number.

    Raises RuntimeError for different numbers of dimensions, ValueError for another number, TypeError for a word.

    Example:
        >>> pb.margin_ranking_loss(pb.tensor([1.0, 2.0]), pb.tensor([2.0, 1.0]), pb.tensor([1.0, 1.0]))
        tensor([1., 0.])
    """
    reduction = named("margin_ranking_loss", 5, reduction)
    return F.margin_ranking_loss(input1, input2, target, margin, reduction=reduction)


@composed(public=False, method=False)
def poisson_nll_loss(input, target, log_input, full, eps, reduction):
    """`nn.functional.poisson_nll_loss`, whose reduction is a number.

    Raises ValueError for another number, TypeError for a word.

    Example:
        >>> pb.poisson_nll_loss(pb.tensor([0.0, 1.0]), pb.tensor([1.0, 2.0]), True, False, 1e-8, 0)
        tensor([1.0000, 0.7183])
    """
    reduction = named("poisson_nll_loss", 6, reduction)
    return F.poisson_nll_loss(input, target, log_input, full, eps=eps, reduction=reduction)


@composed(public=False, method=False)
def triplet_margin_loss(anchor, positive, negative, margin=1.0, p=2.0, eps=1e-06, swap=False, reduction=0):
    """`nn.functional.triplet_margin_loss`, whose reduction is a number.

    Raises RuntimeError for different numbers of dimensions, ValueError for another number, TypeError for a word.

    Example:
        >>> pb.triplet_margin_loss(pb.zeros(1, 2), pb.zeros(1, 2), pb.ones(1, 2), eps=0.0, p=1.0, margin=3.0)
        tensor([1.])
    """
    reduction = named("triplet_margin_loss", 8, reduction)
    return F.triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, reduction=reduction)
