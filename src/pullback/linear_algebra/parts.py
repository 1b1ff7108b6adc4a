"""Complex matrices as real ones of twice the size: (Re, -Im; Im, Re).

Sums, products and inverses of such matrices are such matrices again, so exponentials are, too; singular values are those of
the complex matrix, each twice. So what is only written for real matrices is computed, and differentiated, for complex ones,
at twice the work that it would take by itself.
"""

from ..operators.complex import complex
from ..operators.joining import cat


def real_matrix(A):
    """(..., m, n) of complex numbers as (..., 2 m, 2 n) of real ones."""
    re, im = A.real, A.imag
    return cat([cat([re, -im], -1), cat([im, re], -1)], -2)


def complex_matrix(R):
    """The complex matrix that a real one stands for."""
    m, n = R.shape[-2] // 2, R.shape[-1] // 2
    return complex(R[..., :m, :n], R[..., m:, :n])


def once(values):
    """Values that are there twice, in order."""
    return (values[..., ::2] + values[..., 1::2]) / 2
