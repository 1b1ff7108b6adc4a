"""Types of `pullback.distributions.half_cauchy`. Written by tools/stubs.py; do not edit."""

from . import HalfCauchy as HalfCauchy
