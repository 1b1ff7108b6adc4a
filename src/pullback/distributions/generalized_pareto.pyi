"""Types of `pullback.distributions.generalized_pareto`. Written by tools/stubs.py; do not edit."""

from . import GeneralizedPareto as GeneralizedPareto
