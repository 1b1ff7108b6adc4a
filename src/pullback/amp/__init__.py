"""`torch.amp` without casts: `autocast` leaves dtypes as they are and says so, `GradScaler` scales where it is asked to."""

from __future__ import annotations

from typing import Any

from ..messages.missing import missing
from .autocast_mode import autocast, custom_bwd, custom_fwd, is_autocast_available
from .grad_scaler import GradScaler

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]


def __getattr__(name: str) -> Any:
    raise missing(__name__, name)
