"""The other way: pickles of protocol 2 that PyTorch's restricted reader takes, of tensors and plain data only.

Tensors are written as PyTorch writes them: a view says which part of its storage it is, and a storage is written once.
What is not plain raises, and says where in the object it was found.
"""

import collections
import io
import struct
from pickle import encode_long

from .. import _core
from ..device import device, layout
from ..operators.copies import flat_storage, storage
from ..operators.creation import is_numpy
from ..size import Size
from .classes import name_of, reduced, reduces_itself, state_of
from .names import FACTORIES, parameter_class, stored_as
from .reading import allowed_name


def _named(text):
    return b"c" + text.replace(" ", "\n").encode() + b"\n"


class Storages:
    """The storages of the tensors of one file, each once: key -> all of its memory, which lives as long as its address counts."""

    def __init__(self):
        self.flat, self.keys = {}, {}

    def key(self, tensor):
        """The number of a tensor's storage."""
        flat = flat_storage(tensor)  # computes what is pending, before the address is asked for
        address = storage(flat)
        if address not in self.keys:
            self.keys[address] = str(len(self.keys))
            self.flat[self.keys[address]] = flat
        key = self.keys[address]
        if self.flat[key].dtype is not flat.dtype:
            raise RuntimeError(
                "Cannot save multiple tensors or storages that view the same data as different types. These are "
                f"{self.flat[key].dtype} and {flat.dtype}: save a copy of one of them, tensor.clone()."
            )
        return key, flat


def shown(path):
    """Where something is in the object that is saved: keys, attributes, and what is a key itself."""
    return "obj" + "".join(_step(step) for step in path)


def _step(step):
    if type(step) is str:
        return step
    return f"[{step[0]!r:.80}]"


def plain_number(value):
    """The Python number, text or bytes that a number of NumPy's stands for; None for anything else."""
    if not is_numpy(value, "generic"):
        return None
    found = value.item()
    return found if type(found) in (bool, int, float, complex, str, bytes) else None


def advice(value):
    """What to save instead of something that is not plain."""
    module = type(value).__module__.split(".")[0]
    if hasattr(value, "state_dict"):
        return "Save its state_dict()"
    if hasattr(value, "materialize"):
        return "Call the lazy module once, so that its parameters have shapes"
    if isinstance(value, _core.Generator):
        return "Save generator.get_state(), which is a tensor"
    if module == "numpy":
        return "Save pullback.tensor(array)"
    if isinstance(value, _core.Tensor):
        return "Save tensor.as_subclass(pullback.Tensor)"
    for kind in (tuple, list, dict, str, float, int):
        if isinstance(value, kind):
            return f"Save {kind.__name__}(value)"
    return "Save the tensors, numbers and texts that it consists of"


def refuse(value, path):
    """Raise for what is not plain."""
    kind = type(value)
    raise TypeError(
        f"cannot save {kind.__module__}.{kind.__qualname__} object at {shown(path)}: a file has tensors, numbers, texts and "
        f"plain containers, so that reading it runs no program. {advice(value)}; or have it pickled, "
        "pullback.save(obj, f, pickle_module=pickle), which load(f, weights_only=False) reads, or allow its class and what "
        "it is rebuilt with by pullback.serialization.add_safe_globals, here and where the file is read."
    )


