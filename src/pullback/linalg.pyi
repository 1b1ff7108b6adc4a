"""Types of `pullback.linalg`. Written by tools/stubs.py; do not edit."""

import builtins
from collections.abc import Sequence
from typing import Any

from pullback import Tensor, _DTypeLike

def multi_dot(tensors: Sequence[Tensor], *, out: Tensor | None = ...) -> Tensor: ...
def vector_norm(input: Tensor, ord: Any = ..., dim: builtins.int | Sequence[builtins.int] | None = ..., keepdim: builtins.bool = ..., *, dtype: _DTypeLike | None = ..., out: Tensor | None = ...) -> Tensor: ...
