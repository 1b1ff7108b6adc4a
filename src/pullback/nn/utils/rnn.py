"""Sequences of several lengths: padded to one, or packed, time by time, without what is padding."""

from collections import namedtuple
from collections.abc import Iterable
from itertools import pairwise

from ... import _core
from ...operators.creation import arange, tensor
from ...operators.joining import cat, stack

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]

_Packed = namedtuple("_Packed", ["data", "batch_sizes", "sorted_indices", "unsorted_indices"])


class PackedSequence(_Packed):
    """Sequences, the longest first, time by time: `data` holds all elements of the first time, then of the second, ...

    `batch_sizes`, int64, says how many there are at each time; `sorted_indices` and `unsorted_indices` are the order of the
    sequences and back. `pack_padded_sequence` makes one.

    Example:
        >>> packed = pb.nn.utils.rnn.pack_sequence([pb.tensor([1, 2, 3]), pb.tensor([4])])
        >>> packed.data, packed.batch_sizes
        (tensor([1, 4, 2, 3]), tensor([2, 1, 1]))
    """

    def __new__(cls, data, batch_sizes=None, sorted_indices=None, unsorted_indices=None):
        if batch_sizes is None and isinstance(data, (tuple, list)):
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args, **kwargs):
        """The same sequences, their data converted as `Tensor.to` does.

        Example:
            >>> pb.nn.utils.rnn.pack_sequence([pb.tensor([1, 2]), pb.tensor([3])]).to(pb.float64).data
            tensor([1., 3., 2.], dtype=pullback.float64)
        """
        data = self.data.to(*args, **kwargs)
        return self if data is self.data else type(self)(data, *self[1:])

    def _converted(self, name):
        return type(self)(getattr(self.data, name)(), *self[1:])

    def cpu(self):
        """Everything is in main memory: self.

        Example:
            >>> packed = pb.nn.utils.rnn.pack_sequence([pb.tensor([1, 2]), pb.tensor([3])])
            >>> packed.cpu() is packed
            True
        """
        return self

    def double(self):
        """Their data in float64.

        Example:
            >>> pb.nn.utils.rnn.pack_sequence([pb.tensor([1, 2]), pb.tensor([3])]).double().data
            tensor([1., 3., 2.], dtype=pullback.float64)
        """
        return self._converted("double")

    def float(self):
        """Their data in float32.

        Example:
            >>> pb.nn.utils.rnn.pack_sequence([pb.tensor([1, 2]), pb.tensor([3])]).float().data
            tensor([1., 3., 2.])
        """
        return self._converted("float")

    def long(self):
        """Their data in int64.

        Example:
            >>> pb.nn.utils.rnn.pack_sequence([pb.tensor([1.0, 2.0]), pb.tensor([3.0])]).long().data
            tensor([1, 3, 2])
        """
        return self._converted("long")

    def int(self):
        """Their data in int32.

        Example:
            >>> pb.nn.utils.rnn.pack_sequence([pb.tensor([1, 2]), pb.tensor([3])]).int().data
            tensor([1, 3, 2], dtype=pullback.int32)
        """
        return self._converted("int")

    @property
    def is_cuda(self):
        """Whether the data is on a GPU: False.

        Example:
            >>> pb.nn.utils.rnn.pack_sequence([pb.tensor([1, 2]), pb.tensor([3])]).is_cuda
            False
        """
        return False

    def is_pinned(self):
        """Whether the data is in page-locked memory: False.

        Example:
            >>> pb.nn.utils.rnn.pack_sequence([pb.tensor([1, 2]), pb.tensor([3])]).is_pinned()
            False
        """
        return False


def invert_permutation(permutation):
    """The order that undoes an order of int64 numbers; None for None.

    Example:
        >>> pb.nn.utils.rnn.invert_permutation(pb.tensor([2, 0, 1]))
        tensor([1, 2, 0])
    """
    if permutation is None:
        return None
    return permutation.new_empty(permutation.shape).scatter_(
        0, permutation, arange(permutation.numel(), dtype=permutation.dtype)
    )


def pack_padded_sequence(input, lengths, batch_first=False, enforce_sorted=True):
    """Sequences without what pads them.

    `input` has shape (longest, batch, ...), or (batch, longest, ...) with `batch_first`; `lengths` is a list or tensor of
    numbers, which decrease unless `enforce_sorted` is False.

    Raises RuntimeError for lengths that increase, are not positive, or do not fit.

    Example:
        >>> packed = pb.nn.utils.rnn.pack_padded_sequence(pb.tensor([[1, 2], [3, 4], [5, 0]]), [3, 2])
        >>> packed.data, packed.batch_sizes
        (tensor([1, 2, 3, 4, 5]), tensor([2, 2, 1]))
    """
    lengths = tensor(lengths, dtype=_core.int64) if not isinstance(lengths, _core.Tensor) else lengths.long()
    order = None
    if not enforce_sorted:
        lengths, order = lengths.sort(descending=True)
        input = input.index_select(0 if batch_first else 1, order)
    if batch_first:
        input = input.transpose(0, 1)
    counts = lengths.tolist()
    if len(counts) != input.shape[1]:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(counts)} (batch_size={input.shape[1]})"
        )
    if not counts or counts[-1] <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
        )
    if any(a < b for a, b in pairwise(counts)):
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
            "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement if you do not "
            "need ONNX exportability."
        )
    if counts[0] > input.shape[0]:
        raise RuntimeError(
            f"Expected lengths of at most {input.shape[0]}, the padded one, but got {counts[0]}"
        )
    sizes = [sum(n > t for n in counts) for t in range(counts[0])]
    data = cat([input[t, :n] for t, n in enumerate(sizes)])
    return PackedSequence(data, tensor(sizes, dtype=_core.int64), order, None)


