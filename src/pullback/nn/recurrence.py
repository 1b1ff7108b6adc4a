"""Recurrent networks as functions of their weights: steps, and the way over a sequence, which modules and the older functions
go.

The samples of all times lie one under the other, [rows, ...]; `sizes` says how many are left at each time. A layer computes
what its inputs contribute for all times in one product. As a rule all samples are there at all times, and then a loop in the
core goes over them; where some end before others, under a transform, and with dtypes or projections that the loop
does not know, steps are made here. The weights of a layer are five: of the input, of the state, the two biases, and the
projection of the state; the last three may be None.
"""

from .. import _core
from ..operators.joining import cat, stack
from ..operators.products import linear, recurrent_layer
from .dropouts import dropout


def _plain(function):
    def step(given, state, weight, bias, projection=None):
        h = function(given + linear(state[0], weight, bias))
        return h, (h,)

    return step


def _lstm(given, state, weight, bias, projection=None):
    i, f, g, o = (given + linear(state[0], weight, bias)).chunk(4, -1)
    c = f.sigmoid() * state[1] + i.sigmoid() * g.tanh()
    h = o.sigmoid() * c.tanh()
    if projection is not None:
        h = linear(h, projection)
    return h, (h, c)


def _gru(given, state, weight, bias, projection=None):
    h = state[0]
    r, z, n = given.chunk(3, -1)
    hr, hz, hn = linear(h, weight, bias).chunk(3, -1)
    z = (z + hz).sigmoid()
    h = (1 - z) * (n + (r + hr).sigmoid() * hn).tanh() + z * h
    return h, (h,)


# From what the input contributes, a tuple of states and the weights of the state to (output, next states).
STEPS = {
    "RNN_TANH": _plain(_core.Tensor.tanh),
    "RNN_RELU": _plain(_core.Tensor.relu),
    "LSTM": _lstm,
    "GRU": _gru,
}


def run(mode, rows, sizes, states, layers, directions, dropped):
    """(outputs, last states) of a sequence. The weights of all layers, direction by direction, are in `layers`; a share of
    `dropped` of the outputs of all but the last is zeroed."""
    if not sizes:
        raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
    lasts = [[] for _ in states]
    for first in range(0, len(layers), directions):
        results = []
        for which in range(first, first + directions):
            begin, backwards = tuple([state[which] for state in states]), which > first
            layer = _at_once if _is_plain(rows, sizes, begin, layers[which]) else _step_by_step
            outputs, last = layer(mode, rows, sizes, begin, layers[which], backwards)
            results.append(outputs)
            for kept, each in zip(lasts, last, strict=True):
                kept.append(each)
        rows = results[0] if len(results) == 1 else cat(results, -1)
        if dropped and first + directions < len(layers):
            rows = dropout(rows, dropped, True)
    return rows, tuple([stack(each) for each in lasts])


def _is_plain(rows, sizes, state, weights):
    """Whether the core's loop takes these operands."""
    hidden, projection = weights[1], weights[4]
    operands = (rows, hidden, *state)
    return (
        sizes.count(sizes[0]) == len(sizes)
        and projection is None
        and rows.dtype in (_core.float32, _core.float64)
        and all(each.dtype == rows.dtype for each in operands)
        and hidden.ndim == 2
        and hidden.shape[1] == state[0].shape[1]
        and not _core.highest_level(operands)
        and not any(_core.mapped_axes(each) for each in operands)
    )


def _at_once(mode, rows, sizes, state, weights, backwards):
    """One layer in one direction."""
    weight, hidden, bias, hidden_bias, _ = weights
    if mode != "GRU" and bias is not None:
        bias, hidden_bias = None, bias + hidden_bias
    given = linear(rows, weight, bias).unflatten(0, (len(sizes), sizes[0]))
    if backwards:
        given = given.flip(0)
    cells = state[1] if len(state) == 2 else None
    made = recurrent_layer(mode, given, state[0], cells, hidden, hidden_bias)
    last = (made[0][-1],) if cells is None else (made[0][-1], made[2][-1])
    # A copy: what the derivative reads stays as it is, whatever is written into outputs.
    outputs = made[0].flip(0) if backwards else made[0].clone()
    return outputs.flatten(0, 1), last


def _step_by_step(mode, rows, sizes, state, weights, backwards):
    """The same."""
    weight, hidden, bias, hidden_bias, projection = weights
    given, step = linear(rows, weight, bias).split(sizes), STEPS[mode]
    outputs = [None] * len(sizes)
    ended = []  # last states of samples that are no longer there, the last sample's first
    whole, alive = state, sizes[-1 if backwards else 0]
    state = tuple([each[:alive] for each in state])
    for t in reversed(range(len(sizes))) if backwards else range(len(sizes)):
        n = sizes[t]
        if n < alive:
            ended.append(tuple([each[n:] for each in state]))
            state = tuple([each[:n] for each in state])
        elif n > alive:  # backwards: samples that begin here
            state = tuple([cat([each, first[alive:n]]) for each, first in zip(state, whole, strict=True)])
        alive = n
        outputs[t], state = step(given[t], state, hidden, hidden_bias, projection)
    if ended:
        parts = [state, *reversed(ended)]
        state = tuple([cat([part[k] for part in parts]) for k in range(len(state))])
    return cat(outputs), state
