"""Rows of a table by their numbers, the table first; bags of rows, with what they consist of."""

from ...operators.creation import arange
from ...operators.declare import composed
from .. import functional as F
from ..embeddings import _bags, _check_indices, _check_range, _renormalise

__all__ = ["embedding", "embedding_bag", "embedding_renorm_"]

_BAGS = ("sum", "mean", "max")


@composed(public=False, method=False)
def embedding(weight, indices, padding_idx=-1, scale_grad_by_freq=False, sparse=False):
    """`nn.functional.embedding`, the table first. The row `padding_idx` gets no gradient; a negative number is no row.

    Raises RuntimeError for indices that are no integers, IndexError for a number that is no row.

    Example:
        >>> pb.embedding(pb.tensor([[0.0, 1.0], [2.0, 3.0]]), pb.tensor([1, 1]))
        tensor([[2., 3.],
                [2., 3.]])
    """
    padding_idx = padding_idx if 0 <= padding_idx < len(weight) else None
    return F.embedding(indices, weight, padding_idx, None, 2.0, scale_grad_by_freq, sparse)


@composed(public=False, method=False)
def embedding_renorm_(input, indices, max_norm, norm_type):
    """The table `input`, of which the rows that are named and longer than `max_norm` are shortened, in place.

    Raises RuntimeError for indices that are no integers, IndexError for a number that is no row.

    Example:
        >>> pb.embedding_renorm_(pb.tensor([[3.0, 4.0], [0.0, 2.0]]), pb.tensor([0]), 1.0, 2.0)
        tensor([[0.6000, 0.8000],
                [0.0000, 2.0000]])
    """
    _check_indices(indices, "#1", "embedding_renorm_")
    index = indices.reshape(-1).long()
    _check_range(index, len(input))
    _renormalise(input, index, max_norm, norm_type)
    return input


@composed(public=False, method=False, node="EmbeddingBagBackward0")
def embedding_bag(
    weight,
    indices,
    offsets,
    scale_grad_by_freq=False,
    mode=0,
    sparse=False,
    per_sample_weights=None,
    include_last_offset=False,
    padding_idx=None,
):
    """(bags, the bag of each index, sizes of the bags, largest entries) of `nn.functional.embedding_bag`, the table first.

    `mode` is a number: 0 for the sum, 1 for the mean, 2 for the largest. The bags of indices are known of means and largest
    entries only, and the rows that these are in, [bags, length of a row], of the latter only; elsewhere they are empty, or
    the sizes again.

    Raises ValueError for another number and for shapes that do not fit, RuntimeError for indices that are no integers and
    offsets that are none.

    Example:
        >>> table = pb.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
        >>> pb.embedding_bag(table, pb.tensor([0, 2, 1]), pb.tensor([0, 2]), mode=1)
        (tensor([[3., 4.],
                [3., 4.]]), tensor([0, 0, 1]), tensor([2, 1]), tensor([2, 1]))
    """
    if mode not in range(3):
        raise ValueError(f"mode has to be 0 (sum), 1 (mean) or 2 (max), but got: {mode}")
    made = F.embedding_bag(
        indices,
        weight,
        offsets,
        scale_grad_by_freq=scale_grad_by_freq,
        mode=_BAGS[mode],
        per_sample_weights=per_sample_weights,
        include_last_offset=include_last_offset,
        padding_idx=padding_idx,
    )
    bag, bags = _bags(indices, offsets, include_last_offset)
    index = indices.reshape(-1).long()
    counts = (
        index.new_ones(index.shape) if padding_idx is None else (index != padding_idx % len(weight)).long()
    )
    sizes = index.new_zeros(bags).index_add(0, bag, counts)
    if mode == 0:
        return made, index.new_empty(0), sizes, sizes.clone()
    if mode == 1:
        return made, bag, sizes, sizes.clone()
    return made, bag, sizes, _where_largest(weight.detach(), made.detach(), index, bag, counts)


def _where_largest(weight, made, index, bag, counts):
    """The row of the table that each largest entry is in, the first of several; 0 for empty bags."""
    n = len(index)
    places = arange(n).unsqueeze(1).expand(n, made.shape[1])
    hit = (weight[index] == made[bag]) & (counts > 0).unsqueeze(1)
    first = index.new_full(made.shape, n).scatter_reduce(
        0, bag.unsqueeze(1).expand(n, made.shape[1]), places.where(hit, n), "amin"
    )
    return index[first.clamp(max=max(n - 1, 0))].where(first < n, 0) if n else first
