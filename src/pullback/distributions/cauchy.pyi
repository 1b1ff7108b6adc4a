"""Types of `pullback.distributions.cauchy`. Written by tools/stubs.py; do not edit."""

from . import Cauchy as Cauchy
