"""Recurrent networks as functions of their weights, and their cells: what `nn.LSTM` and its kin call in PyTorch.

Each takes a sequence, or one of packed lengths: `gru(input, hx, params, ...)` and `gru(data, batch_sizes, hx, params, ...)`.
`params` has the weights layer by layer and direction by direction: of the input, of the state, and then the two biases,
and for an LSTM that projects its state the projection.
"""

from ... import _core
from ...operators.declare import composed
from ...operators.products import linear
from ..recurrence import STEPS, run

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


def _read(name, args, named):
    """The arguments, by their names. The second one, or for all but an LSTM the third, says whether lengths are packed."""
    telling = 1 if name == "lstm" else 2
    packed = "data" in named or (len(args) > telling and isinstance(args[telling], _core.Tensor))
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


def _layers(given, projected):
    """The weights of each layer and direction, five each; RuntimeError for another number of them."""
    params, each = list(given["params"]), 2 + 2 * bool(given["has_biases"]) + projected
    if len(params) % each:
        raise RuntimeError("got an incorrect number of RNN parameters")
    layers = given["num_layers"] * (1 + bool(given["bidirectional"]))
    if len(params) != layers * each:
        raise RuntimeError(
            f"Expected {'more' if len(params) < layers * each else 'fewer'} weights in stacked_rnn: {layers} times {each}, "
            f"but got {len(params)}"
        )
    made = []
    for k in range(0, len(params), each):
        own = params[k : k + each]
        projection = own.pop() if projected else None
        made.append([*own, *[None] * (4 - len(own)), projection])
    return made


def _run(name, mode, args, named):
    packed, given = _read(name, args, named)
    states = tuple(given["hx"]) if mode == "LSTM" else (given["hx"],)
    if mode == "LSTM" and len(states) != 2:
        raise RuntimeError("lstm expects two hidden states")
    layers = _layers(given, mode == "LSTM" and states[0].size(2) != states[1].size(2))
    if states[0].size(0) != len(layers):
        more = "more" if states[0].size(0) < len(layers) else "fewer"
        raise RuntimeError(
            f"Expected {more} hidden states in stacked_rnn: {len(layers)}, one for each layer and direction, but got "
            f"{states[0].size(0)}"
        )
    if packed:
        rows, sizes = given["data"], given["batch_sizes"].tolist()
    else:
        input = given["input"].transpose(0, 1) if given["batch_first"] else given["input"]
        rows, sizes = input.flatten(0, 1), [input.size(1)] * input.size(0)
    if sizes and sizes[0] != states[0].size(1):
        raise RuntimeError(f"Expected hidden states of {sizes[0]} samples, but got {states[0].size(1)}")
    dropped = given["dropout"] if given["train"] else 0.0
    outputs, last = run(mode, rows, sizes, states, layers, 1 + bool(given["bidirectional"]), dropped)
    if packed:
        return outputs, *last
    outputs = outputs.unflatten(0, (len(sizes), sizes[0]))
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
    return STEPS[mode](linear(input, w_ih, b_ih), states, w_hh, b_hh)[1]


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
