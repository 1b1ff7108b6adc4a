"""The format safetensors: a line of JSON that says what lies where, then the bytes of all tensors.

A dictionary of names and tensors is such a file as it is, for every reader of the format. What is more than that (lists,
numbers, views of one memory, tensors that require grad) is described in one entry of the file's metadata, `pullback`, and
the tensors keep names that tell where they belong; a reader that does not know the entry gets them by these names.
"""

import collections
import json
import math
import os
import pickle
import struct

from .. import _core
from ..device import device
from ..dtypes import NAMES
from ..operators.copies import flat_storage, storage
from ..operators.creation import empty, frombuffer
from ..size import Size
from .archive import bytes_of, fill, pieces
from .names import LARGEST, check_key, parameter_class, part_of, usable
from .writing import advice, plain_number, shown

_MOST_HEADER = 100_000_000  # as the format's own readers have it
_ENTRY = "pullback"
DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
    "C64": "complex64",
    "C128": "complex128",
    "U64": "uint64",
    "U32": "uint32",
    "U16": "uint16",
    "F8_E5M2": "float8_e5m2",
    "F8_E4M3": "float8_e4m3fn",
}
_LETTERS = {name: letters for letters, name in DTYPES.items()}


def fail(why):
    """Raise for a file that is not whole."""
    raise RuntimeError(f"Error while deserializing header: {why}. The file is damaged, or cut.")


# ---- reading -------------------------------------------------------------------------------------------------


def is_safetensors(head):
    """Whether a file begins as one of safetensors does."""
    return len(head) >= 9 and head[8:9] == b"{" and 2 <= int.from_bytes(head[:8], "little") <= _MOST_HEADER


