"""Subclasses of Tensor, and copies of a tensor as an object: `copy`, `deepcopy` and `pickle`."""

import builtins

from .. import _core
from .creation import empty
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

    if _core.mapped_axes(self):  # inside of a vmap: the copy of an entry has memory of its own
        memo[id(self)] = made = make_subclass(builtins.type(self), self.detach().clone(), self.requires_grad)
        made.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return made
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


def _rebuild(cls, memory, dtype, shape, stride, offset, requires_grad, attributes):
    # What was unpickled is nobody else's, and lies as elements of any size must.
    if len(memory) and memory.flags.writeable and memory.ctypes.data % 16 == 0:
        flat = _core.from_buffer(memory)
    else:
        flat = empty(len(memory), dtype=_core.uint8)
        if len(memory):
            flat.copy_(_core.from_buffer(memory))
    made = make_subclass(cls, over_storage(flat.view(dtype), shape, stride, offset), requires_grad)
    if attributes:
        made.__dict__.update(attributes)
    return made


def _reduced(self, flat, offset):
    memory = numpy(flat.view(_core.uint8))
    return _rebuild, (
        builtins.type(self),
        memory if memory.flags.writeable else memory.copy(),
        self.dtype,
        tuple(self.shape),
        tuple(self.stride()),
        offset,
        self.requires_grad,
        dict(self.__dict__),
    )


def _reduce(self, protocol):
    """`pickle`: all of the memory in a NumPy array, and which part of it; history and hooks stay behind."""
    return _reduced(self, flat_storage(self), self.storage_offset())


def reduced_alone(self):
    """The same with that part of the memory alone, from the tensor's first element to its last one."""
    start = self.storage_offset()
    last = sum((n - 1) * step for n, step in zip(self.shape, self.stride()))
    return _reduced(self, flat_storage(self)[start : start + last + 1 if self.numel() else start], 0)


METHODS.update(
    __copy__=_copy,
    __deepcopy__=_deepcopy,
    __reduce_ex__=_reduce,
    _make_subclass=staticmethod(make_subclass),
)
