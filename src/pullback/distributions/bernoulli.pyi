"""Types of `pullback.distributions.bernoulli`. Written by tools/stubs.py; do not edit."""

from . import Bernoulli as Bernoulli
