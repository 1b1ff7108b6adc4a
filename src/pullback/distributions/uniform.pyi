"""Types of `pullback.distributions.uniform`. Written by tools/stubs.py; do not edit."""

from . import Uniform as Uniform
