"""Leaks: where a value that is being differentiated leaves the graph and comes back, and its gradient ends unnoticed.

A value is tracked if it requires grad or carries a tangent. Most of what leaves is harmless: a loss is printed, right
answers are counted, a branch is taken. What cuts a gradient is a value that left and comes back, as a factor, as a tensor
made of an array. So what leaves is marked, and where the mark meets a tracked value there is a leak. A number that leaves
is a float that knows its exit, and so is what Python's arithmetic makes of it; an array of NumPy likewise; of tensors
without a history it is known in which exit they began.

`detect_leaks` watches every operator of its block (src/core/python/bind/watch.h). Outside of one nothing looks.
"""

from __future__ import annotations

import sys
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator
from os.path import dirname
from typing import Any, NamedTuple

from .. import _core
from .._core import Tensor

__all__ = ["Leak", "LeakWarning", "detect_leaks"]


class LeakWarning(UserWarning):
    """What `detect_leaks` warns with.

    Example:
        >>> issubclass(pb.autograd.leaks.LeakWarning, UserWarning)
        True
    """


class Leak(NamedTuple):
    """One leak: the operator that was the exit, its line, and the operator and line where the value came back.

    The last two are None where `detect_leaks` was told to say every exit.

    Example:
        >>> pb.autograd.leaks.Leak("item", "model.py, line 3", "mul", "model.py, line 4").exit
        'item'
    """

    exit: str
    line: str
    back: str | None = None
    back_line: str | None = None


NUMBERS = {
    "item": "item()",
    "__float__": "float()",
    "__int__": "int()",
    "__index__": "int()",
    "tolist": "tolist()",
}
ARRAYS = {"numpy": "numpy()"}
CUTS = {"data": ".data", "detach": "detach()"}
EXITS = {**NUMBERS, **ARRAYS, **CUTS, "__bool__": "bool()"}
# Results without a derivative, or with one that is zero everywhere.
STEPS = frozenset(
    """
    eq ne lt le gt ge isclose argmax argmin argsort searchsorted bucketize nonzero sign sgn floor ceil round trunc
    floor_divide heaviside signbit isnan isinf isfinite long int short bool byte char count_nonzero any all
    logical_and logical_or logical_not logical_xor equal allclose round_ floor_ ceil_ trunc_ sign_
    """.split()
)
SMALL = 256  # integers up to here are one object each
HOME = dirname(dirname(__file__))


def _marked(kind: type) -> Callable[[type], type]:
    """The arithmetic of a number, with results that are marked as it is."""

    def marked(found: Any, exit: Leak) -> Any:
        make = {float: _Float, int: _Int}.get(type(found))
        return make(found, exit) if make else found

    def of(plain: Any, alone: bool) -> Any:
        if alone:
            return lambda self: marked(plain(self), self.exit)
        return lambda self, *others: marked(plain(self, *others), self.exit)

    def decorate(cls: type) -> type:
        for name in _ARITHMETIC.split():
            setattr(
                cls, f"__{name}__", of(getattr(kind, f"__{name}__"), name in ("neg", "pos", "abs", "trunc"))
            )
        return cls

    return decorate


_ARITHMETIC = (
    "add radd sub rsub mul rmul truediv rtruediv floordiv rfloordiv mod rmod pow rpow neg pos abs round trunc"
)


@_marked(float)
class _Float(float):
    def __new__(cls, value: float, exit: Leak) -> _Float:
        made = super().__new__(cls, value)
        made.exit = exit  # type: ignore[attr-defined]
        return made

    def __reduce__(self) -> Any:
        return float, (float(self),)


@_marked(int)
class _Int(int):
    def __new__(cls, value: int, exit: Leak) -> _Int:
        made = super().__new__(cls, value)
        made.exit = exit  # type: ignore[attr-defined]
        return made

    def __reduce__(self) -> Any:
        return int, (int(self),)


