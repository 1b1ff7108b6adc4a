"""Types of `pullback.distributions.weibull`. Written by tools/stubs.py; do not edit."""

from . import Weibull as Weibull
