"""A few singular values or eigenvalues of a large matrix, by products with it: `lowrank` by random projections, `descent` by
search in small spans. Loaded with the first of them."""

from ..operators.later import ITERATIONS as _NAMES
from . import descent, lowrank

__all__ = ["descent", "lowrank"]

_NAMES.publish(globals())
