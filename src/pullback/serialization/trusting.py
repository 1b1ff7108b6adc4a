"""Files that somebody vouches for: pickles of any objects, whose reading may run any program.

Tensors are apart, as in the files of plain data. PyTorch's names mean pullback's: a module that PyTorch has pickled whole
comes back as the module of the same name, if that has the same attributes.
"""

import importlib
import io
import pickle

from .. import _core
from .names import GLOBALS, Refused, as_kind, full_name, parameter_class, rebuild, stored_as


class _Key:
    """Stands for a storage in a pickle."""

    def __init__(self, *stated):
        self.stated = stated


def pickled(obj, storages, pickle_module, protocol):
    """The bytes of any object; a Tensor's storage is written beside them."""

    class Pickler(pickle_module.Pickler):
        def persistent_id(self, value):
            return value.stated if type(value) is _Key else None

        def reducer_override(self, value):
            if not isinstance(value, _core.Tensor):
                return NotImplemented
            kind, state = type(value), dict(value.__dict__)
            key, flat = storages.key(value)
            function, storage, typed = stored_as(flat.dtype)
            count = flat.numel() if typed else flat.nbytes
            stated = _Key("storage", storage.rpartition(" ")[2], key, "cpu", count)
            size, stride, offset = tuple(value.shape), tuple(value.stride()), value.storage_offset()
            function, last = f"torch._utils.{function}", () if typed else (flat.dtype,)
            if kind is parameter_class() and not state:
                data = rebuild, (function, stated, offset, size, stride, False, None, *last)
                return rebuild, ("torch._utils._rebuild_parameter", _Later(data), value.requires_grad, None)
            made = rebuild, (function, stated, offset, size, stride, value.requires_grad, None, *last)
            return made if kind is _core.Tensor and not state else (as_kind, (kind, _Later(made), state))

    out = io.BytesIO()
    Pickler(out, protocol=protocol).dump(obj)
    return out.getvalue()


class _Later:
    """What a function makes when it is read back."""

    def __init__(self, made):
        self.made = made

    def __reduce__(self):
        return self.made


def counterpart(module, name):
    """What is here by a name of PyTorch's, in the module of that name, or in one around it that offers the name."""
    path = ["pullback", *module.split(".")[1:]]
    while path:
        try:
            return getattr(importlib.import_module(".".join(path)), name)
        except (ImportError, AttributeError):
            path.pop()
    raise AttributeError(
        f"the file names {module}.{name}, and pullback has none of that name. Where it was written, save state_dict()."
    )


def trusted(file, loader, pickle_module, options):
    """Whatever a pickle makes."""

    class Unpickler(pickle_module.Unpickler):
        def find_class(self, module, name):
            found = GLOBALS.get(full_name(module, name))
            if found is not None:
                return found
            if module.partition(".")[0] == "torch":
                return counterpart(module, name)
            return super().find_class(module, name)

        def persistent_load(self, stated):
            return loader(tuple(stated))

    try:
        return Unpickler(file, **options).load()
    except Refused as error:
        raise pickle.UnpicklingError(f"The pickle is damaged: {error}.") from None
