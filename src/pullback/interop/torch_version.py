"""The version that the alias `torch` says: that of the PyTorch whose names and behaviour pullback has."""

import importlib.metadata
import pathlib
import re

VERSION = "2.13.0+pullback"


class TorchVersion(str):
    """A version as a text that compares as a version: with texts, and with tuples of numbers.

    Example:
        >>> from pullback.interop.torch_version import TorchVersion
        >>> TorchVersion("2.13.0") > "2.9", TorchVersion("2.13.0") >= (1, 12)
        (True, True)
    """

    def _compare(self, other):
        theirs = _numbers(other)
        if theirs is None:
            return None
        ours = _numbers(str(self))
        length = max(len(ours), len(theirs))
        pad = lambda numbers: numbers + (0,) * (length - len(numbers))
        return (pad(ours) > pad(theirs)) - (pad(ours) < pad(theirs))

    def __eq__(self, other):
        return str.__eq__(self, other) if isinstance(other, str) else self._compare(other) == 0

    def __hash__(self):
        return str.__hash__(self)

    def __lt__(self, other):
        found = self._compare(other)
        return NotImplemented if found is None else found < 0

    def __le__(self, other):
        found = self._compare(other)
        return NotImplemented if found is None else found <= 0

    def __gt__(self, other):
        found = self._compare(other)
        return NotImplemented if found is None else found > 0

    def __ge__(self, other):
        found = self._compare(other)
        return NotImplemented if found is None else found >= 0


def _numbers(version):
    """The release of a version as numbers; None for what is none."""
    if isinstance(version, str):
        release = re.match(r"v?(\d+(?:\.\d+)*)", version)
        return tuple([int(part) for part in release[1].split(".")]) if release else None
    if isinstance(version, (tuple, list)):
        return tuple([int(part) for part in version])
    return None


class _Distribution(importlib.metadata.Distribution):
    """What `importlib.metadata` tells about the package torch."""

    def read_text(self, filename):
        return f"Metadata-Version: 2.1\nName: torch\nVersion: {VERSION}\n" if filename == "METADATA" else None

    def locate_file(self, path):
        return pathlib.Path(__file__).parent / path


def distribution():
    """The installed package torch, as far as it is one."""
    return _Distribution()
