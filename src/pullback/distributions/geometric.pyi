"""Types of `pullback.distributions.geometric`. Written by tools/stubs.py; do not edit."""

from . import Geometric as Geometric
