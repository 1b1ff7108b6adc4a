"""Rows of a table by their numbers: embeddings, bags of them, and one-hot vectors."""

from .. import _core
from ..autograd import no_grad
from ..operators.creation import arange, zeros
from ..operators.declare import composed
from ..operators.entries import every_entry

__all__ = ["embedding", "embedding_bag", "one_hot"]

_INDICES = (_core.int64, _core.int32)


def _check_indices(index, which, operation):
    if index.dtype not in _INDICES:
        raise RuntimeError(
            f"Expected tensor for argument {which} 'indices' to have one of the following scalar types: Long, Int; but "
            f"got {index.type()} instead (while checking arguments for {operation}). "
            "Convert it with .long()."
        )


def _padding_row(padding_idx, rows):
    if padding_idx is None:
        return None
    if not -rows <= padding_idx < rows:
        raise AssertionError(
            f"Padding_idx must be within num_embeddings. It is {padding_idx}, of {rows} rows."
        )
    return padding_idx % rows


def _renormalise(weight, index, max_norm, norm_type):
    """Shorten, in place and off the tape, the rows that are used and longer than `max_norm`."""
    with no_grad():
        used = index.reshape(-1).unique()
        rows = weight[used]
        norms = rows.norm(norm_type, 1, keepdim=True)
        weight[used] = rows * (max_norm / (norms + 1e-7)).where(norms > max_norm, 1.0)


def _scaled_by_frequency(rows, index, count):
    """The same rows, whose gradients are divided by how often their number occurs."""
    flat = index.reshape(-1).long()
    often = flat.new_zeros(count).scatter_add(0, flat, flat.new_ones(flat.shape))[flat]
    share = often.to(rows.dtype).reciprocal().reshape(*index.shape, 1)
    values = rows.detach()
    return (values + (rows - values) * share).where(values.isfinite(), rows * share)


@composed(public=False, method=False, node="EmbeddingBackward0")
def embedding(
    input,
    weight,
    padding_idx=None,
    max_norm=None,
    norm_type=2.0,
    scale_grad_by_freq=False,
    sparse=False,
):
    """The rows of `weight` whose numbers `input` holds.

    Shape: that of `input`, and the length of a row more. Dtype: that of `weight`; `input` is int64 or int32.
    Derivative: in `weight`; the row `padding_idx` gets none, and with `scale_grad_by_freq` each row's is divided by how
    often it is used. `max_norm` shortens the rows that are used, in place, to this `norm_type`-norm. Gradients are dense:
    `sparse` changes nothing.

    Raises:
        RuntimeError: another dtype of `input`; a `weight` that is no matrix.
        IndexError: a number that is no row.
        AssertionError: a `padding_idx` that is none.

    Example:
        >>> table = pb.tensor([[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]], requires_grad=True)
        >>> rows = pb.nn.functional.embedding(pb.tensor([2, 0, 2]), table, padding_idx=0)
        >>> rows.sum().backward()
        >>> rows.detach()
        tensor([[3., 4.],
                [0., 0.],
                [3., 4.]])
        >>> table.grad
        tensor([[0., 0.],
                [0., 0.],
                [2., 2.]])
    """
    count = weight.size(0) if padding_idx or weight.ndim else 0
    padding = _padding_row(padding_idx, count)
    if weight.ndim != 2:
        raise RuntimeError(f"'weight' must be 2-D. It has {list(weight.shape)}: a row for each number.")
    _check_indices(input, "#1", "embedding")
    index = input.reshape(-1).long()
    if max_norm is not None:
        _check_range(index, count)
        _renormalise(weight, index, max_norm, norm_type)
    try:
        rows = weight.index_select(0, index)
    except (IndexError, RuntimeError) as error:
        _check_range(index, count, error)
        raise
    rows = rows.reshape(*input.shape, weight.shape[1])
    if scale_grad_by_freq and weight.is_floating_point():
        rows = _scaled_by_frequency(rows, input, count)
    if padding is not None and weight.requires_grad:
        rows = rows.detach().where((input == padding).unsqueeze(-1), rows)
    return rows


def _check_range(index, count, error=None):
    if index.numel() and not every_entry((index >= 0) & (index < count)).all():
        raise IndexError(f"index out of range in self. There are {count} rows: 0 to {count - 1}.") from error


