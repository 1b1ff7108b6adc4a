"""Tensors in files: `save` and `load`.

`load` reads what PyTorch's `torch.save` has written, and safetensors; `save` writes both, so that files travel between the
libraries. Neither runs a program that is in a file: a reader of its own builds tensors, numbers, texts and plain containers.
"""

import contextlib
import io
import os
import pickle
import warnings

from ..messages.missing import missing
from ..operators.declare import composed
from . import reading
from .checkpoint import is_legacy, load_archive, load_legacy, restore, save_archive, text_of
from .replacing import replaced

__all__ = [
    "add_safe_globals",
    "clear_safe_globals",
    "get_safe_globals",
    "get_unsafe_globals_in_checkpoint",
    "load",
    "read_metadata",
    "safe_globals",
    "save",
]


@composed(method=False, public=False)
def save(obj, f, pickle_module=None, pickle_protocol=2, *, format=None, metadata=None):
    """Write an object of tensors, numbers, texts and plain containers to a file.

    Tensors that share memory share it when they come back: a view saves all of its storage, once, as in PyTorch. History,
    gradients and hooks stay behind. What has a path is on the disk as a whole before it takes the place of an older
    file, whose permissions it keeps; if anything goes wrong, the older file is as it was.

    Args:
        obj: a tensor or Parameter, a module's or an optimiser's ``state_dict()``, or anything of lists, tuples,
            dictionaries, sets, numbers, texts, bytes, sizes, dtypes and devices around tensors.
        f: a path, or a file object that takes bytes.
        pickle_module: the module that pickles objects that are not plain, `pickle` itself for one. Only
            ``load(f, weights_only=False)`` reads such a file, and only pullback does.
        pickle_protocol: the protocol of that pickle.
        format: ``"torch"``, which ``torch.load(f, weights_only=True)`` reads, or ``"safetensors"``. If it is not given, the
            name of the file decides: a path that ends in ``.safetensors`` is the latter.
        metadata: texts by name, which a file of safetensors has beside the tensors.

    Raises:
        TypeError: for an object with something in it that is not plain. The message says where and what to do.
        RuntimeError: if the folder does not exist, or tensors share memory under different dtypes.
        AttributeError: if `f` is neither.

    Example:
        >>> import io
        >>> file = io.BytesIO()
        >>> pb.save({"weight": pb.ones(2), "step": 3}, file)
        >>> position = file.seek(0)
        >>> pb.load(file)
        {'weight': tensor([1., 1.]), 'step': 3}
    """
    path = isinstance(f, (str, os.PathLike))
    if not path and not hasattr(f, "write"):
        raise AttributeError(
            "expected 'f' to be string, path, or a file-like object with a 'write' attribute. This is a "
            f"{type(f).__name__}."
        )
    if format is None:
        format = "safetensors" if path and os.fsdecode(f).endswith(".safetensors") else "torch"
    if format not in ("torch", "safetensors"):
        raise ValueError(f"unknown format {format!r}: choose torch or safetensors")
    if format == "torch" and metadata is not None:
        raise ValueError("metadata is for format='safetensors': put it into the object that is saved")
    if format == "safetensors" and pickle_module is not None:
        raise ValueError("a file of safetensors has no pickle: leave pickle_module out")
    with replaced(f) if path else contextlib.nullcontext(f) as file:
        if format == "torch":
            save_archive(obj, file, pickle_module, pickle_protocol)
        else:
            from .safetensors import save as write

            write(obj, file, metadata)


