"""Tensors that say which of their elements count."""

import warnings

from .. import _core
from .._core import Tensor
from ..operators.copies import as_subclass
from ..operators.overriding import WithoutSubclasses

_DTYPES = ("float16", "float32", "float64", "bool", "int8", "int16", "int32", "int64")
DTYPES = {getattr(_core, name) for name in _DTYPES}


def is_masked_tensor(obj):
    """Whether it is a MaskedTensor.

    Example:
        >>> pb.masked.is_masked_tensor(pb.ones(2))
        False
    """
    return isinstance(obj, MaskedTensor)


def plain(tensor):
    """The elements of a MaskedTensor, as a tensor with the same history."""
    with WithoutSubclasses():
        return as_subclass(tensor, Tensor)


def wrapped(data, mask):
    """A MaskedTensor over a tensor, with its history, and a mask."""
    with WithoutSubclasses():
        made = as_subclass(data, MaskedTensor)
    made._masked_mask = mask
    return made


def _check(data, mask):
    for name, each in (("data", data), ("mask", mask)):
        if is_masked_tensor(each) or not isinstance(each, Tensor):
            raise TypeError(f"{name} must be a Tensor")
    if type(data) is not type(mask):
        raise TypeError(f"data and mask must have the same type. Got {type(data)} and {type(mask)}")
    if mask.dtype != _core.bool:
        raise TypeError("mask must have dtype bool.")
    if data.dtype not in DTYPES:
        raise TypeError(f"{data.dtype} is not supported in MaskedTensor.")
    if data.ndim != mask.ndim:
        raise ValueError("data.dim() must equal mask.dim()")
    if data.shape != mask.shape:
        raise ValueError("data.size() must equal mask.size()")


class MaskedTensor(Tensor):
    """A copy of a tensor, with a mask that says which of its elements count: a leaf, which records if `requires_grad`.

    Functions of single elements keep the mask; of two MaskedTensors the masks have to agree. Views and joining are of both,
    and reductions are those of `pullback.masked`. Its gradient is a MaskedTensor with the same mask. What has no meaning
    for it raises TypeError.

    Raises:
        TypeError: `data` or `mask` is no tensor; a mask that is not bool, data of complex numbers, bfloat16 or uint8.
        ValueError: data and mask have different shapes.

    Example:
        >>> x = pb.masked.MaskedTensor(pb.tensor([1.0, 2.0, 3.0]), pb.tensor([True, False, True]))
        >>> x
        MaskedTensor(
          [  1.0000,       --,   3.0000]
        )
        >>> (x * 2).sum()
        MaskedTensor(  8.0000, True)
    """

    def __new__(cls, data, mask, requires_grad=False):
        _check(data, mask)
        if data.requires_grad:
            warnings.warn(
                "It is not recommended to create a MaskedTensor with a tensor that requires_grad. To avoid this, you can use "
                "data.detach().clone(); as_masked_tensor keeps the history.",
                UserWarning,
                stacklevel=2,
            )
        with WithoutSubclasses():
            made = as_subclass(data.detach().clone(), cls)
            if requires_grad:
                _core.require_grad(made)
        made._masked_mask = mask.clone()
        return made

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        from .answers import answered

        if not all(issubclass(cls, each) for each in types):
            return NotImplemented
        return answered(func, args, kwargs or {})

    def get_data(self):
        """The elements, also those that do not count, with the history of this tensor.

        Example:
            >>> pb.masked.masked_tensor(pb.tensor([1.0, 2.0]), pb.tensor([True, False])).get_data()
            tensor([1., 2.])
        """
        return plain(self)

    def get_mask(self):
        """The mask: True where an element counts.

        Example:
            >>> pb.masked.masked_tensor(pb.tensor([1.0, 2.0]), pb.tensor([True, False])).get_mask()
            tensor([ True, False])
        """
        return self._masked_mask

    def to_tensor(self, value):
        """A tensor with the elements that count, and `value` elsewhere.

        Example:
            >>> pb.masked.masked_tensor(pb.tensor([1.0, 2.0]), pb.tensor([True, False])).to_tensor(-1.0)
            tensor([ 1., -1.])
        """
        return plain(self).where(self._masked_mask, value)

    def is_sparse_coo(self):
        """False: every element is stored.

        Example:
            >>> pb.masked.masked_tensor(pb.ones(2), pb.tensor([True, False])).is_sparse_coo()
            False
        """
        return False

    def is_sparse_csr(self):
        """False: every element is stored.

        Example:
            >>> pb.masked.masked_tensor(pb.ones(2), pb.tensor([True, False])).is_sparse_csr()
            False
        """
        return False

    def __repr__(self, *, tensor_contents=None):
        data, mask = plain(self).detach(), self._masked_mask
        if not data.ndim:
            return f"MaskedTensor({_shown(data.item()) if mask else '--'}, {mask.item()})"
        rows = _rows(data, mask)
        return "MaskedTensor(\n" + "\n".join("  " + row for row in rows.split("\n")) + "\n)"

    __str__ = __repr__


def _shown(number):
    return f"{number:8.4f}" if isinstance(number, float) else str(number)


def _rows(data, mask):
    if data.ndim > 1:
        inner = [_rows(*each) for each in zip(data, mask)]
        inner = ["\n".join("  " + line for line in text.split("\n")) for text in inner]
        return "[\n" + ",\n".join(inner) + "\n]"
    texts, kept = [_shown(number) for number in data.tolist()], mask.tolist()
    width = max([len(text) if counts else 8 for text, counts in zip(texts, kept)], default=0)
    return "[" + ", ".join(t if counts else "--".rjust(width) for t, counts in zip(texts, kept)) + "]"


def masked_tensor(data, mask, requires_grad=False):
    """A MaskedTensor over copies of a tensor and of its mask: a leaf.

    Raises as `MaskedTensor` does.

    Example:
        >>> x = pb.masked.masked_tensor(pb.tensor([1.0, 2.0]), pb.tensor([True, False]), requires_grad=True)
        >>> x.square().sum().backward()
        >>> x.grad
        MaskedTensor(
          [  2.0000,       --]
        )
    """
    return MaskedTensor(data, mask, requires_grad)


def as_masked_tensor(data, mask):
    """A MaskedTensor over copies of a tensor and of its mask, which keeps the history: gradients flow to `data`.

    What does not count has a gradient of zero. Raises as `MaskedTensor` does.

    Example:
        >>> x = pb.tensor([1.0, 2.0], requires_grad=True)
        >>> pb.masked.as_masked_tensor(x, pb.tensor([True, False])).square().sum().backward()
        >>> x.grad
        tensor([2., 0.])
    """
    _check(data, mask)
    return wrapped(data.clone(), mask.clone())
