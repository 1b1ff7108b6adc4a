"""Functions that are defined by equations, for the tests of implicit functions."""

import numpy as np
import pytest

import pullback as pb
from pullback.func import custom_root, fixed_point

RANDOM = np.random.default_rng(0)


MATRIX, VECTOR = RANDOM.standard_normal((4, 4)) + 4 * np.eye(4), RANDOM.standard_normal(4)


WEIGHTS, INPUT = 0.2 * RANDOM.standard_normal((3, 3)), RANDOM.standard_normal(3)


def sqrt(a, **options):
    return custom_root(lambda x, a: x * x - a, pb.ones_like(a.detach()), a, **options)


def scipy_root(f, x0):
    optimize = pytest.importorskip("scipy.optimize")
    return optimize.root(f, x0, tol=1e-13).x


def pair(x, a):
    """Two numbers whose sum is a and whose product is 2."""
    return pb.stack([x[0] + x[1] - a, x[0] * x[1] - 2])


def equilibrium(weights, x, **options):
    return fixed_point(lambda z: (weights @ z + x).tanh(), pb.zeros(3, dtype=pb.float64), **options)


def unrolled(weights, x, steps=100):
    z = pb.zeros(3, dtype=pb.float64)
    for _ in range(steps):
        z = (weights @ z + x).tanh()
    return z
