"""What modules of switches have in common: values that are set for a block and put back behind it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any


def set_given(home: dict[str, Any], **values: Any) -> dict[str, Any]:
    """Set variables of a module, given its globals, but for those whose value is None. The result are the earlier values.

    Example:
        >>> from pullback.backends.switches import set_given
        >>> home = {"enabled": True, "deterministic": False}
        >>> set_given(home, enabled=False, deterministic=None)
        {'enabled': True, 'deterministic': False}
        >>> home
        {'enabled': False, 'deterministic': False}
    """
    before = {name: home[name] for name in values}
    home.update({name: value for name, value in values.items() if value is not None})
    return before


@contextlib.contextmanager
def set_for_a_while(home: dict[str, Any], **values: Any) -> Iterator[None]:
    """`set_given`, and put the earlier values back.

    Example:
        >>> from pullback.backends.switches import set_for_a_while
        >>> home = {"enabled": True}
        >>> with set_for_a_while(home, enabled=False):
        ...     home
        {'enabled': False}
        >>> home
        {'enabled': True}
    """
    before = set_given(home, **values)
    try:
        yield
    finally:
        home.update(before)


class Switches:
    """Switches as attributes, which any value may be given.

    Example:
        >>> pb.backends.cuda.matmul.allow_tf32 = True
        >>> pb.backends.cuda.matmul.allow_tf32
        True
        >>> pb.backends.cuda.matmul.allow_tf32 = False
    """

    def __init__(self, **values: Any) -> None:
        vars(self).update(values)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"Unknown attribute {name}. There are {', '.join(vars(self))}.")
