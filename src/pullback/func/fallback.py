"""What happens where an operator runs once for each entry of a vmap, instead of for all at once.

Nearly none does (docs/transforms.md lists them): those that ask a tensor for a number that differs from entry to entry,
and functions that leave for NumPy. Each of them warns once.
"""

from __future__ import annotations

from .. import _core

__all__ = ["set_vmap_fallback"]

_MODES = ("warn", "allow", "error")


def set_vmap_fallback(mode: str) -> str:
    """Says what operators do that have to run once for each entry of a `vmap`; returns what held before.

    Args:
        mode: ``"warn"``, once for each operator, as at the start; ``"allow"``, without a word; ``"error"``.

    Raises:
        ValueError: another `mode`.

    Example:
        >>> before = pb.func.set_vmap_fallback("error")
        >>> pb.func.vmap(lambda x, i: x.select(0, i))(pb.eye(2), pb.tensor([0, 1]))
        Traceback (most recent call last):
            ...
        RuntimeError: aten::select hit the vmap fallback which is currently disabled. ...
        >>> pb.func.set_vmap_fallback(before)
        'error'
        >>> pb.func.vmap(lambda x, i: x[i])(pb.eye(2), pb.tensor([0, 1]))  # this one does not loop
        tensor([1., 1.])
    """
    if mode not in _MODES:
        raise ValueError(f"set_vmap_fallback: expected one of {', '.join(map(repr, _MODES))}, got {mode!r}")
    return _MODES[_core.set_loops(_MODES.index(mode))]
