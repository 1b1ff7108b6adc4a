"""Types of `pullback.distributions.gumbel`. Written by tools/stubs.py; do not edit."""

from . import Gumbel as Gumbel
