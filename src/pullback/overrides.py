"""Classes that answer in the place of operators: what `__torch_function__` is for, under PyTorch's names.

A class with a classmethod ``__torch_function__(cls, func, types, args=(), kwargs=None)`` is asked whenever an instance
takes part in a call of an operator, as a function, a method, a sign or an attribute. Subclasses of Tensor inherit one
that does as for tensors and makes instances of the class out of the results. A `TorchFunctionMode` is asked about
every call of a block.
"""

import functools
import inspect
import operator
import threading
import types as _types

from . import _core
from .messages.missing import missing
from .operators import overriding
from .operators.declare import FUNCTIONS, METHODS

__all__ = [
    "BaseTorchFunctionMode",
    "DisableTorchFunction",
    "DisableTorchFunctionSubclass",
    "TorchFunctionMode",
    "get_default_nowrap_functions",
    "get_ignored_functions",
    "get_overridable_functions",
    "get_testing_overrides",
    "handle_torch_function",
    "has_torch_function",
    "has_torch_function_unary",
    "has_torch_function_variadic",
    "is_tensor_like",
    "is_tensor_method_or_property",
    "resolve_name",
    "wrap_torch_function",
]

_HOMES = ("", "nn.functional", "linalg", "special")


class DisableTorchFunction(overriding.Disabled):
    """A block in which no class and no mode is asked, on this thread.

    Example:
        >>> class Named(pb.Tensor):
        ...     pass
        >>> x = pb.ones(2).as_subclass(Named)
        >>> with pb.overrides.DisableTorchFunction():
        ...     type(x + 1).__name__
        'Tensor'
    """


class DisableTorchFunctionSubclass(overriding.WithoutSubclasses):
    """A block in which subclasses of Tensor are not asked, on this thread; other classes and modes are.

    Example:
        >>> class Named(pb.Tensor):
        ...     pass
        >>> x = pb.ones(2).as_subclass(Named)
        >>> with pb.overrides.DisableTorchFunctionSubclass():
        ...     type(x + 1).__name__
        'Tensor'
    """


# ---- asking --------------------------------------------------------------------------------------------------


def has_torch_function(relevant_args):
    """Whether a call with these arguments, a sequence, is answered by a class or a mode; exact tensors are not asked.

    Example:
        >>> pb.overrides.has_torch_function((pb.zeros(2), 1))
        False
    """
    return _Watching.active() or _core.has_overrides(tuple(relevant_args))


def has_torch_function_unary(relevant_arg):
    """`has_torch_function` of a single argument.

    Example:
        >>> pb.overrides.has_torch_function_unary(pb.zeros(2))
        False
    """
    return has_torch_function((relevant_arg,))


def has_torch_function_variadic(*relevant_args):
    """`has_torch_function` of several arguments.

    Example:
        >>> pb.overrides.has_torch_function_variadic(pb.zeros(2), 1)
        False
    """
    return has_torch_function(relevant_args)


def handle_torch_function(public_api, relevant_args, /, *args, **kwargs):
    """Let the classes of `relevant_args` answer a call of `public_api` with these arguments: for functions of one's own.

    Raises TypeError where all of them say NotImplemented.

    Example:
        >>> def norms(x):
        ...     if pb.overrides.has_torch_function_unary(x):
        ...         return pb.overrides.handle_torch_function(norms, (x,), x)
        ...     return x.norm(dim=-1)
        >>> class Named(pb.Tensor):
        ...     pass
        >>> norms(pb.tensor([[3.0, 4.0]]).as_subclass(Named))
        Named([5.])
    """
    asked = _core.overloaded(tuple(relevant_args))
    types = tuple([type(each) for each in asked])
    if mode := _Watching.active():
        return mode(public_api, types, args, kwargs)
    for each in asked:
        answer = each.__torch_function__(public_api, types, args, kwargs)
        if answer is not NotImplemented:
            return answer
    raise TypeError(
        f"no implementation found for '{name_of(public_api)}' on types that implement __torch_function__: {list(types)}"
    )


