"""Recurrent networks as functions of their weights, and their cells: what `nn.LSTM` and its kin call in PyTorch.

Each takes a sequence, or one of packed lengths: `gru(input, hx, params, ...)` and `gru(data, batch_sizes, hx, params, ...)`.
`params` has the weights layer by layer and direction by direction: of the input, of the state, and then the two biases,
and for an LSTM that projects its state the projection.
"""

from ... import _core
from ...operators.declare import composed
from ...operators.joining import cat, stack
from ...operators.linear import linear
from ..modules.rnn import RNNBase

__all__ = [
    "gru",
    "gru_cell",
    "lstm",
    "lstm_cell",
    "rnn_relu",
    "rnn_relu_cell",
    "rnn_tanh",
    "rnn_tanh_cell",
]

_LAST = ("hx", "params", "has_biases", "num_layers", "dropout", "train", "bidirectional")
_WHOLE = ("input", *_LAST, "batch_first")
_PACKED = ("data", "batch_sizes", *_LAST)


class Net:
    """What the modules ask of a network on the way over a sequence: its form, and weights under their names."""

    def __init__(self, mode, num_layers=1, bidirectional=False, dropped=0.0, projected=False):
        self.mode, self.num_layers, self.bidirectional = mode, num_layers, bool(bidirectional)
        self.dropout, self.training, self.proj_size = dropped, True, int(projected)

    _suffixes, _step, _sequence, _one, _dropped = (
        vars(RNNBase)[name] for name in ("_suffixes", "_step", "_sequence", "_one", "_dropped")
    )

    @property
    def suffixes(self):
        """Those of all layers and directions, in order."""
        return [suffix for layer in range(self.num_layers) for suffix in self._suffixes(layer)]


def _read(name, args, named):
    """The arguments, by their names. The second one, or for all but an LSTM the third, says whether lengths are packed."""
    packed = "data" in named or (
        len(args) > 1
        and (
            len(args) > 2 and isinstance(args[2], _core.Tensor)
            if name != "lstm"
            else isinstance(args[1], _core.Tensor)
        )
    )
    names = _PACKED if packed else _WHOLE
    if len(args) > len(names):
        raise TypeError(f"{name}() takes {len(names)} positional arguments but {len(args)} were given")
    given = dict(zip(names, args)) | named
    missing, unknown = (
        [each for each in names if each not in given],
        [each for each in given if each not in names],
    )
    if missing or unknown:
        wrong = f"unexpected {', '.join(unknown)}" if unknown else f"missing {', '.join(missing)}"
        raise TypeError(
            f"{name}() received an invalid combination of arguments: {wrong}. Expected one of: ({', '.join(_PACKED)}); "
            f"({', '.join(_WHOLE)})"
        )
    return packed, given


def _net(mode, given, states):
    """The network of these weights; RuntimeError for another number of them or of states."""
    projected = mode == "LSTM" and states[0].size(2) != states[1].size(2)
    dropped = given["dropout"] if given["train"] else 0.0
    net = Net(mode, given["num_layers"], given["bidirectional"], dropped, projected)
    names = ["weight_ih", "weight_hh"] + ["bias_ih", "bias_hh"] * bool(given["has_biases"])
    names += ["weight_hr"] * projected
    params, suffixes = list(given["params"]), net.suffixes
    if len(params) % len(names):
        raise RuntimeError("got an incorrect number of RNN parameters")
    if len(params) != len(suffixes) * len(names):
        raise RuntimeError(
            f"Expected {_which(len(params), len(suffixes) * len(names))} weights in stacked_rnn: {len(suffixes)} times "
            f"{len(names)}, but got {len(params)}"
        )
    if states[0].size(0) != len(suffixes):
        raise RuntimeError(
            f"Expected {_which(states[0].size(0), len(suffixes))} hidden states in stacked_rnn: {len(suffixes)}, one for each "
            f"layer and direction, but got {states[0].size(0)}"
        )
    for suffix, name in ((suffix, name) for suffix in suffixes for name in names):
        setattr(net, name + suffix, params.pop(0))
    return net


def _which(found, wanted):
    return "more" if found < wanted else "fewer"


def _run(name, mode, args, named):
    packed, given = _read(name, args, named)
    states = tuple(given["hx"]) if mode == "LSTM" else (given["hx"],)
    if mode == "LSTM" and len(states) != 2:
        raise RuntimeError("lstm expects two hidden states")
    net = _net(mode, given, states)
    if packed:
        sequence = list(given["data"].split(given["batch_sizes"].tolist()))
    else:
        input = given["input"].transpose(0, 1) if given["batch_first"] else given["input"]
        sequence = list(input.unbind(0))
    if not sequence:
        raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
    if len(sequence[0]) != states[0].size(1):
        raise RuntimeError(
            f"Expected hidden states of {len(sequence[0])} samples, but got {states[0].size(1)}"
        )
    outputs, last = net._sequence(sequence, states)
    if packed:
        return cat(outputs), *last
    outputs = stack(outputs)
    return outputs.transpose(0, 1) if given["batch_first"] else outputs, *last


def gru(*args, **kwargs):
    """(outputs, last state) of `nn.GRU`, given its weights: ``gru(input, hx, params, has_biases, num_layers, dropout, train,
    bidirectional, batch_first)``, or of packed lengths ``gru(data, batch_sizes, hx, params, has_biases, num_layers,
    dropout, train, bidirectional)``.

    Raises RuntimeError for another number of weights or states, TypeError for other arguments.

    Example:
        >>> net = pb.nn.GRU(3, 4)
        >>> x, h = pb.ones(5, 1, 3), pb.zeros(1, 1, 4)
        >>> outputs, last = pb.gru(x, h, list(net.parameters()), True, 1, 0.0, False, False, False)
        >>> pb.equal(outputs, net(x, h)[0])
        True
    """
    return _run("gru", "GRU", args, kwargs)


