"""Types of `pullback.distributions.exp_family`. Written by tools/stubs.py; do not edit."""

from . import ExponentialFamily as ExponentialFamily
