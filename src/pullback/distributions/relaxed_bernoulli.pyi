"""Types of `pullback.distributions.relaxed_bernoulli`. Written by tools/stubs.py; do not edit."""

from . import RelaxedBernoulli as RelaxedBernoulli