def wrap_torch_function(dispatcher):
    """A decorator for functions of one's own, whose arguments' classes are asked first.

    `dispatcher` takes the function's arguments and gives those whose classes count.

    Example:
        >>> @pb.overrides.wrap_torch_function(lambda x: (x,))
        ... def norms(x):
        ...     return x.norm(dim=-1)
        >>> norms(pb.tensor([3.0, 4.0]))
        tensor(5.)
    """

    def decorate(function):
        @functools.wraps(function)
        def asking(*args, **kwargs):
            relevant = tuple(dispatcher(*args, **kwargs))
            if has_torch_function(relevant):
                return handle_torch_function(asking, relevant, *args, **kwargs)
            return function(*args, **kwargs)

        return asking

    return decorate


def is_tensor_like(inp):
    """Whether it is a tensor, or its class has a `__torch_function__`.

    Example:
        >>> pb.overrides.is_tensor_like(pb.zeros(2)), pb.overrides.is_tensor_like(0)
        (True, False)
    """
    return type(inp) is _core.Tensor or hasattr(inp, "__torch_function__")


# ---- which functions there are -------------------------------------------------------------------------------


def _modules():
    import importlib

    return {name: importlib.import_module(f"pullback.{name}".rstrip(".")) for name in _HOMES}


def _is_open(value):
    return isinstance(value, _core.Operator) and value._overridable


def _attributes():
    """What attributes of tensors are read by, by their names."""
    kinds = property | _types.GetSetDescriptorType
    named = vars(_core.Tensor).items()
    return {name: value.__get__ for name, value in named if isinstance(value, kinds) and name != "__dict__"}


def _methods():
    found = {name: value for name, value in vars(_core.Tensor).items() if _is_open(value)}
    slots = {
        name: value
        for name, value in vars(_core.Tensor).items()
        if isinstance(value, _types.WrapperDescriptorType) and name not in ("__hash__", "__getattribute__")
    }
    return found | slots


def get_overridable_functions():
    """{module or class: its functions that classes are asked about}.

    Example:
        >>> pb.exp in pb.overrides.get_overridable_functions()[pb]
        True
    """
    found = {}
    for module in _modules().values():
        values = [getattr(module, name) for name in dir(module) if name[0] != "_"]
        found[module] = [value for value in values if _is_open(value)]
    found[_core.Tensor] = [*_methods().values(), *_attributes().values()]
    return found


def get_ignored_functions():
    """The set of functions that no class is asked about.

    Example:
        >>> pb.tensor in pb.overrides.get_ignored_functions()
        True
    """
    every = [*FUNCTIONS.values(), *METHODS.values()]
    return {each for each in every if isinstance(each, _core.Operator) and not each._overridable}


def get_default_nowrap_functions():
    """The set of what the method that subclasses inherit does not convert: tensors that an attribute holds.

    Example:
        >>> pb.Tensor.grad.__get__ in pb.overrides.get_default_nowrap_functions()
        True
    """
    return overriding.unconverted()


def get_testing_overrides():
    """{function: a function of the same signature that gives -1} of all that classes are asked about.

    Example:
        >>> pb.overrides.get_testing_overrides()[pb.exp](pb.zeros(2))
        -1
    """
    return {each: _dummy(each) for home in get_overridable_functions().values() for each in home}


def _dummy(function):
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # of a slot of the language
        return lambda *args, **kwargs: -1

    def dummy(*args, **kwargs):
        signature.bind(*args, **kwargs)
        return -1

    dummy.__signature__ = signature
    return dummy


def _find_names():
    found = {}
    for home, module in reversed(_modules().items()):
        for name in dir(module):
            if name[0] != "_" and callable(value := getattr(module, name)) and not isinstance(value, type):
                found[value] = f"pullback.{home}.{name}".replace("..", ".")
    for name, value in {**_methods(), **METHODS}.items():
        if callable(value):
            found.setdefault(value, f"pullback.Tensor.{name}")
    return found | {value: f"pullback.Tensor.{name}.__get__" for name, value in _attributes().items()}


_known: dict = {}


