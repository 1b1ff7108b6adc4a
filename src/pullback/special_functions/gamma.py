"""The rows of incomplete gamma functions and of Hurwitz' zeta function.

In their parameters, a and s, they have no derivative here, as in PyTorch. The table says NaN, which nobody sees: `doors`
puts what refuses a gradient in the place of a parameter that wants one.
"""

from math import log as _log
from math import nan

from ..calculus.define import elementwise
from ..calculus.exponentials import log
from ..calculus.gaussian_gamma import digamma
from ..calculus.row import EVERYWHERE


def _beside(a, x, y):
    """The density is an exponential, of a number as large as its logarithm."""
    return ((1.0 + abs(_log(abs(y) or 1.0)) + abs(a)) * y if y == y else y,)


# In x it is the density of a - 1 less that of a, also at 0, where (a - 1) / x would be infinite.
gamma_density = elementwise(
    "gamma_density",
    lambda a, x, y: [y * (log(x) - digamma(a)), gamma_density(a - 1, x) - y],
    "other**(input - 1) e**-other / gamma(input), the density of the gamma distribution.",
    error=(8, _beside),
    accepts="floats",
    forms="",
)
_TWO = {"accepts": "floats", "domain": ((0.5, 4.0), (0.2, 4.0)), "forms": EVERYWHERE, "error": (8, _beside)}
igamma = elementwise(
    "igamma",
    lambda a, x, y: [nan * a, gamma_density(a, x)],
    aliases="special.gammainc",
    doc="The regularised lower incomplete gamma function: the integral of the gamma density from 0 to other.",
    example=("[2.0, 2.0]", "[0.5, 1.0]", "[0.0902, 0.2642]", "[nan, nan]", "[0.3033, 0.3679]"),
    **_TWO,
)
igammac = elementwise(
    "igammac",
    lambda a, x, y: [nan * a, -gamma_density(a, x)],
    aliases="special.gammaincc",
    doc="The regularised upper incomplete gamma function, 1 - igamma(input, other).",
    example=("[2.0, 2.0]", "[0.5, 1.0]", "[0.9098, 0.7358]", "[nan, nan]", "[-0.3033, -0.3679]"),
    **_TWO,
)
zeta = elementwise(
    "zeta",
    lambda s, q, y: [nan * s, -s * zeta(s + 1, q)],
    "Hurwitz' zeta function, the sum of (k + other)**-input over k = 0, 1, ...",
    node=("SpecialZetaBackward0", "SpecialZetaBackward1", "SpecialZetaBackward2"),
    domain=((1.5, 6.0), (0.3, 4.0)),
    error=(60, lambda s, q, y: (1.0 * (q < 0),)),
    forms="special",
)
