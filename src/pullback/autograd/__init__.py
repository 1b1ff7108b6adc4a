"""Automatic differentiation: gradients, recording, hooks, your own functions."""

from ..messages.missing import missing
from . import forward_ad, function, grad_mode, graph, methods
from .anomaly_mode import detect_anomaly, is_anomaly_check_nan_enabled, is_anomaly_enabled, set_detect_anomaly
from .backward import backward, grad
from .function import Function
from .grad_mode import (
    enable_grad,
    enforce_grad_layout_policy,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    is_multithreading_enabled,
    no_grad,
    set_grad_enabled,
    set_multithreading_enabled,
)
from .gradcheck import gradcheck, gradgradcheck

__all__ = [
    "Function",
    "Variable",
    "backward",
    "detect_anomaly",
    "detect_leaks",
    "enable_grad",
    "enforce_grad_layout_policy",
    "forward_ad",
    "function",
    "functional",
    "grad",
    "grad_mode",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "is_anomaly_check_nan_enabled",
    "is_anomaly_enabled",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "is_multithreading_enabled",
    "no_grad",
    "profiler",
    "set_detect_anomaly",
    "set_grad_enabled",
    "set_multithreading_enabled",
    "variable",
]


_SUBMODULES = {"functional", "leaks", "profiler", "variable"}  # loaded when they are first asked for
_HOMES = {"Variable": "variable", "detect_leaks": "leaks"}


def __getattr__(name):
    if name in _SUBMODULES or name in _HOMES:
        import importlib

        found = importlib.import_module(f"{__name__}.{_HOMES.get(name, name)}")
        return getattr(found, name) if name in _HOMES else found
    raise missing(__name__, name)


def __dir__():
    return sorted({*globals(), *_SUBMODULES, *_HOMES})
