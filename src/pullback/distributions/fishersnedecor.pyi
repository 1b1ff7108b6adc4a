"""Types of `pullback.distributions.fishersnedecor`. Written by tools/stubs.py; do not edit."""

from . import FisherSnedecor as FisherSnedecor
