"""Types of `pullback.distributions.poisson`. Written by tools/stubs.py; do not edit."""

from . import Poisson as Poisson
