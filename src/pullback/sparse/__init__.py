"""Sparse Jacobians and Hessians, as matrices of scipy.sparse.

    >>> import pullback as pb
    >>> def residual(u):
    ...     return u[2:] - 2 * u[1:-1] + u[:-2] - u[1:-1] ** 3
    >>> pb.sparse.jacobian(residual)(pb.tensor([1.0, 2.0, 3.0, 2.0])).toarray()
    array([[  1., -14.,   1.,   0.],
           [  0.,   1., -29.,   1.]], dtype=float32)

The pattern is found by tracing (`pattern`), columns or rows that may share a product get one colour (`coloring`), and the
products with all colours are computed in one sweep. SciPy is needed: ``pip install 'pullback[sparse]'``.
"""

from ..messages.missing import missing
from .colors import Coloring, coloring
from .matrices import hessian, jacobian
from .plan import PatternError, Plan
from .tracing import pattern

__all__ = ["Coloring", "PatternError", "Plan", "coloring", "hessian", "jacobian", "pattern"]


def __getattr__(name: str) -> object:
    raise missing(__name__, name)