def _unique(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        fail("a name is there twice")
    return found


def read_header(file):
    """What the header says, checked against the size of the file: (metadata, {name: (letters, shape, start, end)})."""
    begin = file.tell()
    size = file.seek(0, os.SEEK_END) - begin
    file.seek(begin)
    head = file.read(8)
    length = int.from_bytes(head, "little")
    if len(head) < 8 or length > min(size - 8, _MOST_HEADER):
        fail("header too large, or the file is shorter than it says")
    text = file.read(length)
    try:
        said = json.loads(text.decode("utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        fail(f"invalid header ({type(error).__name__}: {str(error)[:200]})")
    if type(said) is not dict:
        fail("invalid header")
    metadata = said.pop("__metadata__", {})
    if type(metadata) is not dict or not all(type(value) is str for value in metadata.values()):
        fail("the metadata is more than texts")
    found, spans = {}, []
    for name, about in said.items():
        found[name] = _described(name, about)
        spans.append(found[name][2:])
    here = 0
    for start, end in sorted(spans):
        if start != here:
            fail(f"invalid offsets: {start} where {here} has to follow")
        here = end
    if 8 + length + here != size:
        fail(f"the header describes {here} bytes, and {size - 8 - length} follow")
    return metadata, found


def _described(name, about):
    try:
        letters, shape, (start, end) = about["dtype"], about["shape"], about["data_offsets"]
        whole = all(type(n) is int and 0 <= n <= LARGEST for n in [start, end, *shape])
        item = int("".join(filter(str.isdigit, letters.partition("_")[0])) or 8) // 8
    except (KeyError, TypeError, ValueError, AttributeError):
        whole = False
    if not whole or type(shape) is not list or len(about) != 3 or len(shape) > 64:
        fail(f"the description of {name!r:.100} is none")
    count = 1
    for n in shape:
        count *= n
        if count > LARGEST and 0 not in shape:
            break
    if end - start != count * item:
        fail(f"the tensor {name!r:.100} of shape {shape} has {end - start} bytes")
    return letters, shape, start, end


def load(file, mapped):
    """The tensors by their names, or the object that the entry in the metadata describes."""
    metadata, described = read_header(file)
    base, tensors = file.tell(), {}
    if mapped:
        import mmap

        whole = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
    for name, (letters, shape, start, end) in sorted(described.items(), key=lambda item: item[1][2]):
        dtype = usable(NAMES.get(DTYPES.get(letters)), letters)
        place = base + start
        if start == end:
            raw = empty(0, dtype=_core.uint8)
        elif mapped and place % dtype.itemsize == 0:
            raw = frombuffer(whole[place : base + end], dtype=_core.uint8)
        else:
            raw = empty(end - start, dtype=_core.uint8)
            file.seek(place)
            fill(file, raw, f"the tensor {name!r:.100}")
        tensors[name] = raw.view(dtype).reshape(shape)
    tensors = {name: tensors[name] for name in described}
    if _ENTRY not in metadata:
        return tensors
    try:
        return _Reader(tensors).read(json.loads(metadata[_ENTRY], object_pairs_hook=_unique))
    except RecursionError:
        fail("containers are nested too deeply")
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, pickle.UnpicklingError) as error:
        fail(f"its entry {_ENTRY!r} describes nothing ({type(error).__name__}: {str(error)[:200]})")


class _Reader:
    """Makes an object of its description: a dictionary with one entry, what it is, or a plain value."""

    def __init__(self, tensors):
        self.tensors, self.made = tensors, {}

    def read(self, said):
        if said is None or type(said) in (bool, int, float, str):
            return said
        if type(said) is list:
            return [self.read(each) for each in said]
        kind, *rest = said
        what = said[kind]
        if kind == "tensor":
            return self.tensor(what, said)
        if rest and (kind != "OrderedDict" or rest != ["attributes"]):
            raise ValueError(f"{kind} and {rest}")
        if kind in ("dict", "OrderedDict"):
            pairs = [(check_key(self.read(key)), self.read(value)) for key, value in what]
            found = (collections.OrderedDict if kind == "OrderedDict" else dict)(pairs)
            if rest:
                found.__dict__.update(self.read(said["attributes"]))
            return found
        return _MADE[kind](self.read(what))

    def tensor(self, index, said):
        """The tensor of an entry; entries with one index are one tensor."""
        if index not in self.made:
            flags = set(said) - {"tensor", "name", "view", "attributes"}
            if flags - {"requires_grad", "parameter"}:
                raise ValueError(f"a tensor has {flags}")
            found = self.tensors[said["name"]]
            if "view" in said:
                size, stride, offset = said["view"]
                found = part_of(found.reshape(-1), size, stride, offset)
            if said.get("parameter"):
                found = parameter_class()(found, bool(said.get("requires_grad")))
            elif said.get("requires_grad"):
                found = _core.require_grad(found.detach())
            for name, value in self.read(said["attributes"]).items() if "attributes" in said else ():
                found.__dict__[name] = value
            self.made[index] = found
        return self.made[index]


_MADE = {
    "tuple": tuple,
    "set": lambda values: set(map(check_key, values)),
    "frozenset": lambda values: frozenset(map(check_key, values)),
    "float": float,
    "complex": lambda parts: complex(*map(float, parts)),
    "bytes": bytes.fromhex,
    "bytearray": bytearray.fromhex,
    "Size": Size,
    "dtype": lambda name: NAMES[name],
    "device": device,
}


# ---- writing -------------------------------------------------------------------------------------------------


def save(obj, file, metadata):
    """Write an object; `metadata` are further texts by name."""
    metadata = dict(metadata or {})
    for name, value in metadata.items():
        if type(name) is not str or type(value) is not str or name == _ENTRY:
            raise TypeError(
                f"metadata has texts by names that are texts, none of them {_ENTRY!r}, which describes what is saved: "
                f"{name!r} is not so"
            )
    blocks = _plain(obj)
    if blocks is None:
        describing = _Writer()
        try:
            said = describing.describe(obj, ())
        except RecursionError:
            raise RecursionError(
                "maximum recursion depth exceeded while saving: containers are nested too deeply, or one is in itself."
            ) from None
        blocks = describing.blocks()
        metadata[_ENTRY] = json.dumps(said)
    header, place = {}, 0
    if metadata:
        header["__metadata__"] = metadata
    for name, tensor in blocks.items():
        if tensor.dtype.name not in _LETTERS:
            raise NotImplementedError(
                f"safetensors has no letters for {tensor.dtype}, which {name!r:.100} is of: save it as tensor.cfloat(), or in "
                "PyTorch's format."
            )
    ordered = sorted(blocks.items(), key=lambda item: (-item[1].dtype.itemsize, item[0]))
    for name, tensor in ordered:
        size = tensor.numel() * tensor.dtype.itemsize
        header[name] = {
            "dtype": _LETTERS[tensor.dtype.name],
            "shape": list(tensor.shape),
            "data_offsets": [place, place + size],
        }
        place += size
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    text += b" " * (-len(text) % 8)
    if len(text) > _MOST_HEADER:
        raise RuntimeError(
            f"the header would have {len(text)} bytes, and {_MOST_HEADER} are the most that the format allows. Save in "
            'PyTorch\'s format: format="torch".'
        )
    file.write(struct.pack("<Q", len(text)) + text)
    for _, tensor in ordered:
        for piece in pieces(bytes_of(tensor.reshape(-1))):
            file.write(piece)


def _plain(obj):
    """The tensors of a dictionary that any reader gets back as it is; None for all else."""
    if type(obj) not in (dict, collections.OrderedDict) or getattr(obj, "__dict__", None):
        return None
    blocks, seen = {}, []
    for name, tensor in obj.items():
        if type(name) is not str or name == "__metadata__" or not _is_utf8(name):
            return None
        if type(tensor) is not _core.Tensor or tensor.requires_grad or tensor.__dict__:
            return None
        seen.append(flat_storage(tensor))
        blocks[name] = tensor.detach().contiguous()
    if type(obj) is collections.OrderedDict or len({storage(flat) for flat in seen}) < len(seen):
        return None
    return blocks


def _is_utf8(text):
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


class _Writer:
    """Describes an object, and finds names for its tensors and for the memory that several of them share."""

    def __init__(self):
        self.numbers, self.tensors, self.groups, self.names = {}, [], {}, set()

    def describe(self, value, path):
        kind = type(value)
        if value is None or kind in (bool, str):
            return value
        if kind is int:
            return value if abs(value) < 2**64 else self.refuse(value, path, "a number of more than 64 bits")
        if kind is float:
            return value if math.isfinite(value) else {"float": str(value)}
        if isinstance(value, _core.Tensor):
            return self.tensor(value, path)
        if kind is list:
            return [self.describe(each, (*path, index)) for index, each in enumerate(value)]
        if kind is complex:
            return {"complex": [str(value.real), str(value.imag)]}
        if kind in (bytes, bytearray):
            return {kind.__name__: value.hex()}
        if kind in (dict, collections.OrderedDict):
            pairs = [
                [self.describe(key, path), self.describe(each, (*path, key))] for key, each in value.items()
            ]
            said = {kind.__name__: pairs}
            if kind is collections.OrderedDict and value.__dict__:
                said["attributes"] = self.describe(dict(value.__dict__), path)
            return said
        if kind in (tuple, set, frozenset, Size):
            return {kind.__name__: [self.describe(each, (*path, index)) for index, each in enumerate(value)]}
        if kind is _core.dtype:
            return {"dtype": value.name}
        if kind is device:
            return {"device": str(value)}
        if (number := plain_number(value)) is not None:
            return self.describe(number, path)
        return self.refuse(value, path)

    @staticmethod
    def refuse(value, path, what=None):
        kind = type(value)
        raise TypeError(
            f"cannot save {what or f'{kind.__module__}.{kind.__qualname__} object'} at "
            f"{shown([(step,) for step in path])}: the format has tensors, numbers, texts and plain containers. "
            f"{advice(value) if what is None else 'Save it as a text'}."
        )

    def tensor(self, value, path):
        if id(value) in self.numbers:
            return {"tensor": self.numbers[id(value)]}
        kind = type(value)
        if kind is not _core.Tensor and kind is not parameter_class():
            self.refuse(value, path)
        said = {"tensor": len(self.tensors), "name": self.name(path)}
        self.numbers[id(value)] = said["tensor"]
        if value.requires_grad:
            said["requires_grad"] = True
        if kind is not _core.Tensor:
            said["parameter"] = True
        if value.__dict__:
            said["attributes"] = self.describe(dict(value.__dict__), path)
        flat = flat_storage(value)
        self.tensors.append((value, flat, said))
        self.groups.setdefault((storage(flat), flat.dtype), []).append((value, said))
        return said

    def name(self, path):
        plain = (
            ".".join(step if type(step) is str and _is_utf8(step) else repr(step) for step in path)
            or "tensor"
        )
        name, count = plain, 1
        while name in self.names or name == "__metadata__":
            count += 1
            name = f"{plain}#{count}"
        self.names.add(name)
        return name

    def blocks(self):
        """The tensors that are written, by name; what shares memory with one of them is described as a view of it."""
        found = {}
        for group in self.groups.values():
            value, said = group[0]
            if len(group) == 1:
                found[said["name"]] = value.detach().contiguous()
                continue
            low = min(value.storage_offset() for value, _ in group)
            high = max(_end(value) for value, _ in group)
            whole = [
                (value, said)
                for value, said in group
                if value.is_contiguous() and (value.storage_offset(), _end(value)) == (low, high)
            ]
            kept = None
            if whole:
                kept, said = whole[0]
                name, block = said["name"], kept.detach()
            else:
                name, block = self.name((f"{said['name']}.storage",)), flat_storage(value)[low:high]
            found[name] = block
            for each, about in group:
                if each is not kept:
                    about["name"] = name
                    about["view"] = [list(each.shape), list(each.stride()), each.storage_offset() - low]
        return found


def _end(tensor):
    """The element of the storage behind the last that a tensor has."""
    if not tensor.numel():
        return tensor.storage_offset()
    return tensor.storage_offset() + 1 + sum(step * (n - 1) for n, step in zip(tensor.shape, tensor.stride()))
