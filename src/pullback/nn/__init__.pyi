"""Types of `pullback.nn`. Written by tools/stubs.py; do not edit."""

from . import functional as functional, init as init
