"""What a check of values looks at: all entries of a vmap together."""

from .. import _core

__all__ = ["every_entry"]


def every_entry(tensor):
    """The tensor itself, or, inside of a `vmap` that it varies within, what it is in all entries, those in front."""
    for level, size in reversed(_core.mapped_axes(tensor)):
        tensor = _core.unmap_axis(tensor, level, 0, size)
    return tensor
