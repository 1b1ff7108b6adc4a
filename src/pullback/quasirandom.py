"""Points that fill a cube evenly, without chance: Sobol's sequence, plain or scrambled."""

import numpy

from .dtypes import get_default_dtype
from .messages.missing import missing
from .operators.creation import from_numpy
from .operators.generators import Generator
from .operators.random import _randint

__all__ = ["SobolEngine"]

_BITS = 30


def _direction_numbers(dimension):
    """[dimension, bits] of int64, from the numbers of Joe and Kuo (2008), search criterion D(6)."""
    polynomials, first = _table()
    rows = [[1] * _BITS]
    for polynomial, row in zip(polynomials[1:dimension].tolist(), first[1:dimension].tolist()):
        degree = polynomial.bit_length() - 1
        row = row[:degree]
        taps = [k for k in range(1, degree + 1) if polynomial >> degree - k & 1]
        for j in range(degree, _BITS):
            number = row[j - degree]
            for k in taps:
                number ^= row[j - k] << k
            row.append(number)
        rows.append(row[:_BITS])
    return numpy.array(rows, numpy.int64) << numpy.arange(_BITS - 1, -1, -1)


def _table():
    try:
        from importlib.resources import files

        with (files("scipy.stats") / "_sobol_direction_numbers.npz").open("rb") as file:
            table = numpy.load(file)
            return table["poly"], table["vinit"]
    except (ImportError, OSError) as error:
        raise ImportError(
            "SobolEngine takes its direction numbers from SciPy (1.7 or newer), which is not installed."
        ) from error


class SobolEngine:
    """Draws the points of Sobol's sequence in [0, 1)^dimension, one after another: PyTorch's.

    With `scramble` the points are scrambled by a random matrix and a shift (Owen, 1998; Matousek, 1998), which `seed`
    decides, or else the default generator. Needs SciPy, which has the direction numbers.

    Raises ValueError for a `dimension` that is not in [1, 21201].

    Example:
        >>> pb.quasirandom.SobolEngine(2).draw(3)
        tensor([[0.0000, 0.0000],
                [0.5000, 0.5000],
                [0.7500, 0.2500]])
    """

    MAXBIT = _BITS
    MAXDIM = 21201

    def __init__(self, dimension, scramble=False, seed=None):
        if not 1 <= dimension <= self.MAXDIM:
            raise ValueError(f"Supported range of dimensionality for SobolEngine is [1, {self.MAXDIM}]")
        self.dimension, self.scramble, self.seed = dimension, scramble, seed
        directions, shift = _direction_numbers(dimension), numpy.zeros(dimension, numpy.int64)
        if scramble:
            directions, shift = self._scrambled(directions)
        self.sobolstate, self.shift = from_numpy(directions), from_numpy(shift)
        self.reset()

    def _scrambled(self, directions):
        generator = None if self.seed is None else Generator().manual_seed(self.seed)
        powers = 1 << numpy.arange(_BITS)
        shift = _randint((self.dimension, _BITS), generator, high=2).numpy() @ powers
        lower = _randint((self.dimension, _BITS, _BITS), generator, high=2).tril().numpy().copy()
        lower[:, range(_BITS), range(_BITS)] = 1
        bits = directions[:, :, None] >> numpy.arange(_BITS - 1, -1, -1) & 1  # the highest first
        mixed = numpy.einsum("dpk, djk -> djp", lower, bits) & 1
        return mixed @ powers[::-1], shift

    def draw(self, n=1, out=None, dtype=None):
        """The next `n` points, [n, dimension], of the default dtype or `dtype`.

        Raises RuntimeError for a negative `n`.

        Example:
            >>> engine = pb.quasirandom.SobolEngine(1)
            >>> engine.draw(2), engine.draw()
            (tensor([[0.0000],
                    [0.5000]]), tensor([[0.7500]]))
        """
        points = from_numpy(self._advance(n)).to(dtype or get_default_dtype()) * 2.0**-_BITS
        return points if out is None else out.resize_(points.shape).copy_(points)

    def draw_base2(self, m, out=None, dtype=None):
        """The next 2^m points.

        Raises ValueError where they do not make a power of two together with those before.

        Example:
            >>> pb.quasirandom.SobolEngine(1).draw_base2(1)
            tensor([[0.0000],
                    [0.5000]])
        """
        n = 2**m
        total = self.num_generated + n
        if total & (total - 1):
            raise ValueError(
                f"The balance properties of Sobol' points require n to be a power of 2. {self.num_generated} points have "
                f"been previously generated, then: n={self.num_generated}+2**{m}={total}. If you still want to do this, "
                "please use 'SobolEngine.draw()' instead."
            )
        return self.draw(n, out, dtype)

    def reset(self):
        """Back to the first point; returns the engine.

        Example:
            >>> engine = pb.quasirandom.SobolEngine(1)
            >>> pb.equal(engine.draw(3), engine.reset().draw(3))
            True
        """
        self.quasi, self.num_generated = self.shift.clone(), 0
        return self

    def fast_forward(self, n):
        """Past the next `n` points; returns the engine.

        Example:
            >>> pb.quasirandom.SobolEngine(1).fast_forward(2).draw()
            tensor([[0.7500]])
        """
        self._advance(n)
        return self

    def _advance(self, n):
        """The next n points as whole numbers, by Gray code: each changes by the direction of the last one's lowest 0."""
        if n < 0:
            raise RuntimeError(f"SobolEngine: cannot draw {n} points")
        done = self.num_generated
        last = numpy.arange(max(done - 1, 0), done + n - 1, dtype=numpy.int64)
        lowest = numpy.log2(~last & last + 1).astype(int)
        steps = self.sobolstate.numpy()[:, lowest].T
        if done == 0 and n:  # the first point is the shift itself
            steps = numpy.concatenate([numpy.zeros((1, self.dimension), numpy.int64), steps])
        points = numpy.bitwise_xor.accumulate(steps, axis=0) ^ self.quasi.numpy()
        if n:
            self.quasi, self.num_generated = from_numpy(points[-1].copy()), done + n
        return points

    def __repr__(self):
        rest = ", scramble=True" * self.scramble + f", seed={self.seed}" * (self.seed is not None)
        return f"SobolEngine(dimension={self.dimension}{rest})"


def __getattr__(name):
    raise missing(__name__, name)
