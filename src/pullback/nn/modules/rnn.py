"""Recurrent networks: layers that go over a sequence, and the cells that they are made of.

A layer computes what its inputs contribute for all times in one product, then steps through time; a sequence of packed
lengths steps over as many samples as are left.
"""

import math

from ... import _core
from ...operators.creation import empty, zeros
from ...operators.joining import cat, stack
from .. import functional as F
from ..init import uniform_
from ..parameter import Parameter
from ..utils.rnn import PackedSequence
from .module import Module

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNBase", "RNNCell", "RNNCellBase"]


def _plain(nonlinearity):
    return {"tanh": _core.Tensor.tanh, "relu": _core.Tensor.relu}[nonlinearity]


def _rnn_step(function):
    def step(given, state, weight, bias):
        h = function(given + F.linear(state[0], weight, bias))
        return h, (h,)

    return step


def _lstm_step(projection):
    def step(given, state, weight, bias):
        i, f, g, o = (given + F.linear(state[0], weight, bias)).chunk(4, -1)
        c = f.sigmoid() * state[1] + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        if projection is not None:
            h = F.linear(h, projection)
        return h, (h, c)

    return step


def _gru_step(given, state, weight, bias):
    h = state[0]
    r, z, n = given.chunk(3, -1)
    hr, hz, hn = F.linear(h, weight, bias).chunk(3, -1)
    z = (z + hz).sigmoid()
    h = (1 - z) * (n + (r + hr).sigmoid() * hn).tanh() + z * h
    return h, (h,)


