"""Orthogonal polynomials of degree n at x.

Their slopes are polynomials again (DLMF 18.9.19 to 18.9.26), so that derivatives of every order are values at any x, the ends
of an interval included. `gegenbauer` and `laguerre` have the parameter that a slope raises. A degree has no derivative, and its
fraction is dropped.
"""

from ..calculus.define import composed, elementwise
from ..calculus.rounding import trunc
from ..calculus.selection import where

_PARAMETERS = {"parameters": {"alpha": ...}, "signature": "n, alpha, input", "forms": ""}
gegenbauer = elementwise(
    "gegenbauer",
    lambda n, alpha, x, y: [None, 2 * alpha * gegenbauer(n - 1, alpha + 1, x)],
    "Gegenbauer's polynomial of degree n.",
    **_PARAMETERS,
)
laguerre = elementwise(
    "laguerre",
    lambda n, alpha, x, y: [None, -laguerre(n - 1, alpha + 1, x)],
    "The associated polynomial of Laguerre of degree n.",
    **_PARAMETERS,
)


def _units(x, n, y):
    """What cancels in the recurrence, or the rounding of an angle times n."""
    return ((1 + n) * max(1.0, abs(y)),)


def _family(name, formula, slope, doc, *shown, kernel=False):
    about = {
        "signature": "input, n",
        "error": (16, _units),
        "forms": "special",
        "example": shown,
        "domain": (-1.5, 1.5),
    }
    rule = lambda x, n, y: [slope(x, n), None]
    if kernel:
        return elementwise(name, rule, doc, **about)
    return composed(name, formula, rule, doc, **about)


_CHEBYSHEV = "Chebyshev's polynomial of the {} kind of degree n"
chebyshev_polynomial_t = _family(
    "chebyshev_polynomial_t",
    None,
    lambda x, n: trunc(n) * gegenbauer(n - 1, 1, x),
    _CHEBYSHEV.format("first") + ": cos(n arccos(input)), element by element.",
    "[0.5, 1.0, 2.0]",
    "[2, 3, 4]",
    "[-0.5000,  1.0000, 97.0000]",
    "[  2.,   9., 224.]",
    kernel=True,
)
chebyshev_polynomial_u = _family(
    "chebyshev_polynomial_u",
    lambda x, n: gegenbauer(n, 1, x),
    lambda x, n: 2 * gegenbauer(n - 1, 2, x),
    _CHEBYSHEV.format("second") + ": sin((n + 1) t) / sin(t) for t = arccos(input), element by element.",
    "[0.5, 1.0, 2.0]",
    "[2, 3, 4]",
    "[  0.,   4., 209.]",
    "[  4.,  20., 464.]",
)
chebyshev_polynomial_v = _family(
    "chebyshev_polynomial_v",
    None,
    lambda x, n: 2 * (gegenbauer(n - 1, 2, x) - gegenbauer(n - 2, 2, x)),
    _CHEBYSHEV.format("third") + ": cos((n + 1/2) t) / cos(t / 2) for t = arccos(input), element by element.",
    "[0.5, 1.0, 2.0]",
    "[2, 3, 4]",
    "[ -1.,   1., 153.]",
    "[  2.,  12., 372.]",
    kernel=True,
)


def _w(x, n):
    """V_n(-x), negated where n is odd."""
    flipped = chebyshev_polynomial_v(-x, n)
    odd = trunc(n) - 2 * trunc(0.5 * trunc(n)) != 0
    return where(odd, -flipped, flipped)


chebyshev_polynomial_w = _family(
    "chebyshev_polynomial_w",
    _w,
    lambda x, n: 2 * (gegenbauer(n - 1, 2, x) + gegenbauer(n - 2, 2, x)),
    _CHEBYSHEV.format("fourth")
    + ": sin((n + 1/2) t) / sin(t / 2) for t = arccos(input), element by element.",
    "[0.5, 1.0, 2.0]",
    "[2, 3, 4]",
    "[  1.,   7., 265.]",
    "[  6.,  28., 556.]",
)


def _shifted(letter, row, slope, *shown):
    return _family(
        f"shifted_chebyshev_polynomial_{letter}",
        lambda x, n: row(2 * x - 1, n),
        lambda x, n: 2 * slope(2 * x - 1, n),
        f"chebyshev_polynomial_{letter}(2 * input - 1, n)",
        "[0.5, 1.0, 1.5]",
        "[2, 3, 4]",
        *shown,
    )


shifted_chebyshev_polynomial_t = _shifted(
    "t",
    chebyshev_polynomial_t,
    lambda x, n: trunc(n) * gegenbauer(n - 1, 1, x),
    "[-1.,  1., 97.]",
    "[  0.,  18., 448.]",
)
shifted_chebyshev_polynomial_u = _shifted(
    "u",
    chebyshev_polynomial_u,
    lambda x, n: 2 * gegenbauer(n - 1, 2, x),
    "[ -1.,   4., 209.]",
    "[  0.,  40., 928.]",
)
shifted_chebyshev_polynomial_v = _shifted(
    "v",
    chebyshev_polynomial_v,
    lambda x, n: 2 * (gegenbauer(n - 1, 2, x) - gegenbauer(n - 2, 2, x)),
    "[ -1.,   1., 153.]",
    "[ -4.,  24., 744.]",
)
shifted_chebyshev_polynomial_w = _shifted(
    "w",
    chebyshev_polynomial_w,
    lambda x, n: 2 * (gegenbauer(n - 1, 2, x) + gegenbauer(n - 2, 2, x)),
    "[ -1.,   7., 265.]",
    "[   4.,   56., 1112.]",
)

hermite_polynomial_h = _family(
    "hermite_polynomial_h",
    None,
    lambda x, n: 2 * trunc(n) * hermite_polynomial_h(x, n - 1),
    "The physicists' polynomial of Hermite of degree n, of leading coefficient 2**n.",
    "[0.5, 1.0, 2.0]",
    "[2, 3, 4]",
    "[-1., -4., 76.]",
    "[  4.,  12., 320.]",
    kernel=True,
)
hermite_polynomial_he = _family(
    "hermite_polynomial_he",
    None,
    lambda x, n: trunc(n) * hermite_polynomial_he(x, n - 1),
    "The probabilists' polynomial of Hermite of degree n, of leading coefficient 1.",
    "[0.5, 1.0, 2.0]",
    "[2, 3, 4]",
    "[-0.7500, -2.0000, -5.0000]",
    "[1., 0., 8.]",
    kernel=True,
)
laguerre_polynomial_l = _family(
    "laguerre_polynomial_l",
    lambda x, n: laguerre(n, 0, x),
    lambda x, n: -laguerre(n - 1, 1, x),
    "Laguerre's polynomial of degree n.",
    "[0.5, 1.0, 2.0]",
    "[2, 3, 4]",
    "[ 0.1250, -0.6667,  0.3333]",
    "[-1.5000, -0.5000,  1.3333]",
)
legendre_polynomial_p = _family(
    "legendre_polynomial_p",
    lambda x, n: gegenbauer(n, 0.5, x),
    lambda x, n: gegenbauer(n - 1, 1.5, x),
    "Legendre's polynomial of degree n.",
    "[0.5, 1.0, 2.0]",
    "[2, 3, 4]",
    "[-0.1250,  1.0000, 55.3750]",
    "[  1.5000,   6.0000, 125.0000]",
)
