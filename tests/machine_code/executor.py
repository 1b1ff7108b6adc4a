"""The same pending work with machine code and without: the executor is the truth, to the bit."""

import contextlib
import sys

import numpy as np
from deferral import deferral

import pullback as pb
from pullback import _core

POSSIBLE = sys.platform == "linux" and _core.machine_code()["isa"] != "baseline"
# Around a vector, a block of float64 and float32, a leaf, a chunk.
SIZES = (1, 7, 8, 15, 16, 17, 64, 511, 512, 513, 1023, 1024, 1025, 4099, 16_384, 70_001)
SPECIAL = (
    0.0,
    -0.0,
    np.inf,
    -np.inf,
    np.nan,
    1.0,
    -1.0,
    0.5,
    2.0,
    1e-42,
    -1e-42,
    88.8,
    -104.0,
    3e38,
    1e-38,
    710.0,
    30.0,
)


@contextlib.contextmanager
def machine_code(use, refused=False, entries=512):
    """Steps become code always, never, or where it pays; afterwards it is as it was."""
    before = _core.machine_code(use, refused, entries)["use"]
    try:
        yield
    finally:
        _core.machine_code(before)


def emitted(function):
    """How many pieces of code a call makes."""
    pb.synchronize()  # what others left pending is no part of it
    before = _core.machine_code()["emitted"]
    function()
    return _core.machine_code()["emitted"] - before


def bits(tensor):
    """Its bytes, where NaN is one value: of two of them, which one comes out is the compiler's choice."""
    tensor = tensor.detach()
    a = np.array((tensor.float() if tensor.dtype is pb.bfloat16 else tensor).numpy())
    if a.dtype.kind in "fc":
        parts = a.reshape(-1).view(a.real.dtype)
        parts[np.isnan(parts)] = np.nan
    return a.tobytes()


def results(program, use, **switches):
    """What a program gives, as bytes; it makes its own tensors."""
    with deferral(least=1), machine_code(use, **switches):
        tensors = program()
        pb.synchronize()
        return [bits(t) for t in tensors]


def agree(program):
    """Whether there is code for a program, which has to give the same bits with it and without."""
    with_code = [None]

    def run():
        with_code[0] = results(program, "always")

    made = emitted(run)
    assert with_code[0] == results(program, "never")
    return made > 0


def sample(n, dtype, seed=0):
    """Numbers of all sizes, with special ones strewn in."""
    rng = np.random.default_rng(seed)
    a = rng.normal(size=n) * 10.0 ** rng.integers(-3, 3, n)
    where = rng.random(n) < 0.2
    a[where] = rng.choice(SPECIAL, where.sum())
    with np.errstate(all="ignore"):
        return pb.from_numpy(a.astype(dtype)).clone()
