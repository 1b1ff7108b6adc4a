"""Linear algebra: decompositions with their derivatives, and all that follows from them.

How a derivative is stated is said in operators/stated.py; `triangular`, `spectra`, `determinants`, `least_squares` and
`functions` state them. What else is in the files are operators, which check their operands and compose what is stated.
LAPACK is behind all of it (src/core/compute).
"""

from ..operators.later import LINEAR_ALGEBRA as _NAMES
from . import (
    decomposing,
    determinants,
    factoring,
    functions,
    least_squares,
    measures,
    norms,
    orthogonal,
    solving,
)

__all__ = [
    "decomposing",
    "determinants",
    "factoring",
    "functions",
    "least_squares",
    "measures",
    "norms",
    "orthogonal",
    "solving",
]

_NAMES.publish(globals())
