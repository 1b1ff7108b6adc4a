"""Windows: vectors that fall off to both ends, by which parts of a signal are multiplied.

Each has M elements, the largest of which is 1; with `sym=False` it is periodic, as transforms want it: the symmetric one of
M + 1 elements without the last. The dtype is the default one, or `dtype`, float32 or float64.
"""

import math

from .. import _core, special_functions
from ..device import strided
from ..operators.declare import FUNCTIONS

del special_functions  # it has declared i0
arange, empty, i0, linspace, ones, tensor = (
    FUNCTIONS[name] for name in ("arange", "empty", "i0", "linspace", "ones", "tensor")
)

__all__ = [
    "bartlett",
    "blackman",
    "cosine",
    "exponential",
    "gaussian",
    "general_cosine",
    "general_hamming",
    "hamming",
    "hann",
    "kaiser",
    "nuttall",
]


def checked(name, M, dtype, layout):
    """The dtype of a window. ValueError for a length, a dtype or a layout that it does not have."""
    dtype = _core.get_default_dtype() if dtype is None else dtype
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    if layout is not strided:
        raise ValueError(f"{name} is implemented for strided tensors only, got: {layout}")
    if dtype not in (_core.float32, _core.float64):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {dtype}")
    return dtype


def points(M, first, step, **options):
    """M numbers, each a step after the one before it."""
    return linspace(first, first + (M - 1) * step, M, **options)


def period(M, sym):
    """The steps from the first element to the one that equals it."""
    return M - 1 if sym else M


def exponential(
    M,
    *,
    center=None,
    tau=1.0,
    sym=True,
    dtype=None,
    layout=strided,
    device=None,
    requires_grad=False,
):
    """exp(-|k - center| / tau) for k = 0, ..., M - 1; the middle is the center, unless a periodic window is given another.

    Raises ValueError for a negative M, other dtypes than float32 and float64, a `tau` that is not positive, and a center
    of a symmetric window.

    Example:
        >>> pb.signal.windows.exponential(5, tau=1.5)
        tensor([0.2636, 0.5134, 1.0000, 0.5134, 0.2636])
    """
    dtype = checked("exponential", M, dtype, layout)
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")
    options = {"dtype": dtype, "layout": layout, "device": device, "requires_grad": requires_grad}
    if M == 0:
        return empty(0, **options)
    if center is None:
        center = period(M, sym or M == 1) / 2
    return (-points(M, -center / tau, 1 / tau, **options).abs()).exp()


def cosine(M, *, sym=True, dtype=None, layout=strided, device=None, requires_grad=False):
    """sin(pi (k + 1/2) / M) for k = 0, ..., M - 1: half a wave, none of whose elements is zero.

    Raises ValueError for a negative M, and for other dtypes than float32 and float64.

    Example:
        >>> pb.signal.windows.cosine(5)
        tensor([0.3090, 0.8090, 1.0000, 0.8090, 0.3090])
    """
    dtype = checked("cosine", M, dtype, layout)
    options = {"dtype": dtype, "layout": layout, "device": device, "requires_grad": requires_grad}
    if M == 0:
        return empty(0, **options)
    step = math.pi / (M if sym or M == 1 else M + 1)
    return points(M, 0.5 * step, step, **options).sin()


def gaussian(M, *, std=1.0, sym=True, dtype=None, layout=strided, device=None, requires_grad=False):
    """exp(-(k - c)^2 / (2 std^2)) for k = 0, ..., M - 1, where c is the middle.

    Raises ValueError for a negative M, other dtypes than float32 and float64, and a `std` that is not positive.

    Example:
        >>> pb.signal.windows.gaussian(5)
        tensor([0.1353, 0.6065, 1.0000, 0.6065, 0.1353])
    """
    dtype = checked("gaussian", M, dtype, layout)
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    options = {"dtype": dtype, "layout": layout, "device": device, "requires_grad": requires_grad}
    if M == 0:
        return empty(0, **options)
    step = 1 / (std * math.sqrt(2))
    return (-(points(M, -period(M, sym or M == 1) / 2 * step, step, **options) ** 2)).exp()


def kaiser(M, *, beta=12.0, sym=True, dtype=None, layout=strided, device=None, requires_grad=False):
    """I0(beta sqrt(1 - x^2)) / I0(beta), where x goes from -1 to 1, and I0 is the modified Bessel function.

    J. F. Kaiser, "Nonrecursive digital filter design using the I0-sinh window function", 1974.

    Raises ValueError for a negative M, other dtypes than float32 and float64, and a negative `beta`.

    Example:
        >>> pb.signal.windows.kaiser(5, beta=3.0)
        tensor([0.2049, 0.7269, 1.0000, 0.7269, 0.2049])
    """
    dtype = checked("kaiser", M, dtype, layout)
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    options = {"dtype": dtype, "layout": layout, "device": device, "requires_grad": requires_grad}
    if M < 2:
        return ones(M, **options)
    # Rounded as the ends of x are, so that the root has no negative operand.
    beta = tensor(beta, dtype=dtype, device=device)
    last = (-beta + (M - 1) * (2.0 * beta / period(M, sym))).minimum(beta)
    x = linspace(-beta.item(), last.item(), M, **options)
    return i0((beta * beta - x**2).sqrt()) / i0(beta)


