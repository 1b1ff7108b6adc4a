"""Types of `pullback.distributions.relaxed_categorical`. Written by tools/stubs.py; do not edit."""

from . import RelaxedOneHotCategorical as RelaxedOneHotCategorical
