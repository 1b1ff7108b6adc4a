"""Who computes: SciPy's transforms, on as many threads as everything else, and NumPy's where there is no SciPy.

Both are pocketfft (M. Reinecke), which takes any length in n log n.
"""

import importlib
from functools import lru_cache

import numpy as np

from .. import _core
from ..operators.creation import from_numpy

PARALLEL = 1 << 15  # elements: fewer are transformed before another thread is awake
# Elements in one dimension: NumPy has begun and ended before SciPy has looked at its arguments.
SMALL = 1 << 11
FORWARD, INVERSE = ("backward", "ortho", "forward"), ("forward", "ortho", "backward")  # norms by scale


@lru_cache(None)
def library():
    """SciPy's module, or NumPy's, which has the same functions but for threads."""
    try:
        return importlib.import_module("scipy.fft")
    except ImportError:
        return np.fft


def computed(name, x, rank, scale, n=None):
    """The transform of this name of the last dimensions of a plain tensor, which is multiplied by 1, 1/sqrt(N) or 1/N; n is the
    number of real elements in the last dimension that come of it, where they do."""
    module = library()
    options = {"norm": (INVERSE if name.startswith("i") else FORWARD)[scale]}
    if rank > 1:
        name, options["axes"] = name + "n", tuple(range(-rank, 0))
        if n is not None:
            options["s"] = (*x.shape[x.ndim - rank : -1], n)
    elif n is not None:
        options["n"] = n
    if rank == 1 and x.numel() <= SMALL:
        module = np.fft
    elif module is not np.fft and x.numel() >= PARALLEL:
        options["workers"] = _core.get_num_threads()
    array = x.detach().numpy()
    found = getattr(module, name)(array, **options)
    if array.dtype.char not in "dD":  # NumPy 1 knows no short ones
        found = found.astype(np.complex64 if found.dtype.kind == "c" else np.float32, copy=False)
    return from_numpy(np.ascontiguousarray(found))
