"""PyTorch's checkpoints: archives of a pickle and its storages, and the files of PyTorch before 1.6.

Storages are read into the memory that tensors then have, one after the other, or lie in the mapped file. Nothing is
allocated before the file has been found to have as much.
"""

import io
import os
import pickle
import struct
import sys

from .. import _core
from ..device import device
from ..operators.creation import empty
from .archive import Archive, Writer, bytes_of, fail, fill
from .names import GLOBALS, Named, Refused, Storage, usable
from .reading import Source, failed, unpickle
from .writing import Pickler, Storages

_MOST_PICKLE = 1 << 30  # bytes of a pickle: storages are not in it
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_VERSION = 1001


# ---- where storages go ---------------------------------------------------------------------------------------


def restore(location):
    """Raise unless storages of a location can be here."""
    if location == "cpu":
        return
    if location.partition(":")[0] == "cuda":
        raise RuntimeError(
            "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False. If you are running "
            "on a CPU-only machine, please use torch.load with map_location=torch.device('cpu') to map your storages to the "
            'CPU. pullback computes on the CPU: pullback.load(f, map_location="cpu").'
        )
    raise RuntimeError(
        f"don't know how to restore data location of torch.storage.UntypedStorage (tagged with {location:.100}). pullback "
        'computes on the CPU: pullback.load(f, map_location="cpu").'
    )


class Placing:
    """Checks where each storage goes, from `map_location`. A function of the user's is asked when all has been read."""

    def __init__(self, map_location):
        plain = map_location is None or isinstance(map_location, (dict, str, bytes, device))
        if not plain and not callable(map_location):
            raise TypeError(
                f"'{type(map_location).__name__}' object is not callable. map_location is None, a device, the name of one, a "
                "dictionary of names, or a function of a storage and its location."
            )
        self.where, self.asked, self.waiting = map_location, not plain, []

    def __call__(self, storage):
        where = storage.location
        if self.asked:
            self.waiting.append(storage)
            return
        if isinstance(self.where, dict):
            where = self.where.get(where, where)
        elif self.where is not None:
            where = self.where
        restore(text_of(where))

    def ask(self):
        """Ask about all storages."""
        for storage in self.waiting:
            if self.where(storage, storage.location) is None:
                restore(storage.location)


def text_of(location):
    """A location, a device or its name, as a text."""
    return location.decode() if isinstance(location, bytes) else str(location)


# ---- archives ------------------------------------------------------------------------------------------------


class Loader:
    """Makes the storages that a pickle refers to."""

    def __init__(self, archive, place, swap):
        self.archive, self.place, self.swap, self.made = archive, place, swap, {}

    def __call__(self, stated):
        """The storage of ("storage", type, key, location, number of elements)."""
        if len(stated) != 5:
            raise Refused("a storage has other parts than a storage has")
        _, kind, key, location, count = stated
        dtype = described(kind, location, count)
        if type(key) is not str:
            raise Refused("a storage has other parts than a storage has")
        if key not in self.made:
            size = count * (dtype.itemsize if dtype else 1)
            if self.archive.place(f"data/{key}").size != size:
                raise RuntimeError(
                    f"PytorchStreamReader failed reading file data/{key}: the storage has "
                    f"{self.archive.place(f'data/{key}').size} bytes, and {size} are stated. The file is damaged."
                )
            self.made[key] = Storage(self.archive.tensor(f"data/{key}"), dtype, location)
            if self.swap:
                self.made[key].turn()
            self.place(self.made[key])
        found = self.made[key]
        if found.dtype is not dtype:
            raise Refused(f"the storage {key} is of two types")
        return found


def described(kind, location, count):
    """The dtype of a storage, whose description is what it should be; None for one without a type."""
    if type(kind) is str:  # in pickles of any objects
        kind = GLOBALS.get(f"torch.{kind}")
    if type(kind) is not Named or type(location) is not str or type(count) is not int or count < 0:
        raise Refused("a storage has other parts than a storage has")
    return None if kind.name == "untyped" else usable(kind.dtype, kind.name)


