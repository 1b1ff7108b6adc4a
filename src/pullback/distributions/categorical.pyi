"""Types of `pullback.distributions.categorical`. Written by tools/stubs.py; do not edit."""

from . import Categorical as Categorical
