"""One layer of a recurrent network, in one direction, over the samples of all times.

They lie one under the other; `sizes` says how many are left at each time. As a rule all are, and then a loop in the core
does the layer at once. Where some end before others, under a transform, and with dtypes or projections that the loop does not
know, it goes step by step.
"""

from ... import _core
from ...operators.joining import cat
from ...operators.linear import recurrent_layer
from .. import functional as F


def at_once(rows, sizes, state, weight):
    """Whether the core's loop takes these operands."""
    operands = (rows, weight, *state)
    return (
        len(set(sizes)) == 1
        and rows.dtype in (_core.float32, _core.float64)
        and all(each.dtype == rows.dtype for each in operands)
        and weight.ndim == 2
        and weight.shape[1] == state[0].shape[1]
        and not _core.highest_level(operands)
        and not any(_core.mapped_axes(each) for each in operands)
    )


def layer_at_once(mode, rows, sizes, state, weights, biases, backwards):
    """(outputs, last states)."""
    bias, hidden_bias = biases
    if mode != "GRU" and hidden_bias is not None:
        bias, hidden_bias = bias + hidden_bias, None
    given = F.linear(rows, weights[0], bias).unflatten(0, (len(sizes), sizes[0]))
    if backwards:
        given = given.flip(0)
    cells = state[1] if len(state) == 2 else None
    made = recurrent_layer(mode, given, state[0], cells, weights[1], hidden_bias)
    last = (made[0][-1],) if cells is None else (made[0][-1], made[2][-1])
    # A copy: what the derivative reads stays as it is, whatever is written into outputs.
    outputs = made[0].flip(0) if backwards else made[0].clone()
    return outputs.flatten(0, 1), last


def step_by_step(step, given, sizes, state, weight, bias, backwards):
    """(outputs of every time, last states)."""
    outputs = [None] * len(sizes)
    ended = []  # last states of samples that are no longer there, the last sample's first
    alive = sizes[-1] if backwards and sizes else sizes[0] if sizes else 0
    whole = state
    state = tuple([each[:alive] for each in state])
    for t in reversed(range(len(sizes))) if backwards else range(len(sizes)):
        n = sizes[t]
        if n < alive:
            ended.append(tuple([each[n:] for each in state]))
            state = tuple([each[:n] for each in state])
        elif n > alive:  # backwards: samples that begin here
            state = tuple([cat([each, first[alive:n]]) for each, first in zip(state, whole, strict=True)])
        alive = n
        outputs[t], state = step(given[t], state, weight, bias)
    if ended:
        parts = [state, *reversed(ended)]
        state = tuple([cat([part[k] for part in parts]) for k in range(len(state))])
    return outputs, state
