"""Types of `pullback.distributions.studentT`. Written by tools/stubs.py; do not edit."""

from . import StudentT as StudentT
