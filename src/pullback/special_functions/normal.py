"""The normal distribution: its distribution function, the logarithm and the inverse of that; erfcx and entropy."""

from math import inf, pi, sqrt

from ..calculus.define import composed, elementwise
from ..calculus.exponentials import exp, log
from ..calculus.selection import where

_ROOT_OF_PI, _ROOT_OF_TWO_PI = sqrt(pi), sqrt(2 * pi)

ndtr = elementwise(
    "ndtr",
    lambda x, y: [exp(-0.5 * x * x) / _ROOT_OF_TWO_PI],
    "The distribution function of the standard normal distribution.",
    forms="special",
    example=("[-1.0, 0.0, 2.0]", "[0.1587, 0.5000, 0.9772]", "[0.2420, 0.3989, 0.0540]"),
)
log_ndtr = elementwise(
    "log_ndtr",
    lambda x, y: [sqrt(2 / pi) / erfcx(x * -sqrt(0.5))],
    "The logarithm of ndtr(input), exact in both tails.",
    node="SpecialLogNdtrBackward0",
    forms="special",
    example=("[-30.0, 0.0, 2.0]", "[-4.5432e+02, -6.9315e-01, -2.3013e-02]", "[30.0333,  0.7979,  0.0552]"),
)
ndtri = elementwise(
    "ndtri",
    lambda x, y: [exp(0.5 * y * y) * _ROOT_OF_TWO_PI],
    "The inverse of ndtr on (0, 1): infinite at both ends, NaN beyond.",
    node="SpecialNdtriBackward0",
    domain=(0.05, 0.95),
    kinks={0: inf, 1: inf},
    note="the function has poles at 0 and 1",
    forms="special",
    example=("[0.1, 0.5, 0.75]", "[-1.2816,  0.0000,  0.6745]", "[5.6981, 2.5066, 3.1469]"),
)


def _erfcx_slope(x, y):
    """2 x y - 2 / sqrt(pi) cancels on the right; there it is the slope of the asymptotic series (DLMF 7.12.1)."""
    t, series = 0.5 / (x * x), 0.0
    for k in range(8, 0, -1):
        series = -(2 * k + 1) * t * (1 + series)
    return where(x > 20, (1 + series) * t * (-2 / _ROOT_OF_PI), 2 * x * y - 2 / _ROOT_OF_PI)


erfcx = elementwise(
    "erfcx",
    lambda x, y: [_erfcx_slope(x, y)],
    "e**(input**2) erfc(input), in range where erfc is not.",
    node="SpecialErfcxBackward0",
    forms="special",
    example=("[-1.0, 0.0, 30.0]", "[5.0090, 1.0000, 0.0188]", "[-1.1146e+01, -1.1284e+00, -6.2584e-04]"),
)
entr = composed(
    "entr",
    lambda x: where(x == 0, 0, where(x < 0, -inf, -x * log(x))),
    lambda x, y: [-(1 + log(x))],
    "-input * log(input): 0 at 0, -inf below.",
    node="SpecialEntrBackward0",
    domain=(0.1, 4.0),
    kinks={0: inf},
    note="the slope is infinite at 0, and NaN below, where the function is -inf",
    forms="special",
    example=("[0.25, 0.5, 1.0]", "[0.3466, 0.3466, -0.0000]", "[ 0.3863, -0.3069, -1.0000]"),
)