class Pickler:
    """Writes one object. `dumped` has the bytes, and `storages` what they refer to."""

    def __init__(self, storages):
        self.out, self.storages, self.memo, self.texts, self.path = io.BytesIO(), storages, {}, {}, []

    def dumped(self, obj):
        """The pickle of an object."""
        self.out.write(b"\x80\x02")
        try:
            self._save(obj)
        except RecursionError:
            raise RecursionError(
                f"maximum recursion depth exceeded while saving {shown(self.path[:3])}...: containers are nested too deeply."
            ) from None
        self.out.write(b".")
        return self.out.getvalue()

    def _save(self, value):
        kind = type(value)
        if known := WRITERS.get(kind):
            known(self, value)
        elif isinstance(value, _core.Tensor):
            self._tensor(value)
        elif (number := plain_number(value)) is not None:
            self._save(number)
        elif allowed_name(value):  # a class or function itself
            self._name(name_of(value))
        else:
            self._object(value)

    def _within(self, step, value):
        known = LEAVES.get(type(value))
        if known:
            known(self, value)
            return
        self.path.append(step)
        self._save(value)
        self.path.pop()

    # ---- the memo ----

    def _recall(self, key):
        """Whether it has been written before; then it is fetched."""
        place = self.memo.get(key)
        if place is None:
            return False
        index = place[0]
        self.out.write(b"h" + bytes([index]) if index < 256 else b"j" + struct.pack("<I", index))
        return True

    def _keep(self, key, value=None):
        """Put what was written last into the memo; `value` stays alive, so that its id does."""
        index = len(self.memo)
        self.memo[key] = index, value
        self.out.write(b"q" + bytes([index]) if index < 256 else b"r" + struct.pack("<I", index))

    def _name(self, text):
        if not self._recall(("name", text)):
            self.out.write(_named(text))
            self._keep(("name", text))

    # ---- plain values ----

    def _simple(self, value):
        self.out.write({None: b"N", True: b"\x88", False: b"\x89"}[value])

    def _integer(self, value):
        if 0 <= value < 256:
            self.out.write(b"K" + bytes([value]))
        elif 0 <= value < 65536:
            self.out.write(b"M" + struct.pack("<H", value))
        elif -(2**31) <= value < 2**31:
            self.out.write(b"J" + struct.pack("<i", value))
        else:
            data = encode_long(value)
            head = b"\x8a" + bytes([len(data)]) if len(data) < 256 else b"\x8b" + struct.pack("<I", len(data))
            self.out.write(head + data)

    def _floating(self, value):
        self.out.write(b"G" + struct.pack(">d", value))

    def _text(self, value):
        if self._recall(("text", value)):
            return
        data = value.encode("utf-8", "surrogatepass")
        if len(data) >= 2**32:
            raise OverflowError(
                f"cannot save a text of {len(data)} bytes at {shown(self.path)}: 4 GiB are the most."
            )
        self.out.write(b"X" + struct.pack("<I", len(data)) + data)
        self._keep(("text", value))

    def _call(self, name, *arguments):
        """What a function makes of arguments."""
        self._name(name)
        self._items(arguments)
        self.out.write(b"R")

    def _binary(self, value):
        if not self._recall(id(value)):
            self._call("_codecs encode", value.decode("latin1"), "latin1")
            self._keep(id(value), value)

    def _bytearray(self, value):
        if not self._recall(id(value)):
            self._call("__builtin__ bytearray", bytes(value))
            self._keep(id(value), value)

    def _complex(self, value):
        self._call("__builtin__ complex", value.real, value.imag)

    def _dtype(self, value):
        self._name(f"torch {value.name}")

    def _size(self, value):
        self._call("torch Size", tuple(value))

    def _device(self, value):
        self._call("torch device", value.type, *([] if value.index is None else [value.index]))

    def _layout(self, value):
        self._call("torch.serialization _get_layout", "torch.strided")

    def _range(self, value):
        self._call("__builtin__ xrange", value.start, value.stop, value.step)

    def _slice(self, value):
        self._call("__builtin__ slice", value.start, value.stop, value.step)

    # ---- containers ----

    def _items(self, values):
        """A tuple."""
        if not values:
            self.out.write(b")")
            return
        if len(values) > 3:
            self.out.write(b"(")
        for index, each in enumerate(values):
            self._within((index,), each)
        self.out.write({1: b"\x85", 2: b"\x86", 3: b"\x87"}.get(len(values), b"t"))

    def _tuple(self, value):
        if not value:
            self.out.write(b")")
        elif not self._recall(id(value)):
            start = self.out.tell()
            self._items(value)
            if id(value) in self.memo:  # it is a part of itself, and has been written meanwhile
                self.out.seek(start)
                self.out.truncate()
                self._recall(id(value))
            else:
                self._keep(id(value), value)

    def _list(self, value):
        if self._recall(id(value)):
            return
        self.out.write(b"]")
        self._keep(id(value), value)
        self.out.write(b"(")
        for index, each in enumerate(value):
            self._within((index,), each)
        self.out.write(b"e")

    def _pairs(self, value):
        if not value:
            return
        self.out.write(b"(")
        for key, each in value.items():
            self._within(" (a key)", key)
            self._within((key,), each)
        self.out.write(b"u")

    def _dictionary(self, value):
        if not self._recall(id(value)):
            self.out.write(b"}")
            self._keep(id(value), value)
            self._pairs(value)

    def _ordered(self, value):
        if self._recall(id(value)):
            return
        self._call("collections OrderedDict")
        self._keep(id(value), value)
        self._pairs(value)
        if value.__dict__:  # a state_dict has its `_metadata` there
            self._dictionary(dict(value.__dict__))
            self.out.write(b"b")

    def _counter(self, value):
        if not self._recall(id(value)):
            self._call("collections Counter", dict(value))
            self._keep(id(value), value)

    def _default(self, value):
        if self._recall(id(value)):
            return
        factory = value.default_factory
        if factory is not None and factory not in FACTORIES:
            refuse(value, self.path)
        self._name("collections defaultdict")
        if factory is None:
            self.out.write(b")")
        else:
            self._name(f"__builtin__ {factory.__name__}")
            self.out.write(b"\x85")
        self.out.write(b"R")
        self._keep(id(value), value)
        self._pairs(value)

    def _set(self, value):
        if not self._recall(id(value)):
            self._call(f"__builtin__ {type(value).__name__}", list(value))
            self._keep(id(value), value)

    # ---- tensors ----

    def _tensor(self, value):
        if self._recall(id(value)):
            return
        kind = type(value)
        if kind is not _core.Tensor and reduces_itself(kind):
            self._object(value)
            return
        parameter = kind is not _core.Tensor and issubclass(kind, parameter_class())
        name = "torch Tensor" if kind is _core.Tensor or parameter else name_of(kind)
        if name is None:
            refuse(value, self.path)
        state = dict(value.__dict__) if kind is _core.Tensor else state_of(value)
        rebuild = f"torch._utils {stored_as(value.dtype)[0]}"
        if not parameter and (state or kind is not _core.Tensor):
            self._name("torch._tensor _rebuild_from_type_v2")
            self.out.write(b"(")
            self._name(rebuild)
            self._name(name)
            self._rebuilding(value, value.requires_grad)
            self._within(".__dict__", state)
            self.out.write(b"tR")
        elif parameter:
            self._name("torch._utils _rebuild_parameter" + "_with_state" * bool(state))
            self.out.write(b"(")
            self._name(rebuild)
            self._rebuilding(value, False)
            self.out.write(b"R")
            self._simple(value.requires_grad)
            self._ordered(collections.OrderedDict())
            if state:
                self._within(".__dict__", state)
            self.out.write(b"tR")
        else:
            self._name(rebuild)
            self._rebuilding(value, value.requires_grad)
            self.out.write(b"R")
        self._keep(id(value), value)

    def _object(self, value):
        """What calls a function, if users have allowed the class and what it calls."""
        if self._recall(id(value)):
            return
        found = reduced(value)
        if found is None:
            refuse(value, self.path)
        function, arguments, state = found
        self._save(type(value) if function == "new" else function)
        self._items(arguments)
        self.out.write(b"\x81" if function == "new" else b"R")
        self._keep(id(value), value)
        if state is not None:
            self._within(" (its state)", state)
            self.out.write(b"b")

    def _rebuilding(self, value, requires_grad):
        """The arguments of PyTorch's function that makes a tensor over a storage."""
        key, flat = self.storages.key(value)
        _, kind, typed = stored_as(flat.dtype)
        self.out.write(b"((")
        self._text("storage")
        self._name(kind)
        self._text(key)
        self._text("cpu")
        self._integer(flat.numel() if typed else flat.nbytes)
        self.out.write(b"tQ")
        self._integer(value.storage_offset())
        self._items(tuple(value.shape))
        self._items(tuple(value.stride()))
        self._simple(requires_grad)
        self._ordered(collections.OrderedDict())
        if not typed:
            self._name(f"torch {flat.dtype.name}")
        self.out.write(b"t")


WRITERS = {
    type(None): Pickler._simple,
    bool: Pickler._simple,
    int: Pickler._integer,
    float: Pickler._floating,
    str: Pickler._text,
    bytes: Pickler._binary,
    bytearray: Pickler._bytearray,
    complex: Pickler._complex,
    range: Pickler._range,
    slice: Pickler._slice,
    tuple: Pickler._tuple,
    list: Pickler._list,
    dict: Pickler._dictionary,
    collections.OrderedDict: Pickler._ordered,
    collections.Counter: Pickler._counter,
    collections.defaultdict: Pickler._default,
    set: Pickler._set,
    frozenset: Pickler._set,
    _core.dtype: Pickler._dtype,
    Size: Pickler._size,
    device: Pickler._device,
    layout: Pickler._layout,
}
# What is written without anything to say about it.
LEAVES = {kind: WRITERS[kind] for kind in (type(None), bool, int, float, str)}