def hamming(M, *, sym=True, dtype=None, layout=strided, device=None, requires_grad=False):
    """0.54 - 0.46 cos(2 pi k / n) for k = 0, ..., M - 1, where n is M - 1, or M if it is periodic.

    Raises ValueError for a negative M, and for other dtypes than float32 and float64.

    Example:
        >>> pb.signal.windows.hamming(5)
        tensor([0.0800, 0.5400, 1.0000, 0.5400, 0.0800])
    """
    return _cosines(M, [0.54, 0.46], sym, dtype, layout, device, requires_grad)


def hann(M, *, sym=True, dtype=None, layout=strided, device=None, requires_grad=False):
    """(1 - cos(2 pi k / n)) / 2 for k = 0, ..., M - 1, where n is M - 1, or M if it is periodic.

    Raises ValueError for a negative M, and for other dtypes than float32 and float64.

    Example:
        >>> pb.signal.windows.hann(5)
        tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000])
    """
    return _cosines(M, [0.5, 0.5], sym, dtype, layout, device, requires_grad)


def blackman(M, *, sym=True, dtype=None, layout=strided, device=None, requires_grad=False):
    """0.42 - 0.5 cos(2 pi k / n) + 0.08 cos(4 pi k / n) for k = 0, ..., M - 1; n is M - 1, or M if it is periodic.

    Raises ValueError for a negative M, and for other dtypes than float32 and float64.

    Example:
        >>> pb.signal.windows.blackman(4, sym=False)
        tensor([-1.4901e-08,  3.4000e-01,  1.0000e+00,  3.4000e-01])
    """
    checked("blackman", M, dtype, layout)
    return _cosines(M, [0.42, 0.5, 0.08], sym, dtype, layout, device, requires_grad)


def bartlett(M, *, sym=True, dtype=None, layout=strided, device=None, requires_grad=False):
    """1 - |2 k / n - 1| for k = 0, ..., M - 1, where n is M - 1, or M if it is periodic: a triangle.

    Raises ValueError for a negative M, and for other dtypes than float32 and float64.

    Example:
        >>> pb.signal.windows.bartlett(5)
        tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000])
    """
    dtype = checked("bartlett", M, dtype, layout)
    options = {"dtype": dtype, "layout": layout, "device": device, "requires_grad": requires_grad}
    if M < 2:
        return ones(M, **options)
    return 1 - points(M, -1, 2 / period(M, sym), **options).abs()


def general_cosine(M, *, a, sym=True, dtype=None, layout=strided, device=None, requires_grad=False):
    """The sum of (-1)^i a_i cos(2 pi i k / n) for k = 0, ..., M - 1; n is M - 1, or M if it is periodic.

    Raises:
        TypeError: the coefficients `a` are no sequence.
        ValueError: there are none, M is negative, or the dtype neither float32 nor float64.

    Example:
        >>> pb.signal.windows.general_cosine(5, a=[0.46, 0.23, 0.31])
        tensor([0.5400, 0.1500, 1.0000, 0.1500, 0.5400])
    """
    return _cosines(M, a, sym, dtype, layout, device, requires_grad)


def general_hamming(M, *, alpha=0.54, sym=True, dtype=None, layout=strided, device=None, requires_grad=False):
    """alpha - (1 - alpha) cos(2 pi k / n) for k = 0, ..., M - 1; n is M - 1, or M if it is periodic.

    Raises ValueError for a negative M, and for other dtypes than float32 and float64.

    Example:
        >>> pb.signal.windows.general_hamming(5, alpha=0.6)
        tensor([0.2000, 0.6000, 1.0000, 0.6000, 0.2000])
    """
    return _cosines(M, [alpha, 1 - alpha], sym, dtype, layout, device, requires_grad)


def nuttall(M, *, sym=True, dtype=None, layout=strided, device=None, requires_grad=False):
    """The least side lobes that four cosines have: `general_cosine` of 0.3635819, 0.4891775, 0.1365995 and 0.0106411.

    A. H. Nuttall, "Some windows with very good sidelobe behavior", 1981.

    Raises ValueError for a negative M, and for other dtypes than float32 and float64.

    Example:
        >>> pb.signal.windows.nuttall(5)
        tensor([3.6280e-04, 2.2698e-01, 1.0000e+00, 2.2698e-01, 3.6280e-04])
    """
    a = [0.3635819, 0.4891775, 0.1365995, 0.0106411]
    return _cosines(M, a, sym, dtype, layout, device, requires_grad)


def _cosines(M, a, sym, dtype, layout, device, requires_grad):
    dtype = checked("general_cosine", M, dtype, layout)
    options = {"dtype": dtype, "device": device, "requires_grad": requires_grad}
    if M < 2:
        return ones(M, layout=layout, **options)
    if not hasattr(a, "__iter__"):
        raise TypeError("Coefficients must be a list/tuple")
    if not a:
        raise ValueError("Coefficients cannot be empty")
    k = points(M, 0, 2 * math.pi / period(M, sym), layout=layout, **options)
    signed = tensor([(-1) ** i * weight for i, weight in enumerate(a)], **options)
    i = arange(len(signed), **options)
    return (signed.unsqueeze(-1) * (i.unsqueeze(-1) * k).cos()).sum(0)
