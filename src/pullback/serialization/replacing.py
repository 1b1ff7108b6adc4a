"""Files that are whole or not there: what is written appears under its name when all of it is on the disk."""

import contextlib
import os
import stat

_FLAGS = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)


@contextlib.contextmanager
def replaced(path):
    """A file to write; when the block ends, it takes the place of the one at `path`, and keeps its permissions.

    If the block raises, or the machine stops, the old file is as it was. A link stays a link, to the new file. What is no
    ordinary file, such as a pipe, and a file in a folder where nothing can be added, is written as it is.
    """
    path = os.path.realpath(os.fsdecode(path))
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        raise RuntimeError(f"Parent directory {folder} does not exist. os.makedirs({folder!r}) makes it.")
    try:
        old = os.stat(path)
    except FileNotFoundError:
        old = None
    if (old and not stat.S_ISREG(old.st_mode)) or (
        old and not os.access(folder, os.W_OK) and os.access(path, os.W_OK)
    ):
        with open(path, "wb") as file:
            yield file
        return
    if old and not os.access(path, os.W_OK):
        raise PermissionError(13, "Permission denied", path)
    beside = _new_name(path)
    try:
        with open(os.open(beside, _FLAGS, 0o666), "wb") as file:
            if old:
                _like(file.fileno(), old)
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise
    _sync(folder)


def _new_name(path):
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name[:100]}.{os.getpid()}-{os.urandom(6).hex()}.part")


def _like(number, old):
    """Owner and permissions of the old file, as far as they may be given."""
    with contextlib.suppress(OSError, AttributeError):  # not every system has owners
        made = os.fstat(number)
        if (made.st_uid, made.st_gid) != (old.st_uid, old.st_gid):
            os.fchown(number, old.st_uid, old.st_gid)
    with contextlib.suppress(OSError, AttributeError):
        os.fchmod(number, stat.S_IMODE(old.st_mode))


def _sync(folder):
    """The folder's entry, too, has to be on the disk; not every system lets a folder be opened."""
    with contextlib.suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
