"""Modules whose first values nobody needs."""

import inspect

from ...operators.generators import get_rng_state, set_rng_state
from ..modules.module import Module

__all__ = ["skip_init"]


def skip_init(module_cls, *args, **kwargs):
    """A module made with these arguments, whose values may be any: for those that are set or loaded afterwards.

    No random numbers are taken: what is drawn after it is what would be drawn without it.
    Raises RuntimeError for a class that is no Module, or whose constructor has no `device`.

    Example:
        >>> pb.nn.utils.skip_init(pb.nn.Linear, 5, 1).weight.shape
        pullback.Size([1, 5])
    """
    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    state, device = get_rng_state(), kwargs.get("device", "cpu")
    try:
        return module_cls(*args, **kwargs).to_empty(device=device)
    finally:
        set_rng_state(state)
