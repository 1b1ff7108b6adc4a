"""Pictures: the tape of a computation (`graph`), a function of two variables with its gradient (`surface`).

`graph` needs nothing beyond pullback: it lays the tape out itself and writes SVG, HTML and DOT. Its PNG and PDF, and
`surface`, are drawn by matplotlib, which ``pip install 'pullback[picture]'`` brings.
"""

from .graph import Picture, graph
from .surface import Surface, surface

__all__ = ["Picture", "Surface", "graph", "surface"]
