"""Circular and hyperbolic functions and their inverses.

Slopes of the inverses are written so that they neither overflow nor cancel: 1 - x*x as one function, which is
exact to rounding next to 1 and has the slope -2*x, and sqrt(x*x + 1) as a hypotenuse.
"""

from math import inf, nan, pi

from .arithmetic import reciprocal, remainder, rsqrt, square
from .define import composed, elementwise
from .rounding import round
from .selection import where

sin = elementwise("sin", lambda x, y: [cos(x)], "The sine of an angle in radians.", complex=True)
cos = elementwise("cos", lambda x, y: [-sin(x)], "The cosine of an angle in radians.", complex=True)
tan = elementwise(
    "tan", lambda x, y: [1 + y * y], "The tangent of an angle in radians.", domain=(-1.4, 1.4), complex=True
)

one_minus_square = elementwise(
    "one_minus_square",
    lambda x, y: [-2 * x],
    "(1 - input) * (1 + input)",
    forms="",
    accepts="floats",
    complex=True,
)
asin = elementwise(
    "asin",
    lambda x, y: [rsqrt(one_minus_square(x))],
    "The inverse sine: an angle from -pi/2 to pi/2; NaN outside [-1, 1].",
    domain=(-0.95, 0.95),
    aliases="arcsin",
    complex=True,
)
acos = elementwise(
    "acos",
    lambda x, y: [-rsqrt(one_minus_square(x))],
    "The inverse cosine: an angle from 0 to pi; NaN outside [-1, 1].",
    domain=(-0.95, 0.95),
    aliases="arccos",
    complex=True,
)
# As a square, so that neither it nor its own slopes overflow before they are small.
atan = elementwise(
    "atan",
    lambda x, y: [square(reciprocal(hypot(x, 1)))],
    "The inverse tangent: an angle from -pi/2 to pi/2.",
    aliases="arctan",
    complex=True,
)

sinh = elementwise("sinh", lambda x, y: [cosh(x)], "The hyperbolic sine.", complex=True)
cosh = elementwise("cosh", lambda x, y: [sinh(x)], "The hyperbolic cosine.", complex=True)

asinh = elementwise(
    "asinh", lambda x, y: [1 / hypot(x, 1)], "The inverse hyperbolic sine.", aliases="arcsinh", complex=True
)
acosh = elementwise(
    "acosh",
    lambda x, y: [rsqrt(x - 1) * rsqrt(x + 1)],
    "The inverse hyperbolic cosine: NaN below 1.",
    domain=(1.1, 4),
    aliases="arccosh",
    kinks={1: inf, -2: nan},
    note="NaN below 1, where the function is",
    unlike_torch=(lambda x: x <= -1, "PyTorch gives a slope to the NaN there"),
    complex=True,
)
atanh = elementwise(
    "atanh",
    lambda x, y: [1 / one_minus_square(x)],
    "The inverse hyperbolic tangent: infinite at -1 and 1, NaN beyond.",
    domain=(-0.95, 0.95),
    aliases="arctanh",
    complex=True,
)

hypot = elementwise(
    "hypot",
    lambda a, b, y: [where(y == 0, 0, a / y), where(y == 0, 0, b / y)],
    "sqrt(input**2 + other**2), without overflow.",
    accepts="floats",
    kinks={(0, 0): (0, 0)},
    note="0 at the origin, as every norm here: the subgradient of least norm",
    unlike_torch=(lambda a, b: (a == 0) & (b == 0), "PyTorch's is 0 / 0 = NaN"),
)


def _along_circle(leg, a, b):
    """leg / (a*a + b*b), where a*a may overflow or underflow though the quotient does not."""
    radius = hypot(a, b)
    return where(radius == 0, 0, leg / radius / radius)


atan2 = elementwise(
    "atan2",
    lambda a, b, y: [_along_circle(b, a, b), -_along_circle(a, a, b)],
    "The angle of the point (other, input), in (-pi, pi].",
    aliases="arctan2",
    kinks={(0, 0): (0, 0)},
    note="0 at the origin, which has no angle: as PyTorch",
)

# The slope of sinc, (z cos z - sin z) / (pi x**2) with z = pi x, cancels near 0: there its series is used,
# which has a relative error under 1e-16 for |z| < 1/2, and at 0 derivatives of every order.
_SERIES = (
    -1 / 3,
    1 / 30,
    -1 / 840,
    1 / 45360,
    -1 / 3991680,
    1 / 518918400,
    -1 / 93405312000,
    1 / 22230464256000,
)


def _half_turns(x):
    """What is left of x without the nearest integer, and -1 or 1 for an odd or even one: exact, where pi * x is not."""
    nearest = round(x)
    return x - nearest, 1 - 2 * abs(remainder(nearest, 2))


def slope_of_sine_over(z, sine, cosine):
    """The slope of sin(z) / z, of the sine and the cosine of z: a series where the difference of both would cancel."""
    z2 = z * z
    series = _SERIES[-1]
    for coefficient in _SERIES[-2::-1]:
        series = coefficient + z2 * series
    return where(abs(z) < 0.5, z * series, (cosine - sine / z) / z)


def _sinc_slope(x):
    rest, sign = _half_turns(x)
    return pi * slope_of_sine_over(pi * x, sign * sin(pi * rest), sign * cos(pi * rest))


def _sinc(x):
    rest, sign = _half_turns(x)
    return where(x == 0, 1, sign * sin(pi * rest) / (pi * x))


sinc = composed(
    "sinc",
    lambda x: _sinc(x),
    lambda x, y: [_sinc_slope(x)],
    "sin(pi * input) / (pi * input), and 1 at 0.",
    aliases="special.sinc",
    kinks={0: 0},
    note="smooth: the slope at 0 is 0",
    complex=True,
    unlike_torch=(lambda x: abs(x) > 1e15, "PyTorch's pi * x has lost where x lies between whole numbers"),
)

deg2rad = composed("deg2rad", lambda x: x * (pi / 180), doc="Degrees to radians.", node="Deg2RadBackward0")
rad2deg = composed("rad2deg", lambda x: x * (180 / pi), doc="Radians to degrees.", node="Rad2DegBackward0")
