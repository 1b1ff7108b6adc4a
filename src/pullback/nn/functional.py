"""The nonlinearities of neural networks, as functions. Each is a row of the table of calculus."""

from ..operators.elementwise import ACTIVATIONS
from ..operators.variants import _rows

__all__ = ["gelu", "log_softmax", "sigmoid", "softmax", "tanh"]


def gelu(input, approximate="none"):
    """input times the normal distribution function; with approximate="tanh", a cheaper form of it.

    Raises RuntimeError for another `approximate`.

    Example:
        >>> pb.nn.functional.gelu(pb.tensor([-1.0, 0.0, 1.0]))
        tensor([-0.1587,  0.0000,  0.8413])
    """
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")
    return _rows["gelu" if approximate == "none" else "gelu_tanh"](input)


def _with_inplace(name, function, writing):
    """PyTorch's form: f(input, ..., inplace=False)."""

    def activation(input, *args, inplace=False, **kwargs):
        return (writing if inplace else function)(input, *args, **kwargs)

    activation.__name__ = activation.__qualname__ = name
    activation.__doc__ = function.__doc__
    return activation


def _publish():
    from ..calculus.define import TABLE

    for name, function in ACTIVATIONS.items():
        row = TABLE.get(name)
        if row is not None and "inplace=" in row.forms:
            function = _with_inplace(name, function, _rows[name + "_"])
        if name not in globals():
            globals()[name] = function
            __all__.append(name)


_publish()


def sigmoid(input):
    """1 / (1 + e**-input)."""
    return input.sigmoid()


def tanh(input):
    """The hyperbolic tangent."""
    return input.tanh()


def softmax(input, dim, dtype=None):
    """e**input along `dim`, scaled to sum to 1."""
    return input.softmax(dim, dtype=dtype)


def log_softmax(input, dim, dtype=None):
    """The logarithm of softmax along `dim`, without overflow."""
    return input.log_softmax(dim, dtype=dtype)
