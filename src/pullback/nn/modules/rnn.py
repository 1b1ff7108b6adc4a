"""Recurrent networks: layers that go over a sequence. What they compute is in nn/recurrence.py; cells are in rnn_cells.py."""

from ...operators.creation import empty, zeros
from ..parameter import Parameter
from ..recurrence import run
from ..utils.rnn import PackedSequence
from .module import Module
from .rnn_cells import GRUCell, LSTMCell, RNNCell, RNNCellBase, draw

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNBase", "RNNCell", "RNNCellBase"]


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
        draw(self)

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
                name = f"hidden[{which}]" if self.mode == "LSTM" else "hidden"
                raise RuntimeError(f"Expected {name} size {expected}, got {list(state.shape)}")

    def _zeros(self, batch, like):
        layers = self.num_layers * (1 + self.bidirectional)
        return tuple([zeros(layers, batch, width, dtype=like.dtype) for width in self._sizes()])

    def _sequence(self, rows, sizes, states):
        """(outputs, last states) of the samples of all times, one under the other: `sizes` are left at each of them."""
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
        layers = [
            [getattr(self, name + suffix, None) for name in names]
            for layer in range(self.num_layers)
            for suffix in self._suffixes(layer)
        ]
        dropped = self.dropout if self.training else 0.0
        return run(self.mode, rows, sizes, states, layers, 1 + self.bidirectional, dropped)

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
        times, samples = sequence.shape[:2]
        outputs, last = self._sequence(sequence.flatten(0, 1), [samples] * times, states)
        result = outputs.unflatten(0, (times, samples))
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
        outputs, last = self._sequence(data, counts, states)
        if back is not None:
            last = tuple([each.index_select(1, back) for each in last])
        return PackedSequence(outputs, batch_sizes, order, back), self._last(last)

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
