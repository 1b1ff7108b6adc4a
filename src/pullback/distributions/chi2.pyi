"""Types of `pullback.distributions.chi2`. Written by tools/stubs.py; do not edit."""

from . import Chi2 as Chi2
