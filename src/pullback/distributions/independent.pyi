"""Types of `pullback.distributions.independent`. Written by tools/stubs.py; do not edit."""

from . import Independent as Independent
