"""Functions of numbers that may be symbols while PyTorch traces a program; here numbers are numbers."""

import math

from ..operators.declare import composed


@composed(method=False)
def sym_int(a):
    """The whole part of a number.

    Example:
        >>> pb.sym_int(-2.7)
        -2
    """
    return int(a)


@composed(method=False)
def sym_float(a):
    """A number as a float.

    Example:
        >>> pb.sym_float(2)
        2.0
    """
    return float(a)


def _alike(a, b):
    """Both floats if one is."""
    return (float(a), float(b)) if isinstance(a, float) or isinstance(b, float) else (a, b)


@composed(method=False)
def sym_max(a, b):
    """The larger of two numbers; a float if one of them is.

    Example:
        >>> pb.sym_max(1, 2.0), pb.sym_max(3, 1)
        (2.0, 3)
    """
    return max(_alike(a, b))


@composed(method=False)
def sym_min(a, b):
    """The smaller of two numbers; a float if one of them is.

    Example:
        >>> pb.sym_min(1, 2.0), pb.sym_min(3, 1)
        (1.0, 1)
    """
    return min(_alike(a, b))


@composed(method=False)
def sym_not(a):
    """The other truth value.

    Example:
        >>> pb.sym_not(True)
        False
    """
    return not a


@composed(method=False)
def sym_sqrt(a):
    """The root of a number. Raises ValueError for negative ones.

    Example:
        >>> pb.sym_sqrt(4)
        2.0
    """
    return math.sqrt(a)


@composed(method=False)
def sym_sum(args):
    """The sum of numbers.

    Example:
        >>> pb.sym_sum([1, 2, 3])
        6
    """
    return sum(args)


@composed(method=False)
def sym_ite(b, t, f):
    """`t` if `b` is true, else `f`.

    Example:
        >>> pb.sym_ite(False, 1, 2)
        2
    """
    return t if b else f
