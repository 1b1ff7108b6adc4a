"""Draws of gamma and Dirichlet distributions as functions of their parameters.

A draw that keeps its quantile moves, with a parameter, by minus the derivative of the distribution function over the
density: M. Figurnov, S. Mohamed and A. Mnih, "Implicit reparameterization gradients", 2018. The core computes such
quotients (compute/distribution_slopes.cpp), of every order; here their derivatives are stated.
"""

from math import comb

from .. import broadcast_tensors, polygamma, special
from ..operators.random import _sample_dirichlet, _standard_gamma
from ..operators.stated import decomposition


def _exponential(order, slopes):
    """The derivative of exp(L) of an order (i, j), over exp(L): Bell's polynomials of the derivatives of L."""
    i, j = order
    if i == j == 0:
        return 1.0
    of_a = i > 0
    step = (i - 1, j) if of_a else (i, j - 1)
    total = 0.0
    for k in range(step[0] + 1):
        for m in range(step[1] + 1):
            slope = slopes(*((k + 1, m) if of_a else (k, m + 1)))
            rest = _exponential((step[0] - k, step[1] - m), slopes)
            total = total + comb(step[0], k) * comb(step[1], m) * rest * slope
    return total


def _by_shape(a, order, near):
    """What a derivative of the logarithm of a density owes to 1 / gamma(a); `near` is what the first one has besides."""
    return near - a.digamma() if order == 1 else -polygamma(order - 1, a)


@decomposition("y a; order -> slope", node="StandardGammaGradBackward0")
class gamma_slope:
    """The derivative of an order of the gamma distribution function at y by its shape a, over the density."""

    def pullback(y, a, slope, dslope, order):
        return tuple(lambda by=by: dslope * by() for by in gamma_slope_slopes(y, a, slope, int(order)))

    def pushforward(y, a, slope, dy, da, order):
        return _along((dy, da), gamma_slope_slopes(y, a, slope, int(order)))


def gamma_slope_slopes(y, a, slope, order):
    """Both partial derivatives of a quotient: what the derivative and the density in it contribute."""

    def by_value():
        density = _exponential((order, 0), lambda k, _: _by_shape(a, k, y.log()))
        return density - slope * ((a - 1) / y - 1)

    return by_value, lambda: gamma_slope(y, a, order + 1) - slope * _by_shape(a, 1, y.log())


@decomposition("y a b; i j -> slope", node="DirichletGradBackward0")
class beta_slope:
    """The derivative of orders i and j of the beta distribution function at y by a and b, over the density."""

    def pullback(y, a, b, slope, dslope, i, j):
        return tuple(lambda by=by: dslope * by() for by in beta_slope_slopes(y, a, b, slope, int(i), int(j)))

    def pushforward(y, a, b, slope, dy, da, db, i, j):
        return _along((dy, da, db), beta_slope_slopes(y, a, b, slope, int(i), int(j)))


def beta_slope_slopes(y, a, b, slope, i, j):
    """Its partial derivatives, likewise."""

    def logarithm(k, m):  # the derivative of the density's
        both = polygamma(k + m - 1, a + b)
        if m == 0:
            return both + _by_shape(a, k, y.log())
        return both + _by_shape(b, m, (-y).log1p()) if k == 0 else both

    def by_value():
        density = _exponential((i, j), logarithm)
        return density - slope * ((a - 1) / y - (b - 1) / (1 - y))

    return (
        by_value,
        lambda: beta_slope(y, a, b, i + 1, j) - slope * logarithm(1, 0),
        lambda: beta_slope(y, a, b, i, j + 1) - slope * logarithm(0, 1),
    )


def _along(tangents, slopes):
    """The sum of tangents times slopes, of which there is one at least."""
    return sum(tangent * by() for tangent, by in zip(tangents, slopes) if tangent is not None)


def _wide(function):
    """Computed in float64, as the core does: the logarithm of a density is a small difference of large numbers."""
    return lambda *given: function(*(each.double() for each in given)).to(given[0].dtype)


@_wide
def gamma_density(y, a):
    return ((a - 1).xlogy(y) - y - a.lgamma()).exp()


@_wide
def beta_density(y, a, b):
    logarithm = (a - 1).xlogy(y) + special.xlog1py(b - 1, -y) + (a + b).lgamma() - a.lgamma() - b.lgamma()
    return logarithm.exp()


@decomposition("y a -> p", node="IgammaBackward0")
class gamma_cdf:
    """The gamma distribution function of shape a at y. It moves by its density, or by a quotient times that."""

    def pullback(y, a, dp):
        g = dp * gamma_density(y, a)
        return g, lambda: g * gamma_slope(y, a, 1)

    def pushforward(y, a, dy, da):
        return gamma_density(y, a) * _along((dy, da), (lambda: 1.0, lambda: gamma_slope(y, a, 1)))


@decomposition("y a b -> p", node="BetaincBackward0")
class beta_cdf:
    """The beta distribution function of a and b at y, likewise."""

    def pullback(y, a, b, dp):
        g = dp * beta_density(y, a, b)
        return g, lambda: g * beta_slope(y, a, b, 1, 0), lambda: g * beta_slope(y, a, b, 0, 1)

    def pushforward(y, a, b, dy, da, db):
        slopes = (lambda: 1.0, lambda: beta_slope(y, a, b, 1, 0), lambda: beta_slope(y, a, b, 0, 1))
        return beta_density(y, a, b) * _along((dy, da, db), slopes)


def gamma_function(y, a):
    """P(a, y), of what broadcasts."""
    return gamma_cdf(*broadcast_tensors(y, a))


def beta_function(y, a, b):
    """I_y(a, b), of what broadcasts."""
    return beta_cdf(*broadcast_tensors(y, a, b))


@decomposition("a drawn -> y", node="StandardGammaBackward0")
class gamma_of_shape:
    """A draw of the standard gamma distribution, which has been made, as a function of its shape."""

    def pullback(a, y, dy):
        return -dy * gamma_slope(y, a, 1), None

    def pushforward(a, y, da):
        return None if da is None else -da * gamma_slope(y, a, 1)


def _share_slopes(a, y):
    """How each share moves with its own concentration, over what is left for the others; these keep their proportions."""
    return -beta_slope(y, a, a.sum(-1, keepdim=True) - a, 1, 0) / (1 - y)


@decomposition("a drawn -> y", node="_DirichletBackward")
class dirichlet_of_concentrations:
    """A draw of Dirichlet's distribution, which has been made, as a function of the concentrations.

    Each share is of a beta distribution, and moves with its own concentration as those do.
    """

    def pullback(a, y, dy):
        return _share_slopes(a, y) * (dy - (y * dy).sum(-1, keepdim=True)), None

    def pushforward(a, y, da):
        if da is None:
            return None
        moved = _share_slopes(a, y) * da
        return moved - y * moved.sum(-1, keepdim=True)


def standard_gamma(shape):
    """Draws of the gamma distribution of a rate of 1."""
    return gamma_of_shape(shape, _standard_gamma(shape.detach()))


def dirichlet(concentration):
    """Draws of Dirichlet's distribution."""
    return dirichlet_of_concentrations(concentration, _sample_dirichlet(concentration.detach()))
