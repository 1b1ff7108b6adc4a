"""Types of `pullback.distributions.negative_binomial`. Written by tools/stubs.py; do not edit."""

from . import NegativeBinomial as NegativeBinomial
