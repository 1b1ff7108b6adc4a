"""Types of `pullback.distributions.multivariate_normal`. Written by tools/stubs.py; do not edit."""

from . import MultivariateNormal as MultivariateNormal
