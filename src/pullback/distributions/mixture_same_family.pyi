"""Types of `pullback.distributions.mixture_same_family`. Written by tools/stubs.py; do not edit."""

from . import MixtureSameFamily as MixtureSameFamily
