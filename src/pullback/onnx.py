"""`torch.onnx` without an exporter: it answers whether an export is going on."""

from __future__ import annotations

from typing import Any

from .messages.missing import missing

__all__ = ["OnnxExporterError", "is_in_onnx_export"]


class OnnxExporterError(RuntimeError):
    """What an export raises in PyTorch; raised by nothing here.

    Example:
        >>> issubclass(pb.onnx.OnnxExporterError, RuntimeError)
        True
    """


def is_in_onnx_export() -> bool:
    """Whether the code is being exported: False.

    Example:
        >>> pb.onnx.is_in_onnx_export()
        False
    """
    return False


def __getattr__(name: str) -> Any:
    raise missing(__name__, name)
