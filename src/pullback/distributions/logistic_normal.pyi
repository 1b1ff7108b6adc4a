"""Types of `pullback.distributions.logistic_normal`. Written by tools/stubs.py; do not edit."""

from . import LogisticNormal as LogisticNormal
