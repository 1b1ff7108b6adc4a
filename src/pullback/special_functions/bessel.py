"""Bessel functions of orders 0 and 1, and Airy's.

Slopes are made of neighbours in order (DLMF 10.6.1 and 10.29.1): there is nothing to cancel, and no pole at 0, in
derivatives of any order. So the kernels have all whole orders, in four rows that serve the others. Only the scaled
functions' neighbours are nearly equal far out, where the slopes of orders 0 and 1 are those of the asymptotic series.
"""

import math
from math import inf

from ..calculus.arithmetic import sign, sqrt
from ..calculus.define import composed, elementwise
from ..calculus.row import EVERYWHERE
from ..calculus.selection import where
from ..calculus.trigonometry import cos, sin, slope_of_sine_over

_ORDER = {"parameters": {"n": ...}, "signature": "n, input", "forms": ""}

bessel_j = elementwise(
    "bessel_j", lambda n, x, y: [0.5 * (bessel_j(n - 1, x) - bessel_j(n + 1, x))], "J_n(input)", **_ORDER
)
# At 0 both neighbours are infinite.
bessel_y = elementwise(
    "bessel_y",
    lambda n, x, y: [where(x == 0, inf, 0.5 * (bessel_y(n - 1, x) - bessel_y(n + 1, x)))],
    "Y_n(input)",
    **_ORDER,
)
bessel_i = elementwise(
    "bessel_i", lambda n, x, y: [0.5 * (bessel_i(n - 1, x) + bessel_i(n + 1, x))], "I_n(input)", **_ORDER
)
bessel_i_scaled = elementwise(
    "bessel_i_scaled",
    lambda n, x, y: [0.5 * (bessel_i_scaled(n - 1, x) + bessel_i_scaled(n + 1, x)) - sign(x) * y],
    "e**-|input| I_n(input)",
    **_ORDER,
)
bessel_k = elementwise(
    "bessel_k", lambda n, x, y: [-0.5 * (bessel_k(n - 1, x) + bessel_k(n + 1, x))], "K_n(input)", **_ORDER
)
bessel_k_scaled = elementwise(
    "bessel_k_scaled",
    lambda n, x, y: [where(x == 0, -inf, y - 0.5 * (bessel_k_scaled(n - 1, x) + bessel_k_scaled(n + 1, x)))],
    "e**input K_n(input)",
    **_ORDER,
)


_FAR = 30.0  # from here on so many terms are exact: the last one is below 1e-16


def _slope_far_out(order, alternating, x, terms=18):
    """What the slope of x**-0.5 * sum((-+1)**k a_k / x**k) is times x**1.5, negated and in u = 1 / x: sum((k + 1/2) a_k u**k),
    where a_k is a_(k-1) (4 order**2 - (2 k - 1)**2) / (8 k) (DLMF 10.40). Times u**1.5."""
    u, found, a, weights = 1 / abs(x), 0.0, 1.0, []
    for k in range(terms):
        weights.append((k + 0.5) * a)
        a *= (-1 if alternating else 1) * (4 * order**2 - (2 * k + 1) ** 2) / (8 * (k + 1))
    for weight in reversed(weights):
        found = found * u + weight
    return found * (u * sqrt(u))


def _slope_of_i(order, x, near):
    """Of e**-|x| I(x), which is even or odd as its order is."""
    far = -1 / math.sqrt(2 * math.pi) * _slope_far_out(order, True, x)
    return where(abs(x) > _FAR, far if order else sign(x) * far, near)


def _slope_of_k(order, x, near):
    """Of e**x K(x)."""
    far = -math.sqrt(math.pi / 2) * _slope_far_out(order, False, x)
    return where(x == 0, -inf, where(x > _FAR, far, near))


def _between_zeros(x, y):
    """Zeros lie close: values err by units of 1, beside their own."""
    return (1.0,)


bessel_j0 = composed(
    "bessel_j0",
    lambda x: bessel_j(0, x),
    lambda x, y: [-bessel_j(1, x)],
    "The Bessel function of the first kind of order 0.",
    error=(4, _between_zeros),
    forms="special",
    example=("[0.0, 1.0, 5.0]", "[ 1.0000,  0.7652, -0.1776]", "[-0.0000, -0.4401,  0.3276]"),
)
bessel_j1 = composed(
    "bessel_j1",
    lambda x: bessel_j(1, x),
    lambda x, y: [0.5 * (bessel_j(0, x) - bessel_j(2, x))],
    "The Bessel function of the first kind of order 1.",
    error=(4, _between_zeros),
    forms="special",
    example=("[0.0, 1.0, 5.0]", "[ 0.0000,  0.4401, -0.3276]", "[ 0.5000,  0.3251, -0.1121]"),
)
bessel_y0 = composed(
    "bessel_y0",
    lambda x: bessel_y(0, x),
    lambda x, y: [-bessel_y(1, x)],
    "The Bessel function of the second kind of order 0: -inf at 0, NaN below.",
    error=(4, _between_zeros),
    domain=(0.5, 8.0),
    forms="special",
    example=("[0.5, 1.0, 5.0]", "[-0.4445,  0.0883, -0.3085]", "[ 1.4715,  0.7812, -0.1479]"),
)
bessel_y1 = composed(
    "bessel_y1",
    lambda x: bessel_y(1, x),
    lambda x, y: [where(x == 0, inf, 0.5 * (bessel_y(0, x) - bessel_y(2, x)))],
    "The Bessel function of the second kind of order 1: -inf at 0, NaN below.",
    error=(4, _between_zeros),
    domain=(0.5, 8.0),
    forms="special",
    example=("[0.5, 1.0, 5.0]", "[-1.4715, -0.7812,  0.1479]", "[ 2.4984,  0.8695, -0.3381]"),
)

