"""`torch.onnx` without an exporter: it answers whether an export is going on."""

from __future__ import annotations

from typing import Any

from .messages.missing import missing
from .without import raising

__all__ = ["OnnxExporterError", "export", "is_in_onnx_export"]


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


@raising(
    NotImplementedError,
    "pullback has no exporter for ONNX. Save model.state_dict(), load it in PyTorch, and export there.",
    model=None,
)
def export(model: Any, args: Any = (), f: Any = None, **options: Any) -> Any:
    """Writes a model in ONNX's format."""


def __getattr__(name: str) -> Any:
    raise missing(__name__, name)
