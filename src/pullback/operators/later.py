"""Operators that are loaded when somebody asks for the first of them: importing pullback costs little more than its core.

They are declared in linear_algebra, which puts the methods in the place of what stands for them here.
"""

from importlib import import_module

HOME = "pullback.linear_algebra"
BOTH = tuple(
    """
    cholesky cholesky_inverse cholesky_solve corrcoef cov cross det dist geqrf inverse logdet lu lu_solve matrix_exp
    matrix_power orgqr ormqr pinverse qr renorm slogdet svd triangular_solve
    """.split()
)
FUNCTIONS = (*BOTH, *"cdist cumulative_trapezoid lu_unpack trapezoid trapz vander".split())
METHODS = (*BOTH, "renorm_")


class Later:
    """Stands for a method until it is read."""

    __slots__ = ("name",)

    def __init__(self, name):
        self.name = name

    def __get__(self, tensor, kind):
        import_module(HOME)
        return getattr(kind if tensor is None else tensor, self.name)
