"""Types of `pullback.distributions.binomial`. Written by tools/stubs.py; do not edit."""

from . import Binomial as Binomial
