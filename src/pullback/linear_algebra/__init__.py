"""Linear algebra: decompositions with their derivatives, and all that follows from them.

`stated` says how a derivative is stated; `triangular`, `spectra` and `determinants` state them. The other files are
operators, which check their operands and compose what is stated. LAPACK is behind all of it (src/core/compute).
"""

from . import determinants, factoring, solving

__all__ = ["determinants", "factoring", "solving"]