i0 = composed(
    "i0",
    lambda x: bessel_i(0, x),
    lambda x, y: [bessel_i(1, x)],
    "The modified Bessel function of the first kind of order 0.",
    forms=EVERYWHERE,
    aliases="special.i0 special.modified_bessel_i0",
    example=("[0.0, 1.0, -2.0]", "[1.0000, 1.2661, 2.2796]", "[ 0.0000,  0.5652, -1.5906]"),
)
i1 = composed(
    "i1",
    lambda x: bessel_i(1, x),
    lambda x, y: [0.5 * (bessel_i(0, x) + bessel_i(2, x))],
    "The modified Bessel function of the first kind of order 1.",
    node="SpecialI1Backward0",
    forms="special",
    aliases="special.modified_bessel_i1",
    example=("[0.0, 1.0, -2.0]", "[ 0.0000,  0.5652, -1.5906]", "[0.5000, 0.7009, 1.4843]"),
)
i0e = composed(
    "i0e",
    lambda x: bessel_i_scaled(0, x),
    lambda x, y: [_slope_of_i(0, x, bessel_i_scaled(1, x) - sign(x) * y)],
    "e**-|input| i0(input)",
    node="SpecialI0EBackward0",
    forms="special",
    kinks={0: 0},
    note="the mean of both sides at 0",
    example=("[0.0, 1.0, -2.0]", "[1.0000, 0.4658, 0.3085]", "[ 0.0000, -0.2578,  0.0932]"),
)
i1e = composed(
    "i1e",
    lambda x: bessel_i_scaled(1, x),
    lambda x, y: [_slope_of_i(1, x, 0.5 * (bessel_i_scaled(0, x) + bessel_i_scaled(2, x)) - sign(x) * y)],
    "e**-|input| i1(input)",
    node="SpecialI1EBackward0",
    forms="special",
    example=("[0.0, 1.0, -2.0]", "[ 0.0000,  0.2079, -0.2153]", "[ 0.5000,  0.0499, -0.0144]"),
)

_POSITIVE = {"domain": (0.2, 5.0), "forms": "special"}
modified_bessel_k0 = composed(
    "modified_bessel_k0",
    lambda x: bessel_k(0, x),
    lambda x, y: [-bessel_k(1, x)],
    "The modified Bessel function of the second kind of order 0: inf at 0, NaN below.",
    example=("[0.5, 1.0, 2.0]", "[0.9244, 0.4210, 0.1139]", "[-1.6564, -0.6019, -0.1399]"),
    **_POSITIVE,
)
modified_bessel_k1 = composed(
    "modified_bessel_k1",
    lambda x: bessel_k(1, x),
    lambda x, y: [-0.5 * (bessel_k(0, x) + bessel_k(2, x))],
    "The modified Bessel function of the second kind of order 1: inf at 0, NaN below.",
    example=("[0.5, 1.0, 2.0]", "[1.6564, 0.6019, 0.1399]", "[-4.2373, -1.0229, -0.1838]"),
    **_POSITIVE,
)
scaled_modified_bessel_k0 = composed(
    "scaled_modified_bessel_k0",
    lambda x: bessel_k_scaled(0, x),
    lambda x, y: [_slope_of_k(0, x, y - bessel_k_scaled(1, x))],
    "e**input modified_bessel_k0(input)",
    example=("[0.5, 1.0, 2.0]", "[1.5241, 1.1445, 0.8416]", "[-1.2069, -0.4917, -0.1919]"),
    **_POSITIVE,
)
scaled_modified_bessel_k1 = composed(
    "scaled_modified_bessel_k1",
    lambda x: bessel_k_scaled(1, x),
    lambda x, y: [_slope_of_k(1, x, y - 0.5 * (bessel_k_scaled(0, x) + bessel_k_scaled(2, x)))],
    "e**input modified_bessel_k1(input)",
    example=("[0.5, 1.0, 2.0]", "[2.7310, 1.6362, 1.0335]", "[-4.2551, -1.1445, -0.3248]"),
    **_POSITIVE,
)

spherical_bessel_j0 = composed(
    "spherical_bessel_j0",
    lambda x: where(x == 0, 1, where(abs(x) == inf, 0, sin(x) / x)),
    lambda x, y: [where(abs(x) == inf, 0, slope_of_sine_over(x, sin(x), cos(x)))],
    "sin(input) / input, and 1 at 0.",
    forms="special",
    kinks={0: 0},
    note="smooth: the slope at 0 is 0",
    example=("[0.0, 1.0, 4.0]", "[ 1.0000,  0.8415, -0.1892]", "[-0.0000, -0.3012, -0.1161]"),
)

airy_ai_slope = elementwise(
    "airy_ai_slope", lambda x, y: [x * airy_ai(x)], "The slope of airy_ai.", forms="", accepts="floats"
)
airy_ai = elementwise(
    "airy_ai",
    lambda x, y: [airy_ai_slope(x)],
    "Airy's function Ai, which solves y'' = input * y and decays to the right.",
    error=(4, lambda x, y: ((y if x > 0 else 1.0) * abs(x) ** 1.5,)),
    forms="special",
    example=("[-2.0, 0.0, 1.0]", "[0.2274, 0.3550, 0.1353]", "[ 0.6183, -0.2588, -0.1591]"),
)
