"""Objects of classes of a user's own, as PyTorch's files have them: classes and functions by name, and what they hold.

A subclass of Tensor is written with its name; a file of it is read where `add_safe_globals` has allowed the class, by either
library. Whatever reduces itself to a call, and any other object, is written only if all that the file will name is allowed
here already: so that a file is never a surprise to who reads it. Nothing of that runs when a file is written but the
object's own `__reduce_ex__` or `__getstate__`.
"""

import copyreg
import importlib

from .. import _core
from .names import parameter_class
from .reading import allowed_name

_OWN = ("__reduce_ex__", "__reduce__")


def reduces_itself(kind):
    """Whether a class of tensors says by itself what is saved of it."""
    for each in kind.__mro__:
        if each is _core.Tensor or each is parameter_class():
            return False
        if any(name in vars(each) for name in _OWN):
            return True
    return False


def name_of(thing):
    """The name by which a class or function is found again, as a line of a pickle has it; None if there is none."""
    if name := allowed_name(thing):
        module, _, last = name.rpartition(".")
        return f"{module} {last}"
    module, path = getattr(thing, "__module__", None), getattr(thing, "__qualname__", None)
    if not module or not path or "." in path:
        return None
    try:
        found = getattr(importlib.import_module(module), path, None)
    except (ImportError, ValueError):
        return None
    return f"{module} {path}" if found is thing else None


def state_of(value):
    """What a tensor of a subclass holds beside its elements: a dictionary of attributes, one of slots beside it, or its own."""
    inherited = getattr(object, "__getstate__", None)  # Python 3.10 has none
    if getattr(type(value), "__getstate__", inherited) is not inherited:
        return value.__getstate__()
    state = dict(value.__dict__)
    slots = {name: getattr(value, name) for name in copyreg._slotnames(type(value)) if hasattr(value, name)}
    return (state, slots) if slots else state


def reduced(value):
    """(function, arguments, state) of an object whose class and function are allowed; None for any other."""
    if allowed_name(type(value)) is None:
        return None
    found = value.__reduce_ex__(2)
    if type(found) is not tuple or any(each is not None for each in found[3:]):
        return None
    function, arguments, *state = found[:3]
    if function is copyreg.__newobj__:
        return None if arguments[0] is not type(value) else ("new", arguments[1:], *(state or [None]))
    return function, arguments, *(state or [None])
