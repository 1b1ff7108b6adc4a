"""Half precision in what is composed of several operations: computed in float32, and rounded once."""

from .. import _core

_HALVES = (_core.float16, _core.bfloat16)


def wide(tensor):
    """`tensor` as float32 if it is of half precision, else itself; None stays None."""
    return tensor.float() if tensor is not None and tensor.dtype in _HALVES else tensor


def rounded(tensor, dtype):
    """A result for an operand of this dtype: of half precision where that is."""
    return tensor.to(dtype) if dtype in _HALVES else tensor
