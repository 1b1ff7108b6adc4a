"""The von Mises distribution, of angles."""

import math

from .. import _core, empty, float64, no_grad, rand, where
from .. import bool as truth
from ..messages.missing import missing
from . import constraints
from ._located import Located
from .distribution import Distribution
from .utils import lazy_property

__all__ = ["VonMises"]


def _log_scaled_bessel(x, order=0):
    """log(I(x) exp(-x)) of the modified Bessel function of order 0 or 1: its series, from 20 on the asymptotic one."""
    t, far, near = (x / 2).square(), 1.0, 1.0
    for k in range(48, 0, -1):
        near = 1 + t / (k * (k + order)) * near
    for k in range(24, 0, -1):
        far = 1 - (4 * order**2 - (2 * k - 1) ** 2) / (8 * k * x) * far
    near = near.log() + order * (x / 2).log() - x
    return where(x < 20, near, far.log() - 0.5 * (2 * math.pi * x).log())


class VonMises(Located, Distribution):
    """Angles of [-pi, pi) about `loc`, with a density proportional to exp(`concentration` cos(x - loc)). Both are tensors.

    Draws are by rejection (D. J. Best and N. I. Fisher, 1979), and not differentiable. The variance is 1 - the mean
    of cos(x - loc). Raises ValueError for a concentration that is not positive.

    Example:
        >>> d = pb.distributions.VonMises(pb.tensor(0.0), pb.tensor(2.0))
        >>> d.log_prob(pb.tensor(0.0)), d.variance
        (tensor(-0.6619), tensor(0.3022))
    """

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real
    has_rsample = False

    def __init__(self, loc, concentration, validate_args=None):
        self._begin(validate_args, loc=loc, concentration=concentration)

    def expand(self, batch_shape, _instance=None):
        return self._expanded(VonMises, batch_shape, _instance, "loc concentration")

    @lazy_property
    def variance(self):
        first, second = (_log_scaled_bessel(self.concentration, order) for order in (1, 0))
        return -(first - second).expm1()

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        # cos(x) - 1, without rounding off what is small beside 1.
        along = -2 * self.concentration * ((value - self.loc) / 2).sin().square()
        return along - math.log(2 * math.pi) - _log_scaled_bessel(self.concentration)

    def sample(self, sample_shape=()):
        with no_grad():
            loc, kappa = self.loc.to(float64), self.concentration.to(float64)
            root = 1 + (1 + 4 * kappa.square()).sqrt()
            rho = (root - (2 * root).sqrt()) / (2 * kappa)
            r = where(kappa < 1e-5, 1 / kappa + kappa, (1 + rho.square()) / (2 * rho))
            x = empty(self._extended_shape(sample_shape), dtype=float64)
            waiting = x.new_ones(x.shape, dtype=truth)
            while _core.holds_anywhere(waiting):
                u1, u2, u3 = rand((3,) + x.shape, dtype=float64).unbind()
                z = (math.pi * u1).cos()
                f = (1 + r * z) / (r + z)
                c = kappa * (r - f)
                # What is no number is taken, too: it would be drawn for ever.
                taken = (c * (2 - c) - u2 > 0) | ((c / u2).log() + 1 - c >= 0) | c.isnan()
                x = where(taken, (u3 - 0.5).sign() * f.acos(), x)
                waiting = waiting & ~taken
            return ((x + math.pi + loc) % (2 * math.pi) - math.pi).to(self.loc.dtype)


def __getattr__(name):
    raise missing(__name__, name)
