"""PyTorch's names in checkpoints: what a file may name, and what that is here.

Nothing is looked up by the names that a file has: they are keys of a table, whose functions check what they are given and
build tensors, numbers, texts and plain containers, nothing else. A dtype counts as soon as there are kernels for it.
"""

import collections
import itertools
import pickle
from typing import Any

from .. import _core
from ..device import device, layout, strided
from ..dtypes import NAMES
from ..operators.copies import make_subclass, over_storage
from ..size import Size

# The classes of PyTorch's typed storages; dtypes that came later are stored without a type.
STORAGES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
}
STORAGE_OF = {name: storage for storage, name in STORAGES.items()}
_UNTYPED = "torch.storage UntypedStorage"
_OTHER_DTYPES = """
    float8_e5m2 float8_e4m3fn float8_e5m2fnuz float8_e4m3fnuz float8_e8m0fnu
    quint8 qint8 qint32 quint4x2 quint2x4 bits8 bits16 bits1x8 bits2x4 bits4x2 float4_e2m1fn_x2
""".split()
_QUANTISED = ("QUInt8", "QInt8", "QInt32", "QUInt4x2", "QUInt2x4")
LARGEST = 2**63 - 1  # of sizes, strides and offsets
FACTORIES = (dict, list, set, int, float, str, bool, tuple)  # what a defaultdict makes its values with
_PLAIN_KEYS: tuple[Any, ...] = (
    str,
    int,
    float,
    bool,
    type(None),
    bytes,
    complex,
    _core.dtype,
    device,
    layout,
)


class Refused(pickle.UnpicklingError):
    """Why a file is not read: becomes an UnpicklingError."""


class Named:
    """A dtype or a storage that a file names, told apart from what has kernels."""

    __slots__ = ("dtype", "name")

    def __init__(self, name, dtype):
        self.name, self.dtype = name, dtype


class Storage:
    """The memory of tensors, as `map_location` gets to see it, and as tensors are made of it.

    What comes in the other byte order is turned around as soon as it is there and a dtype has said how wide its numbers are:
    that of the storage, or else that of the first tensor over it.
    """

    __slots__ = ("dtype", "is_foreign", "location", "raw", "width")

    def __init__(self, raw, dtype, location):
        self.raw, self.dtype, self.location = raw, dtype, location
        self.width, self.is_foreign = None, False
        if dtype is not None:
            self.hold(dtype)

    def hold(self, dtype):
        """A tensor of this dtype is made of it."""
        width = dtype.itemsize // (2 if dtype.is_complex else 1)
        if self.width is None:
            self.width = width
            if self.is_foreign:
                self.turn()
        elif width != self.width:
            if self.is_foreign:
                raise Refused("memory of the other byte order has numbers of two sizes")
            self.width = 0

    def turn(self):
        """What it has is of the other byte order."""
        self.is_foreign = True
        if self.width == 0:
            raise Refused("memory of the other byte order has numbers of two sizes")
        if self.width is not None and self.width > 1 and self.raw.numel():
            self.raw.copy_(self.raw.reshape(-1, self.width).flip(1).reshape(-1))

    @property
    def device(self):
        """The CPU."""
        return device("cpu")

    def nbytes(self):
        """How many bytes it has."""
        return self.raw.numel()

    def __len__(self):
        return self.raw.numel() // (self.dtype.itemsize if self.dtype else 1)

    def cpu(self):
        """The storage itself."""
        return self

    def cuda(self, *arguments, **options):
        """Raises AssertionError, as PyTorch does without CUDA."""
        raise AssertionError("Torch not compiled with CUDA enabled. pullback computes on the CPU.")


def stored_as(dtype):
    """How tensors of a dtype are stated: (PyTorch's function, the class of the storage, whether it has a type).

    A storage without a type counts bytes, and the function is told the dtype.
    """
    storage = STORAGE_OF.get(dtype.name)
    if storage is None:
        return "_rebuild_tensor_v3", _UNTYPED, False
    return "_rebuild_tensor_v2", f"torch {storage}", True


def usable(dtype, name):
    """The dtype, or the error of one that nothing computes with."""
    if dtype is None or not dtype._supported:
        raise NotImplementedError(
            f"the file has tensors of dtype {name}, which pullback has no kernels for: it computes with "
            f"{_core.supported_dtypes}. Where the file was written, convert them before saving: "
            "tensor.to(torch.float32)."
        )
    return dtype


def check_key(key):
    """Raise for what no dictionary or set of a checkpoint has as a key: what takes long to hash, or can't be."""
    budget = itertools.count()

    def visit(part, depth):
        if next(budget) > 1000 or depth > 8:
            raise Refused("a key of a dictionary or an element of a set is nested too deeply")
        if type(part) in (tuple, Size, frozenset):
            for each in part:
                visit(each, depth + 1)
        elif type(part) not in _PLAIN_KEYS:
            raise Refused(f"a key of a dictionary or an element of a set is a {type(part).__name__}")
        elif type(part) is int and part.bit_length() > 60:
            raise Refused("a key of a dictionary or an element of a set is a number of more than 60 bits")

    if type(key) is not str:
        visit(key, 0)
    return key


