"""Tensors in files.

A file is one line that names the format, then a pickle (protocol 5) in which a tensor is its dtype, its shape, its
bytes and whether it requires grad. It is not PyTorch's format: neither library reads the other's files. `load` builds
tensors, numbers, texts and plain containers only, whatever the file says, unless it is told to trust the file.
"""

import os
import pickle
import sys

from . import _core
from .operators.creation import empty, frombuffer
from .operators.declare import composed

__all__ = ["load", "save"]

_HEADER = b"pullback tensors 1 " + sys.byteorder.encode() + b"\n"


@composed(method=False, public=False)
def save(obj, f):
    """Write `obj` (a tensor, or containers of tensors, numbers and texts) to a file.

    `f` is a path, or a file object that takes bytes. What is kept of a tensor: its values, dtype, shape and
    ``requires_grad``. Its history, gradient, hooks and strides stay behind; a view is saved as a tensor of
    its own. A tensor that occurs twice is one tensor when it comes back.

    The format is not that of `torch.save`.

    Example:
        >>> import io
        >>> file = io.BytesIO()
        >>> pb.save({"weight": pb.ones(2), "step": 3}, file)
        >>> position = file.seek(0)
        >>> pb.load(file)
        {'weight': tensor([1., 1.]), 'step': 3}
    """
    if isinstance(f, (str, os.PathLike)):
        with open(f, "wb") as file:
            return save(obj, file)
    if not hasattr(f, "write"):
        raise AttributeError(
            f"expected 'f' to be string, path, or a file-like object with a 'write' attribute, not {_kind(f)}"
        )
    f.write(_HEADER)
    _Pickler(f, protocol=5).dump(obj)


@composed(method=False, public=False)
def load(f, map_location=None, *, weights_only=True):
    """What `save` wrote to the file.

    Args:
        f: a path, or a file object that gives bytes; it is left behind what was read.
        map_location: ``None`` or the CPU.
        weights_only: whether only tensors, numbers, texts and plain containers are built. Without it a file
            can run any program: say False for files of your own only.

    Raises:
        RuntimeError: for a file that `save` did not write, PyTorch's among them.
        pickle.UnpicklingError: for a file with other objects, if `weights_only`.

    Example:
        >>> import io
        >>> file = io.BytesIO()
        >>> pb.save([pb.tensor(1.5, requires_grad=True)], file)
        >>> position = file.seek(0)
        >>> pb.load(file)
        [tensor(1.5000, requires_grad=True)]
    """
    if isinstance(f, (str, os.PathLike)):
        with open(f, "rb") as file:
            return load(file, map_location, weights_only=weights_only)
    if not (hasattr(f, "read") and hasattr(f, "readline")):
        raise AttributeError(
            "expected 'f' to be string, path, or a file-like object with 'read' and 'readline' attributes, not "
            f"{_kind(f)}"
        )
    if map_location is not None:
        empty(0, device=map_location)  # raises for what is not there
    _check_header(f.read(len(_HEADER)))
    return (_WeightsUnpickler if weights_only else pickle.Unpickler)(f).load()


def _kind(value):
    return type(value).__name__


def _check_header(found):
    if found == _HEADER:
        return
    if found.startswith(b"PK"):
        why = "It is a zip archive, as torch.save writes: load it there, and pass NumPy arrays."
    elif found.startswith(_HEADER[: _HEADER.rindex(b" ")]):
        why = "It was written on a machine of the other byte order."
    elif not found:
        why = "There is nothing to read."
    else:
        why = f"It begins with {found[:16]!r}."
    raise RuntimeError(f"this is not a file that pullback.save wrote. {why}")


class _Pickler(pickle.Pickler):
    def reducer_override(self, obj):
        if type(obj) is not _core.Tensor:
            return NotImplemented
        plain = obj.detach().contiguous()
        data = pickle.PickleBuffer(_core.memory_of(plain)) if plain.numel() else b""
        return _tensor, (obj.dtype, tuple(obj.shape), data, obj.requires_grad)


def _tensor(dtype, shape, data, requires_grad):
    """A tensor over the bytes that were read."""
    if data:
        made = frombuffer(bytearray(data) if isinstance(data, bytes) else data, dtype=dtype).reshape(shape)
    else:
        made = empty(shape, dtype=dtype)
    return made.requires_grad_() if requires_grad else made


# What a file that nobody vouches for may name: none of these does anything but build itself.
_PLAIN = {
    (__name__, "_tensor"),
    ("pullback", "Size"),
    ("pullback._core", "dtype_from_name"),
    ("collections", "OrderedDict"),
    ("builtins", "set"),
    ("builtins", "frozenset"),
    ("builtins", "complex"),
    ("builtins", "slice"),
    ("builtins", "range"),
    ("builtins", "bytearray"),
}


class _WeightsUnpickler(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) in _PLAIN:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(
            f"Weights only load failed. The file names {module}.{name}, which is neither a tensor nor a plain "
            "container. If you trust where the file comes from, load it with weights_only=False."
        )
