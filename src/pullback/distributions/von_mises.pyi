"""Types of `pullback.distributions.von_mises`. Written by tools/stubs.py; do not edit."""

from . import VonMises as VonMises