def _expect(right, what):
    if not right:
        raise Refused(f"{what} gets arguments that it never has")


# ---- tensors -------------------------------------------------------------------------------------------------


def _whole_numbers(values, what):
    _expect(type(values) in (tuple, list, Size) and len(values) <= 64, what)
    for each in values:
        _expect(type(each) is int and 0 <= each <= LARGEST, what)
    return tuple(values)


def part_of(flat, size, stride, offset):
    """A tensor over a part of the memory of another, once the numbers have been found to fit."""
    what = "a tensor"
    size, stride = _whole_numbers(size, what), _whole_numbers(stride, what)
    _expect(type(offset) is int and 0 <= offset <= LARGEST and len(size) == len(stride), what)
    count, last, length = 1, offset, flat.numel()
    for n, step in zip(size, stride):
        count *= n
        last += step * max(n - 1, 0)
    if (count and last >= length) or count > LARGEST or last > LARGEST:
        raise RuntimeError(
            f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {offset} require more than the "
            f"{length} elements of the storage. The file is damaged."
        )
    return over_storage(flat, size, stride, offset if count else 0)


def rebuilt(storage, dtype, offset, size, stride, requires_grad=False, hooks=None, metadata=None):
    """A tensor over a storage: what PyTorch's functions of this kind have in common."""
    _expect(type(storage) is Storage and type(requires_grad) is bool, "a tensor")
    dtype = usable(dtype, getattr(dtype, "name", dtype))
    storage.hold(dtype)
    made = part_of(storage.raw.view(dtype), size, stride, offset)
    for flag, change in (metadata or {}).items():
        if change and flag in ("conj", "neg"):
            made = made.conj() if flag == "conj" else made.neg()
    return _core.require_grad(made) if requires_grad else made


def _rebuild_tensor(storage, offset, size, stride):
    return rebuilt(storage, _typed(storage), offset, size, stride)


def _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks, metadata=None):
    return rebuilt(storage, _typed(storage), offset, size, stride, requires_grad, hooks, metadata)


def _rebuild_tensor_v3(storage, offset, size, stride, requires_grad, hooks, dtype, metadata=None):
    return rebuilt(storage, _dtype(dtype), offset, size, stride, requires_grad, hooks, metadata)


def _typed(storage):
    _expect(type(storage) is Storage and storage.dtype is not None, "a tensor")
    return storage.dtype


def _dtype(named):
    if type(named) is Named:
        usable(named.dtype, named.name)
    _expect(type(named) is _core.dtype, "a tensor")
    return named


def _rebuild_parameter(data, requires_grad, hooks):
    from ..nn.parameter import Parameter

    _expect(isinstance(data, _core.Tensor) and type(requires_grad) is bool, "a parameter")
    return Parameter(data, requires_grad)


def _rebuild_parameter_with_state(data, requires_grad, hooks, state):
    return _with_attributes(_rebuild_parameter(data, requires_grad, hooks), state)


def _rebuild_from_type_v2(function, kind, arguments, state):
    _expect(function in CALLS and type(arguments) is tuple, "a tensor")
    made = CALLS[function](*arguments)
    _expect(isinstance(made, _core.Tensor), "a tensor")
    return _with_attributes(made, state) if type(made) is kind else as_kind(kind, made, state)


def _with_attributes(made, state):
    if type(state) is tuple and len(state) == 2 and not state[1]:
        state = state[0]
    _expect(not state or (type(state) is dict and all(type(name) is str for name in state)), "a tensor")
    for name, value in (state or {}).items():
        made.__dict__[name] = value
    return made


def _with_state(made, state):
    """A tensor of a class that users have allowed, with what it holds beside its elements."""
    if hasattr(type(made), "__setstate__"):
        made.__setstate__(state)
        return made
    if type(state) is not tuple:
        return _with_attributes(made, state)
    _expect(len(state) == 2 and type(state[1]) is dict and all(type(n) is str for n in state[1]), "a tensor")
    for name, value in state[1].items():
        setattr(made, name, value)
    return _with_attributes(made, state[0])


def rebuild(name, *arguments):
    """What PyTorch's function of this name makes of its arguments: what pickles of any objects call."""
    return _FUNCTIONS[name](*arguments)


def as_kind(kind, made, state):
    """A tensor as an instance of a class of tensors, with attributes."""
    _expect(isinstance(kind, type) and issubclass(kind, _core.Tensor), "a tensor")
    if kind is not _core.Tensor:
        made = make_subclass(kind, made.detach(), made.requires_grad)
    return _with_state(made, state)


def _refusing(what):
    def refuse(*arguments):
        raise NotImplementedError(f"the file has {what}, which pullback has not: its tensors are dense.")

    return refuse


# ---- numbers, texts, containers ------------------------------------------------------------------------------


