"""Memory shared with other libraries: NumPy's arrays, DLPack, and anything with the buffer protocol.

Inward, `from_numpy`, `from_dlpack` and `frombuffer` make tensors over memory that somebody else owns and
keep that owner alive; outward, ``x.numpy()`` and ``x.__dlpack__()`` hand out the tensor's own. Nothing is
copied either way. `as_torch` runs programs that are written for PyTorch.
"""

from ..messages.missing import missing
from ..operators.creation import from_numpy, frombuffer
from ..operators.exchange import from_dlpack

__all__ = ["as_torch", "from_dlpack", "from_numpy", "frombuffer"]


def __getattr__(name):
    if name == "as_torch":
        from .alias import as_torch

        return as_torch
    raise missing(__name__, name)