def load(f, map_location=None, pickle_module=None, *, weights_only=None, mmap=None, **pickle_load_args):
    """The object in a file that `save`, PyTorch's `torch.save`, or a writer of safetensors has written.

    The bytes tell which it is. A file of safetensors gives a dictionary of its tensors by name, or, where `save` has
    written more than that, the object that was saved.

    Args:
        f: a path, or a file object with `read`, `seek` and `tell`, which is read from where it stands to its end.
        map_location: where tensors of other devices go: the CPU, as a device or its name; a dictionary of names; or a
            function of a storage and its location.
        pickle_module: the module that reads pickles, if not only plain data is wanted.
        weights_only: whether only tensors, numbers, texts and plain containers are built, as they are if this is not
            given. Without it a file can run any program: say False for files of your own only.
        mmap: map the file instead of reading it: tensors lie in it, and are read when they are used. What is written
            to them stays in memory. Needs a path.
        pickle_load_args: for pickles that are trusted: what the unpickler takes.

    Raises:
        pickle.UnpicklingError: for a file that names anything else, or whose pickle is damaged.
        RuntimeError: for a file that is damaged, cut, or neither of these; for tensors of a device that is not there.
        NotImplementedError: for tensors of a dtype that pullback does not compute with.
        EOFError: for an empty file.

    Example:
        >>> import io
        >>> file = io.BytesIO()
        >>> pb.save([pb.tensor(1.5, requires_grad=True)], file)
        >>> position = file.seek(0)
        >>> pb.load(file)
        [tensor(1.5000, requires_grad=True)]
    """
    if weights_only is None:
        weights_only = pickle_module is None
    _check_options(pickle_load_args, weights_only)
    if weights_only and pickle_module is not None:
        raise RuntimeError(
            "Can not safely load weights when explicit pickle_module is specified. Leave out one of weights_only and "
            "pickle_module."
        )
    if isinstance(f, (str, os.PathLike)):
        with open(f, "rb") as file:
            found = _seekable(file)
            return _load(
                found,
                map_location,
                pickle_module,
                weights_only,
                bool(mmap) and found is file,
                pickle_load_args,
            )
    for name in ("seek", "tell", "read"):
        if not hasattr(f, name):
            raise AttributeError(
                f"'{type(f).__name__}' object has no attribute '{name}'. You can only load from a file that is seekable. "
                "Please pre-load the data into a buffer like io.BytesIO and try to load from it instead."
            )
    if mmap:
        raise ValueError("f must be a file path in order to use the mmap argument")
    f = _seekable(f)
    if not hasattr(f, "readinto") or not hasattr(f, "readline"):
        f = _Wrapped(f)
    return _load(f, map_location, pickle_module, weights_only, False, pickle_load_args)


def _seekable(file):
    """The file; a pipe, or a compressed file, is read to its end."""
    try:
        start = file.tell()
        file.seek(0, os.SEEK_END)
        file.seek(start)
    except (OSError, ValueError):
        return io.BytesIO(file.read())
    return file


def _check_options(given, weights_only):
    """Other arguments are those of unpicklers, or a misspelt name."""
    for name in given:
        if name not in ("encoding", "errors", "fix_imports", "buffers"):
            from ..messages.hints import keyword

            raise TypeError(
                f"load() got an unexpected keyword argument '{name}'"
                + keyword(name, ["f", "map_location", "pickle_module", "weights_only", "mmap"])
            )
    if given and weights_only:
        warnings.warn("pickle_load_args only works if `weights_only=False`.", stacklevel=4)


def _load(file, map_location, pickle_module, weights_only, mapped, options):
    start = file.tell()
    head = file.read(40)
    file.seek(start)
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return load_archive(file, map_location, weights_only, pickle_module or pickle, mapped, options)
    from .safetensors import is_safetensors

    if is_safetensors(head):
        from .safetensors import load as read

        _check_plain_location(map_location)
        return read(file, mapped)
    if is_legacy(head):
        if mapped:
            raise RuntimeError(
                "mmap can only be used with files saved with `torch.save(_use_new_zipfile_serialization=True), please "
                "torch.save your checkpoint with this option in order to use mmap."
            )
        return load_legacy(file, map_location)
    if not head:
        raise EOFError("Ran out of input: the file is empty.")
    raise RuntimeError(
        f"this is neither a checkpoint of PyTorch's nor a file of safetensors: it begins with {head[:16]!r}. A plain pickle "
        "is read by pickle.load, an array of NumPy's by numpy.load."
    )


def _check_plain_location(map_location):
    if isinstance(map_location, dict) or (callable(map_location) and not hasattr(map_location, "type")):
        kind = "dict" if isinstance(map_location, dict) else "callable"
        raise RuntimeError(
            f"Loading safetensors file with {kind} map_location is not supported. Use a device string or "
            "torch.device instead."
        )
    if map_location is not None:
        restore(text_of(map_location))


