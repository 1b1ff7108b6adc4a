"""Types of `pullback.distributions.continuous_bernoulli`. Written by tools/stubs.py; do not edit."""

from . import ContinuousBernoulli as ContinuousBernoulli
