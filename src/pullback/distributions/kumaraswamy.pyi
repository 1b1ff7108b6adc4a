"""Types of `pullback.distributions.kumaraswamy`. Written by tools/stubs.py; do not edit."""

from . import Kumaraswamy as Kumaraswamy