class _Wrapped(io.RawIOBase):
    """A file object that can read, seek and tell, with what else a file can do."""

    def __init__(self, file):
        self.file = file
        self.seek, self.tell = file.seek, file.tell

    def readable(self):
        return True

    def readinto(self, view):
        data = self.file.read(len(view))
        view[: len(data)] = data
        return len(data)

    def read(self, size=-1):
        return self.file.read(size)


def read_metadata(f):
    """The texts that a file of safetensors has beside its tensors, by name; `f` is a path or a file object.

    Raises RuntimeError for a damaged file and for one of another format.

    Example:
        >>> import io
        >>> file = io.BytesIO()
        >>> pb.save({"weight": pb.ones(2)}, file, format="safetensors", metadata={"epoch": "3"})
        >>> position = file.seek(0)
        >>> pb.serialization.read_metadata(file)
        {'epoch': '3'}
    """
    from .safetensors import read_header

    if isinstance(f, (str, os.PathLike)):
        with open(f, "rb") as file:
            return read_header(file)[0]
    return read_header(f)[0]


# ---- classes that users allow --------------------------------------------------------------------------------


def add_safe_globals(safe_globals):
    """Allow files to name these classes and functions, which `load` then calls.

    Args:
        safe_globals: classes or functions; or pairs of one and the name that files have for it, ``"module.name"``.

    Raises ValueError for a tuple of another length, TypeError for a name that is no text.

    Example:
        >>> import fractions
        >>> pb.serialization.add_safe_globals([fractions.Fraction])
        >>> pb.serialization.get_safe_globals()
        [<class 'fractions.Fraction'>]
        >>> pb.serialization.clear_safe_globals()
    """
    reading._allowed.update(_by_names(safe_globals))


def _by_names(given):
    found = {}
    for each in given:
        if isinstance(each, tuple):
            if len(each) != 2:
                raise ValueError(
                    "Expected tuple of length 2 (global, str of callable full path), but got tuple of length: "
                    f"{len(each)}"
                )
            each, name = each
            if type(name) is not str:
                raise TypeError(
                    f"Expected second item in tuple to be str of callable full path, but got: {type(name)}"
                )
        else:
            name = f"{each.__module__}.{each.__qualname__}"
        found[name] = each
    return found


def get_safe_globals():
    """What `add_safe_globals` has allowed, as a list.

    Example:
        >>> pb.serialization.get_safe_globals()
        []
    """
    return list(reading._allowed.values())


def clear_safe_globals():
    """Allow nothing any more of what `add_safe_globals` has allowed.

    Example:
        >>> pb.serialization.clear_safe_globals()
    """
    reading._allowed.clear()


def get_unsafe_globals_in_checkpoint(f):
    """The names in a file, path or file object, that `load` would refuse, sorted.

    Raises RuntimeError for a file that is no checkpoint of PyTorch's, pickle.UnpicklingError for a damaged one.

    Example:
        >>> import io, fractions, pickle
        >>> file = io.BytesIO()
        >>> pb.save(fractions.Fraction(1, 3), file, pickle_module=pickle)
        >>> position = file.seek(0)
        >>> pb.serialization.get_unsafe_globals_in_checkpoint(file)
        ['fractions.Fraction']
    """
    from .archive import Archive
    from .reading import names_in

    with open(f, "rb") if isinstance(f, (str, os.PathLike)) else contextlib.nullcontext(f) as file:
        names = names_in(Archive(file).read("data.pkl", 1 << 30))
    return sorted(name for name in names if name not in reading.GLOBALS and name not in reading._allowed)


class safe_globals:
    """Allow classes and functions inside of a ``with`` block, as `add_safe_globals` does.

    Example:
        >>> import fractions
        >>> with pb.serialization.safe_globals([fractions.Fraction]):
        ...     len(pb.serialization.get_safe_globals())
        1
    """

    def __init__(self, safe_globals):
        self._added = _by_names(safe_globals)

    def __enter__(self):
        self._before = dict(reading._allowed)
        reading._allowed.update(self._added)

    def __exit__(self, *error):
        reading._allowed.clear()
        reading._allowed.update(self._before)


def __getattr__(name):
    raise missing(__name__, name)
