"""Weights from the net: `load_state_dict_from_url` keeps what it has fetched in a folder, and reads it with `load`.

Repositories whose code PyTorch's `hub.load` runs are PyTorch's programs, and are not run.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import warnings
from typing import Any
from urllib.parse import urlparse
from urllib.request import Request, urlopen

from .messages.missing import missing
from .serialization import load as _load
from .serialization.replacing import replaced
from .without import raising

__all__ = ["download_url_to_file", "get_dir", "load", "load_state_dict_from_url", "set_dir"]

_HASH = re.compile(r"-([a-f0-9]*)\.")
_PIECE = 128 * 1024
_dir: str | None = None


def get_dir() -> str:
    """The folder of what has been fetched: what `set_dir` chose, ``hub`` in the folder that TORCH_HOME names, or
    ``~/.cache/torch/hub``, which is PyTorch's.

    Example:
        >>> pb.hub.set_dir("/tmp/weights")
        >>> pb.hub.get_dir()
        '/tmp/weights'
        >>> pb.hub.set_dir(None)
    """
    if _dir is not None:
        return _dir
    cache = os.environ.get("XDG_CACHE_HOME", os.path.join("~", ".cache"))
    home = os.environ.get("TORCH_HOME", os.path.join(cache, "torch"))
    return os.path.join(os.path.expanduser(home), "hub")


def set_dir(d: str | os.PathLike[str] | None) -> None:
    """Choose the folder of what has been fetched; None is PyTorch's.

    Example:
        >>> pb.hub.set_dir("/tmp/weights")
        >>> pb.hub.set_dir(None)
    """
    global _dir
    _dir = None if d is None else os.path.expanduser(os.fspath(d))


def download_url_to_file(
    url: str, dst: str | os.PathLike[str], hash_prefix: str | None = None, progress: bool = True
) -> None:
    """Fetch a file. It is there when all of it is, and its SHA-256 begins with `hash_prefix`, if that is given.

    Raises RuntimeError for another hash or where less comes than was announced, and what `urllib` raises.

    Example:
        >>> import pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> number = (folder / "a").write_text("weights")
        >>> pb.hub.download_url_to_file((folder / "a").as_uri(), folder / "b", progress=False)
        >>> (folder / "b").read_text()
        'weights'
    """
    with urlopen(Request(url, headers={"User-Agent": "pullback.hub"})) as found:
        announced = found.headers.get("Content-Length")
        total, digest, read = int(announced) if announced else None, hashlib.sha256(), 0
        with replaced(os.fspath(dst)) as file:
            while piece := found.read(_PIECE):
                file.write(piece)
                digest.update(piece)
                read += len(piece)
                if progress and sys.stderr.isatty():
                    sys.stderr.write(f"\r{read / 1e6:.1f} MB" + (f" of {total / 1e6:.1f}" if total else ""))
            if total is not None and read != total:
                raise RuntimeError(f"{url} ended after {read} of {total} bytes. Fetch it once more.")
            if hash_prefix is not None and not digest.hexdigest().startswith(hash_prefix):
                raise RuntimeError(
                    f'invalid hash value (expected "{hash_prefix}", got "{digest.hexdigest()}"). It is another file, or was '
                    "damaged on its way."
                )
    if progress and sys.stderr.isatty():
        sys.stderr.write("\n")


def load_state_dict_from_url(
    url: str,
    model_dir: str | None = None,
    map_location: Any = None,
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
    weights_only: bool = True,
) -> Any:
    """The object in a file from the net, which is fetched once: a checkpoint of PyTorch's, or safetensors.

    Args:
        url: where the file is.
        model_dir: the folder that keeps it; ``checkpoints`` in `get_dir()` if none is given.
        map_location, weights_only: as of `load`.
        progress: whether a terminal shows how much has come.
        check_hash: whether the file's name, ``name-hash.ext``, tells how its SHA-256 begins.
        file_name: the name to keep it under.

    Raises what `download_url_to_file` and `load` raise.

    Example:
        >>> import pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> pb.save({"w": pb.ones(2)}, folder / "there.pt")
        >>> pb.hub.load_state_dict_from_url((folder / "there.pt").as_uri(), model_dir=folder, file_name="here.pt")
        {'w': tensor([1., 1.])}
    """
    if os.getenv("TORCH_MODEL_ZOO"):
        warnings.warn("TORCH_MODEL_ZOO is deprecated, please use env TORCH_HOME instead", stacklevel=2)
    folder = os.path.join(get_dir(), "checkpoints") if model_dir is None else os.fspath(model_dir)
    os.makedirs(folder, exist_ok=True)
    name = file_name or os.path.basename(urlparse(url).path)
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        found = _HASH.search(name) if check_hash else None
        download_url_to_file(url, path, found[1] if found else None, progress)
    return _load(path, map_location=map_location, weights_only=weights_only)


@raising(
    NotImplementedError,
    "the code of a repository is a program for PyTorch. load_state_dict_from_url fetches weights alone.",
    repo_or_dir="pytorch/vision",
    model="resnet18",
)
def load(repo_or_dir: str, model: str, *args: Any, source: str = "github", **kwargs: Any) -> Any:
    """Runs the code of a repository."""


def __getattr__(name: str) -> Any:
    raise missing(__name__, name)