class RNNBase(Module):
    """What RNN, LSTM and GRU share: weights of every layer and direction, and the way over a sequence.

    Example:
        >>> base = pb.nn.RNNBase("GRU", 2, 3)
        >>> base
        RNNBase(2, 3)
        >>> base.weight_ih_l0.shape
        pullback.Size([9, 2])
    """

    __constants__ = [
        "mode",
        "input_size",
        "hidden_size",
        "num_layers",
        "bias",
        "batch_first",
        "dropout",
        "bidirectional",
        "proj_size",
    ]
    _gates = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}

    def __init__(
        self,
        mode,
        input_size,
        hidden_size,
        num_layers=1,
        bias=True,
        batch_first=False,
        dropout=0.0,
        bidirectional=False,
        proj_size=0,
        device=None,
        dtype=None,
    ):
        super().__init__()
        self.mode, self.input_size, self.hidden_size = mode, input_size, hidden_size
        self.num_layers, self.bias, self.batch_first = num_layers, bias, batch_first
        self.dropout, self.bidirectional, self.proj_size = float(dropout), bidirectional, proj_size
        if isinstance(dropout, bool) or not isinstance(dropout, (int, float)) or not 0 <= dropout <= 1:
            raise ValueError(
                "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
            )
        if dropout > 0 and num_layers == 1:
            import warnings

            warnings.warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects num_layers "
                f"greater than 1, but got dropout={dropout} and num_layers={num_layers}",
                stacklevel=2,
            )
        if not isinstance(hidden_size, int):
            raise TypeError(f"hidden_size should be of type int, got: {type(hidden_size).__name__}")
        if hidden_size <= 0:
            raise ValueError("hidden_size must be greater than zero")
        if num_layers <= 0:
            raise ValueError("num_layers must be greater than zero")
        if proj_size < 0:
            raise ValueError("proj_size should be a positive integer or zero to disable projections")
        if proj_size >= hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")
        if mode not in self._gates:
            raise ValueError("Unrecognized RNN mode: " + mode)
        rows = self._gates[mode] * hidden_size
        result = proj_size or hidden_size
        self._all_weights = []
        for layer in range(num_layers):
            for suffix in self._suffixes(layer):
                width = input_size if layer == 0 else result * (1 + bidirectional)
                shapes = {"weight_ih": (rows, width), "weight_hh": (rows, result)}
                if bias:
                    shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
                if proj_size:
                    shapes["weight_hr"] = (proj_size, hidden_size)
                for name, shape in shapes.items():
                    setattr(self, name + suffix, Parameter(empty(shape, device=device, dtype=dtype)))
                self._all_weights.append([name + suffix for name in shapes])
        self.reset_parameters()

    def _suffixes(self, layer):
        return [f"_l{layer}", f"_l{layer}_reverse"][: 1 + self.bidirectional]

    @property
    def all_weights(self):
        """The parameters of every layer and direction, in lists.

        Example:
            >>> [tuple(weight.shape) for weight in pb.nn.RNN(2, 3).all_weights[0]]
            [(3, 2), (3, 3), (3,), (3,)]
        """
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def flatten_parameters(self):
        """Nothing: weights need not lie together here.

        Example:
            >>> pb.nn.LSTM(2, 3).flatten_parameters()
        """

    def reset_parameters(self):
        """Draw the first values anew: even numbers within 1 / sqrt(hidden_size)."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            uniform_(weight, -bound, bound)

    def _step(self, suffix):
        if self.mode == "LSTM":
            return _lstm_step(getattr(self, "weight_hr" + suffix, None) if self.proj_size else None)
        return _gru_step if self.mode == "GRU" else _rnn_step(_plain(self.mode[4:].lower()))

    def _sizes(self):
        result = self.proj_size or self.hidden_size
        return (result, self.hidden_size) if self.mode == "LSTM" else (result,)

    def _check(self, input, sizes, states):
        if input.shape[-1] != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.shape[-1]}"
            )
        layers = self.num_layers * (1 + self.bidirectional)
        for which, (state, width) in enumerate(zip(states, self._sizes(), strict=True)):
            expected = (layers, sizes, width)
            if tuple(state.shape) != expected:
                name = (
                    "hidden[0]"
                    if self.mode == "LSTM" and which == 0
                    else "hidden[1]"
                    if self.mode == "LSTM"
                    else "hidden"
                )
                raise RuntimeError(f"Expected {name} size {expected}, got {list(state.shape)}")

    def _zeros(self, batch, like):
        layers = self.num_layers * (1 + self.bidirectional)
        return tuple([zeros(layers, batch, width, dtype=like.dtype) for width in self._sizes()])

    def _sequence(self, input, states):
        """(outputs, last states) of a list of [samples, ...], one for each time: those that are left then."""
        lasts = [[] for _ in states]
        for layer in range(self.num_layers):
            results = []
            for direction, suffix in enumerate(self._suffixes(layer)):
                which = layer * (1 + self.bidirectional) + direction
                first = tuple([state[which] for state in states])
                outputs, last = self._one(input, first, suffix, direction == 1)
                results.append(outputs)
                for kept, each in zip(lasts, last, strict=True):
                    kept.append(each)
            input = (
                results[0] if len(results) == 1 else [cat(pair, -1) for pair in zip(*results, strict=True)]
            )
            if self.dropout and self.training and layer < self.num_layers - 1:
                input = self._dropped(input)
        return input, tuple([stack(each) for each in lasts])

    def _dropped(self, input):
        counts = [len(each) for each in input]
        return list(F.dropout(cat(input), self.dropout, True).split(counts))

    def _one(self, input, state, suffix, backwards):
        """One layer in one direction over a list of [samples, ...], one for each time."""
        weight, bias = getattr(self, "weight_ih" + suffix), getattr(self, "bias_ih" + suffix, None)
        hidden, hidden_bias = getattr(self, "weight_hh" + suffix), getattr(self, "bias_hh" + suffix, None)
        sizes = [len(each) for each in input]
        contributions = F.linear(cat(input), weight, bias).split(sizes) if input else []
        step = self._step(suffix)
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
            outputs[t], state = step(contributions[t], state, hidden, hidden_bias)
        if ended:
            parts = [state, *reversed(ended)]
            state = tuple([cat([part[k] for part in parts]) for k in range(len(state))])
        return outputs, state

    def forward(self, input, hx=None):
        """(outputs, last state), of a tensor (time, batch, features), or (batch, time, ...) with `batch_first`, or without a
        batch; or of a PackedSequence.
        """
        if isinstance(input, PackedSequence):
            return self._packed(input, hx)
        if input.ndim not in (2, 3):
            raise ValueError(
                f"{type(self).__name__}: Expected input to be 2D or 3D, got {input.ndim}D tensor instead"
            )
        batched = input.ndim == 3
        sequence = input if batched else input.unsqueeze(1)
        if batched and self.batch_first:
            sequence = sequence.transpose(0, 1)
        states = self._given(hx, batched, sequence)
        self._check(sequence, sequence.shape[1], states)
        if not sequence.shape[0]:
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
        outputs, last = self._sequence(list(sequence.unbind(0)), states)
        result = stack(outputs)
        if batched and self.batch_first:
            result = result.transpose(0, 1)
        if not batched:
            result, last = result.squeeze(1), tuple([each.squeeze(1) for each in last])
        return result, self._last(last)

    def _last(self, last):
        return last if self.mode == "LSTM" else last[0]

    def _given(self, hx, batched, sequence):
        if hx is None:
            return self._zeros(sequence.shape[1], sequence)
        states = tuple(hx) if self.mode == "LSTM" else (hx,)
        for each in states:
            if each.ndim != 2 + batched:
                kind = "batched 3-D" if batched else "unbatched 2-D"
                raise RuntimeError(
                    f"For {kind} input, hx should also be {2 + batched}-D but got {each.ndim}-D tensor"
                )
        return states if batched else tuple([each.unsqueeze(1) for each in states])

    def _packed(self, input, hx):
        data, batch_sizes, order, back = input
        counts = batch_sizes.tolist()
        batch = counts[0] if counts else 0
        if hx is None:
            states = self._zeros(batch, data)
        else:
            states = tuple(hx) if self.mode == "LSTM" else (hx,)
            if order is not None:
                states = tuple([each.index_select(1, order) for each in states])
        self._check(data, batch, states)
        outputs, last = self._sequence(list(data.split(counts)), states)
        if back is not None:
            last = tuple([each.index_select(1, back) for each in last])
        return PackedSequence(cat(outputs), batch_sizes, order, back), self._last(last)

    def extra_repr(self):
        text = f"{self.input_size}, {self.hidden_size}"
        if self.proj_size != 0:
            text += f", proj_size={self.proj_size}"
        if self.num_layers != 1:
            text += f", num_layers={self.num_layers}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        if self.batch_first is not False:
            text += f", batch_first={self.batch_first}"
        if self.dropout != 0:
            text += f", dropout={self.dropout}"
        if self.bidirectional is not False:
            text += f", bidirectional={self.bidirectional}"
        return text


class RNN(RNNBase):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu, over a sequence (Elman 1990); several layers, two directions.

    Called with (time, batch, input_size), or (batch, time, ...) with `batch_first`, or without a batch, and a first state
    (layers * directions, batch, hidden_size), zeros if none is given. Gives (all outputs, last state).

    Example:
        >>> outputs, last = pb.nn.RNN(3, 4, num_layers=2)(pb.ones(5, 1, 3))
        >>> outputs.shape, last.shape
        (pullback.Size([5, 1, 4]), pullback.Size([2, 1, 4]))
    """

    def __init__(
        self,
        input_size,
        hidden_size,
        num_layers=1,
        nonlinearity="tanh",
        bias=True,
        batch_first=False,
        dropout=0.0,
        bidirectional=False,
        device=None,
        dtype=None,
    ):
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        self_mode = "RNN_" + nonlinearity.upper()
        super().__init__(
            self_mode,
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            0,
            device,
            dtype,
        )
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    """Long short-term memory over a sequence (Hochreiter & Schmidhuber 1997); `proj_size` projects its outputs.

    Called as `RNN` is; states are pairs (h, c). Gives (all outputs, (last h, last c)).

    Example:
        >>> outputs, (h, c) = pb.nn.LSTM(3, 4, batch_first=True)(pb.ones(1, 5, 3))
        >>> outputs.shape, h.shape, c.shape
        (pullback.Size([1, 5, 4]), pullback.Size([1, 1, 4]), pullback.Size([1, 1, 4]))
    """

    def __init__(
        self,
        input_size,
        hidden_size,
        num_layers=1,
        bias=True,
        batch_first=False,
        dropout=0.0,
        bidirectional=False,
        proj_size=0,
        device=None,
        dtype=None,
    ):
        super().__init__(
            "LSTM",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            proj_size,
            device,
            dtype,
        )


