"""Libraries and devices that PyTorch computes with, and their switches: which of them are here, `is_available()` says.

Switches of what is not here can be set and read, and change nothing.
"""

from __future__ import annotations

from typing import Any

from ..messages.missing import missing

__all__ = ["cpu", "cuda", "cudnn", "fp32_precision", "mkl", "mkldnn", "mps", "nnpack", "openmp", "opt_einsum"]

fp32_precision = "none"


def __getattr__(name: str) -> Any:
    if name in __all__:
        import importlib

        return importlib.import_module(f"{__name__}.{name}")
    raise missing(__name__, name)