def resolve_name(f):
    """The name of a function that `__torch_function__` is given; None for others.

    A method that is a function as well has the function's name.

    Example:
        >>> pb.overrides.resolve_name(pb.exp), pb.overrides.resolve_name(pb.Tensor.shape.__get__)
        ('pullback.exp', 'pullback.Tensor.shape.__get__')
    """
    if not _known:
        _known.update(_find_names())
    try:
        return _known.get(f)
    except TypeError:  # not hashable
        return None


def name_of(function):
    """A name of anything that is called."""
    return resolve_name(function) or f"{function.__module__}.{function.__qualname__}"


def is_tensor_method_or_property(func):
    """Whether a function that `__torch_function__` is given is a method of tensors, or what an attribute is read by.

    A function that is a method as well is one.

    Example:
        >>> pb.overrides.is_tensor_method_or_property(pb.Tensor.exp)
        True
    """
    return func in _methods().values() or getattr(func, "__name__", None) in (
        "__get__",
        "__set__",
        "__delete__",
    )


# ---- modes ---------------------------------------------------------------------------------------------------

# What the language spells with a sign, as the tensor's method. The others stay functions of `operator`: those of the type
# that stand for them (`Tensor.__getitem__`) would go past the modes around.
_SIGNS = {
    getattr(operator, sign): method
    for sign, method in {
        **{name: name for name in "add sub mul matmul pow neg abs lt le gt ge".split()},
        **{f"i{name}": f"{name}_" for name in "add sub mul pow".split()},
        **{"truediv": "div", "itruediv": "div_", "mod": "remainder", "imod": "remainder_"},
    }.items()
}


class _Watching:
    """One mode on the stack of a thread: a watcher of the core's."""

    stacks = threading.local()

    def __init__(self, mode):
        self.mode, self.inside = mode, False

    @classmethod
    def active(cls):
        """The innermost that is not answering right now; None where there is none, or they are switched off."""
        if _core.get_overriding() == overriding.NOBODY:
            return None
        return next((each for each in reversed(getattr(cls.stacks, "all", ())) if not each.inside), None)

    def __call__(self, func, types, args, kwargs):
        self.inside = True
        try:
            return _core.proceed(self.mode.__torch_function__, (func, types, args, kwargs or {}))
        finally:
            self.inside = False

    def see(self, name, function, args, kwargs):
        """What the core calls for every operator."""
        closed = isinstance(function, _core.Operator) and not function._overridable
        if self.inside or closed or _core.get_overriding() == overriding.NOBODY:
            return _core.proceed(function, args, kwargs)
        sign = _SIGNS.get(function)
        if sign and isinstance(args[0], _core.Tensor):
            function = getattr(_core.Tensor, sign)
        asked = _core.overloaded((*args, *(kwargs or {}).values()))
        return self(function, tuple([type(each) for each in asked]), args, kwargs)


class TorchFunctionMode:
    """A block in which `__torch_function__` of this object is asked about every call of an operator.

    Subclasses define it. What it calls itself does not come back to it, but meets the modes around it. Attributes of
    tensors are not seen.

    Example:
        >>> class Names(pb.overrides.TorchFunctionMode):
        ...     def __torch_function__(self, func, types, args=(), kwargs=None):
        ...         print(pb.overrides.resolve_name(func))
        ...         return func(*args, **(kwargs or {}))
        >>> with Names():
        ...     y = pb.zeros(2).exp() + 1
        pullback.zeros
        pullback.exp
        pullback.add
    """

    def __torch_function__(self, func, types, args=(), kwargs=None):
        """Answer a call: subclasses say how."""
        raise NotImplementedError

    def __enter__(self):
        stack = vars(_Watching.stacks).setdefault("all", [])
        stack.append(_Watching(self))
        _core.push_watcher(stack[-1].see)
        return self

    def __exit__(self, *error):
        _Watching.stacks.all.pop()
        _core.pop_watcher()

    @classmethod
    def push(cls, *args, **kwargs):
        """Make one: older programs enter what it gives."""
        return cls(*args, **kwargs)


class BaseTorchFunctionMode(TorchFunctionMode):
    """A mode that changes nothing.

    Example:
        >>> with pb.overrides.BaseTorchFunctionMode():
        ...     pb.ones(2) + 1
        tensor([2., 2.])
    """

    def __torch_function__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))


def __getattr__(name):
    raise missing(__name__, name)
