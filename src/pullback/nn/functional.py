"""The functions of neural networks: linear maps; nonlinearities, each a row of the table of calculus; normalisation;
losses; padding; one-hot vectors."""

from importlib import import_module

from .. import _core
from ..calculus.define import TABLE
from ..messages.missing import missing
from ..operators.declare import NUMBER_TOO, composed
from ..operators.elementwise import ACTIVATIONS, parse
from ..operators.products import bilinear, linear
from ..operators.variants import _rows, prelu
from .cross_entropy import cross_entropy, nll_loss
from .gates import chosen
from .padding import pad

__all__ = [
    "bilinear",
    "cross_entropy",
    "gelu",
    "linear",
    "log_softmax",
    "nll_loss",
    "pad",
    "prelu",
    "sigmoid",
    "softmax",
    "tanh",
]

for _name in (
    "adaptive_pooling",
    "classification",
    "convolution",
    "embeddings",
    "gates",
    "grids",
    "grouped",
    "linear_cross_entropy",
    "normalization",
    "pooling",
    "pooling_with_indices",
    "random",
    "regression",
    "resampling",
    "sequences",
    "shuffles",
    "similarity",
    "weighing",
    "windows",
):
    _family = import_module("." + _name, __package__)
    globals().update({_each: getattr(_family, _each) for _each in _family.__all__})
    __all__ += _family.__all__
del _family, _name


@composed(public=False, method=False)
def gelu(input, approximate="none"):
    """input times the normal distribution function (arXiv:1606.08415); with approximate="tanh", a cheaper form of it.

    Shape: that of `input`, which may be any.
    Dtype: that of `input`.
    Derivative: in `input`, of every order.

    Raises:
        TypeError: `input` is no tensor.
        NotImplementedError: integers and bool.
        RuntimeError: another `approximate` than "none" and "tanh".

    Example:
        >>> x = pb.tensor([-1.0, 0.0, 1.0], requires_grad=True)
        >>> pb.nn.functional.gelu(x)
        tensor([-0.1587,  0.0000,  0.8413], grad_fn=<GeluBackward0>)
        >>> pb.nn.functional.gelu(x).sum().backward()
        >>> x.grad
        tensor([-0.0833,  0.5000,  1.0833])
    """
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")
    return _rows["gelu" if approximate == "none" else "gelu_tanh"](input)


def _with_inplace(row, function, writing):
    """PyTorch's form: f(input, ..., inplace=False)."""
    names, _, defaults = parse(row.signature)
    names, defaults = names[: row.arity], defaults[: row.arity]

    def activation(*operands):
        *operands, inplace = operands
        return (writing if inplace else function)(*operands)

    made = _core.Operator(
        row.name, activation, (*names, "inplace"), len(names) + 1, (*defaults, False), -1, False
    )
    made.__row__ = row
    made.__module__ = "pullback.nn.functional"
    made.__text_signature__ = f"({row.signature}, inplace=False)"
    return made


def _publish():
    for name, function in ACTIVATIONS.items():
        row = TABLE.get(name)
        if row is not None and "inplace=" in row.forms:
            function = _with_inplace(row, function, _rows[name + "_"])
        if name not in globals():
            globals()[name] = function
            __all__.append(name)


_publish()


@composed(public=False, method=False, kinds=NUMBER_TOO)
def sigmoid(input):
    """The logistic function 1 / (1 + e**-input): see `pullback.sigmoid`.

    The shape stays; integers and bool become the default floating dtype. Raises AttributeError for what is no tensor.

    Example:
        >>> pb.nn.functional.sigmoid(pb.tensor([-1.0, 0.0, 1.0]))
        tensor([0.2689, 0.5000, 0.7311])
    """
    return input.sigmoid()


@composed(public=False, method=False, kinds=NUMBER_TOO)
def tanh(input):
    """The hyperbolic tangent: see `pullback.tanh`.

    The shape stays; integers and bool become the default floating dtype. Raises AttributeError for what is no tensor.

    Example:
        >>> pb.nn.functional.tanh(pb.tensor([-1.0, 0.0, 1.0]))
        tensor([-0.7616,  0.0000,  0.7616])
    """
    return input.tanh()


@composed(public=False, method=False)
def softmax(input, dim=None, _stacklevel=3, dtype=None):
    """e**input along `dim`, scaled to sum to 1: see `pullback.softmax`.

    The shape stays; integers need a floating `dtype`, in which is computed where it is given.
    Raises IndexError for a `dim` out of range, NotImplementedError for integers.

    Example:
        >>> pb.nn.functional.softmax(pb.tensor([0.0, 1.0]), dim=0)
        tensor([0.2689, 0.7311])
    """
    return input.softmax(chosen("softmax", input, dim), dtype=dtype)


@composed(public=False, method=False)
def log_softmax(input, dim=None, _stacklevel=3, dtype=None):
    """The logarithm of softmax along `dim`, without overflow: see `pullback.log_softmax`.

    The shape stays; integers need a floating `dtype`, in which is computed where it is given.
    Raises IndexError for a `dim` out of range, NotImplementedError for integers.

    Example:
        >>> pb.nn.functional.log_softmax(pb.tensor([0.0, 1.0]), dim=0)
        tensor([-1.3133, -0.3133])
    """
    return input.log_softmax(chosen("log_softmax", input, dim), dtype=dtype)


def __getattr__(name):
    raise missing(__name__, name)
