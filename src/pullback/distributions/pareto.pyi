"""Types of `pullback.distributions.pareto`. Written by tools/stubs.py; do not edit."""

from . import Pareto as Pareto