def pad_packed_sequence(sequence, batch_first=False, padding_value=0.0, total_length=None):
    """(padded, lengths): the inverse of `pack_padded_sequence`, in the order of before.

    `total_length` is the size of the time dimension, where it should not be the longest. Raises ValueError if that is less.

    Example:
        >>> packed = pb.nn.utils.rnn.pack_sequence([pb.tensor([1, 2, 3]), pb.tensor([4])])
        >>> pb.nn.utils.rnn.pad_packed_sequence(packed, batch_first=True)
        (tensor([[1, 2, 3],
                [4, 0, 0]]), tensor([3, 1]))
    """
    sizes = sequence.batch_sizes.tolist()
    longest = len(sizes)
    if total_length is not None:
        if total_length < longest:
            raise ValueError(
                f"Expected total_length to be at least the length of the longest sequence in input, but got "
                f"total_length={total_length} and max sequence length being {longest}"
            )
        longest = total_length
    batch = sizes[0]
    rows = []
    for part in sequence.data.split(sizes):
        missing = batch - len(part)
        filler = part.new_full((missing, *part.shape[1:]), padding_value)
        rows.append(cat([part, filler]) if missing else part)
    filler = sequence.data.new_full((batch, *sequence.data.shape[1:]), padding_value)
    rows += [filler] * (longest - len(sizes))
    padded = stack(rows, 1 if batch_first else 0)
    lengths = tensor([sum(n > b for n in sizes) for b in range(batch)], dtype=_core.int64)
    back = sequence.unsorted_indices
    if back is not None:
        return padded.index_select(0 if batch_first else 1, back), lengths[back]
    return padded, lengths


def pad_sequence(sequences, batch_first=False, padding_value=0.0, padding_side="right"):
    """Tensors of several lengths as one, filled up with `padding_value` at the end, or at the beginning.

    Shape: tensors (length, ...) to (longest, batch, ...), or (batch, longest, ...) with `batch_first`.
    Raises RuntimeError for another `padding_side` and for no tensors.

    Example:
        >>> pb.nn.utils.rnn.pad_sequence([pb.tensor([1, 2]), pb.tensor([3])], batch_first=True, padding_value=-1)
        tensor([[ 1,  2],
                [ 3, -1]])
    """
    if isinstance(sequences, _core.Tensor):
        sequences = sequences.unbind(0)
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            f"pad_sequence: Expected iterable for input sequences, but got arg of type: {type(sequences)}"
        )
    sequences = list(sequences)
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    if not sequences:
        raise RuntimeError("received an empty list of sequences")
    longest = max(len(each) for each in sequences)
    rows = []
    for each in sequences:
        filler = each.new_full((longest - len(each), *each.shape[1:]), padding_value)
        rows.append(cat([each, filler] if padding_side == "right" else [filler, each]))
    return stack(rows, 0 if batch_first else 1)


def unpad_sequence(padded_sequences, lengths, batch_first=False):
    """A list of sequences from a padded one: the inverse of `pad_sequence`.

    Example:
        >>> pb.nn.utils.rnn.unpad_sequence(pb.tensor([[1, 2], [3, 0]]), pb.tensor([2, 1]), batch_first=True)
        [tensor([1, 2]), tensor([3])]
    """
    if not batch_first:
        padded_sequences = padded_sequences.transpose(0, 1)
    return [each[:n] for each, n in zip(padded_sequences.unbind(0), lengths.tolist(), strict=True)]


def pack_sequence(sequences, enforce_sorted=True):
    """Tensors of several lengths, packed: see `pack_padded_sequence`.

    Example:
        >>> pb.nn.utils.rnn.pack_sequence([pb.tensor([1, 2, 3]), pb.tensor([4])]).data
        tensor([1, 4, 2, 3])
    """
    lengths = tensor([len(each) for each in sequences], dtype=_core.int64)
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences):
    """A list of sequences: the inverse of `pack_sequence`.

    Example:
        >>> packed = pb.nn.utils.rnn.pack_sequence([pb.tensor([1, 2, 3]), pb.tensor([4])])
        >>> pb.nn.utils.rnn.unpack_sequence(packed)
        [tensor([1, 2, 3]), tensor([4])]
    """
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