def _array_type() -> Any:
    """Loaded when the first array leaves: NumPy costs more than all the rest."""
    global _Array
    if _Array is None:
        from .marked_arrays import MarkedArray

        _Array = MarkedArray
    return _Array


_Array: Any = None


class _Cut:
    """Tensors without a history, and arrays, with the exit in which they began."""

    def __init__(self) -> None:
        self.all: dict[int, tuple[Any, Leak]] = {}

    def add(self, tensor: Any, exit: Leak) -> None:
        key = id(tensor)
        self.all[key] = weakref.ref(tensor, lambda _: self.all.pop(key, None)), exit

    def get(self, tensor: Any) -> Leak | None:
        found = self.all.get(id(tensor))
        return found[1] if found and found[0]() is tensor else None

    def clear(self) -> None:
        self.all.clear()


class detect_leaks:
    """A block that warns of values that leave the graph and come back, so that nothing is differentiated by them.

    Exits are ``item()``, ``float()``, ``int()``, ``tolist()``, ``numpy()``, NumPy's own functions, and ``.data``. To
    print, count, compare or branch on what left is no leak, nor is anything under `no_grad`; a number, an array or a
    tensor made of them that meets a tracked value in an operator is. The warning says both lines. ``x.detach().item()``
    says that a number is meant to leave, and is never warned of. It works inside of transforms, of `grad` and `jvp`.

    Numbers and arrays that leave are of subclasses of float, int and `numpy.ndarray` while the block lasts, and so is what
    arithmetic makes of them; a function that gives a plain number, such as `math.sqrt`, loses the mark. So do ``float()``
    and ``int()``: what they give is known again as it is, not what is computed of it. ``as`` gives the list of what was
    found.

    Args:
        every: warn at every exit at once, ``detach()``, ``bool()`` and steps that have no derivative among them:
            comparisons, `argmax`, rounding, conversions to integers.
        detach: whether a tensor that comes back after ``detach()`` is a leak; it is a way to say that it is meant.
        allow: exits and steps by name that are not said, such as ``("item", "argmax")``.

    Example:
        >>> x = pb.tensor([1.0, 2.0], requires_grad=True)
        >>> with pb.autograd.detect_leaks() as leaks:
        ...     norm = (x * x).sum().item()
        ...     print(round(norm, 3))
        ...     y = x / norm
        5.0
        >>> [(leak.exit, leak.back) for leak in leaks]
        [('item', 'div')]
    """

    def __init__(self, *, every: bool = False, detach: bool = False, allow: Iterable[str] = ()) -> None:
        self.every, self.detach = every, detach
        self.allow = {allow} if isinstance(allow, str) else set(allow)
        self.leaks: list[Leak] = []
        self.inside = False  # of an operator that is written in Python: its own parts are nobody's exits
        self.cut = _Cut()
        # Numbers that cannot be marked, by their place in memory.
        self.plain: dict[int, tuple[Any, Leak]] = {}

    def __enter__(self) -> list[Leak]:
        _core.push_watcher(self._see)
        return self.leaks

    def __exit__(self, *error: object) -> None:
        _core.pop_watcher()
        self.cut.clear()
        self.plain.clear()

    def _see(self, name: str, callable: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> Any:
        if self.inside or name == "backward":  # whose hooks are programs of their own, and may leak
            return _core.proceed(callable, args, kwargs)
        given = list(_things((*args, *kwargs.values()) if kwargs else args))
        tracked = any(_is_tracked(x) for x in given)
        marks = [mark for mark in (self._mark(x) for x in given) if mark is not None]
        before = name[:-1] if name.endswith("_") and not name.endswith("__") else name
        self.inside = True
        try:
            result = _core.proceed(callable, args, kwargs)
        finally:
            self.inside = False
        if name in EXITS:
            return self._exit(name, result, tracked, marks)
        if tracked and self.every and (before in STEPS or _becomes_integer(name, result)):
            self._say(Leak(name, _core.user_line()))
        if marks and (_core.is_grad_enabled() or tracked):
            if tracked and before not in STEPS:
                for mark in marks:
                    self._say(mark._replace(back=name, back_line=_core.user_line()))
            elif not tracked:
                for tensor in _things((result,)):
                    if isinstance(tensor, Tensor) and tensor.is_floating_point():
                        self.cut.add(tensor, marks[0])
        return result

    def _mark(self, x: Any) -> Leak | None:
        """The exit that a number, an array or a tensor came through."""
        if type(x) is Tensor:
            return self.cut.get(x)
        if isinstance(x, _Float | _Int):
            return x.exit  # type: ignore[union-attr]
        if type(x) in (float, int):
            return self.plain.get(id(x), (None, None))[1]
        while _Array is not None and type(x).__module__ in ("numpy", _Array.__module__):
            found = x.exit if isinstance(x, _Array) else self.cut.get(x)
            if found is not None:
                return found
            x = getattr(x, "base", None)  # `asarray` takes a mark away, and keeps the array
        return None

    def _exit(self, name: str, result: Any, tracked: bool, marks: list[Leak]) -> Any:
        """What leaves, marked."""
        if name in CUTS and marks and not tracked:
            self.cut.add(result, marks[0])
        if name in ARRAYS and marks and not tracked and type(result).__module__ == "numpy":
            return self._array(result, marks[0]._replace(exit=name))
        if not tracked or name in self.allow:
            return result
        exit = Leak(name, _core.user_line())
        if self.every:
            self._say(exit)
        if name in CUTS:
            self.cut.add(result, exit)
        if name in ARRAYS:
            return self._array(result, exit)
        if name in ("__float__", "__int__"):  # Python makes plain numbers of them
            if (type(result) is float or abs(result) > SMALL) and len(self.plain) < 10_000:
                self.plain[id(result)] = result, exit
            return result
        return _marked_numbers(result, exit) if name in NUMBERS else result

    def _array(self, array: Any, exit: Leak) -> Any:
        self.cut.add(array, exit)
        found = array.view(_array_type())
        found.exit = exit
        return found

    def _say(self, leak: Leak) -> None:
        if leak in self.leaks or leak.exit in self.allow or (leak.back or "") in self.allow:
            return
        if leak.exit == "detach" and leak.back and not self.detach:
            return
        if self.every and leak.back:
            return
        self.leaks.append(leak)
        exit = EXITS.get(leak.exit, leak.exit)
        if leak.back is None:
            text = f"A value that is differentiated leaves the graph through {exit}: {leak.line}. Its gradient ends here."
        else:
            text = (
                f"A value left the graph through {exit} ({leak.line}) and came back in {leak.back} ({leak.back_line}): "
                "nothing is differentiated by it. Compute with tensors all the way; if it is meant, write "
                "x.detach() before the exit."
            )
        warnings.warn(text, LeakWarning, stacklevel=_level())


def _is_tracked(x: Any) -> bool:
    return isinstance(x, Tensor) and (x.requires_grad or _core.highest_level((x,)) > 0)


def _becomes_integer(name: str, result: Any) -> bool:
    return name in ("to_dtype", "type") and isinstance(result, Tensor) and not result.is_floating_point()


def _things(values: Iterable[Any]) -> Iterator[Any]:
    """What is among arguments and in lists of them."""
    for x in values:
        if type(x) in (list, tuple):
            yield from _things(x)
        else:
            yield x


def _marked_numbers(x: Any, exit: Leak) -> Any:
    if type(x) is list:
        return [_marked_numbers(each, exit) for each in x]
    return _Float(x, exit) if type(x) is float else _Int(x, exit) if type(x) is int else x


def _level() -> int:
    """How far out the user's line is, for `warnings.warn`."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(HOME):
        level, frame = level + 1, frame.f_back
    return level
