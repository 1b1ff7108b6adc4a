"""Neural networks: so far the elementwise functions of `nn.functional`."""

from . import functional

__all__ = ["functional"]
