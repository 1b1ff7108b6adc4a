"""Results beside one another: dtype, shape, strides, elements; what is rounding, and what is not."""

import re

import numpy as np

# Relative to the largest element, of a value; of derivatives more.
BOUNDS = {
    "float64": 1e-9,
    "complex128": 1e-9,
    "float32": 5e-5,
    "complex64": 1e-4,
    "complex32": 6e-3,
    "float16": 6e-3,
    "bfloat16": 5e-2,
}
WIDE = ("float64", "complex128")


def name_of(dtype):
    return str(dtype).split(".")[-1]


def flat(result):
    return [t for each in result for t in flat(each)] if isinstance(result, (tuple, list)) else [result]


def is_tensor(value):
    return hasattr(value, "grad_fn") and hasattr(value, "stride")


def is_smooth(value):
    return is_tensor(value) and (value.is_floating_point() or value.is_complex())


def array(t):
    t, name = t.detach(), name_of(t.dtype)
    t = t.float() if name in ("bfloat16", "float16") else t.cfloat() if name == "complex32" else t
    return t.numpy(force=True)


def said(value):
    """A result that is no tensor, in words that are the same for both libraries."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if hasattr(value, "__next__"):
        return "an iterator"
    return re.sub(r"\b(torch|pullback)\.", "", repr(value))


def strides(t):
    """Those that somebody steps by."""
    return tuple(s for size, s in zip(t.shape, t.stride()) if size > 1) if t.numel() else ()


def size_of(b):
    return max(1e-3, np.abs(b[np.isfinite(b)]).max(initial=0.0))


def _parts(a, b):
    """Real numbers: of complex ones the parts, side by side."""
    if a.dtype.kind == "c" or b.dtype.kind == "c":
        a, b = a.astype(complex), b.astype(complex)
        b = np.where(np.isnan(b), complex(np.nan, np.nan), b)  # which part is NaN nobody says
        return np.stack([a.real, a.imag]), np.stack([b.real, b.imag])
    return a, b


def close(a, b, bound):
    """Whether the elements agree: infinities where they are, others relative to the largest, any where b is NaN."""
    if a.shape != b.shape:
        return False
    if a.dtype.kind in "biu" and b.dtype.kind in "biu":
        return bool((a == b).all())
    a, b = _parts(a, b)
    with np.errstate(all="ignore"):
        known = ~np.isnan(b)
        special = known & ~np.isfinite(b)
        finite = known & ~special
        if not (a[special] == b[special]).all() or not np.isfinite(a[finite]).all():
            return False
        size = size_of(b)
        limit = bound * np.minimum(size, np.abs(b[finite]) * 100 + size / 100)
        return bool((np.abs(a - b)[finite] <= limit).all())


def is_rounding(a, b, true, bound):
    """Whether `a` is no farther from what wider numbers give than twice as far as `b`, or than the bound."""
    if not a.shape == b.shape == true.shape:
        return False
    with np.errstate(all="ignore"):
        a, true = _parts(a, true)
        b, _ = _parts(b, b)
        if not a.shape == b.shape == true.shape:  # a real number beside complex ones
            return False
        good = np.isfinite(true) & np.isfinite(a) & np.isfinite(b)
        if not ((a == b) | (np.isnan(a) & np.isnan(b)) | good | ~np.isfinite(b)).all():
            return False
        error = lambda x: np.abs(x - true)[good].max(initial=0.0)
        return bool(error(a) <= 2 * error(b) + bound * size_of(true))


def shown(a):
    return np.array2string(np.asarray(a).reshape(-1)[:8], precision=9, separator=", ").replace("\n", "")
