"""The functions of neural networks: linear maps; nonlinearities, each a row of the table of calculus; normalisation;
losses; padding; one-hot vectors."""

from .. import _core
from ..calculus.define import TABLE
from ..messages.missing import missing
from ..operators.creation import zeros
from ..operators.declare import composed
from ..operators.elementwise import ACTIVATIONS, parse
from ..operators.linear import bilinear, linear
from ..operators.row_functions import layer_norm as _layer_norm
from ..operators.variants import _rows
from .losses import cross_entropy
from .padding import pad

__all__ = [
    "bilinear",
    "cross_entropy",
    "gelu",
    "layer_norm",
    "linear",
    "log_softmax",
    "one_hot",
    "pad",
    "sigmoid",
    "softmax",
    "tanh",
]


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


@composed(public=False, method=False)
def sigmoid(input):
    """The logistic function 1 / (1 + e**-input): see `pullback.sigmoid`.

    The shape stays; integers and bool become the default floating dtype. Raises AttributeError for what is no tensor.

    Example:
        >>> pb.nn.functional.sigmoid(pb.tensor([-1.0, 0.0, 1.0]))
        tensor([0.2689, 0.5000, 0.7311])
    """
    return input.sigmoid()


@composed(public=False, method=False)
def tanh(input):
    """The hyperbolic tangent: see `pullback.tanh`.

    The shape stays; integers and bool become the default floating dtype. Raises AttributeError for what is no tensor.

    Example:
        >>> pb.nn.functional.tanh(pb.tensor([-1.0, 0.0, 1.0]))
        tensor([-0.7616,  0.0000,  0.7616])
    """
    return input.tanh()


@composed(public=False, method=False)
def softmax(input, dim, dtype=None):
    """e**input along `dim`, scaled to sum to 1: see `pullback.softmax`.

    The shape stays; integers need a floating `dtype`, in which is computed where it is given.
    Raises IndexError for a `dim` out of range, NotImplementedError for integers.

    Example:
        >>> pb.nn.functional.softmax(pb.tensor([0.0, 1.0]), dim=0)
        tensor([0.2689, 0.7311])
    """
    return input.softmax(dim, dtype=dtype)


@composed(public=False, method=False)
def log_softmax(input, dim, dtype=None):
    """The logarithm of softmax along `dim`, without overflow: see `pullback.log_softmax`.

    The shape stays; integers need a floating `dtype`, in which is computed where it is given.
    Raises IndexError for a `dim` out of range, NotImplementedError for integers.

    Example:
        >>> pb.nn.functional.log_softmax(pb.tensor([0.0, 1.0]), dim=0)
        tensor([-1.3133, -0.3133])
    """
    return input.log_softmax(dim, dtype=dtype)


@composed(public=False, method=False)
def one_hot(tensor, num_classes=-1):
    """Every class number as a vector that is 1 there and 0 elsewhere: int64 [..., num_classes].

    Without `num_classes` there are as many as the largest number needs.

    Raises RuntimeError for anything but int64, for negative numbers, for numbers beyond `num_classes`, and
    for no numbers without `num_classes`.

    Example:
        >>> pb.nn.functional.one_hot(pb.tensor([0, 2]), 3)
        tensor([[1, 0, 0],
                [0, 0, 1]])
    """
    if tensor.dtype != _core.int64:
        raise RuntimeError(
            f"one_hot is only applicable to index tensor of type LongTensor. This one is {tensor.dtype}: "
            "convert it with .long()."
        )
    if tensor.numel() == 0:
        if num_classes <= 0:
            raise RuntimeError(
                "Can not infer total number of classes from empty tensor. Say how many with num_classes."
            )
        return zeros(*tensor.shape, num_classes, dtype=_core.int64)
    if tensor.min().item() < 0:
        raise RuntimeError("Class values must be non-negative.")
    largest = tensor.max().item()
    if num_classes == -1:
        num_classes = largest + 1
    elif num_classes <= largest:
        raise RuntimeError(
            f"Class values must be smaller than num_classes. The largest is {largest}, num_classes is "
            f"{num_classes}."
        )
    return zeros(*tensor.shape, num_classes, dtype=_core.int64).scatter_(-1, tensor.unsqueeze(-1), 1)


@composed(public=False, method=False)
def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-05):
    """Each element less the mean of its row, over the row's standard deviation: see `pullback.layer_norm`.

    Shape and dtype stay. Raises RuntimeError for shapes that do not fit, NotImplementedError for integers.

    Example:
        >>> pb.nn.functional.layer_norm(pb.tensor([[1.0, 2.0, 3.0]]), (3,), weight=pb.tensor([1.0, 1.0, 2.0]))
        tensor([[-1.2247,  0.0000,  2.4495]])
    """
    return _layer_norm(input, normalized_shape, weight, bias, eps)


def __getattr__(name):
    raise missing(__name__, name)
