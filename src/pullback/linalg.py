"""Linear algebra: so far vector norms and products of several matrices; decompositions are to come."""

from .messages.missing import missing
from .operators.declare import FUNCTIONS as _FUNCTIONS
from .operators.linear import multi_dot

vector_norm = _FUNCTIONS["linalg.vector_norm"]

__all__ = ["multi_dot", "vector_norm"]


def __getattr__(name):
    raise missing(__name__, name)
