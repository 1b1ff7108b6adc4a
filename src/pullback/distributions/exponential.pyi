"""Types of `pullback.distributions.exponential`. Written by tools/stubs.py; do not edit."""

from . import Exponential as Exponential
