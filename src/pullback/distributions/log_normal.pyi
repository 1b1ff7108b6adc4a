"""Types of `pullback.distributions.log_normal`. Written by tools/stubs.py; do not edit."""

from . import LogNormal as LogNormal
