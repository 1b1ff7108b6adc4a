"""Forward mode: dual tensors, which carry a tangent along.

    with dual_level():
        x = make_dual(primal, tangent)
        derivative = unpack_dual(f(x)).tangent

Levels nest to any depth, and mix with reverse mode in every order: tangents are kept per level, so a derivative
within a derivative never confuses the two.
"""

from _thread import _local
from collections import namedtuple
from itertools import count

from .. import _core
from ..messages.missing import missing
from ..operators.declare import composed
from .grad_mode import Mode

__all__ = [
    "UnpackedDualTensor",
    "dual_level",
    "enter_dual_level",
    "exit_dual_level",
    "make_dual",
    "unpack_dual",
]

UnpackedDualTensor = namedtuple("UnpackedDualTensor", ("primal", "tangent"))
UnpackedDualTensor.__doc__ = """What `unpack_dual` returns: the primal, and the tangent or None.

Example:
    >>> pb.autograd.forward_ad.unpack_dual(pb.ones(1))
    UnpackedDualTensor(primal=tensor([1.]), tangent=None)
"""


class _Open(_local):
    """The levels that a thread has open, the innermost last."""

    def __init__(self):
        self.levels = []
        self.recorded = (
            set()
        )  # those with a tangent that has a history: a transform within them has to record, too


_open = _Open()
# The core forgets the tangents of levels from here on once they are closed, and tells them apart by so many.
_numbers = count(1 << 20, 1 << 12)


def enter_dual_level():
    """Begin a level of forward mode; returns it, an int. `dual_level` is the same as a block.

    Example:
        >>> level = pb.autograd.forward_ad.enter_dual_level()
        >>> dual = pb.autograd.forward_ad.make_dual(pb.tensor([3.0]), pb.tensor([1.0]))
        >>> pb.autograd.forward_ad.unpack_dual(dual * dual).tangent
        tensor([6.])
        >>> pb.autograd.forward_ad.exit_dual_level(level=level)
    """
    return _enter(0)


def _enter(order):
    level = next(_numbers)
    _open.levels.append(level)
    _core.change_level(level, True, order)
    return level


def exit_dual_level(*, level=None):
    """End the innermost level; its tangents are gone.

    Raises RuntimeError where no level is open, and for a `level` that is not the innermost one.

    Example:
        >>> pb.autograd.forward_ad.exit_dual_level()
        Traceback (most recent call last):
            ...
        RuntimeError: Trying to exit a forward AD level that does not exist: no dual_level() is open.
    """
    levels = _open.levels
    if not levels:
        raise RuntimeError("Trying to exit a forward AD level that does not exist: no dual_level() is open.")
    if level is not None and level != levels[-1]:
        raise RuntimeError(
            "Trying to exit a forward AD level that was not the last one that was created. This is not supported."
        )
    closed = levels.pop()
    _open.recorded.discard(closed)
    _core.change_level(closed, False)


class dual_level(Mode):
    """A block in which tensors may carry tangents; also a decorator, which opens a level for every call.

    Example:
        >>> x, direction = pb.tensor([1.0, 2.0]), pb.tensor([1.0, 0.0])
        >>> with pb.autograd.forward_ad.dual_level():
        ...     dual = pb.autograd.forward_ad.make_dual(x, direction)
        ...     print(pb.autograd.forward_ad.unpack_dual(dual * dual).tangent)
        tensor([2., 0.])
    """

    def __enter__(self):
        self.level = enter_dual_level()
        return self.level

    def __exit__(self, *error):
        exit_dual_level(level=self.level)


class series_level:
    """A block in which tensors may carry the coefficients of a power series: func.jet."""

    def __init__(self, order):
        self.order = order

    def __enter__(self):
        self.level = _enter(self.order)
        return self

    def __exit__(self, *error):
        exit_dual_level(level=self.level)

    def make(self, primal, coefficients):
        """A view of `primal` that carries the coefficients of t, t**2, ...; None is zero."""
        if any(c is not None and c.requires_grad for c in coefficients):
            _open.recorded.add(self.level)
        return _core.make_series(primal, tuple(coefficients), self.level)

    def unpack(self, tensor):
        """(primal, coefficients), None for those that are zero."""
        return _core.unpack_series(tensor, self.level)


def _current(level):
    if level is None and _open.levels:
        return _open.levels[-1]
    if level not in _open.levels:
        raise RuntimeError(
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to enter_dual_level() first."
        )
    return level


@composed(method=False, public=False)
def make_dual(tensor, tangent, *, level=None):
    """A view of `tensor` that carries `tangent`, of the same shape, at the innermost level.

    Raises RuntimeError outside a level or for another shape, ValueError for integers.

    Example:
        >>> with pb.autograd.forward_ad.dual_level():
        ...     dual = pb.autograd.forward_ad.make_dual(pb.tensor([0.0, 1.0]), pb.tensor([1.0, 2.0]))
        ...     print(pb.autograd.forward_ad.unpack_dual(dual.exp()).tangent)
        tensor([1.0000, 5.4366])
    """
    level = _current(level)
    dual = _core.make_dual(tensor, tangent, level, _open.levels.index(level))
    if tangent.requires_grad:
        _open.recorded.add(level)
    return dual


@composed(method=False, public=False)
def unpack_dual(tensor, *, level=None):
    """(primal, tangent) of a tensor at the innermost level; the tangent is None where it is zero.

    Example:
        >>> with pb.autograd.forward_ad.dual_level():
        ...     dual = pb.autograd.forward_ad.make_dual(pb.tensor([2.0]), pb.tensor([1.0]))
        ...     primal, tangent = pb.autograd.forward_ad.unpack_dual(dual**3)
        >>> primal, tangent
        (tensor([8.]), tensor([12.]))
    """
    if level is None:
        level = _open.levels[-1] if _open.levels else -1
    return UnpackedDualTensor(*_core.unpack_dual(tensor, level) if level >= 0 else (tensor, None))


def __getattr__(name):
    raise missing(__name__, name)
