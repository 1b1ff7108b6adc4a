"""Differences of values, a truth about slopes that needs no derivative."""


def slope(function, step):
    """The slope at 0 of a function of one number, from five points; what it returns is a number, an array or a list.

    The error is of the order of step**4, and rounding of the order of 1e-16 / step.
    """
    values = [function(step * k) for k in (1, -1, 2, -2)]
    quotient = lambda a, b, c, d: (8 * (a - b) - (c - d)) / (12 * step)
    several = isinstance(values[0], list)
    return [quotient(*each) for each in zip(*values, strict=True)] if several else quotient(*values)
