"""Types of `pullback.distributions.normal`. Written by tools/stubs.py; do not edit."""

from . import Normal as Normal
