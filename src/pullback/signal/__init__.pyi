"""Signals."""

from . import windows as windows
