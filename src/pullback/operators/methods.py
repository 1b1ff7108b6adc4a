"""What a tensor says of itself, and does in Python's own operations: printing, `in`, `format`, equality as a whole."""

import builtins

from .. import _core
from ..device import CPU, strided
from ..messages.missing import Absent
from .creation import ones_like, zeros_like
from .declare import METHODS, composed, operator
from .exchange import item
from .variants import isclose

Tensor = _core.Tensor


def _contains(self, element):
    if isinstance(element, Tensor | int | float | complex):
        return _core_any(self == element)
    raise RuntimeError(
        f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}."
    )


def _core_any(truth):
    return not equal(truth, zeros_like(truth))


def _reversed(self):
    return self if self.dim() == 0 else self.flip(0)


def _complex(self):
    return complex(item(self)) if self.numel() == 1 else float(self)


def _format(self, spec):
    if self.ndim == 0:
        return format(item(self), spec)
    return object.__format__(self, spec)


def _repr(self, *, tensor_contents=None):
    from ..printing import tensor_repr

    return tensor_repr(self)


def _dir(self):
    found = {}
    for kind in reversed(builtins.type(self).__mro__):
        found.update(vars(kind))
    return sorted(
        [name for name, value in found.items() if not isinstance(value, Absent)] + list(self.__dict__)
    )


# ---- questions ---------------------------------------------------------------------------------------------


@composed(method=False)
def is_tensor(obj):
    """Whether it is a tensor.

    Example:
        >>> pb.is_tensor(pb.zeros(2)), pb.is_tensor(3)
        (True, False)
    """
    return isinstance(obj, Tensor)


@composed
def is_nonzero(input):
    """Whether the one element of a tensor is not zero.

    Raises RuntimeError for more or fewer elements than one.

    Example:
        >>> pb.is_nonzero(pb.tensor([0.0]))
        False
    """
    return builtins.bool(input)


@composed(public=False)
def get_device(input):
    """-1, the CPU's number.

    Example:
        >>> pb.zeros(2).get_device()
        -1
    """
    return -1


@composed(public=False)
def is_pinned(self, device=None):
    """False: memory is pinned for accelerators only.

    Example:
        >>> pb.zeros(2).is_pinned()
        False
    """
    return False


@composed(kinds={"other": "T"})
def is_same_size(input, other):
    """Whether two tensors have the same shape.

    Example:
        >>> pb.is_same_size(pb.zeros(2, 3), pb.zeros(6))
        False
    """
    return tuple(input.shape) == tuple(other.shape)


@operator
def equal(input, other):
    """Whether two tensors have the same shape and the same elements; NaN differs from itself.

    A bool. Raises TypeError where `other` is no tensor.

    Example:
        >>> pb.equal(pb.tensor([1, 2]), pb.tensor([1.0, 2.0]))
        True
    """


@composed(kinds={"other": "T"})
def allclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """Whether |input - other| <= atol + rtol * |other| everywhere.

    Raises RuntimeError for different dtypes, shapes that do not broadcast, and negative tolerances.

    Example:
        >>> pb.allclose(pb.tensor([1.0]), pb.tensor([1.0 + 1e-7]))
        True
    """
    close = isclose(input, other, rtol, atol, equal_nan)
    return equal(close, ones_like(close))


def _constant(value, name, doc):
    shown = f"\n\n    Example:\n        >>> pb.zeros(2).{name}\n        {value!r}\n    "
    return property(lambda self: value, doc=doc + shown)


METHODS.update(
    __contains__=_contains,
    __reversed__=_reversed,
    __complex__=_complex,
    __format__=_format,
    __repr__=_repr,
    __dir__=_dir,
    device=_constant(CPU, "device", "Where the tensor lives."),
    layout=_constant(strided, "layout", "How its elements lie in memory."),
    is_cuda=_constant(False, "is_cuda", "False: the tensor is on the CPU."),
    is_cpu=_constant(True, "is_cpu", "True: the tensor is on the CPU."),
    is_sparse=_constant(False, "is_sparse", "False: every element is stored."),
    is_quantized=_constant(False, "is_quantized", "False: elements are stored as they are."),
    is_meta=_constant(False, "is_meta", "False: the tensor has elements."),
    is_mkldnn=_constant(False, "is_mkldnn", "False: there is one layout."),
    is_nested=_constant(False, "is_nested", "False: rows have one length."),
    is_sparse_csr=_constant(False, "is_sparse_csr", "False: every element is stored."),
    **{
        name: _constant(False, name, "False: the tensor is on the CPU.")
        for name in "is_ipu is_maia is_mps is_mtia is_vulkan is_xla is_xpu".split()
    },
)
