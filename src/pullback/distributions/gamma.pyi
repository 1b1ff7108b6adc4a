"""Types of `pullback.distributions.gamma`. Written by tools/stubs.py; do not edit."""

from . import Gamma as Gamma
