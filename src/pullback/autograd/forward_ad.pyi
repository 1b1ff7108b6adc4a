from typing import NamedTuple

from .. import Tensor
from .modes import NeedsCall

class _Open:
    levels: list[int]
    recorded: set[int]

_open: _Open

class UnpackedDualTensor(NamedTuple):
    primal: Tensor
    tangent: Tensor | None

class dual_level(metaclass=NeedsCall):
    def __enter__(self) -> int: ...
    def __exit__(self, *error: object) -> None: ...

def enter_dual_level() -> int: ...
def exit_dual_level(*, level: int | None = ...) -> None: ...
def make_dual(tensor: Tensor, tangent: Tensor, *, level: int | None = ...) -> Tensor: ...
def unpack_dual(tensor: Tensor, *, level: int | None = ...) -> UnpackedDualTensor: ...
