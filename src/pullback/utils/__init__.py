"""What is of use around gradients: `utils.checkpoint`, which computes again instead of keeping, and `utils.loops`, which
does so for loops; and `utils.data`, which feeds them."""

from ..messages.missing import missing

_SUBMODULES = {"_pytree", "checkpoint", "data", "flop_counter", "hooks", "loops", "schedules"}

__all__ = ["checkpoint", "data", "flop_counter", "hooks", "loops", "schedules"]


def __getattr__(name: str) -> object:
    if name in _SUBMODULES:
        import importlib

        return importlib.import_module(f"{__name__}.{name}")
    raise missing(__name__, name)
