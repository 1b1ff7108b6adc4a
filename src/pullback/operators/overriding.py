"""Classes that answer in the place of operators: Tensor's own `__torch_function__`, and what asks for such methods.

The core asks (src/core/python/bind/overriding.h), of operators, signs and attributes that are C-level. What is written in
Python, methods and properties, is put behind the same door here.
"""

from types import FunctionType

from .. import _core
from .copies import as_subclass, flat_storage, make_subclass, over_storage, storage
from .declare import FUNCTIONS, METHODS

EVERYBODY, NO_SUBCLASSES, NOBODY = range(3)  # whose methods are asked: _core.set_overriding

# They make tensors out of anything, or are about classes: none is asked.
UNASKED = """
    as_subclass as_tensor asarray from_dlpack from_numpy frombuffer is_tensor range tensor
    __copy__ __dir__
""".split()


class Disabled:
    """A block in which methods are not asked, on this thread; the subclass says whose."""

    wanted = NOBODY

    def __enter__(self):
        self.before = _core.set_overriding(max(self.wanted, _core.get_overriding()))

    def __exit__(self, *error):
        _core.set_overriding(self.before)


class WithoutSubclasses(Disabled):
    """A block in which those of subclasses of Tensor are not asked."""

    wanted = NO_SUBCLASSES


def converted(value, cls):
    """A result of the class: a tensor that is none yet, and those in a tuple or a list."""
    if cls is _core.Tensor:
        return value
    if isinstance(value, _core.Tensor):
        return value if isinstance(value, cls) else as_subclass(value, cls)
    if isinstance(value, tuple | list):
        each = [converted(element, cls) for element in value]
        return type(value)(*each) if hasattr(value, "_fields") else type(value)(each)
    return value


def unconverted():
    """What gives tensors that are no results: the attributes that hold others."""
    return {_core.Tensor._base.__get__, _core.Tensor.grad.__get__}


def _torch_function(cls, func, types, args=(), kwargs=None):
    """Answer a call in which an instance of a subclass takes part: as for tensors, and the results are of the class.

    `func` is the function, `types` are the classes of the arguments that have such a method. A subclass that overrides
    it calls ``super().__torch_function__(func, types, args, kwargs)`` for what it leaves as it is. NotImplemented where
    one of `types` is no base of the class.

    Example:
        >>> class Counted(pb.Tensor):
        ...     calls = 0
        ...     @classmethod
        ...     def __torch_function__(cls, func, types, args=(), kwargs=None):
        ...         cls.calls += 1
        ...         return super().__torch_function__(func, types, args, kwargs)
        >>> x = pb.ones(2).as_subclass(Counted)
        >>> type(x.exp() + 1).__name__, Counted.calls
        ('Counted', 2)
    """
    if not all(issubclass(cls, each) for each in types):
        return NotImplemented
    before = _core.set_overriding(max(NO_SUBCLASSES, _core.get_overriding()))
    try:
        result = func(*args, **(kwargs or {}))
    finally:
        _core.set_overriding(before)
    if func is METHODS["__iter__"]:
        return iter([converted(each, cls) for each in result])
    return result if func in unconverted() else converted(result, cls)


def asked(function, name=None, kind="plain"):
    """A Python function whose arguments' classes are asked first."""
    made = _core.Operator(name or function.__name__, function, (), 0, (), -1, False, kind)
    made.__wrapped__ = function
    made.__module__, made.__doc__ = function.__module__, function.__doc__
    made.__plain__ = True  # it is a Python function for all other purposes
    return made


def publish(functions=FUNCTIONS, methods=METHODS):
    """Put functions and properties of tensors that are written in Python behind the door: all, or those of these names."""
    made = {}
    for home, names in ((FUNCTIONS, functions), (METHODS, methods)):
        for name in names:
            value = home[name]
            if type(value) is property:
                getter = asked(value.fget, name, "attribute")
                home[name] = property(getter, value.fset, value.fdel, value.__doc__)
            elif isinstance(value, FunctionType) and name not in UNASKED:
                home[name] = made[value] = made.get(value) or asked(value, name)
    unasked = [home[name] for home in (FUNCTIONS, METHODS) for name in UNASKED if name in home]
    for each in (*unasked, flat_storage, make_subclass, over_storage, storage):
        if isinstance(each, _core.Operator):
            each._overridable = False


METHODS["__torch_function__"] = classmethod(_torch_function)
