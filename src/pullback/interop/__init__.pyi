"""Types of `pullback.interop`. Written by tools/stubs.py; do not edit."""

import builtins
from typing import Any

from pullback import Tensor, _DTypeLike
from pullback.interop.alias import as_torch as as_torch

def from_dlpack(ext_tensor: Any, *, device: Any = ..., copy: Any = ...) -> Tensor: ...
def from_numpy(ndarray: Any) -> Tensor: ...
def frombuffer(buffer: Any, *, dtype: _DTypeLike | None, count: Any = ..., offset: Any = ..., requires_grad: builtins.bool = ...) -> Tensor: ...