@composed(public=False, method=False, node="EmbeddingBagBackward0")
def embedding_bag(
    input,
    weight,
    offsets=None,
    max_norm=None,
    norm_type=2.0,
    scale_grad_by_freq=False,
    mode="mean",
    sparse=False,
    per_sample_weights=None,
    include_last_offset=False,
    padding_idx=None,
):
    """The sum, mean or largest entries (`mode`) of bags of rows of `weight`.

    A bag is a row of a 2-d `input`, or a part of a 1-d one that begins at an entry of `offsets` and ends at the next; with
    `include_last_offset` the last entry is the end. `per_sample_weights`, of the shape of `input`, multiply rows where
    mode="sum". Rows of number `padding_idx` are not in their bag. An empty bag is zeros.

    Shape: (bags, length of a row). Dtype: that of `weight`. The other arguments are those of `embedding`.

    Raises:
        ValueError: shapes or modes that do not fit.
        RuntimeError: another dtype of indices; offsets that do not begin at 0, or decrease.
        NotImplementedError: `per_sample_weights` for another mode than "sum".

    Example:
        >>> table = pb.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
        >>> pb.nn.functional.embedding_bag(pb.tensor([0, 2, 1]), table, offsets=pb.tensor([0, 2]))
        tensor([[3., 4.],
                [3., 4.]])
    """
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    _check_indices(input, "#1", "embedding_bag")
    if per_sample_weights is not None:
        if per_sample_weights.shape != input.shape:
            raise ValueError(
                f"embedding_bag: If per_sample_weights ({per_sample_weights.shape}) is not None, then it must have the same "
                f"shape as the input ({input.shape})"
            )
        if mode != "sum":
            raise NotImplementedError(
                "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' "
                f"(got mode='{mode}')."
            )
        per_sample_weights = per_sample_weights.reshape(-1)
    if mode == "max" and scale_grad_by_freq:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    bag, bags = _bags(input, offsets, include_last_offset)
    if weight.ndim != 2:
        raise ValueError(
            f"weight has to be a 2D Tensor, but got Tensor of dimension {weight.ndim}. It has a row for each number."
        )
    count = weight.shape[0]
    if padding_idx is not None and not -count <= padding_idx < count:
        raise RuntimeError(
            f"padding_idx must be within the number of embeddings, {-count} through {count - 1}, but got {padding_idx}"
        )
    index = input.reshape(-1)[: len(bag)].long()
    rows = embedding(index, weight, None, max_norm, norm_type, scale_grad_by_freq)
    padding = _padding_row(padding_idx, count)
    counts = index != padding if padding is not None else None
    if mode == "max":
        return _largest(rows, bag, bags, counts)
    if per_sample_weights is not None:
        rows = rows * per_sample_weights.unsqueeze(1)
    if counts is not None:
        rows = rows.where(counts.unsqueeze(1), 0.0)
    total = rows.new_zeros(bags, weight.shape[1]).index_add(0, bag, rows)
    if mode == "sum":
        return total
    ones = (bag.new_ones(bag.shape) if counts is None else counts.long()).to(rows.dtype)
    sizes = rows.new_zeros(bags).index_add(0, bag, ones)
    return total / sizes.clamp(min=1).unsqueeze(1)


def _largest(rows, bag, bags, counts):
    if counts is not None:
        bag, rows = bag[counts], rows[counts]
    return rows.new_zeros(bags, rows.shape[1]).scatter_reduce(
        0, bag.unsqueeze(1).expand(rows.shape), rows, "amax", include_self=False
    )


def _bags(input, offsets, include_last_offset):
    """(the bag of every entry, how many there are)."""
    if input.ndim == 2:
        if offsets is not None:
            raise ValueError(
                "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length "
                f"sequences. However, found offsets of type {type(offsets)}"
            )
        bags, length = input.shape
        return arange(bags).repeat_interleave(length), bags
    if input.ndim != 1:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.ndim}")
    if offsets is None:
        raise ValueError("offsets has to be a 1D Tensor but got None")
    if offsets.ndim != 1:
        raise ValueError(f"offsets has to be a 1D Tensor. It has {offsets.ndim} dimensions.")
    _check_indices(offsets, "#3", "embedding_bag")
    starts = offsets.tolist()
    if starts and starts[0] != 0:
        raise RuntimeError(
            f"offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. However, "
            f"got {starts[0]}"
        )
    count = input.numel()
    if include_last_offset:
        if not starts:
            raise RuntimeError("include_last_offset: number of offset should be at least 1")
        ends, starts = starts[1:], starts[:-1]
    else:
        ends = [*starts[1:], count] if starts else []
    sizes = [end - start for start, end in zip(starts, ends, strict=True)]
    if any(size < 0 for size in sizes) or (ends and ends[-1] > count):
        raise RuntimeError(
            f"offsets have to increase and to stay within the {count} entries of the input. They are "
            f"{offsets.tolist()}."
        )
    bags = len(sizes)
    kept = sum(sizes)
    bag = arange(bags).repeat_interleave(offsets.new_tensor(sizes).long() if sizes else arange(0))
    if bags and kept != count:
        raise RuntimeError(f"offsets end at {kept}, but the input has {count} entries: each is in a bag.")
    return bag, bags


@composed(public=False, method=False, kinds={"tensor": "T"})
def one_hot(tensor, num_classes=-1):
    """Every class number as a vector that is 1 there and 0 elsewhere: int64 [..., num_classes].

    Without `num_classes` there are as many as the largest number needs.

    Raises RuntimeError for anything but int64, for negative numbers, for numbers beyond `num_classes`, and
    for no numbers without `num_classes`.

    Example:
        >>> pb.nn.functional.one_hot(pb.tensor([0, 2]), 3)
        tensor([[1, 0, 0],
                [0, 0, 1]])
    """
    if tensor.dtype != _core.int64:
        raise RuntimeError(
            f"one_hot is only applicable to index tensor of type LongTensor. This one is {tensor.dtype}: "
            "convert it with .long()."
        )
    if tensor.numel() == 0:
        if num_classes <= 0:
            raise RuntimeError(
                "Can not infer total number of classes from empty tensor. Say how many with num_classes."
            )
        return zeros(*tensor.shape, num_classes, dtype=_core.int64)
    seen = tensor if num_classes == -1 else every_entry(tensor)
    if seen.numel() and seen.min().item() < 0:
        raise RuntimeError("Class values must be non-negative.")
    largest = seen.max().item() if seen.numel() else -1
    if num_classes == -1:
        num_classes = largest + 1
    elif num_classes <= largest:
        raise RuntimeError(
            f"Class values must be smaller than num_classes. The largest is {largest}, num_classes is "
            f"{num_classes}."
        )
    return zeros(*tensor.shape, num_classes, dtype=_core.int64).scatter_(-1, tensor.unsqueeze(-1), 1)
