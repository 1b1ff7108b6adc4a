"""What code can name, and whose it is: read from code objects, without running them."""

from __future__ import annotations

import dis
import functools
import sysconfig
from pathlib import Path
from types import CodeType
from typing import NamedTuple

_LIBRARY = str(Path(__file__).parents[1]) + "/"
_HERE = str(Path(__file__).parent) + "/"
_STANDARD = str(Path(sysconfig.get_paths()["stdlib"])) + "/"
# Of the standard library: what only connects functions, and keeps no state that anybody sees.
_CONNECTING = frozenset(
    "contextlib functools collections/__init__ enum abc operator types typing dataclasses _collections_abc numbers "
    "copy".split()
)


class Names(NamedTuple):
    """What a code object names."""

    globals: frozenset[str]
    attributes: frozenset[str]
    imports: frozenset[str]
    catches: bool  # whether it has a handler of exceptions
    writes: bool  # whether it writes a global


@functools.cache
def names_of(code: CodeType) -> Names:
    """The names in a code object."""
    found: dict[str, set[str]] = {"GLOBAL": set(), "ATTR": set(), "IMPORT": set()}
    handlers, writes = 0, False
    for instruction in dis.get_instructions(code):
        operation, _, what = instruction.opname.partition("_")
        if operation in ("PUSH", "SETUP") and what in ("EXC_INFO", "FINALLY"):
            handlers += 1
        elif instruction.opname == "WITH_EXCEPT_START":
            handlers -= 1
        elif what in ("GLOBAL", "NAME") and operation != "IMPORT":
            found["GLOBAL"].add(instruction.argval)
            writes = writes or (what == "GLOBAL" and operation in ("STORE", "DELETE"))
        elif what in ("ATTR", "METHOD", "SUPER_ATTR", "SUPER_METHOD") or instruction.opname == "IMPORT_FROM":
            found["ATTR"].add(instruction.argval)
        elif instruction.opname == "IMPORT_NAME":
            found["IMPORT"].add(instruction.argval)
    return Names(
        frozenset(found["GLOBAL"]), frozenset(found["ATTR"]), frozenset(found["IMPORT"]), handlers > 0, writes
    )


@functools.cache
def module_of(code: CodeType) -> str:
    """The module that code is of, as a path in the library or the standard library."""
    file = code.co_filename
    for home in (_LIBRARY, _STANDARD):
        if file.startswith(home):
            return file[len(home) :].removesuffix(".py")
    return file


@functools.cache
def owner(code: CodeType) -> str:
    """Whose code it is: "here" (of this package), "library", "standard", "connecting", or "user"."""
    file = code.co_filename
    if file.startswith(_HERE):
        return "here"
    if file.startswith(_LIBRARY):
        return "library"
    if file.startswith("<frozen"):
        return "connecting"
    if file.startswith(_STANDARD) and "site-packages" not in file and "dist-packages" not in file:
        return "connecting" if module_of(code) in _CONNECTING else "standard"
    return "user"
