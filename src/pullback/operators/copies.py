"""Subclasses of Tensor, and copies of a tensor as an object: `copy`, `deepcopy` and `pickle`."""

import builtins

from .. import _core
from .creation import empty_like, empty_strided
from .declare import METHODS, operator
from .exchange import numpy


@operator(public=False, method=False)
def flat_storage(input):
    """All of the memory."""


@operator(public=False, method=False)
def storage(input):
    """A number that tensors over the same memory have in common."""


@operator(public=False, method=False)
def over_storage(flat, size, stride, offset):
    """A tensor over given memory."""


@operator(public=False)
def as_subclass(input, cls):
    """The tensor as an instance of a subclass of Tensor, over the same memory; gradients flow through.

    Raises TypeError for a class that does not inherit from Tensor.

    Example:
        >>> class Named(pb.Tensor):
        ...     pass
        >>> type(pb.ones(2).as_subclass(Named)).__name__
        'Named'
    """


@operator(public=False, method=False)
def make_subclass(cls, data, require_grad=False):
    """A leaf of a subclass over the memory of a tensor."""


def _copy(self):
    """`copy.copy`: a leaf over the same memory."""
    made = make_subclass(builtins.type(self), self.data, self.requires_grad)
    made.__dict__.update(self.__dict__)
    return made


def _deepcopy(self, memo):
    """`copy.deepcopy`: a leaf over copied memory; tensors that share memory share the copy."""
    if id(self) in memo:
        return memo[id(self)]
    if not self.is_leaf:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at "
            "the moment. This one was computed by a recorded operation: copy.deepcopy(x.detach()) copies "
            "its value."
        )
    import copy

    key = ("pullback.storage", storage(self), self.dtype)
    if key not in memo:
        memo[key] = flat_storage(self).clone()
        memo[key, "original"] = self  # its address stays taken while the memo lives
    made = over_storage(memo[key], tuple(self.shape), tuple(self.stride()), self.storage_offset())
    made = make_subclass(builtins.type(self), made, self.requires_grad)
    memo[id(self)] = made
    grad = self.grad if self.is_leaf else None
    if grad is not None:
        made.grad = copy.deepcopy(grad, memo)
    made.__dict__.update(copy.deepcopy(self.__dict__, memo))
    return made


def _rebuild(cls, array, shape, stride, dtype, requires_grad, attributes):
    made = empty_strided(shape, stride, dtype=dtype)
    values = _core.from_buffer(array)
    made.copy_(values.view(dtype) if dtype is _core.bfloat16 else values)
    made = make_subclass(cls, made, requires_grad)
    if attributes:
        made.__dict__.update(attributes)
    return made


def _reduce(self, protocol):
    """`pickle`: the values in a NumPy array, those of bfloat16 as their bits; history and hooks stay behind."""
    plain = self.detach()
    strides = tuple(_packed_strides(plain))
    array = numpy(plain.view(_core.int16) if self.dtype is _core.bfloat16 else plain)
    array = array.copy() if not array.flags.writeable else array
    return _rebuild, (
        builtins.type(self),
        array,
        tuple(self.shape),
        strides,
        self.dtype,
        self.requires_grad,
        dict(self.__dict__),
    )


def _packed_strides(tensor):
    return empty_like(tensor).stride()


METHODS.update(
    __copy__=_copy,
    __deepcopy__=_deepcopy,
    __reduce_ex__=_reduce,
    _make_subclass=staticmethod(make_subclass),
)
