"""Types of `pullback.distributions.dirichlet`. Written by tools/stubs.py; do not edit."""

from . import Dirichlet as Dirichlet
