"""Fourier transforms, under PyTorch's names; the operators are in fourier/."""

from . import fourier
from .messages.missing import missing
from .operators.declare import FUNCTIONS as _FUNCTIONS

del fourier  # it has declared what follows
_HERE = {name.removeprefix("fft."): made for name, made in _FUNCTIONS.items() if name.startswith("fft.")}
globals().update(_HERE)

__all__ = [*_HERE]


def __getattr__(name):
    raise missing(__name__, name)
