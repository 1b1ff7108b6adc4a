"""The loss of sequences whose alignment nobody knows: connectionist temporal classification."""

import math

from .. import _core
from ..operators.creation import arange, tensor
from ..operators.declare import composed
from ..operators.joining import cat, stack
from .reduction import reduced, reduction_of

__all__ = ["ctc_loss"]


def _lengths(given):
    if isinstance(given, _core.Tensor):
        return given.reshape(-1).tolist()
    return list(given)


def _check_size(targets, dim, size, least):
    found = targets.shape[dim]
    if found < size or (not least and found != size):
        raise RuntimeError(
            f"Expected tensor to have size {least}{size} at dimension {dim}, but got size {found} for argument #2 'targets' "
            "(while checking arguments for ctc_loss_allocate_outputs). Sequences stand one after the other, or are rows, "
            "which are as long as the longest of target_lengths."
        )


def _table(targets, lengths, batch, blank):
    """Targets as rows of one length, int64 [batch, longest]: what is beyond a length is the blank."""
    longest, rows = max(lengths, default=0), []
    if targets.ndim == 1:
        _check_size(targets, 0, sum(lengths), "")
        flat, start = targets.long().tolist(), 0
        for n in lengths:
            rows.append(flat[start : start + n] + [blank] * (longest - n))
            start += n
    else:
        _check_size(targets, 0, batch, "")
        _check_size(targets, 1, longest, "at least ")
        for row, n in zip(targets.long().tolist(), lengths, strict=True):
            rows.append(row[:n] + [blank] * (longest - n))
    return tensor(rows, dtype=_core.int64).reshape(batch, longest)


@composed(public=False, method=False)
def ctc_loss(
    log_probs, targets, input_lengths, target_lengths, blank=0, reduction="mean", zero_infinity=False
):
    """The negative log probability that an alignment of `targets` is seen (Graves et al. 2006).

    An alignment is a class for every time; equal neighbours are one symbol, and then blanks go.

    Args:
        log_probs: logarithms of probabilities, (T, N, C), or (T, C) for one sequence.
        targets: class numbers but the blank's: (N, longest), or one after another (sum of the lengths).
        input_lengths, target_lengths: of each sequence: tensors or lists of N numbers.
        blank: the number of the class that says nothing.
        reduction: "none", "sum", or "mean": losses over their target's length, then their mean.
        zero_infinity: whether a target too long for its input costs nothing, instead of infinity.

    Shape: 0-d, or (N) with reduction="none". Derivative: in `log_probs`, of every order.

    Raises RuntimeError for lengths and shapes that do not fit, ValueError for an unknown `reduction`.

    Example:
        >>> p = pb.tensor([[0.4, 0.6], [0.5, 0.5]], requires_grad=True)  # two times, a blank and one symbol
        >>> loss = pb.nn.functional.ctc_loss(p.log(), pb.tensor([1]), (2,), (1,))
        >>> loss.detach().neg().exp()  # all but two blanks
        tensor(0.8000)
    """
    reduction = reduction_of(reduction)
    single = log_probs.ndim == 2
    if log_probs.ndim not in (2, 3):
        raise RuntimeError(
            f"log_probs tensor must not be empty and has 2 or 3 dimensions, (T, N, C) or (T, C). It has {log_probs.ndim}."
        )
    logs = log_probs.unsqueeze(1) if single else log_probs
    times, batch, classes = logs.shape
    if not logs.numel():
        raise RuntimeError("log_probs tensor must not be empty")
    if targets.ndim not in (1, 2):
        raise RuntimeError(
            f"Expected 1 to 2 dimensions, but got {targets.ndim}-dimensional tensor for argument #2 'targets' (while checking "
            "arguments for ctc_loss_allocate_outputs). Sequences stand one after the other, or are rows."
        )
    if not 0 <= blank < classes:
        raise RuntimeError("blank must be in label range")
    inputs, sizes = _lengths(input_lengths), _lengths(target_lengths)
    for name, each in (("input_lengths", inputs), ("target_lengths", sizes)):
        if len(each) != batch:
            raise RuntimeError(f"{name} must be of size batch_size")
    for b, n in enumerate(inputs):
        if not 0 <= n <= times:
            bound = f"most {times}" if n > 0 else "least 0"
            raise RuntimeError(
                f"Expected input_lengths to have value at {bound}, but got value {n} (while checking arguments for "
                f"ctc_loss_allocate_outputs). It is that of sequence {b}."
            )
    if min(sizes, default=0) < 0:
        raise RuntimeError(
            f"Expected target_lengths to have value at least 0, but got value {min(sizes)} (while checking arguments for "
            "ctc_loss_allocate_outputs)"
        )
    symbols = _table(targets, sizes, batch, blank)
    losses = -_forward(logs, symbols, inputs, sizes, blank)
    if zero_infinity:
        losses = losses.where(losses != math.inf, 0.0)
    if reduction == "mean":
        return (losses / losses.new_tensor([max(n, 1) for n in sizes])).mean()
    if reduction == "none" and not single:
        return _core.name_last_step(losses, "CtcLossBackward0")
    return reduced(losses.squeeze(0) if single and reduction == "none" else losses, reduction)


def _forward(logs, symbols, inputs, sizes, blank):
    """The log probability of all alignments: of each sequence with blanks between its symbols, state by state."""
    times, batch, _ = logs.shape
    states = 2 * symbols.shape[1] + 1
    extended = symbols.new_full((batch, states), blank)
    extended[:, 1::2] = symbols
    seen = logs.gather(2, extended.unsqueeze(0).expand(times, batch, states))
    nothing = seen.detach().new_full((batch, 1), -math.inf)
    # From the second last state there is a way past a blank between two different symbols.
    past = extended[:, 2:] != extended[:, :-2]
    past = cat([past.new_zeros(batch, min(2, states)), past], 1)
    first = (arange(states) < 2).expand(batch, states)
    alpha = seen[0].where(first, -math.inf)
    alphas = [alpha]
    for t in range(1, max(inputs, default=1)):
        before = cat([nothing, alpha[:, :-1]], 1)
        skipped = cat([nothing, nothing, alpha[:, :-2]], 1)[:, :states].where(past, -math.inf)
        alpha = _added(stack([alpha, before, skipped])) + seen[t]
        alphas.append(alpha)
    ends = []
    for b, (time, size) in enumerate(zip(inputs, sizes, strict=True)):
        if time == 0:
            ends.append(logs.new_full((), 0.0 if size == 0 else -math.inf))
            continue
        last = alphas[time - 1][b]
        ends.append(_added(last[max(2 * size - 1, 0) : 2 * size + 1]))
    return stack(ends) if ends else logs.new_zeros(0)


def _added(logarithms):
    return logarithms.logsumexp(0)