def _pairs(values):
    _expect(type(values) in (list, tuple), "a dictionary")
    for pair in values:
        _expect(type(pair) in (list, tuple) and len(pair) == 2, "a dictionary")
    return [(check_key(key), value) for key, value in values]


def _ordered(pairs=()):
    return collections.OrderedDict(_pairs(pairs))


def _counter(counts=None):
    _expect(counts is None or type(counts) is dict, "a Counter")
    return collections.Counter(counts)


def _default(factory=None):
    _expect(factory is None or factory in FACTORIES, "a defaultdict")
    return collections.defaultdict(factory)


def _set(kind):
    def make(values=()):
        _expect(type(values) in (list, tuple, set), "a set")
        return kind(map(check_key, values))

    return make


def _number(*parts):
    _expect(len(parts) == 2 and all(type(part) in (int, float) for part in parts), "a complex number")
    return complex(*parts)


def _encoded(text, encoding="latin1"):
    _expect(type(text) is str and encoding in ("latin1", "latin-1"), "bytes")
    return text.encode("latin1")


def _bytearray(data=b"", encoding=None):
    _expect(type(data) is bytes or (encoding in ("latin1", "latin-1") and type(data) is str), "a bytearray")
    return bytearray(data if type(data) is bytes else _encoded(data))


def _of_integers(kind):
    def make(*parts):
        _expect(1 <= len(parts) <= 3 and all(p is None or type(p) is int for p in parts), kind.__name__)
        return kind(*parts)

    return make


def _size(sizes=()):
    _expect(type(sizes) in (tuple, list) and all(type(n) is int for n in sizes), "a Size")
    return Size(sizes)


def _device(kind, index=None):
    _expect(type(kind) is str and (index is None or type(index) is int), "a device")
    return device(kind, index)


def _get_layout(name):
    if name != "torch.strided":
        raise NotImplementedError(f"the file names the layout {name}: pullback's tensors are dense.")
    return strided


# What stands for a name, and the function that is called where the file calls it.
_FUNCTIONS = {
    "torch._utils._rebuild_tensor": _rebuild_tensor,
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor_v2,
    "torch._utils._rebuild_tensor_v3": _rebuild_tensor_v3,
    "torch._utils._rebuild_parameter": _rebuild_parameter,
    "torch._utils._rebuild_parameter_with_state": _rebuild_parameter_with_state,
    "torch._utils._rebuild_sparse_tensor": _refusing("a sparse tensor"),
    "torch._utils._rebuild_qtensor": _refusing("a quantised tensor"),
    "torch._utils._rebuild_nested_tensor": _refusing("a nested tensor"),
    "torch._utils._rebuild_meta_tensor_no_storage": _refusing("a tensor of the meta device"),
    "torch._utils._rebuild_wrapper_subclass": _refusing("a tensor that wraps others"),
    "torch._tensor._rebuild_from_type_v2": _rebuild_from_type_v2,
    "torch.serialization._get_layout": _get_layout,
    "_codecs.encode": _encoded,
    f"{__name__}.rebuild": rebuild,
    f"{__name__}.as_kind": as_kind,
}
_CLASSES = {
    "collections.OrderedDict": (collections.OrderedDict, _ordered),
    "collections.Counter": (collections.Counter, _counter),
    "collections.defaultdict": (collections.defaultdict, _default),
    "builtins.set": (set, _set(set)),
    "builtins.frozenset": (frozenset, _set(frozenset)),
    "builtins.complex": (complex, _number),
    "builtins.bytearray": (bytearray, _bytearray),
    "builtins.slice": (slice, _of_integers(slice)),
    "builtins.range": (range, _of_integers(range)),
    "torch.Size": (Size, _size),
    "torch.device": (device, _device),
    "torch.Tensor": (_core.Tensor, None),
    **{f"builtins.{kind.__name__}": (kind, None) for kind in FACTORIES if kind is not set},
}
# Python 2's names, which files of pickle's protocol 2 have.
_OLDER = {"__builtin__": "builtins", "copy_reg": "copyreg", ("__builtin__", "xrange"): "builtins.range"}

GLOBALS = {
    **_FUNCTIONS,
    **{name: value for name, (value, _) in _CLASSES.items()},
    **{f"torch.{storage}": Named(name, NAMES.get(name)) for storage, name in STORAGES.items()},
    **{f"torch.{name}": NAMES.get(name) or Named(name, None) for name in [*NAMES, *_OTHER_DTYPES]},
    **{f"torch.{storage}Storage": Named(storage.lower(), None) for storage in _QUANTISED},
    "torch.storage.UntypedStorage": Named("untyped", None),
    "torch.UntypedStorage": Named("untyped", None),
}
CALLS = {
    **{function: function for function in _FUNCTIONS.values()},
    **{value: call for value, call in _CLASSES.values() if call},
}


def full_name(module, name):
    """A name as Python 3 writes it."""
    return _OLDER.get((module, name)) or f"{_OLDER.get(module, module)}.{name}"


def parameter_class():
    """The class of Parameters, which comes with all of `nn`."""
    from ..nn.parameter import Parameter

    return Parameter
