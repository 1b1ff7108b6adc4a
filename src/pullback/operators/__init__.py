"""Every operator: declarations by family. Importing this package fills FUNCTIONS and METHODS."""

from ..calculus.define import TABLE

from . import elementwise  # isort: skip

elementwise.publish(TABLE.values())

from . import (  # noqa: E402
    complex,
    conversions,
    copies,
    creation,
    einsum,
    exchange,
    generators,
    geometry,
    indexing,
    joining,
    line_functions,
    methods,
    older,
    ordering,
    overriding,
    parts,
    products,
    quantiles,
    random,
    rearranging,
    reductions,
    scans,
    variants,
    views,
)
from .declare import FUNCTIONS, METHODS  # noqa: E402

__all__ = [
    "FUNCTIONS",
    "METHODS",
    "complex",
    "conversions",
    "copies",
    "creation",
    "einsum",
    "elementwise",
    "exchange",
    "generators",
    "geometry",
    "indexing",
    "joining",
    "line_functions",
    "methods",
    "older",
    "ordering",
    "overriding",
    "parts",
    "products",
    "quantiles",
    "random",
    "rearranging",
    "reductions",
    "scans",
    "variants",
    "views",
]
