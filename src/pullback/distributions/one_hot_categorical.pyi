"""Types of `pullback.distributions.one_hot_categorical`. Written by tools/stubs.py; do not edit."""

from . import OneHotCategorical as OneHotCategorical, OneHotCategoricalStraightThrough as OneHotCategoricalStraightThrough
