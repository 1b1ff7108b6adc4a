"""Fourier transforms: three that are stated with their derivatives, and all of `fft` made of them.

`library` is what computes: SciPy's pocketfft, or NumPy's. `transforms` states the transforms from complex to complex, from
real to complex and back, over the last dimensions; `shapes` reads dimensions, sizes and norms; `single`, `several`
and `frequencies` are the operators.
"""

from . import frequencies, several, single

__all__ = ["frequencies", "several", "single"]
