"""Names of types for annotations, as in `torch.types`."""

from __future__ import annotations

import builtins
import io
import os
from collections.abc import Sequence
from typing import Any, TypeAlias

from ._core import Tensor
from ._core import dtype as _dtype  # noqa: F401
from .device import device as _device
from .device import layout as _layout  # noqa: F401
from .messages.missing import missing
from .size import Size

__all__ = ["Device", "FileLike", "Number"]

_int = builtins.int
_float = builtins.float
_bool = builtins.bool
_complex = builtins.complex
_dispatchkey: TypeAlias = str
_size: TypeAlias = Size | list[int] | tuple[int, ...]
_TensorOrTensors: TypeAlias = Tensor | Sequence[Tensor]
_symint: TypeAlias = int
Number: TypeAlias = int | float | bool
Device: TypeAlias = _device | str | int | None
FileLike: TypeAlias = str | os.PathLike[str] | io.IOBase


def __getattr__(name: str) -> Any:
    raise missing(__name__, name)