class GRU(RNNBase):
    """Gated recurrent units over a sequence (arXiv:1406.1078), called as `RNN` is.

    Example:
        >>> pb.nn.GRU(3, 4, bidirectional=True)
        GRU(3, 4, bidirectional=True)
    """

    def __init__(
        self,
        input_size,
        hidden_size,
        num_layers=1,
        bias=True,
        batch_first=False,
        dropout=0.0,
        bidirectional=False,
        device=None,
        dtype=None,
    ):
        super().__init__(
            "GRU",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            0,
            device,
            dtype,
        )


class RNNCellBase(Module):
    """What the cells share.

    Example:
        >>> base = pb.nn.RNNCellBase(2, 3, bias=True, num_chunks=4)
        >>> base
        RNNCellBase(2, 3)
        >>> base.weight_ih.shape
        pullback.Size([12, 2])
    """

    __constants__ = ["input_size", "hidden_size", "bias"]

    def __init__(self, input_size, hidden_size, bias, num_chunks, device=None, dtype=None):
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = num_chunks * hidden_size
        self.weight_ih = Parameter(empty((rows, input_size), device=device, dtype=dtype))
        self.weight_hh = Parameter(empty((rows, hidden_size), device=device, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(
                name, Parameter(empty(rows, device=device, dtype=dtype)) if bias else None
            )
        self.reset_parameters()

    def reset_parameters(self):
        """Draw the first values anew: even numbers within 1 / sqrt(hidden_size)."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            uniform_(weight, -bound, bound)

    def _stepped(self, step, input, states, count):
        if input.ndim not in (1, 2):
            raise ValueError(
                f"{type(self).__name__}: Expected input to be 1D or 2D, got {input.ndim}D instead"
            )
        batched = input.ndim == 2
        given = input if batched else input.unsqueeze(0)
        if given.shape[1] != self.input_size:
            raise RuntimeError(
                f"input has inconsistent input_size: got {given.shape[1]} expected {self.input_size}"
            )
        if states is None:
            states = (zeros(given.shape[0], self.hidden_size, dtype=given.dtype),) * count
        elif not batched:
            states = tuple([each.unsqueeze(0) for each in states])
        given = F.linear(given, self.weight_ih, self.bias_ih)
        _, states = step(given, states, self.weight_hh, self.bias_hh)
        return states if batched else tuple([each.squeeze(0) for each in states])

    def extra_repr(self):
        text = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        if getattr(self, "nonlinearity", "tanh") != "tanh":
            text += f", nonlinearity={self.nonlinearity}"
        return text


class RNNCell(RNNCellBase):
    """One step of `RNN`: (batch, input_size) and a state (batch, hidden_size) to the next, or without a batch.

    Example:
        >>> pb.nn.RNNCell(3, 4)(pb.ones(2, 3)).shape
        pullback.Size([2, 4])
    """

    def __init__(self, input_size, hidden_size, bias=True, nonlinearity="tanh", device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input, hx=None):
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        states = None if hx is None else (hx,)
        return self._stepped(_rnn_step(_plain(self.nonlinearity)), input, states, 1)[0]


class LSTMCell(RNNCellBase):
    """One step of `LSTM`: (batch, input_size) and a pair (h, c) to the next pair, or without a batch.

    Example:
        >>> h, c = pb.nn.LSTMCell(3, 4)(pb.ones(2, 3))
        >>> h.shape, c.shape
        (pullback.Size([2, 4]), pullback.Size([2, 4]))
    """

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input, hx=None):
        return self._stepped(_lstm_step(None), input, None if hx is None else tuple(hx), 2)


class GRUCell(RNNCellBase):
    """One step of `GRU`: (batch, input_size) and a state (batch, hidden_size) to the next, or without a batch.

    Example:
        >>> pb.nn.GRUCell(3, 4)(pb.ones(3)).shape
        pullback.Size([4])
    """

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input, hx=None):
        return self._stepped(_gru_step, input, None if hx is None else (hx,), 1)[0]
