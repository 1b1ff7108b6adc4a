"""Types of `pullback.distributions.wishart`. Written by tools/stubs.py; do not edit."""

from . import Wishart as Wishart
