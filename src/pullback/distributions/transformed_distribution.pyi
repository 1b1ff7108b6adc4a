"""Types of `pullback.distributions.transformed_distribution`. Written by tools/stubs.py; do not edit."""

from . import TransformedDistribution as TransformedDistribution
