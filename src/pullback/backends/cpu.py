"""The processor that pullback computes on."""

from __future__ import annotations

from .. import _core

__all__ = ["get_cpu_capability"]


def get_cpu_capability() -> str:
    """Which instructions kernels were chosen for, in PyTorch's words: ``"DEFAULT"``, ``"AVX2"`` or ``"AVX512"``.

    Example:
        >>> pb.backends.cpu.get_cpu_capability() in ("DEFAULT", "AVX2", "AVX512")
        True
    """
    return {"avx2": "AVX2", "avx512": "AVX512"}.get(_core.kernels_isa(), "DEFAULT")
