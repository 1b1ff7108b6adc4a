"""Special functions beyond the table that every import brings: rows of it by family, and functions made of them.

`bessel`, `normal`, `gamma` and `orthogonal` are rows; `doors` are functions that look at their operands first. The kernels
are in src/core/kernels.
"""

from importlib import import_module as _import_module

from .. import calculus as _calculus
from ..calculus.define import together as _together
from ..operators.elementwise import publish as _publish
from ..operators.later import SPECIAL_FUNCTIONS as _NAMES

FAMILIES = ("bessel", "gamma", "normal", "orthogonal")
_rows = _together(lambda: [_import_module(f"{__name__}.{family}") for family in FAMILIES])
vars(_calculus).update({row.name: row for row in _rows})  # where the others are
_publish(_rows)
from . import doors  # noqa: E402

__all__ = ["doors", *FAMILIES]

_NAMES.publish(globals())
