"""Types of `pullback.distributions.laplace`. Written by tools/stubs.py; do not edit."""

from . import Laplace as Laplace
