"""Types of `pullback.distributions.beta`. Written by tools/stubs.py; do not edit."""

from . import Beta as Beta
