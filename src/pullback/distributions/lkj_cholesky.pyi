"""Types of `pullback.distributions.lkj_cholesky`. Written by tools/stubs.py; do not edit."""

from . import LKJCholesky as LKJCholesky
