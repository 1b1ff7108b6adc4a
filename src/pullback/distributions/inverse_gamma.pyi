"""Types of `pullback.distributions.inverse_gamma`. Written by tools/stubs.py; do not edit."""

from . import InverseGamma as InverseGamma
