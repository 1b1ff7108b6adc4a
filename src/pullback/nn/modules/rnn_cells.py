"""Modules that make one step of a recurrent network, as nn/recurrence.py has it."""

import math

from ...operators.creation import empty, zeros
from .. import functional as F
from ..init import uniform_
from ..parameter import Parameter
from ..recurrence import STEPS
from .module import Module


def draw(module):
    """First values of a layer or a cell."""
    bound = 1.0 / math.sqrt(module.hidden_size) if module.hidden_size > 0 else 0
    for weight in module.parameters():
        uniform_(weight, -bound, bound)


class RNNCellBase(Module):
    """What the cells share.

    Example:
        >>> base = pb.nn.RNNCellBase(2, 3, bias=True, num_chunks=4)
        >>> base
        RNNCellBase(2, 3)
        >>> base.weight_ih.shape
        pullback.Size([12, 2])
    """

    __module__ = "pullback.nn.modules.rnn"

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
        draw(self)

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

    __module__ = "pullback.nn.modules.rnn"

    def __init__(self, input_size, hidden_size, bias=True, nonlinearity="tanh", device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input, hx=None):
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        states = None if hx is None else (hx,)
        return self._stepped(STEPS["RNN_" + self.nonlinearity.upper()], input, states, 1)[0]


class LSTMCell(RNNCellBase):
    """One step of `LSTM`: (batch, input_size) and a pair (h, c) to the next pair, or without a batch.

    Example:
        >>> h, c = pb.nn.LSTMCell(3, 4)(pb.ones(2, 3))
        >>> h.shape, c.shape
        (pullback.Size([2, 4]), pullback.Size([2, 4]))
    """

    __module__ = "pullback.nn.modules.rnn"

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input, hx=None):
        return self._stepped(STEPS["LSTM"], input, None if hx is None else tuple(hx), 2)


class GRUCell(RNNCellBase):
    """One step of `GRU`: (batch, input_size) and a state (batch, hidden_size) to the next, or without a batch.

    Example:
        >>> pb.nn.GRUCell(3, 4)(pb.ones(3)).shape
        pullback.Size([4])
    """

    __module__ = "pullback.nn.modules.rnn"

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input, hx=None):
        return self._stepped(STEPS["GRU"], input, None if hx is None else (hx,), 1)[0]
