"""Elementwise functions whose one name has several programs: add with alpha, clamp with one bound or two."""