def load_archive(file, map_location, weights_only, pickle_module, mapped, options):
    """The object of an archive."""
    archive = Archive(file, mapped)
    if "constants.pkl" in archive:
        raise RuntimeError(
            "the file is a program of TorchScript, which pullback does not run. Where it was written, save "
            "model.state_dict()."
        )
    order = archive.read("byteorder", 100) if "byteorder" in archive else b"little"
    if order not in (b"little", b"big"):
        fail(f"Unknown endianness type: {order.decode('latin1')}", "reading file byteorder")
    loader = Loader(archive, Placing(map_location), order.decode() != sys.byteorder)
    if mapped and loader.swap:
        raise RuntimeError(
            "mmap needs a file of this machine's byte order. Leave mmap out: it is read, then."
        )
    data = archive.read("data.pkl", _MOST_PICKLE)
    if weights_only:
        found = unpickle(Source(io.BytesIO(data), len(data)), loader)
    else:
        from .trusting import trusted

        found = trusted(io.BytesIO(data), loader, pickle_module, options)
    loader.place.ask()
    return found


def save_archive(obj, file, pickle_module, protocol):
    """Write an object as an archive."""
    storages = Storages()
    if pickle_module is None:
        data = Pickler(storages).dumped(obj)
    else:
        from .trusting import pickled

        data = pickled(obj, storages, pickle_module, protocol)
    writer = Writer(file)
    writer.record("data.pkl", data)
    writer.record("byteorder", sys.byteorder.encode())
    for key, flat in storages.flat.items():
        writer.record(f"data/{key}", bytes_of(flat))
    writer.record("version", b"3\n")
    writer.close()


# ---- files of PyTorch before 1.6 -----------------------------------------------------------------------------


def load_legacy(file, map_location):
    """Three pickles about the file, one of the object, one of the storages' names, then the storages."""
    start = file.tell()
    size = file.seek(0, os.SEEK_END) - start
    file.seek(start)
    source, place, waiting = Source(file, size), Placing(map_location), {}

    def stand_in(stated):
        if len(stated) != 6:
            raise Refused("a storage has other parts than a storage has")
        _, kind, key, location, count, view = stated
        dtype = described(kind, location, count)
        if view is not None:
            raise Refused("a storage is a part of another, as only files before PyTorch 0.4 have it")
        bytes_there = count * (dtype.itemsize if dtype else 1)
        if key not in waiting:
            if bytes_there > source.left:
                raise Refused(f"a storage of {bytes_there} bytes is stated")
            if sum(each.raw.numel() for each in waiting.values()) + bytes_there > size:
                raise Refused("more bytes of storages are stated than the file has")
            waiting[key] = Storage(empty(bytes_there, dtype=_core.uint8), dtype, location)
            place(waiting[key])
        if waiting[key].dtype is not dtype or waiting[key].nbytes() != bytes_there:
            raise Refused(f"the storage {key} is described twice")
        return waiting[key]

    def nothing(stated):
        raise Refused("a storage stands where none may be")

    if unpickle(source, nothing) != _LEGACY_MAGIC:
        raise failed("Invalid magic number; corrupt file?")
    if (version := unpickle(source, nothing)) != _LEGACY_VERSION:
        raise failed(f"Invalid protocol version: {version!r}"[:200])
    about = unpickle(source, nothing)
    little = about.get("little_endian", True) if type(about) is dict else True
    found = unpickle(source, stand_in)
    names = unpickle(source, nothing)
    if type(names) is not list or len(set(names)) != len(names) or set(names) != set(waiting):
        raise failed("The storages that follow are not those of the object. The file is damaged.")
    for name in names:
        _read_storage(source, waiting[name], swap=bool(little) != (sys.byteorder == "little"))
    place.ask()
    return found


def _read_storage(source, storage, swap):
    try:
        (count,) = struct.unpack("<q" if not swap or sys.byteorder == "big" else ">q", source.read(8))
    except Refused as error:
        raise failed(f"A storage is cut: {error}. The file is damaged.") from None
    if count != len(storage) or storage.nbytes() > source.left:
        raise failed(f"A storage of {len(storage)} elements has {count} in the file. The file is damaged.")
    fill(source.file, storage.raw, "a storage")
    source.left -= storage.nbytes()
    if swap:
        storage.turn()


def is_legacy(head):
    """Whether a file begins as those of PyTorch before 1.6 do."""
    return head[:1] == b"\x80" and pickle.encode_long(_LEGACY_MAGIC) in head