def lstm(*args, **kwargs):
    """(outputs, last h, last c) of `nn.LSTM`, given its weights, with the arguments of `gru`; `hx` is a pair (h, c).

    Raises RuntimeError for another number of weights or states, TypeError for other arguments.

    Example:
        >>> net = pb.nn.LSTM(3, 4)
        >>> x, h = pb.ones(5, 1, 3), pb.zeros(1, 1, 4)
        >>> outputs, h, c = pb.lstm(x, (h, h), list(net.parameters()), True, 1, 0.0, False, False, False)
        >>> pb.equal(outputs, net(x)[0])
        True
    """
    return _run("lstm", "LSTM", args, kwargs)


def rnn_tanh(*args, **kwargs):
    """(outputs, last state) of `nn.RNN`, given its weights, with the arguments of `gru`.

    Raises RuntimeError for another number of weights or states, TypeError for other arguments.

    Example:
        >>> net = pb.nn.RNN(3, 4)
        >>> x, h = pb.ones(5, 1, 3), pb.zeros(1, 1, 4)
        >>> outputs, last = pb.rnn_tanh(x, h, list(net.parameters()), True, 1, 0.0, False, False, False)
        >>> pb.equal(last, net(x)[1])
        True
    """
    return _run("rnn_tanh", "RNN_TANH", args, kwargs)


def rnn_relu(*args, **kwargs):
    """(outputs, last state) of `nn.RNN` with relu, given its weights, with the arguments of `gru`.

    Raises RuntimeError for another number of weights or states, TypeError for other arguments.

    Example:
        >>> net = pb.nn.RNN(3, 4, nonlinearity="relu")
        >>> x, h = pb.ones(5, 1, 3), pb.zeros(1, 1, 4)
        >>> outputs, last = pb.rnn_relu(x, h, list(net.parameters()), True, 1, 0.0, False, False, False)
        >>> pb.equal(last, net(x)[1])
        True
    """
    return _run("rnn_relu", "RNN_RELU", args, kwargs)


def _cell(mode, input, states, w_ih, w_hh, b_ih, b_hh):
    if input.size(1) != w_ih.size(1):
        raise RuntimeError(f"input has inconsistent input_size: got {input.size(1)} expected {w_ih.size(1)}")
    for k, state in enumerate(states):
        if input.size(0) != state.size(0):
            raise RuntimeError(
                f"Input batch size {input.size(0)} doesn't match hidden{k} batch size {state.size(0)}"
            )
        if state.size(1) != w_hh.size(1):
            raise RuntimeError(
                f"hidden{k} has inconsistent hidden_size: got {state.size(1)}, expected {w_hh.size(1)}"
            )
    return Net(mode)._step("")(linear(input, w_ih, b_ih), states, w_hh, b_hh)[1]


@composed(public=False, method=False)
def gru_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """The next state of `nn.GRUCell`, given its weights: of an input (batch, features) and a state (batch, hidden).

    Raises RuntimeError for sizes that do not fit, IndexError without a batch.

    Example:
        >>> cell = pb.nn.GRUCell(3, 4)
        >>> pb.equal(pb.gru_cell(pb.ones(1, 3), pb.zeros(1, 4), *cell.parameters()), cell(pb.ones(1, 3)))
        True
    """
    return _cell("GRU", input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


@composed(public=False, method=False)
def lstm_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """The next pair of states of `nn.LSTMCell`, given its weights; `hx` is a pair (h, c).

    Raises RuntimeError for sizes that do not fit, IndexError without a batch.

    Example:
        >>> cell, h = pb.nn.LSTMCell(3, 4), pb.zeros(1, 4)
        >>> pb.equal(pb.lstm_cell(pb.ones(1, 3), (h, h), *cell.parameters())[0], cell(pb.ones(1, 3))[0])
        True
    """
    if len(hx) != 2:
        raise RuntimeError("lstm_cell expects two hidden states")
    return _cell("LSTM", input, tuple(hx), w_ih, w_hh, b_ih, b_hh)


@composed(public=False, method=False)
def rnn_tanh_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """The next state of `nn.RNNCell`, given its weights: of an input (batch, features) and a state (batch, hidden).

    Raises RuntimeError for sizes that do not fit, IndexError without a batch.

    Example:
        >>> cell = pb.nn.RNNCell(3, 4)
        >>> pb.equal(pb.rnn_tanh_cell(pb.ones(1, 3), pb.zeros(1, 4), *cell.parameters()), cell(pb.ones(1, 3)))
        True
    """
    return _cell("RNN_TANH", input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


@composed(public=False, method=False)
def rnn_relu_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """The next state of `nn.RNNCell` with relu, given its weights: see `rnn_tanh_cell`.

    Raises RuntimeError for sizes that do not fit, IndexError without a batch.

    Example:
        >>> cell = pb.nn.RNNCell(3, 4, nonlinearity="relu")
        >>> pb.equal(pb.rnn_relu_cell(pb.ones(1, 3), pb.zeros(1, 4), *cell.parameters()), cell(pb.ones(1, 3)))
        True
    """
    return _cell("RNN_RELU", input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]
