"""The table of calculus: every elementwise function of pullback, and its partial derivatives.

    sin = elementwise("sin", lambda x, y: [cos(x)])
    mul = elementwise("mul", lambda a, b, y: [b, a])
    logsigmoid = composed("logsigmoid", lambda x: -logaddexp(-x, 0))

Each row is traced once into programs that the core runs, forward and backward, in every mode and order; no
Python runs when they do. Choices at kinks and poles stand in the rows, with the reason.

Your own functions join the same table, and are as fast as its own:

    from pullback.calculus import composed, exp

    bump = composed("bump", lambda x, width: exp(-((x / width) ** 2)), parameters={"width": 1.0})

The files: `symbols` records what a rule does, `derive` finds the partials of a formula, `row` says what a
row is, `define` makes them, `series` finds Taylor coefficients from partials, `pages` writes the documentation of rows with
`examples`; the others are the table, by family.
"""

# Importing a family defines its rows; families import what they build on.
from . import (  # noqa: F401
    activations,
    arithmetic,
    comparisons,
    exponentials,
    gaussian_gamma,
    losses,
    rounding,
    selection,
    trigonometry,
)
from .define import TABLE as _TABLE
from .define import Row, composed, elementwise, install, rows

__all__ = ["Row", "composed", "elementwise", "install", "rows", *_TABLE]

globals().update(_TABLE)  # every function of the table under its own name
