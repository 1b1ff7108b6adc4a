"""Who computes: SciPy's transforms, on as many threads as everything else, and NumPy's where there is no SciPy.

Both are pocketfft (M. Reinecke), which takes any length in n log n. Their functions look at their arguments for longer than a
short transform takes; so what SciPy's call in the end is called at once, where this version of it has that.
"""

import importlib
from functools import lru_cache

import numpy as np

from .. import _core
from ..operators.creation import empty, from_numpy

PARALLEL = 1 << 15  # elements: fewer are transformed before another thread is awake
WIDE = {_core.float32: _core.complex64, _core.float64: _core.complex128}
REAL = {wide: real for real, wide in WIDE.items()}
FORWARD, INVERSE = ("backward", "ortho", "forward"), ("forward", "ortho", "backward")  # norms by scale


@lru_cache(None)
def extension():
    """SciPy's extension module, or None."""
    try:
        found = importlib.import_module("scipy.fft._pocketfft.pypocketfft")
    except ImportError:
        return None
    return found if all(hasattr(found, name) for name in ("c2c", "r2c", "c2r")) else None


@lru_cache(None)
def library():
    """SciPy's module, or NumPy's, which has the same functions but for threads."""
    try:
        return importlib.import_module("scipy.fft")
    except ImportError:
        return np.fft


@lru_cache(None)
def axes(ndim, rank):
    """The last `rank` of `ndim` dimensions."""
    return tuple(range(ndim - rank, ndim))


def computed(name, x, rank, scale, n=None):
    """The transform of this name, `fft`, `ifft`, `rfft` or `irfft`, of the last dimensions of a plain tensor, which is multiplied
    by 1, 1/sqrt(N) or 1/N; n is the number of real elements in the last dimension that come of it, where they do."""
    found = extension()
    array = x.detach().numpy()
    if found is None:
        return from_numpy(by_public_functions(name, array, rank, scale, n))
    which, last = axes(array.ndim, rank), array.shape[-1]
    if array.size < PARALLEL:
        memory, threads, made = None, 1, None
    else:  # memory that was there before, whose pages need not be asked for
        points = n if name == "irfft" else last // 2 + 1 if name == "rfft" else last
        made = empty(
            *array.shape[:-1], points, dtype=REAL[x.dtype] if name == "irfft" else WIDE.get(x.dtype, x.dtype)
        )
        memory, threads = made.numpy(), _core.get_num_threads()
    if name == "irfft":
        memory = found.c2r(array, which, n, False, scale, memory, threads)
    elif name == "rfft":
        memory = found.r2c(array, which, True, scale, memory, threads)
    else:
        memory = found.c2c(array, which, name == "fft", scale, memory, threads)
    return _core.from_buffer(memory) if made is None else made


def by_public_functions(name, array, rank, scale, n):
    """The same, of an array, by what SciPy or NumPy document."""
    module = library()
    options = {"norm": (INVERSE if name.startswith("i") else FORWARD)[scale]}
    if rank > 1:
        name, options["axes"] = name + "n", axes(array.ndim, rank)
        if n is not None:
            options["s"] = (*array.shape[array.ndim - rank : -1], n)
    elif n is not None:
        options["n"] = n
    if module is not np.fft and array.size >= PARALLEL:
        options["workers"] = _core.get_num_threads()
    found = getattr(module, name)(array, **options)
    if array.dtype.char not in "dD":  # NumPy 1 knows no short ones
        found = found.astype(np.complex64 if found.dtype.kind == "c" else np.float32, copy=False)
    return np.ascontiguousarray(found)
