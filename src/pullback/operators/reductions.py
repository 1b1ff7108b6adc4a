"""Reductions: sums, means, extremes."""

from .declare import operator


@operator
def sum(input, dim=None, keepdim=False, *, dtype=None):
    """The sum over `dim`, or over everything."""
