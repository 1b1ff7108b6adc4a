"""The error function and the gamma function's logarithm, with their slopes of every order."""

from math import inf, pi, sqrt

from .define import elementwise
from .exponentials import exp

_TWO_OVER_SQRT_PI = 2 / sqrt(pi)

erf = elementwise(
    "erf",
    lambda x, y: [_TWO_OVER_SQRT_PI * exp(-x * x)],
    "The error function, 2/sqrt(pi) times the integral of exp(-t*t) from 0 to input.",
    aliases="special.erf",
)
erfc = elementwise(
    "erfc",
    lambda x, y: [-_TWO_OVER_SQRT_PI * exp(-x * x)],
    "1 - erf(input), exact where erf is close to 1.",
    aliases="special.erfc",
)
erfinv = elementwise(
    "erfinv",
    lambda x, y: [exp(y * y) / _TWO_OVER_SQRT_PI],
    "The inverse of erf on (-1, 1): infinite at both ends, NaN beyond.",
    error=6,
    domain=(-0.9, 0.9),
    aliases="special.erfinv",
    kinks={1: inf, -1: inf},
    note="the function has poles at -1 and 1",
)

lgamma = elementwise(
    "lgamma",
    lambda x, y: [digamma(x)],
    "The logarithm of |gamma(input)|: inf at 0, -1, -2, ...",
    error=(4, lambda x, y: (1.0 * (x < 0),)),  # between its poles it has zeros
    domain=(0.2, 4),
    aliases="special.gammaln",
)
digamma = elementwise(
    "digamma",
    lambda x, y: [polygamma(1, x)],
    "The derivative of lgamma.",
    error=(12, lambda x, y: (1.0 * (x < 0),)),
    domain=(0.2, 4),
    aliases="special.digamma special.psi",
)
polygamma = elementwise(
    "polygamma",
    lambda n, x, y: [polygamma(n + 1, x)],
    "The n-th derivative of digamma.",
    error=(60, lambda n, x, y: (1.0 * (x < 0),)),
    parameters={"n": ...},
    signature="n, input",
    domain=(0.2, 4),
    forms="function method in-place out",
    aliases="special.polygamma",
)
