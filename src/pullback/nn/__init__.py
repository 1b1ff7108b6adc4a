"""Neural networks: so far the functions of `nn.functional`."""

from . import functional

__all__ = ["functional"]
