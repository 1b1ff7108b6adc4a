"""Types of `pullback.distributions.multinomial`. Written by tools/stubs.py; do not edit."""

from . import Multinomial as Multinomial
