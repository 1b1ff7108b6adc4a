"""Types of `pullback.distributions.lowrank_multivariate_normal`. Written by tools/stubs.py; do not edit."""

from . import LowRankMultivariateNormal as LowRankMultivariateNormal
