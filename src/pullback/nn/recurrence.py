"""Recurrent networks as functions of their weights: steps, and the way over a sequence, which modules and the older functions
go.

A sequence is a list of [samples, ...], one for each time: those that are left then. A layer computes what its inputs
contribute for all times in one product, then steps through time. Its weights are five: of the input, of the state, the two
biases, and the projection of the state; the last three may be None.
"""

from .. import _core
from ..operators.joining import cat, stack
from ..operators.linear import linear
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


def run(mode, input, states, layers, directions, dropped):
    """(outputs, last states) of a sequence. The weights of all layers, direction by direction, are in `layers`; a share of
    `dropped` of the outputs of all but the last is zeroed."""
    lasts = [[] for _ in states]
    for first in range(0, len(layers), directions):
        results = []
        for which in range(first, first + directions):
            begin = tuple([state[which] for state in states])
            outputs, last = _layer(STEPS[mode], input, begin, layers[which], which > first)
            results.append(outputs)
            for kept, each in zip(lasts, last, strict=True):
                kept.append(each)
        input = results[0] if len(results) == 1 else [cat(pair, -1) for pair in zip(*results, strict=True)]
        if dropped and first + directions < len(layers):
            counts = [len(each) for each in input]
            input = list(dropout(cat(input), dropped, True).split(counts))
    return input, tuple([stack(each) for each in lasts])


def _layer(step, input, state, weights, backwards):
    """One layer in one direction over a sequence."""
    weight, hidden, bias, hidden_bias, projection = weights
    sizes = [len(each) for each in input]
    contributions = linear(cat(input), weight, bias).split(sizes) if input else []
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
        outputs[t], state = step(contributions[t], state, hidden, hidden_bias, projection)
    if ended:
        parts = [state, *reversed(ended)]
        state = tuple([cat([part[k] for part in parts]) for k in range(len(state))])
    return outputs, state
