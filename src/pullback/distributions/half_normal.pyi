"""Types of `pullback.distributions.half_normal`. Written by tools/stubs.py; do not edit."""

from . import HalfNormal as HalfNormal
